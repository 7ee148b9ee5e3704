"""With the real engine, in a network namespace of the test's own."""

from __future__ import annotations

import ctypes
import errno
import subprocess
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from netstart_wg.backends.embedded import EmbeddedBackend
from netstart_wg.errors import BackendError, NotOursError
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.system.linux import Linux
from netstart_wg.system.netlink import Netlink
from netstart_wg.system.paths import socket_path
from tests.backends.scripted_engine import scripted_engine

pytestmark = pytest.mark.root

PRIVATE_KEY = PrivateKey(bytes(range(32)))
PEER = PeerChange(
    public_key=PublicKey(bytes(range(1, 33))),
    preshared_key=PresharedKey(bytes(range(2, 34))),
    endpoint=Endpoint(ip_address("192.0.2.1"), 51820),
    persistent_keepalive=25,
    add_allowed_ips=(ip_network("10.0.0.2/32"), ip_network("fd00::/64")),
    description="the laptop",
)


@pytest.fixture
def backend(linux: Linux) -> EmbeddedBackend:
    return EmbeddedBackend(linux.links)


def test_a_new_engine_has_an_interface_and_nothing_else(
    backend: EmbeddedBackend, links: Netlink
) -> None:
    backend.create("wg0")
    state, link = backend.state("wg0"), links.observe("wg0")
    assert state is not None
    assert (state.implementation or "").startswith("netstart-wg ")
    assert (state.private_key, state.fwmark, state.peers) == (None, 0, ())
    assert link is not None
    assert (link.is_up, link.mtu, link.addresses, link.description) == (False, 1420, (), None)


def test_what_was_configured_is_told_again(backend: EmbeddedBackend) -> None:
    backend.create("wg0")
    backend.configure("wg0", DeviceChange(private_key=PRIVATE_KEY, listen_port=7, peers=(PEER,)))
    state = backend.state("wg0")
    assert state is not None
    assert (state.private_key, state.listen_port) == (PRIVATE_KEY, 7)
    (peer,) = state.peers
    assert (peer.public_key, peer.preshared_key) == (PEER.public_key, PEER.preshared_key)
    assert (peer.endpoint, peer.persistent_keepalive) == (PEER.endpoint, 25)
    assert (peer.allowed_ips, peer.description) == (PEER.add_allowed_ips, "the laptop")


def test_a_glance_tells_all_but_the_peers_and_whether_anything_is_new(
    backend: EmbeddedBackend,
) -> None:
    assert backend.glance("wg0") is None
    backend.create("wg0")
    backend.configure("wg0", DeviceChange(private_key=PRIVATE_KEY, listen_port=7, peers=(PEER,)))
    state, glance = backend.state("wg0"), backend.glance("wg0")
    assert state is not None
    assert glance == replace(state, peers=())
    assert glance.fingerprint == state.fingerprint is not None
    backend.configure("wg0", DeviceChange(peers=(replace(PEER, persistent_keepalive=26),)))
    after = backend.glance("wg0")
    assert after is not None
    assert after.fingerprint != glance.fingerprint


def test_a_second_engine_of_the_name_is_refused_and_the_first_stays(
    backend: EmbeddedBackend,
) -> None:
    backend.create("wg0")
    backend.configure("wg0", DeviceChange(listen_port=7))
    with pytest.raises(BackendError, match=r"wg0: start the engine: .*in use"):
        backend.create("wg0")
    state = backend.state("wg0")
    assert state is not None
    assert state.listen_port == 7


def test_without_tun_nothing_is_left_behind(backend: EmbeddedBackend, links: Netlink) -> None:
    mount = ctypes.CDLL(None, use_errno=True).mount
    assert mount(b"none", b"/dev/net", b"tmpfs", 0, None) == 0
    with pytest.raises(BackendError, match=r"wg0: start the engine: .*/dev/net/tun"):
        backend.create("wg0")
    assert links.observe("wg0") is None
    assert backend.state("wg0") is None
    assert not socket_path("wg0").exists()


def test_neither_folder_nor_environment_of_the_caller_leads_the_engine_astray(
    backend: EmbeddedBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "netstart_wg"
    trap.mkdir()
    (trap / "__init__.py").write_text("raise SystemExit('fell into the trap')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("WG_PROCESS_FOREGROUND", "1")
    backend.create("wg0")
    assert backend.state("wg0") is not None


def test_a_destroyed_engine_is_gone_with_its_interface(
    backend: EmbeddedBackend, links: Netlink
) -> None:
    backend.create("wg0")
    backend.destroy("wg0")
    assert links.observe("wg0") is None
    assert backend.state("wg0") is None
    backend.create("wg0")


def test_an_engine_whose_interface_is_in_an_rdomain_is_destroyed_with_it(
    backend: EmbeddedBackend, linux: Linux
) -> None:
    backend.create("wg0")
    linux.make_rdomain(3)
    linux.links().move("wg0", 3)
    state = backend.state("wg0")
    assert state is not None
    assert state.link_namespace is not None
    assert linux.rdomain_of(state.link_namespace) == 3
    backend.destroy("wg0")
    assert linux.links(3).observe("wg0") is None
    assert backend.state("wg0") is None


def test_an_engine_whose_interface_is_in_no_rdomain_is_destroyed_with_it(
    backend: EmbeddedBackend,
) -> None:
    backend.create("wg0")
    subprocess.run(["ip", "netns", "add", "blue"], check=True)
    subprocess.run(["ip", "link", "set", "wg0", "netns", "blue"], check=True)
    backend.destroy("wg0")
    assert backend.state("wg0") is None
    words = ["ip", "-n", "blue", "-brief", "link"]
    left = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    assert "lo" in left
    assert "wg0" not in left


def test_an_interface_of_the_former_name_stays_when_the_engine_is_destroyed(
    backend: EmbeddedBackend, links: Netlink
) -> None:
    backend.create("wg0")
    for words in ("set wg0 name wg7", "add wg0 type veth peer name far"):
        subprocess.run(["ip", "link", *words.split()], check=True)
    stranger = links.observe("wg0")
    backend.destroy("wg0")
    assert backend.state("wg0") is None
    assert links.observe("wg7") is None
    assert stranger is not None
    assert links.observe("wg0") == stranger


def test_a_port_in_an_rdomain_that_was_deleted_is_refused_in_words(
    backend: EmbeddedBackend, linux: Linux
) -> None:
    backend.create("wg0")
    linux.make_rdomain(3)
    backend.configure("wg0", DeviceChange(wgrtable=3))
    subprocess.run(["ip", "netns", "delete", "rdomain3"], check=True)
    with pytest.raises(BackendError, match="the rdomain of its UDP sockets does not exist"):
        backend.configure("wg0", DeviceChange(listen_port=7))


def test_what_is_not_there_cannot_be_destroyed_or_configured(backend: EmbeddedBackend) -> None:
    with pytest.raises(BackendError) as destroyed:
        backend.destroy("wg0")
    with pytest.raises(BackendError) as configured:
        backend.configure("wg0", DeviceChange(listen_port=7))
    assert destroyed.value.errno == configured.value.errno == errno.ENODEV


@pytest.mark.parametrize("name", [b"", b"implementation=wireguard-go 0.0.20\n"])
def test_another_programs_engine_is_left_alone(backend: EmbeddedBackend, name: bytes) -> None:
    answer = name + b"listen_port=7\nerrno=0\n\n"
    with scripted_engine("wg0", answer, count=2) as engine:
        with pytest.raises(NotOursError, match="another program's"):
            backend.state("wg0")
        with pytest.raises(NotOursError, match="another program's"):
            backend.destroy("wg0")
        assert socket_path("wg0").exists()
    assert engine.requests == [b"get=1\n\n"] * 2


def test_a_port_that_is_taken_in_another_rdomain_is_told_of_with_that_rdomain(
    backend: EmbeddedBackend,
) -> None:
    expected = "configure: its UDP port in rdomain 3 is taken by another program or interface"
    with scripted_engine("wg0", b"errno=-98\n\n"), pytest.raises(BackendError, match=expected):
        backend.configure("wg0", DeviceChange(wgrtable=3))


@pytest.mark.parametrize("number", [b"98", b"-98"])
def test_what_the_engine_refuses_is_told_in_words(backend: EmbeddedBackend, number: bytes) -> None:
    with (
        scripted_engine("wg0", b"errno=" + number + b"\n\n"),
        pytest.raises(BackendError, match="wg0: configure: UDP port 7 is taken") as caught,
    ):
        backend.configure("wg0", DeviceChange(listen_port=7))
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(
    "answer", [b"errno=5\n\n", b"private_key=00\nerrno=0\n\n", b"nonsense\nerrno=0\n\n", b"\n\n"]
)
def test_an_answer_that_makes_no_sense_is_an_error(backend: EmbeddedBackend, answer: bytes) -> None:
    with (
        scripted_engine("wg0", answer),
        pytest.raises(BackendError, match="wg0: ask the engine: "),
    ):
        backend.state("wg0")
