"""Plans that look like a mistake: what a run refuses until somebody says that it is meant.

A file that was cut off, a key that was generated again by a script, half a list of
peers: each is a valid file, and each would end sessions that no later run brings
back.  Nothing is refused of an interface that is not there yet, so a boot never
stops here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from netstart_wg.model.action import (
    ConfigureDevice,
    CreateInterface,
    DestroyInterface,
    Plan,
)
from netstart_wg.model.change import UNCHANGED, PeerChange
from netstart_wg.model.guard import Guard
from netstart_wg.model.state import InterfaceState, PeerState

FEW_PEERS: Final = 4
"""Of fewer peers than that, any number may go."""

NAMED_AT_MOST: Final = 10
"""So many peers are told of by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One thing that a plan would do and a run does not."""

    guard: Guard
    reason: str
    """What would happen, after the name of the interface."""
    subject: tuple[str, ...] | None = None
    """What in the file it is about, as `syntax/places.py` names it; None if that is not there."""


def refusals(
    plan: Plan, running: InterfaceState | None, *, gives_key_back: bool = False
) -> Iterator[Refusal]:
    """Yield what of the plan takes somebody's word; `running` is what it starts from.

    A key that is the one last applied, and was changed by somebody since, is given back
    without asking: whoever was told of the interface knows that one.
    """
    if running is None:
        return
    kinds = {type(action) for action in plan.actions}
    if {DestroyInterface, CreateInterface} <= kinds:
        reason = "would be made anew, and every session with it"
        yield Refusal(guard=Guard.REBUILD, reason=reason)
        return
    for action in plan.actions:
        if isinstance(action, ConfigureDevice):
            if not gives_key_back:
                yield from _of_the_key(action, running)
            yield from _of_peers(action.change.peers, running)


def _of_the_key(action: ConfigureDevice, running: InterfaceState) -> Iterator[Refusal]:
    key = action.change.private_key
    if key is UNCHANGED or running.wireguard is None or running.wireguard.private_key is None:
        return
    if key is None:
        reason = (
            "would lose its key, and every session with it:"
            " the file has no wgkey, and netstart-wg.toml names no key_file"
        )
        yield Refusal(guard=Guard.KEY, reason=reason)
        return
    reason = "would get another key, and be unknown to every peer that was not told of it"
    yield Refusal(guard=Guard.KEY, reason=reason, subject=("wgkey",))


def _of_peers(changes: tuple[PeerChange, ...], running: InterfaceState) -> Iterator[Refusal]:
    peers = running.wireguard.peers if running.wireguard else ()
    removed = {change.public_key for change in changes if change.remove}
    gone = [peer for peer in peers if peer.public_key in removed]
    if len(peers) < FEW_PEERS or 2 * len(gone) <= len(peers):
        return
    yield Refusal(guard=Guard.PEERS, reason=_losing(gone, len(peers)))


def _losing(gone: list[PeerState], count: int) -> str:
    named = "".join(f"\n    - {_name(peer)}" for peer in gone[:NAMED_AT_MOST])
    more = len(gone) - NAMED_AT_MOST
    rest = f"\n    and {more} more" if more > 0 else ""
    return f"would lose {len(gone)} of its {count} peers:{named}{rest}"


def _name(peer: PeerState) -> str:
    words = f"wgpeer {peer.public_key.to_base64()}"
    return f"{words} wgdescr {peer.description}" if peer.description else words
