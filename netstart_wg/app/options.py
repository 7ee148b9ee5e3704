"""How a run is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from netstart_wg.model.guard import Guard


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says of a run besides its interfaces."""

    allowed: frozenset[Guard] = frozenset()
    """What is done although it looks like a mistake."""
    window_ns: int | None = None
    """How long a change may wait for its confirmation before it goes back; None: it stays."""
    guards_connection: bool = False
    """Whether a change that may cut the connection by which it is made has to be confirmed."""
