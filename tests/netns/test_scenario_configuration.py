"""Scenarios 18 to 25 of netns.sh: one engine, and what wg(8) tells it and is told.

    ┌───────── host ─────────┐
    │ wg0                    │
    │ lo: 127.0.0.1, ::1     │
    └────────────────────────┘

netns.sh meets the paging of netlink with its huge configurations; here they are
long requests and replies on a socket.  The wg(8) of Debian 12 cannot take single
allowed addresses away, so that these words go to the engine's socket directly.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator

import pytest

from tests.netns import uapi
from tests.netns.datagrams import Listener
from tests.netns.ends import End
from tests.netns.engines import (
    Engine,
    KeyPair,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    new_preshared_key,
    setconf,
)
from tests.netns.hosts import Host, hosts
from tests.netns.waiting import eventually
from tests.protocol.low_order import LOW_ORDER_KEYS

PORT = 10001
INITIATION_OCTETS = 148
KEEPALIVE_OCTETS = 32


@pytest.fixture(scope="module")
def running(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[End]:
    with hosts(tmp_path_factory.mktemp("configuration")) as new_host:
        yield End.start(engine, "wg0", PORT, new_host("host"))


@pytest.fixture
def end(running: End) -> End:
    """Down, without any peer, address or key."""
    running.inside.run("ip", "link", "set", "wg0", "down")
    setconf(running.outside, "wg0", "[Interface]\n")
    return running


def waiting_peer(keys: KeyPair) -> tuple[str, ...]:
    """Return the words of a peer that is to hear of us each second."""
    where = endpoint("127.0.0.1", 9)
    return ("peer", keys.public, "endpoint", where, "persistent-keepalive", "1")


@pytest.mark.scenario("18a")
def test_persistent_keepalives_begin_when_the_interface_comes_up(end: End) -> None:
    peer = new_key_pair()
    end.set("private-key", "/dev/stdin", *waiting_peer(peer), text=end.keys.private)
    assert sent(end, peer) == 0, "it sends while the interface is down"
    end.inside.run("ip", "link", "set", "wg0", "up")
    eventually(lambda: sent(end, peer) == INITIATION_OCTETS, within=2, what="nothing is sent")


@pytest.mark.scenario("18b")
def test_persistent_keepalives_begin_with_the_private_key(end: End) -> None:
    peer = new_key_pair()
    end.set(*waiting_peer(peer))
    end.inside.run("ip", "link", "set", "wg0", "up")
    assert sent(end, peer) == 0, "it sends without a private key"
    end.set("private-key", "/dev/stdin", text=end.keys.private)
    eventually(lambda: sent(end, peer) == INITIATION_OCTETS, within=2, what="nothing is sent")


def sent(end: End, peer: KeyPair) -> int:
    return end.show().peers[peer.public].sent_bytes


def held(end: End) -> dict[str, set[str]]:
    """Return the allowed addresses of every peer."""
    return {key: set(peer.allowed_ips) for key, peer in end.show().peers.items()}


def take(end: End, text: str, peers: dict[str, set[str]]) -> None:
    """Hand over a text; what it says, and what wg(8) then writes itself, is these peers."""
    setconf(end.outside, "wg0", text)
    assert held(end) == peers
    again = end.outside.run("wg", "showconf", "wg0")
    setconf(end.outside, "wg0", again)
    assert held(end) == peers


@pytest.mark.scenario("19")
def test_huge_configurations_are_taken_and_told(end: End) -> None:
    key = new_key_pair().public
    everything = {f"{a}.{b}.0.0/16" for a in range(1, 256) for b in range(256)}
    everything |= {f"{a:x}:{b:x}::/32" for a in range(1, 256) for b in range(1, 257)}
    take_peers(end, end.keys.private, {key: everything})
    crowd = {new_key_pair().public: numbered(each, 52) for each in range(40)}
    take_peers(end, end.keys.private, crowd)
    take_peers(end, None, dict(list(crowd.items())[:29]))
    empty_first = {
        new_key_pair().public: set(),
        new_key_pair().public: {f"abcd::{i:x}/128" for i in range(1, 198)},
    }
    take_peers(end, end.keys.private, empty_first)


def numbered(network: int, count: int) -> set[str]:
    return {f"10.{network}.0.{each}/32" for each in range(count)}


def take_peers(end: End, private_key: str | None, peers: dict[str, set[str]]) -> None:
    """Hand over these peers, an allowed address to the line, and read them back."""
    lines = ["[Interface]", *([f"PrivateKey = {private_key}"] if private_key else [])]
    for key, addresses in peers.items():
        lines += ["[Peer]", f"PublicKey = {key}"]
        lines += [f"AllowedIPs = {address}" for address in sorted(addresses)]
    take(end, "\n".join(lines) + "\n", peers)


@pytest.mark.scenario("20a")
def test_allowed_addresses_move_and_cover_each_other(end: End) -> None:
    first, second = new_key_pair().public, new_key_pair().public
    singles = {f"192.168.0.{each}/32" for each in range(1, 198)}
    singles |= {f"abcd::{each:x}/128" for each in range(1, 198)}
    end.set("peer", first, "allowed-ips", ",".join(sorted(singles)))
    assert held(end) == {first: singles}
    end.set("peer", second, "allowed-ips", ",".join(sorted(singles)))
    assert held(end) == {first: set(), second: singles}
    end.set("peer", first, "allowed-ips", "192.168.0.7/32,192.168.0.0/24,0.0.0.0/0,::/0")
    covering = {"192.168.0.7/32", "192.168.0.0/24", "0.0.0.0/0", "::/0"}
    assert held(end) == {first: covering, second: singles - {"192.168.0.7/32"}}
    end.set("peer", second, "allowed-ips", "0.0.0.0/0,::/0")
    assert held(end) == {first: covering - {"0.0.0.0/0", "::/0"}, second: {"0.0.0.0/0", "::/0"}}


@pytest.mark.scenario("20b")
def test_single_allowed_addresses_are_taken_away(end: End) -> None:
    first, second = new_key_pair().public, new_key_pair().public
    singles = {f"192.168.0.{each}/32" for each in range(1, 198)}
    singles |= {f"abcd::{each:x}/128" for each in range(1, 198)}
    end.set("peer", first, "allowed-ips", ",".join(sorted(singles)))
    end.set("peer", second, "allowed-ips", "192.168.1.1/32")
    going = {f"192.168.0.{each}/32" for each in (1, 20, 100)}
    going |= {f"abcd::{each:x}/128" for each in (1, 20, 100)}
    others = {"192.168.1.1/32", "192.168.2.2/32"}  # another peer's, and nobody's
    reply = take_away(end.outside, first, going | others)
    assert reply == "errno=0", f"refused: {reply}"
    assert len(singles - going) == 388
    assert held(end) == {first: singles - going, second: {"192.168.1.1/32"}}


def take_away(host: Host, public_key: str, addresses: set[str]) -> str:
    """Ask for it on the engine's socket; return its last line."""
    lines = ["set=1", f"public_key={b64decode(public_key).hex()}", "update_only=true"]
    lines += [f"allowed_ip=-{address}" for address in sorted(addresses)]
    return uapi.ask(host, "wg0", "\n".join(lines) + "\n\n").strip()


@pytest.mark.scenario("21")
def test_asking_for_an_interface_that_is_not_there_fails(end: End) -> None:
    assert end.outside.attempt("wg", "show", "wg0").returncode == 0
    assert end.outside.attempt("wg", "show", "doesnotexist").returncode != 0


@pytest.mark.scenario("22")
def test_keys_are_set_and_removed(end: End) -> None:
    peer, preshared_key = new_key_pair().public, new_preshared_key()
    end.set("private-key", "/dev/stdin", text=end.keys.private)
    end.set("peer", peer, "preshared-key", "/dev/stdin", text=preshared_key)
    shown = end.show()
    assert (shown.private_key, shown.public_key) == (end.keys.private, end.keys.public)
    assert shown.peers[peer].preshared_key == preshared_key

    end.set("private-key", "/dev/null", "peer", peer, "preshared-key", "/dev/null")
    shown = end.show()
    assert (shown.private_key, shown.public_key) == (None, None)
    assert shown.peers[peer].preshared_key is None


@pytest.mark.scenario("23")
def test_an_interface_is_never_its_own_peer(end: End) -> None:
    other = new_key_pair().public
    end.set("private-key", "/dev/stdin", text=end.keys.private)
    end.set("peer", end.keys.public, "allowed-ips", "10.0.0.0/8", "peer", other)
    assert held(end) == {other: set()}, "a peer with the own key is taken"

    end.set("private-key", "/dev/null")
    end.set("peer", end.keys.public, "allowed-ips", "10.0.0.0/8")
    assert held(end) == {other: set(), end.keys.public: {"10.0.0.0/8"}}
    end.set("private-key", "/dev/stdin", text=end.keys.private)
    assert held(end) == {other: set()}, "a peer whose key becomes the own one stays"


@pytest.mark.scenario("24")
def test_a_private_key_is_shown_as_it_is_used(end: End) -> None:
    octets = b64decode(end.keys.private)
    unclamped = b64encode(bytes([octets[0] | 0b111, *octets[1:31], octets[31] ^ 0b1100_0000]))
    end.set("private-key", "/dev/stdin", text=unclamped.decode())
    shown = end.show()
    assert shown.public_key == end.keys.public
    assert shown.private_key == end.keys.private, "it is shown as it was given"


@pytest.mark.scenario("25")
def test_public_keys_of_low_order_are_sent_nothing(engine: Engine, end: End) -> None:
    host = end.outside
    listener = Listener(host, "127.0.0.1", 10009)
    honest = End.start(engine, "wg1", 10002, host)
    try:
        honest.inside.run("ip", "link", "set", "wg1", "up")
        honest.configure(PeerSection(public_key=end.keys.public, allowed_ips=("10.0.0.1",)))
        keys = [key.to_base64() for key in LOW_ORDER_KEYS]
        low, friend = (
            [
                PeerSection(
                    public_key=key,
                    allowed_ips=(f"{network}.{number}",),
                    endpoint=where,
                    persistent_keepalive=1,
                )
                for number, key in enumerate(some)
            ]
            for some, network, where in (
                (keys, "10.0.1", "127.0.0.1:10009"),
                ([honest.keys.public], "10.0.2", "127.0.0.1:10002"),
            )
        )
        setconf(host, "wg0", configuration(end.keys.private, PORT, *low, *friend))
        end.inside.run("ip", "link", "set", "wg0", "up")
        # The honest peer is sent a keepalive each second: so two seconds have passed.
        enough = INITIATION_OCTETS + 3 * KEEPALIVE_OCTETS
        eventually(lambda: end.peer(honest).sent_bytes >= enough, what="keepalives")
        assert listener.heard() == [], "they are sent initiations"
        shown = end.show().peers
        assert {shown[key].sent_bytes for key in keys} == {0}
    finally:
        honest.process.stop()
