"""What takes longer than a test may: begun before the first, looked at after the others.

A session is renewed after two minutes, a failed handshake tried again after five
seconds, and a peer that is silent taken for gone after fifteen.  Each has hosts of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product
from pathlib import Path
from typing import Self

from tests.netns import uapi
from tests.netns.capture import Capture, Message
from tests.netns.ends import End
from tests.netns.engines import (
    BORINGTUN,
    CURRENT_WIREGUARD_GO,
    OURS,
    WIREGUARD_GO,
    Engine,
    new_key_pair,
    new_preshared_key,
)
from tests.netns.hosts import HostMaker
from tests.netns.pairs import Pair
from tests.netns.traffic import Flood, ping
from tests.netns.waiting import eventually

OTHERS = (WIREGUARD_GO, CURRENT_WIREGUARD_GO, BORINGTUN)
FLOOD_INTERVAL = 0.02
INITIATIONS = "udp[8] == 1"
REKEY_AFTER_SECONDS = 120
"""Paper §6.1."""
RETRIED_WITHIN_SECONDS = 6
"""Rekey-Timeout, its jitter, and the lateness of a busy machine."""


class Side(Enum):
    """Who initiates."""

    OURS = "ours"
    OTHER = "the other"


class Mistake(Enum):
    """What of the other end ours is told wrongly."""

    PRESHARED_KEY = "preshared key"
    PUBLIC_KEY = "public key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A pair with ours on the left, and the initiations that cross its cable."""

    pair: Pair
    capture: Capture

    @classmethod
    def start(cls, left: Engine, right: Engine, name: str, new_host: HostMaker, to: Path) -> Self:
        pair = Pair.start(left, right, new_host, f"{left.name} and {right.name}, {name}, ")
        capture = Capture(pair.left.outside, pair.cable.interface, to, INITIATIONS)
        return cls(pair=pair, capture=capture)

    def initiations(self, end: End) -> list[Message]:
        return self.capture.messages(self.pair.cable.address(end.outside, 4))

    def last_handshake_ns(self) -> int:
        """Return what the left end says: not all other engines tell the time of day."""
        return uapi.state(self.pair.left.outside, "wg0").peers[0].last_handshake_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """Echo requests from the initiator, for longer than a session lasts."""

    observed: Observed
    initiator: End
    flood: Flood
    first_handshake_ns: int

    @property
    def has_rekeyed(self) -> bool:
        """Tell whether there was a handshake that was due because of the session's age.

        The current wireguard-go now and then has one after five seconds: see `Restarted`.
        """
        age_ns = self.observed.last_handshake_ns() - self.first_handshake_ns
        return age_ns > (REKEY_AFTER_SECONDS - 1) * 10**9


def start_tunnel(observed: Observed, side: Side) -> Tunnel:
    pair = observed.pair
    initiator = pair.left if side is Side.OURS else pair.right
    responder = pair.configure(initiator=initiator, outer=4, preshared_key=new_preshared_key())
    flood = Flood(initiator.inside, pair.inner(responder, 4), interval=FLOOD_INTERVAL)
    return Tunnel(
        observed=observed,
        initiator=initiator,
        flood=flood,
        first_handshake_ns=observed.last_handshake_ns(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistaken:
    """Ours wants to send, and has a key that is wrong."""

    observed: Observed
    mistake: Mistake
    preshared_key: str


def make_mistake(observed: Observed, mistake: Mistake) -> Mistaken:
    pair, preshared_key = observed.pair, new_preshared_key()
    pair.right.configure(pair.section(pair.left, None, preshared_key))
    right = pair.section(pair.right, 4, preshared_key)
    match mistake:
        case Mistake.PRESHARED_KEY:
            wrong = replace(right, preshared_key=new_preshared_key())
        case Mistake.PUBLIC_KEY:
            wrong = replace(right, public_key=new_key_pair().public)
    pair.left.configure(wrong)
    assert ping(pair.left.inside, pair.inner(pair.right, 4), count=1, wait=0.2).received == 0
    return Mistaken(observed=observed, mistake=mistake, preshared_key=preshared_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """The right engine has died in mid-session and is there again, with another index.

    It does not know where the left one is, and so cannot begin.  It dies only when the
    last initiation is too old to be sent again for want of a response: the current
    wireguard-go arms that timer after sending, at times too late for the response to
    disarm it, and five seconds later there is a handshake that nothing called for.
    """

    observed: Observed
    flood: Flood
    time: float
    """When it died, in seconds since 1970."""


def start_session(observed: Observed) -> Flood:
    pair = observed.pair
    pair.configure(initiator=pair.left, outer=4)
    return Flood(pair.left.inside, pair.inner(pair.right, 4), interval=FLOOD_INTERVAL)


def restart_right(observed: Observed, flood: Flood) -> Restarted:
    pair = observed.pair
    eventually(
        lambda: time.time() - observed.initiations(pair.left)[-1].time > RETRIED_WITHIN_SECONDS,
        within=30,
    )
    died = time.time()
    right = pair.restart_right().right
    right.configure(pair.section(pair.left, None, None))
    return Restarted(observed=observed, flood=flood, time=died)


@dataclass(frozen=True, slots=True, kw_only=True)
class LongRuns:
    """All of them, with those engines that are here."""

    tunnels: dict[tuple[Engine, Side], Tunnel]
    mistakes: dict[tuple[Engine, Mistake], Mistaken]
    restarts: dict[Engine, Restarted]
    """By the engine that has stayed; the other one is the current wireguard-go."""

    @classmethod
    def start(cls, new_host: HostMaker, folder: Path) -> Self:
        def observed(left: Engine, right: Engine, name: str) -> Observed:
            return Observed.start(left, right, name, new_host, folder)

        others = _here(OTHERS)
        # First, so that they are old enough when it comes to restarts.
        sessions = {
            engine: observed(engine, CURRENT_WIREGUARD_GO, "restart")
            for engine in (OURS, CURRENT_WIREGUARD_GO)
            if CURRENT_WIREGUARD_GO in others
        }
        floods = {engine: start_session(session) for engine, session in sessions.items()}
        return cls(
            tunnels={
                (other, side): start_tunnel(observed(OURS, other, side.value), side)
                for other, side in product(others, Side)
            },
            mistakes={
                (other, mistake): make_mistake(observed(OURS, other, mistake.value), mistake)
                for other, mistake in product(others, Mistake)
            },
            restarts={
                engine: restart_right(session, floods[engine])
                for engine, session in sessions.items()
            },
        )


def _here(engines: Iterable[Engine]) -> list[Engine]:
    return [engine for engine in engines if engine.obstacle() is None]
