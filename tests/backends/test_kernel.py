"""The kernel's WireGuard, where the kernel has it: what the contract does not say."""

from __future__ import annotations

import errno
import re
import socket
import subprocess
from ipaddress import ip_network

import pytest

from netstart_wg.backends.kernel import KernelBackend
from netstart_wg.errors import BackendError
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.state import WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.system.linux import Linux
from netstart_wg.system.netlink import Netlink
from netstart_wg.system.notes import Note, read_note
from netstart_wg.system.wireguard_links import find_link

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("linux")]

PRIVATE_KEY = PrivateKey(bytes(range(32)))
PEER = PeerChange(
    public_key=PublicKey(bytes(range(1, 33))),
    preshared_key=PresharedKey(bytes(range(2, 34))),
    add_allowed_ips=(ip_network("10.0.0.2/32"),),
    description="the laptop",
)


@pytest.fixture
def backend() -> KernelBackend:
    return KernelBackend(public_key_of)


def ip(words: str) -> str:
    command = ["ip", *words.split()]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def told(backend: KernelBackend) -> WireGuardState:
    state = backend.state("wg0")
    assert state is not None
    return state


def test_a_link_is_as_our_own_engine_makes_it(backend: KernelBackend, links: Netlink) -> None:
    backend.create("wg0")
    link = links.observe("wg0")
    assert link is not None
    assert (link.is_up, link.mtu, link.addresses, link.description) == (False, 1420, (), None)
    assert told(backend).implementation is not None


def test_sockets_are_in_the_rdomain_asked_for_and_the_link_is_not(
    backend: KernelBackend, linux: Linux
) -> None:
    backend.create("wg0")
    linux.links().set_mtu("wg0", 1300)
    linux.links().set_description("wg0", "to the office")
    linux.make_rdomain(3)
    change = DeviceChange(wgrtable=3, private_key=PRIVATE_KEY, listen_port=5182, peers=(PEER,))
    backend.configure("wg0", change)
    linux.links().bring_up("wg0")
    state, link = told(backend), linux.links().observe("wg0")
    assert (state.wgrtable, state.listen_port, len(state.peers)) == (3, 5182, 1)
    assert link is not None
    assert (link.mtu, link.description) == (1300, "to the office")
    assert ":5182" in ip("netns exec rdomain3 ss -Hlnu")
    assert ":5182" not in subprocess.run(["ss", "-Hlnu"], capture_output=True, text=True).stdout
    ip("netns delete rdomain3")
    assert told(backend).wgrtable is None
    linux.make_rdomain(3)
    assert told(backend).wgrtable is None


def test_sockets_of_a_link_in_use_are_not_moved(backend: KernelBackend, linux: Linux) -> None:
    backend.create("wg0")
    linux.make_rdomain(3)
    backend.configure("wg0", DeviceChange(private_key=PRIVATE_KEY, peers=(PEER,)))
    before = told(backend)
    with pytest.raises(BackendError, match="in use"):
        backend.configure("wg0", DeviceChange(wgrtable=3))
    assert told(backend) == before


def test_a_link_is_found_in_the_rdomain_that_it_was_moved_to(
    backend: KernelBackend, linux: Linux
) -> None:
    backend.create("wg0")
    linux.make_rdomain(3)
    linux.links().move("wg0", 3)
    backend.configure("wg0", DeviceChange(private_key=PRIVATE_KEY, peers=(PEER,)))
    state = told(backend)
    assert state.link_namespace is not None
    assert linux.rdomain_of(state.link_namespace) == 3
    backend.destroy("wg0")
    assert linux.links(3).observe("wg0") is None
    assert read_note("wg0", Note.KERNEL) is None


def test_a_strangers_link_is_left_alone(backend: KernelBackend, links: Netlink) -> None:
    ip("link add wg0 type wireguard")
    before = links.observe("wg0")
    assert backend.state("wg0") is None
    with pytest.raises(BackendError) as destroyed:
        backend.destroy("wg0")
    with pytest.raises(BackendError) as created:
        backend.create("wg0")
    assert (destroyed.value.errno, created.value.errno) == (errno.ENODEV, errno.EEXIST)
    assert links.observe("wg0") == before


def test_a_link_that_somebody_has_made_anew_is_not_ours(backend: KernelBackend) -> None:
    backend.create("wg0")
    index = re.match(r"(\d+):", ip("-o link show wg0"))
    assert index is not None
    ip("link delete wg0")
    ip(f"link add wg0 index {index[1]} type wireguard")
    assert backend.state("wg0") is None


def test_a_link_of_another_name_is_not_the_one(backend: KernelBackend) -> None:
    backend.create("wg0")
    ip("link set wg0 name wg7")
    assert backend.state("wg0") is None


def test_a_link_that_was_left_unfinished_makes_room(backend: KernelBackend) -> None:
    ip(f"link add wg0 group {0x6E737767} type wireguard")
    assert told(backend).wgrtable is None
    backend.create("wg0")
    assert told(backend).wgrtable == 0
    found = find_link("wg0")
    assert found is not None
    assert found.mark is not None
    assert "group default" in ip("link show wg0")


def test_a_port_that_is_taken_is_refused_and_nothing_is_applied(backend: KernelBackend) -> None:
    backend.create("wg0")
    backend.configure("wg0", DeviceChange(listen_port=5182))
    before = told(backend)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", 7777))
        change = DeviceChange(
            private_key=PRIVATE_KEY, listen_port=7777, groups=("vpn",), peers=(PEER,)
        )
        with pytest.raises(BackendError, match="UDP port 7777 is taken") as refusal:
            backend.configure("wg0", change)
    assert refusal.value.errno == errno.EADDRINUSE
    assert told(backend) == before


def test_what_the_kernel_has_no_place_for_is_noted_without_a_secret(backend: KernelBackend) -> None:
    backend.create("wg0")
    backend.configure("wg0", DeviceChange(private_key=PRIVATE_KEY, groups=("vpn",), peers=(PEER,)))
    note = read_note("wg0", Note.KERNEL)
    assert note is not None
    assert "the laptop" in note
    assert PEER.public_key.to_base64() in note
    for secret in (PRIVATE_KEY, PEER.preshared_key):
        assert isinstance(secret, PrivateKey | PresharedKey)
        assert secret.to_base64() not in note


def test_where_it_says_what_it_does_is_told(backend: KernelBackend) -> None:
    backend.create("wg0")
    with pytest.raises(BackendError, match="dmesg"):
        backend.follow("wg0")
