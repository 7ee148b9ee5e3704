from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator

import pytest

from netstart_wg.system.linux import Linux
from netstart_wg.system.netlink import Netlink
from tests.private_namespaces import private_namespaces

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000


@pytest.fixture
def private() -> Iterator[None]:
    """An empty network and an empty /run for one test."""
    with private_namespaces():
        yield


@pytest.fixture
def linux(private: None) -> Iterator[Linux]:
    linux = Linux()
    yield linux
    linux.close()


@pytest.fixture
def netlink(linux: Linux) -> Netlink:
    """What is in rdomain 0."""
    return linux.links()


@pytest.fixture
def wg0(private: None) -> Iterator[str]:
    """A TUN interface of this name, there as long as the test runs."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", b"wg0", IFF_TUN | IFF_NO_PI))
    yield "wg0"
    os.close(descriptor)
