"""The stock wg(8) on our engine: what it sets is what it shows."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.netns.engines import (
    OURS,
    KeyPair,
    PeerSection,
    configuration,
    new_key_pair,
    new_preshared_key,
    setconf,
    show,
    syncconf,
)
from tests.netns.hosts import Host, hosts

PORT = 51820
KEYS = KeyPair(
    "cKkSjw/QrQWCCfjsqBr7ua15D/GTsy10G34dgDjyqEw=", "XvOxN+QqZpuQpxn82njNIQ3T4udwAXXqe50yYBF3Dkg="
)
LAPTOP = "dPhAaVEEsZcZprfqLf4WRMwpw7Zw5kCpe+xoFZKGjFQ="
OFFICE = "PUGe8mFmzSDA5Q0c23q+DTqBYUwgcpOrq3ueNNVPmFg="
LAPTOP_PEER = PeerSection(public_key=LAPTOP, allowed_ips=("10.0.0.2/32",))
OFFICE_PEER = PeerSection(public_key=OFFICE, allowed_ips=("10.1.0.0/16",))


@pytest.fixture(scope="module")
def serving_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with hosts(tmp_path_factory.mktemp("tools")) as new_host:
        host = new_host("tools")
        engine = OURS.start(host, "wg0")
        host.run("ip", "link", "set", "wg0", "up")
        yield host
        assert engine.is_running, engine.output()
        assert "Traceback" not in engine.output()


@pytest.fixture
def host(serving_host: Host) -> Host:
    """A host whose wg0 has a key and a port, and no peer."""
    setconf(serving_host, "wg0", configuration(KEYS.private, PORT))
    return serving_host


@contextmanager
def second_interface(host: Host) -> Iterator[int]:
    """Run wg1 beside wg0; give its port."""
    engine = OURS.start(host, "wg1")
    try:
        host.run("ip", "link", "set", "wg1", "up")
        host.run("wg", "set", "wg1", "listen-port", str(PORT + 7))
        yield PORT + 7
    finally:
        engine.stop()


def test_show_tells_the_interface(host: Host) -> None:
    seen = show(host, "wg0")
    assert (seen.private_key, seen.public_key) == (KEYS.private, KEYS.public)
    assert (seen.listen_port, seen.fwmark, seen.peers) == (PORT, 0, {})
    assert host.run("wg", "show", "interfaces").split() == ["wg0"]


def test_show_for_people_hides_the_private_key(host: Host) -> None:
    shown = host.run("wg", "show")
    assert KEYS.public in shown
    assert "private key: (hidden)" in shown
    assert KEYS.private not in shown


def test_show_of_an_absent_interface_fails(host: Host) -> None:
    assert host.attempt("wg", "show", "wg9").returncode != 0


def test_set_sets_everything_a_peer_has(host: Host) -> None:
    preshared_key = new_preshared_key()
    host.run(
        *("wg", "set", "wg0", "peer", LAPTOP, "preshared-key", "/dev/stdin"),
        *("endpoint", "[2001:db8::7]:4242", "persistent-keepalive", "25"),
        *("allowed-ips", "10.0.0.2/32,fd00::2/128,192.0.2.77/24"),
        text=preshared_key,
    )
    peer = show(host, "wg0").peers[LAPTOP]
    assert peer.preshared_key == preshared_key
    assert peer.endpoint == "[2001:db8::7]:4242"
    assert peer.persistent_keepalive == 25
    assert set(peer.allowed_ips) == {"10.0.0.2/32", "fd00::2/128", "192.0.2.0/24"}
    assert (peer.latest_handshake, peer.received_bytes) == (0, 0)


def test_set_changes_one_thing_and_keeps_the_rest(host: Host) -> None:
    setconf(
        host,
        "wg0",
        configuration(KEYS.private, PORT, replace(LAPTOP_PEER, persistent_keepalive=25)),
    )
    host.run("wg", "set", "wg0", "peer", LAPTOP, "endpoint", "192.0.2.9:1")
    peer = show(host, "wg0").peers[LAPTOP]
    assert peer.endpoint == "192.0.2.9:1"
    assert (peer.persistent_keepalive, peer.allowed_ips) == (25, ("10.0.0.2/32",))


def test_an_empty_file_takes_a_key_away(host: Host) -> None:
    preshared = replace(LAPTOP_PEER, preshared_key=new_preshared_key())
    setconf(host, "wg0", configuration(KEYS.private, PORT, preshared))
    host.run("wg", "set", "wg0", "peer", LAPTOP, "preshared-key", "/dev/null")
    host.run("wg", "set", "wg0", "private-key", "/dev/null")
    seen = show(host, "wg0")
    assert seen.private_key is None
    assert seen.public_key is None
    assert seen.peers[LAPTOP].preshared_key is None


def test_a_private_key_is_kept_clamped(host: Host) -> None:
    host.run("wg", "set", "wg0", "private-key", "/dev/stdin", text="/" * 42 + "8=")
    kept = show(host, "wg0").private_key
    assert kept is not None
    octets = base64.b64decode(kept)
    assert octets == b"\xf8" + b"\xff" * 30 + b"\x7f"


def test_keepalive_and_fwmark_can_be_switched_off(host: Host) -> None:
    setconf(
        host,
        "wg0",
        configuration(KEYS.private, PORT, replace(LAPTOP_PEER, persistent_keepalive=25)),
    )
    host.run("wg", "set", "wg0", "fwmark", "0x1234")
    assert show(host, "wg0").fwmark == 0x1234
    host.run("wg", "set", "wg0", "fwmark", "off", "peer", LAPTOP, "persistent-keepalive", "off")
    seen = show(host, "wg0")
    assert (seen.fwmark, seen.peers[LAPTOP].persistent_keepalive) == (0, 0)


def test_an_allowed_ip_moves_to_its_last_claimant(host: Host) -> None:
    peers = (
        replace(LAPTOP_PEER, allowed_ips=("10.0.0.2/32", "10.1.0.0/16")),
        replace(OFFICE_PEER, allowed_ips=("10.2.0.0/16",)),
    )
    setconf(host, "wg0", configuration(KEYS.private, PORT, *peers))
    host.run("wg", "set", "wg0", "peer", OFFICE, "allowed-ips", "10.1.0.0/16,10.2.0.0/16")
    seen = show(host, "wg0").peers
    assert seen[LAPTOP].allowed_ips == ("10.0.0.2/32",)
    assert set(seen[OFFICE].allowed_ips) == {"10.1.0.0/16", "10.2.0.0/16"}


def test_a_peer_is_removed(host: Host) -> None:
    setconf(host, "wg0", configuration(KEYS.private, PORT, LAPTOP_PEER, OFFICE_PEER))
    host.run("wg", "set", "wg0", "peer", LAPTOP, "remove")
    assert list(show(host, "wg0").peers) == [OFFICE]


def test_setconf_leaves_only_what_the_file_has(host: Host) -> None:
    setconf(host, "wg0", configuration(KEYS.private, PORT, LAPTOP_PEER))
    other_keys = new_key_pair()
    setconf(host, "wg0", configuration(other_keys.private, PORT + 1, OFFICE_PEER))
    seen = show(host, "wg0")
    assert (seen.public_key, seen.listen_port) == (other_keys.public, PORT + 1)
    assert list(seen.peers) == [OFFICE]


def test_setconf_without_a_port_chooses_one(host: Host) -> None:
    setconf(host, "wg0", f"[Interface]\nPrivateKey = {KEYS.private}\n")
    assert show(host, "wg0").listen_port > 0


def test_addconf_adds(host: Host) -> None:
    setconf(host, "wg0", configuration(KEYS.private, PORT, LAPTOP_PEER))
    host.run("wg", "addconf", "wg0", "/dev/stdin", text=OFFICE_PEER.format())
    seen = show(host, "wg0")
    assert (seen.public_key, set(seen.peers)) == (KEYS.public, {LAPTOP, OFFICE})


def test_syncconf_adds_changes_and_removes(host: Host) -> None:
    third = new_key_pair().public
    setconf(host, "wg0", configuration(KEYS.private, PORT, LAPTOP_PEER, OFFICE_PEER))
    added = PeerSection(public_key=third, allowed_ips=("10.3.0.0/16",))
    syncconf(
        host,
        "wg0",
        configuration(
            KEYS.private, PORT, replace(OFFICE_PEER, allowed_ips=("10.2.0.0/16",)), added
        ),
    )
    seen = show(host, "wg0").peers
    assert {key: peer.allowed_ips for key, peer in seen.items()} == {
        OFFICE: ("10.2.0.0/16",),
        third: ("10.3.0.0/16",),
    }


def test_what_showconf_prints_setconf_takes(host: Host) -> None:
    peer = replace(
        LAPTOP_PEER,
        preshared_key=new_preshared_key(),
        endpoint="[2001:db8::7]:4242",
        persistent_keepalive=25,
    )
    setconf(
        host,
        "wg0",
        configuration(
            KEYS.private,
            PORT,
            peer,
            replace(
                OFFICE_PEER,
                allowed_ips=(
                    "10.1.0.0/16",
                    "::/0",
                ),
            ),
        ),
    )
    before = show(host, "wg0")
    text = host.run("wg", "showconf", "wg0")
    setconf(host, "wg0", configuration(new_key_pair().private, PORT + 1))
    setconf(host, "wg0", text)
    assert show(host, "wg0") == before


@pytest.mark.parametrize("order", ["key first", "peer first"])
def test_a_peer_that_is_oneself_is_dropped_silently(host: Host, order: str) -> None:
    myself = new_key_pair()
    set_key = ("wg", "set", "wg0", "private-key", "/dev/stdin")
    add_peer = ("wg", "set", "wg0", "peer", myself.public, "allowed-ips", "10.9.0.0/24")
    for command in (set_key, add_peer) if order == "key first" else (add_peer, set_key):
        host.run(*command, text=myself.private)
    assert show(host, "wg0").peers == {}


def test_a_port_in_use_is_named_and_the_old_one_kept(host: Host) -> None:
    with second_interface(host) as other_port:
        refused = host.attempt("wg", "set", "wg0", "listen-port", str(other_port))
        assert refused.returncode != 0
        assert "Address already in use" in refused.stderr
        assert show(host, "wg0").listen_port == PORT


def test_two_interfaces_are_shown_one_after_the_other(host: Host) -> None:
    with second_interface(host) as other_port:
        lines = host.run("wg", "show", "all", "listen-port").splitlines()
        assert sorted(lines) == [f"wg0\t{PORT}", f"wg1\t{other_port}"]


def test_a_thousand_peers_go_in_and_come_out(host: Host) -> None:
    keys = [
        base64.b64encode(number.to_bytes(32, "big")).decode() for number in range(10_000, 11_000)
    ]
    peers = [
        PeerSection(
            public_key=key,
            allowed_ips=tuple(f"10.{number >> 8}.{number & 255}.{low}/32" for low in range(4)),
        )
        for number, key in enumerate(keys)
    ]
    setconf(host, "wg0", configuration(KEYS.private, PORT, *peers))
    seen = show(host, "wg0").peers
    assert {key: set(peer.allowed_ips) for key, peer in seen.items()} == {
        peer.public_key: set(peer.allowed_ips) for peer in peers
    }
