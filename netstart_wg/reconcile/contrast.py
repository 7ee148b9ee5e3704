"""One subject before and after a plan: what a difference is before it has a reason and a place."""

from __future__ import annotations

from dataclasses import dataclass, replace

from netstart_wg.model.difference import Effect
from netstart_wg.model.source import Subject
from netstart_wg.model.state import PeerState, WireGuardState


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A subject, and the lines about it before and after; see `Difference`."""

    subject: Subject
    before: str | None = None
    after: str | None = None
    peer: str | None = None
    effect: Effect = Effect.IN_PLACE
    lost: tuple[str, ...] = ()

    def followed_by(self, later: Contrast) -> Contrast:
        """Return both in one, of which the other comes later in the plan."""
        effects = list(Effect)
        return replace(
            later,
            before=self.before,
            effect=max(self.effect, later.effect, key=effects.index),
            lost=self.lost or later.lost,
        )


def name_of(peer: PeerState) -> str:
    """Return how people know a peer."""
    return peer.description or peer.public_key.to_base64()


def sessions_of(engine: WireGuardState | None) -> tuple[str, ...]:
    """Return the peers that have had a handshake, and so may have a session to lose."""
    peers = engine.peers if engine else ()
    return tuple(name_of(peer) for peer in peers if peer.last_handshake_ns)
