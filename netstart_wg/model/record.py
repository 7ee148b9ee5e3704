"""What the last run applied: kept between runs, without secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

from netstart_wg.model.route import RouteKey

CommandDigest = NewType("CommandDigest", str)
"""SHA-256 of a command's line, hexadecimal: the line itself may hold secrets."""

ItemDigest = NewType("ItemDigest", str)
"""Of what was declared about a peer or an interface; nothing can be learned from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RanCommand:
    """A command that has run, as the record knows it."""

    digest: CommandDigest
    shown: str | None = None
    """Its line as people may see it; None in a record of before there were any."""

    @property
    def name(self) -> str:
        """Return what to call it."""
        return "a command that has left the file" if self.shown is None else f"!{self.shown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedRecord:
    """The last applied state of one interface, as far as the running system cannot tell it."""

    interface: str
    index: int
    """The kernel's index: another one means the interface is another, and this record void."""
    endpoints: tuple[tuple[str, str], ...] = ()
    """(public key in base64, endpoint as the file wrote it), sorted."""
    commands: tuple[RanCommand, ...] = ()
    """Those that have run since the interface was created and are in the file, in order."""
    routes: tuple[RouteKey, ...] = ()
    """Those that were added for this interface and that do not leave through it, in order."""
    items: tuple[tuple[str, ItemDigest], ...] = ()
    """What was declared, peers by `wgpeer KEY` and the rest in the file's words; none twice.

    Empty in a record of before there were any.
    """
