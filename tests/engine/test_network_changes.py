"""When the routing changes, and where it leads then, in a network of our own.

10.0.0.1/24     ── near0
10.0.0.3/24     ── near1
2001:db8::1/64  ── near0
2001:db8::3/64  ── near1
"""

from __future__ import annotations

import select
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path as File

import pytest

from netstart_wg.engine.network_changes import NetworkChanges
from netstart_wg.engine.opener import DirectOpener
from netstart_wg.engine.uapi_listener import SocketFile
from netstart_wg.model.address import Endpoint
from netstart_wg.protocol.forwarding import Path
from tests.private_namespaces import private_namespaces

families = pytest.mark.parametrize(
    ("far", "old", "new", "network"),
    [
        ("10.0.0.2", "10.0.0.1", "10.0.0.3", "10.0.0.0/24"),
        ("2001:db8::2", "2001:db8::1", "2001:db8::3", "2001:db8::/64"),
    ],
    ids=["IPv4", "IPv6"],
)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def changes(tmp_path: File) -> Iterator[NetworkChanges]:
    file = tmp_path / "wg0.sock"
    file.touch()
    with private_namespaces():
        File("/proc/sys/net/ipv6/conf/default/accept_dad").write_text("0")
        for number, host in ((0, 1), (1, 3)):
            near = f"near{number}"
            ip("link", "add", near, "type", "veth", "peer", "name", f"far{number}")
            ip("link", "set", f"far{number}", "up")
            ip("link", "set", near, "up")
            ip("address", "add", f"10.0.0.{host}/24", "dev", near, "noprefixroute")
            ip("address", "add", f"2001:db8::{host}/64", "dev", near, "noprefixroute")
        opener = DirectOpener(SocketFile.at(file))
        changes = NetworkChanges(opener.open_network_changes(0))
        yield changes
        changes.close()


def due(changes: NetworkChanges) -> int | None:
    return changes.due_ns


def heard_on_near0(far: str, source: str) -> Path:
    return Path(
        Endpoint(ip_address(far), 51820), ip_address(source), socket.if_nametoindex("near0")
    )


@families
def test_a_better_route_leads_elsewhere(
    changes: NetworkChanges, far: str, old: str, new: str, network: str
) -> None:
    ip("route", "add", network, "dev", "near0", "metric", "20")
    path = heard_on_near0(far, old)
    assert not changes.leads_elsewhere(path, 0)
    ip("route", "add", network, "dev", "near1", "src", new, "metric", "10")
    assert changes.leads_elsewhere(path, 0)
    assert not changes.leads_elsewhere(Path(path.endpoint, path.source), 0)  # heard who knows where


@families
def test_the_mark_is_asked_for_too(
    changes: NetworkChanges, far: str, old: str, new: str, network: str
) -> None:
    del new
    ip("route", "add", network, "dev", "near0")
    ip("route", "add", network, "dev", "near1", "table", "77")
    family = "-6" if ":" in far else "-4"
    ip(family, "rule", "add", "fwmark", "5", "table", "77")
    assert not changes.leads_elsewhere(heard_on_near0(far, old), 0)
    assert changes.leads_elsewhere(heard_on_near0(far, old), 5)


@families
def test_an_address_that_is_gone_leads_elsewhere(
    changes: NetworkChanges, far: str, old: str, new: str, network: str
) -> None:
    del new
    ip("route", "add", network, "dev", "near0")
    path = heard_on_near0(far, old)
    assert not changes.leads_elsewhere(path, 0)
    ip("address", "del", f"{old}/{network.partition('/')[2]}", "dev", "near0")
    ip("route", "replace", network, "dev", "near0")
    assert changes.leads_elsewhere(path, 0)


@families
def test_as_long_as_there_is_no_route_nothing_leads_elsewhere(
    changes: NetworkChanges, far: str, old: str, new: str, network: str
) -> None:
    del new, network
    assert not changes.leads_elsewhere(heard_on_near0(far, old), 0)


def test_an_address_of_one_link_is_looked_for_on_that_link(changes: NetworkChanges) -> None:
    ip("address", "add", "fe80::1:1/64", "dev", "near0")
    index = socket.if_nametoindex("near0")
    source = ip_address("fe80::1:1")
    path = Path(Endpoint(ip_address("fe80::2:2"), 51820, index), source, index)
    assert not changes.leads_elsewhere(path, 0)
    ip("address", "del", "fe80::1:1/64", "dev", "near0")
    assert changes.leads_elsewhere(path, 0)


@pytest.mark.parametrize(
    "change",
    [
        ("route", "add", "10.9.0.0/16", "dev", "near0"),
        ("-6", "route", "add", "2001:db8:9::/48", "dev", "near0"),
        ("address", "add", "10.9.0.1/16", "dev", "near0"),
        ("-6", "address", "add", "2001:db8:9::1/64", "dev", "near0"),
        ("rule", "add", "fwmark", "5", "table", "77"),
        ("-6", "rule", "add", "fwmark", "5", "table", "77"),
        ("nexthop", "add", "id", "7", "dev", "near0"),
        ("link", "set", "near2", "down"),
    ],
    ids=" ".join,
)
def test_whatever_can_change_the_routing_is_told(
    changes: NetworkChanges, change: tuple[str, ...]
) -> None:
    # of a link whose only routes are of IPv4 the kernel says just that it is down
    ip("link", "add", "near2", "type", "veth", "peer", "name", "far2")
    File("/proc/sys/net/ipv6/conf/near2/disable_ipv6").write_text("1")
    ip("link", "set", "near2", "up")
    changes.note(0)
    assert not select.select([changes.descriptor], [], [], 0)[0]
    ip(*change)
    assert select.select([changes.descriptor], [], [], 5)[0]


def test_what_changes_during_a_look_makes_another_one_due(changes: NetworkChanges) -> None:
    ip("route", "add", "10.0.0.0/24", "dev", "near0")
    changes.note(1)
    ip("route", "add", "10.9.0.0/16", "dev", "near0")
    assert not changes.leads_elsewhere(heard_on_near0("10.0.0.2", "10.0.0.1"), 0)
    changes.checked(10, 12)
    assert due(changes) == 32
    changes.checked(32, 33)
    assert due(changes) is None


def test_what_is_told_makes_a_look_due_and_a_look_is_followed_by_a_rest(
    changes: NetworkChanges,
) -> None:
    changes.note(1)
    changes.checked(1, 1)
    assert due(changes) is None
    assert select.select([changes.descriptor], [], [], 0)[0] == []
    ip("route", "add", "10.9.0.0/16", "dev", "near0")
    assert select.select([changes.descriptor], [], [], 5)[0]
    changes.note(100)
    assert due(changes) == 100
    assert select.select([changes.descriptor], [], [], 0)[0] == []  # all was taken in
    changes.checked(100, 130)
    changes.note(140)
    assert due(changes) == 430
