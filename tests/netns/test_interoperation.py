"""Two hosts, an engine in each, every combination; data through the tunnel, both ways.

One pair of hosts serves all tests of one combination of engines, outer family
and preshared key.  Each test configures both engines anew, so that every
session begins with a handshake of its own, and tells only one of them where
the other is: nobody else can have begun it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Self

import pytest

from tests.netns.engines import (
    OURS,
    WIREGUARD_GO,
    Engine,
    KeyPair,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    new_preshared_key,
    setconf,
    show,
)
from tests.netns.hosts import Background, Host, HostMaker, Link, hosts, link
from tests.netns.traffic import file_arrives_intact, ping, transfer

PORT = 51820
MTU = 1420
TRANSFER_BYTES = 4 << 20
IN_FLIGHT_BYTES = 1 << 20
"""iperf3 stops when all is sent; with buffers of 256 KiB at most this has not arrived then."""
FILE_BYTES = 300_000


@dataclass(frozen=True, slots=True)
class Combination:
    """What a pair of hosts is set up for."""

    left: Engine
    right: Engine
    outer: int
    has_preshared_key: bool

    def __str__(self) -> str:
        psk = "psk" if self.has_preshared_key else "no psk"
        return f"{self.left.name} and {self.right.name}, outer v{self.outer}, {psk}"


CONTROL = Combination(WIREGUARD_GO, WIREGUARD_GO, 4, True)
"""Says, when all else fails, whether it is the engine or these tests."""

COMBINATIONS = [
    CONTROL,
    *(
        Combination(OURS, other, outer, has_preshared_key)
        for other, outer, has_preshared_key in product((OURS, WIREGUARD_GO), (4, 6), (False, True))
    ),
]


@dataclass(frozen=True, slots=True)
class End:
    """One side of the tunnel."""

    host: Host
    engine: Background
    keys: KeyPair
    number: int

    @classmethod
    def set_up(cls, host: Host, engine: Engine, number: int) -> Self:
        end = cls(host, engine.start(host, "wg0"), new_key_pair(), number)
        host.run("ip", "address", "add", f"{end.address(4)}/24", "dev", "wg0")
        host.run("ip", "address", "add", f"{end.address(6)}/64", "dev", "wg0")
        host.run("ip", "link", "set", "wg0", "mtu", str(MTU), "up")
        return end

    def address(self, family: int) -> str:
        return f"10.77.0.{self.number}" if family == 4 else f"fd77::{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two hosts with an engine each, addresses set and interfaces up."""

    left: End
    right: End
    cable: Link
    outer: int
    preshared_key: str | None

    @classmethod
    def set_up(cls, combination: Combination, new_host: HostMaker) -> Self:
        left, right = new_host("left"), new_host("right")
        return cls(
            cable=link(left, right),
            left=End.set_up(left, combination.left, 1),
            right=End.set_up(right, combination.right, 2),
            outer=combination.outer,
            preshared_key=new_preshared_key() if combination.has_preshared_key else None,
        )

    def configure(self, *, initiator: End) -> End:
        """Forget all sessions; tell only the initiator where the other is.  Return the other."""
        responder = self.right if initiator is self.left else self.left
        self._configure(responder, initiator, None)
        where = endpoint(self.cable.address(responder.host, self.outer), PORT)
        self._configure(initiator, responder, where)
        return responder

    def _configure(self, end: End, other: End, where: str | None) -> None:
        peer = PeerSection(
            public_key=other.keys.public,
            allowed_ips=(f"{other.address(4)}/32", f"{other.address(6)}/128"),
            endpoint=where,
            preshared_key=self.preshared_key,
        )
        setconf(end.host, "wg0", configuration(end.keys.private, PORT, peer))


@pytest.fixture(scope="module", params=COMBINATIONS, ids=str)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    with hosts(tmp_path_factory.mktemp("pair")) as new_host:
        yield Pair.set_up(request.param, new_host)


@pytest.mark.parametrize("inner", [4, 6], ids=["inner v4", "inner v6"])
@pytest.mark.parametrize("side", ["left", "right"], ids="{} initiates".format)
def test_data_flows_both_ways_whoever_initiates(pair: Pair, side: str, inner: int) -> None:
    initiator = pair.left if side == "left" else pair.right
    responder = pair.configure(initiator=initiator)
    assert show(responder.host, "wg0").peers[initiator.keys.public].endpoint is None

    there, back = responder.address(inner), initiator.address(inner)
    assert ping(initiator.host, there).lost == 0
    assert ping(responder.host, back).lost == 0
    for is_reversed in (False, True):
        result = transfer(
            *(initiator.host, responder.host, there, "-n", str(TRANSFER_BYTES), "-w", "256K"),
            is_reversed=is_reversed,
        )
        assert result.received_bytes >= TRANSFER_BYTES - IN_FLIGHT_BYTES

    seen = show(responder.host, "wg0").peers[initiator.keys.public]
    assert seen.endpoint == endpoint(pair.cable.address(initiator.host, pair.outer), PORT)
    assert seen.latest_handshake > 0
    assert min(seen.received_bytes, seen.sent_bytes) > TRANSFER_BYTES - IN_FLIGHT_BYTES


def test_what_arrives_is_what_was_sent(pair: Pair) -> None:
    pair.configure(initiator=pair.left)
    for sender, receiver in ((pair.left, pair.right), (pair.right, pair.left)):
        address = receiver.address(6)
        assert file_arrives_intact(sender.host, receiver.host, address, size=FILE_BYTES)


def test_full_and_fragmented_packets_pass(pair: Pair) -> None:
    pair.configure(initiator=pair.left)
    for size in (0, 1, MTU - 28, MTU - 27, 4000):
        assert ping(pair.left.host, pair.right.address(4), count=2, size=size).lost == 0, size
