"""Ours and each other engine: every combination, across a rekey, and when something is wrong.

One pair of hosts serves all combinations of one pair of engines and one outer family.
Each test configures both engines anew, so that every session begins with a handshake of
its own, and tells only one of them where the other is: nobody else can have begun it.

The families are kept apart for the current wireguard-go alone.  When it has sent over
IPv4, its next IPv6 datagrams may go to another address: the last twelve octets of the
destination are left over from before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from operator import le
from typing import Self

import pytest

from tests.netns import uapi
from tests.netns.ends import End
from tests.netns.engines import (
    BORINGTUN,
    CURRENT_WIREGUARD_GO,
    OURS,
    WIREGUARD_GO,
    Engine,
    new_preshared_key,
)
from tests.netns.hosts import hosts
from tests.netns.interoperation import (
    OTHERS,
    REKEY_AFTER_SECONDS,
    LongRuns,
    Mistake,
    Mistaken,
    Side,
)
from tests.netns.obstacles import give_up
from tests.netns.pairs import MTU, Pair
from tests.netns.traffic import file_arrives_intact, ping, pings, transfer
from tests.netns.waiting import eventually

CONTROL = (WIREGUARD_GO, WIREGUARD_GO)
"""Says, when all else fails, whether it is the engine or these tests."""
PAIRS = [
    (*engines, outer)
    for engines in (CONTROL, *((OURS, other) for other in (OURS, *OTHERS)))
    for outer in (4, 6)
]

FILE_BYTES = 100 << 10
TRANSFER_BYTES = 4 << 20
IN_FLIGHT_BYTES = 1 << 20
"""iperf3 stops when all is sent; with buffers of 256 KiB at most this has not arrived then."""

RESPONSE_OCTETS, INITIATION_OCTETS = 92, 148
LEAST_OVERHEAD_OCTETS, MOST_OVERHEAD_OCTETS = 32, 32 + 15
"""Of transport data, without padding and with the most of it (paper §5.4.6)."""
UNCOUNTED_PACKETS = 8
"""Keepalives, and router solicitations, which no peer takes: at most so many in a short test."""

REKEY_TIMEOUT_SECONDS = 5
KEEPALIVE_TIMEOUT_SECONDS = 10
"""Paper §6.1."""
JITTER_SECONDS = 1 / 3
LATENESS_SECONDS = 1
"""Of a busy machine."""
HASTE_SECONDS = 0.1
"""By which two messages may be closer than their making, when the first one was late."""
REPLIES_AFTER_REKEY = 200
"""Which take some five seconds."""
LEAST_REPLIES = 2500
"""From beginning to end; half of what is usual, for a busy machine."""


def need(*engines: Engine) -> None:
    """Skip the test, or let it fail on CI, if one of the engines is not here."""
    for engine in engines:
        if (reason := engine.obstacle()) is not None:
            give_up(reason)


@pytest.fixture(scope="module")
def long_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LongRuns]:
    folder = tmp_path_factory.mktemp("long")
    with hosts(folder) as new_host:
        yield LongRuns.start(new_host, folder)


@dataclass(frozen=True, slots=True)
class Together:
    """A pair of hosts, and the family that it uses outside."""

    pair: Pair
    outer: int


def name(parameters: tuple[Engine, Engine, int]) -> str:
    left, right, outer = parameters
    return f"{left.name} and {right.name}, outer v{outer}"


@pytest.fixture(scope="module", params=PAIRS, ids=name)
def together(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Together]:
    left, right, outer = request.param
    need(left, right)
    with hosts(tmp_path_factory.mktemp("pair")) as new_host:
        yield Together(Pair.start(left, right, new_host), outer)


each_other = pytest.mark.parametrize("other", OTHERS, ids=lambda engine: engine.name)
each_side = pytest.mark.parametrize("side", Side, ids=lambda side: f"{side.value} initiates")
each_mistake = pytest.mark.parametrize("mistake", Mistake, ids=lambda mistake: mistake.value)


# First, so that the long runs begin.
@each_side
@each_other
def test_a_flood_gets_through(long_runs: LongRuns, other: Engine, side: Side) -> None:
    need(other)
    tunnel = long_runs.tunnels[other, side]
    responder = tunnel.observed.pair.other(tunnel.initiator)
    assert tunnel.observed.initiations(tunnel.initiator)
    assert not tunnel.observed.initiations(responder)


@pytest.mark.parametrize("has_preshared_key", [False, True], ids=["no psk", "psk"])
@pytest.mark.parametrize("inner", [4, 6], ids=["inner v4", "inner v6"])
@pytest.mark.parametrize("side", ["left", "right"], ids="{} initiates".format)
def test_data_flows_both_ways(
    together: Together, side: str, inner: int, has_preshared_key: bool
) -> None:
    pair, outer = together.pair, together.outer
    initiator = pair.left if side == "left" else pair.right
    preshared_key = new_preshared_key() if has_preshared_key else None
    responder = pair.configure(initiator=initiator, outer=outer, preshared_key=preshared_key)
    assert responder.peer(initiator).endpoint is None
    before = Packets.of(pair.right)

    there, back = pair.inner(responder, inner), pair.inner(initiator, inner)
    assert ping(initiator.inside, there).lost == 0
    assert ping(responder.inside, back).lost == 0
    assert file_arrives_intact(initiator.inside, responder.inside, there, size=FILE_BYTES)
    assert file_arrives_intact(responder.inside, initiator.inside, back, size=FILE_BYTES)

    assert responder.peer(initiator).endpoint == pair.where(initiator, outer)
    for end in (pair.left, pair.right):
        assert uapi.state(end.outside, end.interface).peers[0].last_handshake_ns > 0
    eventually(lambda: counters_agree(pair, Packets.of(pair.right) - before))


@dataclass(frozen=True, slots=True)
class Packets:
    """That an interface has handed to its engine, and has got from it."""

    sent: int
    received: int

    @classmethod
    def of(cls, end: End) -> Self:
        folder = f"/sys/class/net/{end.interface}/statistics"
        counts = end.inside.run("cat", f"{folder}/tx_packets", f"{folder}/rx_packets")
        return cls(*map(int, counts.split()))

    def __sub__(self, other: Self) -> Packets:
        return Packets(self.sent - other.sent, self.received - other.received)


def counters_agree(pair: Pair, packets: Packets) -> bool:
    """Tell whether each end has sent what the other has received.

    boringtun counts no messages, as all others do, but the packets in them;
    `packets` are what its interface has seen of them.
    """
    left, right = (
        uapi.state(end.outside, end.interface).peers[0] for end in (pair.left, pair.right)
    )
    assert min(left.rx_bytes, left.tx_bytes, right.rx_bytes, right.tx_bytes) > FILE_BYTES
    if pair.engines[1] != BORINGTUN:
        return (left.rx_bytes, left.tx_bytes) == (right.tx_bytes, right.rx_bytes)
    return _is_overhead(left.rx_bytes - right.tx_bytes, packets.sent) and _is_overhead(
        left.tx_bytes - right.rx_bytes, packets.received
    )


def _is_overhead(octets: int, packets: int) -> bool:
    """Tell whether one half of a handshake and so many packets take so much more outside."""
    least = RESPONSE_OCTETS + LEAST_OVERHEAD_OCTETS * (packets - UNCOUNTED_PACKETS)
    most = INITIATION_OCTETS + MOST_OVERHEAD_OCTETS * (packets + UNCOUNTED_PACKETS)
    return least <= octets <= most


@pytest.mark.parametrize("is_reversed", [False, True], ids=["to the right", "to the left"])
def test_a_fast_stream_arrives(together: Together, is_reversed: bool) -> None:
    pair = together.pair
    right = pair.configure(initiator=pair.left, outer=together.outer)
    result = transfer(
        *(pair.left.inside, right.inside, pair.inner(right, 4)),
        *("-n", str(TRANSFER_BYTES), "-w", "256K"),
        is_reversed=is_reversed,
    )
    assert result.received_bytes >= TRANSFER_BYTES - IN_FLIGHT_BYTES


def test_full_and_fragmented_packets_pass(together: Together) -> None:
    pair = together.pair
    right = pair.configure(initiator=pair.left, outer=together.outer)
    for size in (0, 1, MTU - 28, MTU - 27, 4000):
        assert ping(pair.left.inside, pair.inner(right, 4), count=2, size=size).lost == 0, size


@each_mistake
@each_other
def test_a_wrong_key_is_tried_again_every_five_seconds(
    long_runs: LongRuns, other: Engine, mistake: Mistake
) -> None:
    need(other)
    mistaken = long_runs.mistakes[other, mistake]
    observed, ours = mistaken.observed, mistaken.observed.pair.left
    eventually(lambda: len(observed.initiations(ours)) >= 3, within=20)
    times = [initiation.time for initiation in observed.initiations(ours)]
    for earlier, later in pairwise(times):
        pause = later - earlier - REKEY_TIMEOUT_SECONDS
        assert -HASTE_SECONDS < pause < JITTER_SECONDS + LATENESS_SECONDS
    assert observed.last_handshake_ns() == 0

    amend(mistaken)
    there = observed.pair.inner(observed.pair.right, 4)
    eventually(lambda: pings(ours.inside, there), within=20)


def amend(mistaken: Mistaken) -> None:
    pair = mistaken.observed.pair
    match mistaken.mistake:
        case Mistake.PRESHARED_KEY:
            words = ("preshared-key", "/dev/stdin")
            pair.left.set("peer", pair.right.keys.public, *words, text=mistaken.preshared_key)
        case Mistake.PUBLIC_KEY:
            pair.left.configure(pair.section(pair.right, 4, mistaken.preshared_key))


def test_a_peer_that_has_restarted_is_found_as_fast_as_others_find_it(
    long_runs: LongRuns,
) -> None:
    need(CURRENT_WIREGUARD_GO)
    took = {engine: recovery_seconds(long_runs, engine) for engine in long_runs.restarts}
    silence = KEEPALIVE_TIMEOUT_SECONDS + REKEY_TIMEOUT_SECONDS
    assert took[OURS] < silence + JITTER_SECONDS + LATENESS_SECONDS, took
    assert took[OURS] < took[CURRENT_WIREGUARD_GO] + JITTER_SECONDS + LATENESS_SECONDS, took


def recovery_seconds(long_runs: LongRuns, engine: Engine) -> float:
    """Return how long after the other's death the engine begins a handshake, which succeeds."""
    restarted = long_runs.restarts[engine]
    observed = restarted.observed
    later = eventually(
        lambda: [
            initiation.time
            for initiation in observed.initiations(observed.pair.left)
            if initiation.time > restarted.time
        ],
        within=30,
    )
    restarted.flood.stop()  # which waits for replies
    return later[0] - restarted.time


@pytest.fixture(scope="module")
def rekeyed(long_runs: LongRuns) -> LongRuns:
    """Wait for all tunnels together until they have been renewed and have gone on for a while.

    One that has not, fails in its own test.
    """
    tunnels = long_runs.tunnels.values()
    with suppress(AssertionError):
        patience = REKEY_AFTER_SECONDS + KEEPALIVE_TIMEOUT_SECONDS
        eventually(lambda: all(tunnel.has_rekeyed for tunnel in tunnels), within=patience)
    enough = [len(tunnel.flood.replies()) + REPLIES_AFTER_REKEY for tunnel in tunnels]
    with suppress(AssertionError):
        eventually(lambda: all(map(le, enough, (len(each.flood.replies()) for each in tunnels))))
    return long_runs


@each_side
@each_other
def test_a_rekey_loses_no_packet(rekeyed: LongRuns, other: Engine, side: Side) -> None:
    need(other)
    tunnel = rekeyed.tunnels[other, side]
    assert tunnel.has_rekeyed
    assert tunnel.flood.stop() == []
    assert len(tunnel.flood.replies()) > LEAST_REPLIES

    observed = tunnel.observed
    assert len(observed.initiations(tunnel.initiator)) >= 2
    responder = observed.pair.other(tunnel.initiator)
    assert not observed.initiations(responder), "the responder has begun a handshake"
