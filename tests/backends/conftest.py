from __future__ import annotations

from collections.abc import Iterator

import pytest

from netstart_wg.backends.embedded import EmbeddedBackend
from netstart_wg.system.netlink import Netlink
from netstart_wg.system.paths import interfaces_with_socket
from tests.private_namespaces import private_namespaces


@pytest.fixture
def links() -> Iterator[Netlink]:
    """An empty network and an empty /run for one test; its engines end with it."""
    with private_namespaces():
        links = Netlink()
        yield links
        for interface in interfaces_with_socket():
            if links.observe(interface) is not None:
                EmbeddedBackend(links).destroy(interface)
        links.close()
