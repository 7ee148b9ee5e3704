"""The interface of a TUN, in real network namespaces: where it is, and how."""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from shutil import which

import pytest

from netstart_wg.engine.link import Link, LinkEvents, LinkState
from netstart_wg.engine.tun_device import TunDevice, TunGoneError
from netstart_wg.system.namespaces import inside_rdomain, make_rdomain, rdomain_path
from tests.netns.waiting import eventually
from tests.private_namespaces import private_namespaces

pytestmark = pytest.mark.root

OWN = Path("/proc/thread-self/ns/net")
SIOCSIFFLAGS = 0x8914
IFF_UP, IFF_DEBUG = 1, 4


@pytest.fixture
def tun() -> Iterator[TunDevice]:
    """A TUN wg0 in a network of its own, beside an rdomain 1."""
    if which("ip") is None:
        pytest.skip("ip(8) is not installed")
    with private_namespaces():
        make_rdomain(1)
        with closing(TunDevice.create("wg0")) as tun:
            yield tun


@pytest.fixture
def link(tun: TunDevice) -> Link:
    return Link(tun)


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def set_flags(interface: str, flags: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", interface.encode(), flags))


def look(link: Link) -> LinkState:
    own = OWN.stat().st_ino
    state = link.look()
    assert OWN.stat().st_ino == own
    assert state is not None
    return state


def test_it_tells_state_mtu_and_debug(link: Link) -> None:
    here = OWN.stat().st_ino
    assert look(link) == LinkState(
        namespace=here, is_elsewhere=False, is_up=False, is_debug=False, mtu=1500
    )
    set_flags("wg0", IFF_UP)
    link.set_mtu(1420)
    assert look(link) == LinkState(
        namespace=here, is_elsewhere=False, is_up=True, is_debug=False, mtu=1420
    )
    set_flags("wg0", IFF_DEBUG)
    assert look(link) == LinkState(
        namespace=here, is_elsewhere=False, is_up=False, is_debug=True, mtu=1420
    )


@pytest.mark.usefixtures("tun")
def test_a_change_wakes_us() -> None:
    with closing(LinkEvents()) as events:
        set_flags("wg0", IFF_DEBUG)
        assert select.select([events.descriptor], [], [], 5)[0]
        events.drain()
        assert not select.select([events.descriptor], [], [], 0)[0]


def test_it_is_found_in_another_namespace(link: Link) -> None:
    ip("link", "set", "wg0", "netns", "rdomain1")
    with inside_rdomain(1):
        set_flags("wg0", IFF_UP | IFF_DEBUG)
    there = rdomain_path(1).stat().st_ino
    assert look(link) == LinkState(
        namespace=there, is_elsewhere=True, is_up=True, is_debug=True, mtu=1500
    )
    ip("-n", "rdomain1", "link", "set", "wg0", "netns", str(os.getpid()))
    assert look(link).namespace == OWN.stat().st_ino


def test_another_interface_of_its_name_is_not_mistaken_for_it(link: Link) -> None:
    ip("link", "set", "wg0", "netns", "rdomain1")
    ip("link", "add", "wg0", "mtu", "1234", "type", "veth", "peer", "name", "other")
    set_flags("wg0", IFF_UP)
    state = look(link)
    assert (state.is_elsewhere, state.is_up, state.mtu) == (True, False, 1500)
    link.set_mtu(1300)
    assert look(link).mtu == 1300
    assert json.loads(ip("-j", "link", "show", "wg0"))[0]["mtu"] == 1234


def test_it_is_followed_to_another_name(link: Link) -> None:
    ip("link", "set", "wg0", "name", "wg7")
    ip("link", "add", "wg0", "type", "veth", "peer", "name", "other")
    ip("link", "set", "wg7", "mtu", "1300", "up")
    state = look(link)
    assert (state.is_up, state.mtu) == (True, 1300)


class RenamedMeanwhile(TunDevice):
    """One whose interface gets another name as soon as its name has been told."""

    def interface(self) -> str:
        name = super().interface()
        ip("link", "set", name, "name", f"{name}x")
        return name


def test_one_that_is_renamed_at_that_moment_leaves_no_descriptor_open(tun: TunDevice) -> None:
    link = Link(RenamedMeanwhile(tun.descriptor))
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert link.look() is None
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("namespace", [(), ("-n", "rdomain1")], ids=["here", "elsewhere"])
def test_super_packets_are_limited_wherever_it_is(link: Link, namespace: tuple[str, ...]) -> None:
    if namespace:
        ip("link", "set", "wg0", "netns", "rdomain1")
    link.limit_super_packets(61440)
    (shown,) = json.loads(ip(*namespace, "-d", "-j", "link", "show", "wg0"))
    assert shown["gso_max_size"] == 61440


def test_it_is_known_to_be_gone(link: Link) -> None:
    ip("link", "delete", "wg0")
    ip("link", "add", "wg0", "type", "veth", "peer", "name", "other")
    with pytest.raises(TunGoneError):
        link.look()
    with pytest.raises(TunGoneError):
        link.limit_super_packets(61440)


def is_gone(link: Link) -> bool:
    try:
        link.look()
    except TunGoneError:
        return True
    return False


def test_looking_at_it_does_not_keep_its_namespace_alive(link: Link) -> None:
    ip("link", "set", "wg0", "netns", "rdomain1")
    assert not is_gone(link)
    ip("netns", "delete", "rdomain1")
    eventually(lambda: is_gone(link))
