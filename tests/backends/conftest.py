from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from netstart_wg.backends.embedded import EmbeddedBackend
from netstart_wg.errors import NotOursError
from netstart_wg.system.linux import Linux
from netstart_wg.system.netlink import Netlink
from netstart_wg.system.paths import interfaces_with_socket
from tests.backends.kernel import kernel_has_wireguard
from tests.private_namespaces import private_namespaces

collect_ignore = [] if kernel_has_wireguard() else ["test_kernel.py"]


@pytest.fixture
def linux() -> Iterator[Linux]:
    """An empty network and an empty /run for one test; its engines end with it."""
    with private_namespaces():
        linux = Linux()
        yield linux
        backend = EmbeddedBackend(linux.links)
        for interface in interfaces_with_socket():
            with suppress(NotOursError):
                if backend.state(interface) is not None:
                    backend.destroy(interface)
        linux.close()


@pytest.fixture
def links(linux: Linux) -> Netlink:
    """What is in rdomain 0."""
    return linux.links()
