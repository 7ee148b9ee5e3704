"""Rdomains that are VRF devices: who makes and removes them, and what is in them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from netstart_wg.errors import BackendError
from netstart_wg.model.settings import RdomainKind, RdomainPlace
from netstart_wg.system.linux import Linux
from netstart_wg.system.namespaces import identity_of
from tests.netns.engines import (
    NETSTART_WG,
    OURS,
    KeyPair,
    PeerSection,
    configuration,
    new_key_pair,
    setconf,
)
from tests.netns.hosts import Host, HostMaker, hosts, link
from tests.netns.waiting import eventually
from tests.private_namespaces import private_namespaces

PATIENCE_SECONDS = 60.0
"""The machine is emulated."""

PORT = 51820


@dataclass(frozen=True, slots=True)
class Machine:
    host: Host
    folder: Path
    keys: KeyPair

    def settle(self, *rdomains: str) -> None:
        (self.folder / "netstart-wg.toml").write_text("\n".join(["[rdomain]", *rdomains, ""]))

    def write(self, *lines: str) -> None:
        file = self.folder / "hostname.wg0"
        file.touch(mode=0o600)
        file.write_text("\n".join([f"wgkey {self.keys.private} wgport {PORT}", *lines, ""]))

    def netstart(self, *options: str, status: int = 0) -> str:
        result = self.host.attempt(NETSTART_WG, "-C", str(self.folder), *options, timeout=120)
        assert result.returncode == status, result
        return result.stdout + result.stderr

    def ip(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.host.run("ip", "-j", *words) or "[]")
        return [each for each in found if each]

    def can_ping(self, vrf: str, address: str) -> bool:
        command = ("ping", "-n", "-c1", "-W2", "-I", vrf, address)
        return self.host.attempt(*command).returncode == 0


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[HostMaker]:
    """Make hosts by name, for one test."""
    with hosts(tmp_path) as make:
        yield make


@pytest.fixture
def machine(new_host: HostMaker, tmp_path: Path) -> Machine:
    folder = tmp_path / "etc"
    folder.mkdir()
    return Machine(new_host("vrf"), folder, new_key_pair())


def place(name: str, table: int | None = None) -> RdomainPlace:
    return RdomainPlace(kind=RdomainKind.VRF, name=name, table=table)


@pytest.fixture
def linux() -> Iterator[Linux]:
    """The system in a network and a run directory of its own."""
    with private_namespaces():
        linux = Linux()
        yield linux
        linux.close()


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def test_one_of_ours_is_made_complete_and_removed_without_a_trace(linux: Linux) -> None:
    linux.place_rdomains({5: place("blue", 1005), 6: place("red")})
    linux.make_rdomain(5)
    linux.make_rdomain(6)
    linux.make_rdomain(6)
    assert linux.rdomains() == (5, 6)
    assert linux.is_rdomain_called(5, "blue")
    assert not linux.is_rdomain_called(5, "red")
    for table in ("1005", "6"):
        refusal = "unreachable default proto static metric 4278198272"
        assert ip("route", "show", "table", table).strip() == refusal
        assert "unreachable default" in ip("-6", "route", "show", "table", table)
    linux.place_rdomains({})
    assert linux.remove_rdomain(5)
    assert linux.remove_rdomain(6)
    assert linux.rdomains() == ()
    assert "unreachable" not in ip("route", "show", "table", "all")
    assert "unreachable" not in ip("-6", "route", "show", "table", "all")


def test_one_with_an_interface_in_it_stays(linux: Linux) -> None:
    linux.place_rdomains({5: place("blue")})
    linux.make_rdomain(5)
    ip("link", "add", "d0", "type", "dummy")
    ip("link", "set", "d0", "master", "blue")
    assert not linux.remove_rdomain(5)
    ip("link", "delete", "d0")
    assert linux.remove_rdomain(5)


def test_one_of_somebody_else_is_used_as_it_is_and_stays(linux: Linux) -> None:
    ip("link", "add", "red", "type", "vrf", "table", "77")
    linux.place_rdomains({6: place("red", 78)})
    with pytest.raises(BackendError, match="has the routing table 77, and not 78"):
        linux.check_rdomain(6)
    linux.place_rdomains({6: place("red")})
    linux.make_rdomain(6)
    assert linux.rdomains() == (6,)
    assert not linux.remove_rdomain(6)
    assert "unreachable" not in ip("route", "show", "table", "all")


def test_it_is_never_taken_for_a_namespace_or_an_interface_for_it(linux: Linux) -> None:
    linux.place_rdomains({5: place("blue")})
    ip("link", "add", "blue", "type", "dummy")
    with pytest.raises(BackendError, match='"blue" is an interface, and no VRF'):
        linux.check_rdomain(5)
    ip("link", "delete", "blue")
    ip("netns", "add", "rdomain5")
    with pytest.raises(BackendError, match="rdomain5 is there, and is no VRF"):
        linux.check_rdomain(5)
    ip("netns", "delete", "rdomain5")
    linux.make_rdomain(5)
    for places in ({}, {5: RdomainPlace(kind=RdomainKind.NAMESPACE, name="far")}):
        linux.place_rdomains(places)
        with pytest.raises(
            BackendError, match=r"it is a VRF, and netstart-wg\.toml does not say so"
        ):
            linux.make_rdomain(5)
    linux.place_rdomains({7: place("blue")})
    with pytest.raises(BackendError, match='the VRF "blue" is rdomain 5 already'):
        linux.check_rdomain(7)


def test_one_that_was_made_again_is_another(linux: Linux) -> None:
    linux.place_rdomains({5: place("blue")})
    linux.make_rdomain(5)
    before = identity_of(5)
    linux.remove_rdomain(5)
    assert identity_of(5) is None
    linux.make_rdomain(5)
    assert identity_of(5) not in (None, before)


def test_from_a_file_to_a_tunnel_and_back(machine: Machine) -> None:
    """The interface with addresses, routes and a command goes into a VRF, and out of it."""
    host, ran = machine.host, machine.folder / "ran"
    host.run("mount", "-t", "cgroup2", "none", "/sys/fs/cgroup")
    machine.settle('5 = { vrf = "blue", table = 1005 }')
    machine.write(
        *("rdomain 5", "inet 10.0.0.1/24", "inet6 fd00::1/64"),
        "!route -T 5 add 10.9.0.0/16 10.0.0.2",
        f"!route -T 5 exec sh -c 'ip vrf identify $$ > {ran}'",
    )
    machine.netstart()
    assert ran.read_text().strip() == "blue"
    (interface,) = machine.ip("link", "show", "dev", "wg0")
    assert interface["master"] == "blue"
    table = {each["dst"]: each for each in machine.ip("route", "show", "table", "1005")}
    assert table["10.9.0.0/16"]["gateway"] == "10.0.0.2"
    assert not machine.ip("route", "show", "10.9.0.0/16")
    assert " rdomain 5 " in host.run(NETSTART_WG, "status", "wg0", timeout=120)
    assert machine.netstart("-v") == ""

    machine.write("inet 10.0.0.1/24", "inet6 fd00::1/64")
    machine.netstart()
    assert machine.ip("link", "show", "type", "vrf") == []
    (interface,) = machine.ip("address", "show", "dev", "wg0")
    assert {"10.0.0.1", "fd00::1"} <= {each["local"] for each in interface["addr_info"]}


def test_the_sockets_go_into_one_and_back_with_the_same_port(
    machine: Machine, new_host: HostMaker
) -> None:
    """The peer is at the other end of a cable that is moved, too."""
    far, far_keys = new_host("far"), new_key_pair()
    cable = link(machine.host, far)
    OURS.start(far, "wg0")
    far.run("ip", "address", "add", "10.0.0.2/24", "dev", "wg0")
    far.run("ip", "link", "set", "wg0", "up")
    peer = PeerSection(public_key=machine.keys.public, allowed_ips=("10.0.0.1/32",))
    setconf(far, "wg0", configuration(far_keys.private, PORT, peer))
    machine.settle('5 = { vrf = "blue" }', '6 = { vrf = "red" }')
    where = f"wgendpoint {cable.address(far, 4)} {PORT} wgaip 10.0.0.2/32"

    def bring_up(wgrtable: int) -> None:
        machine.write(
            "rdomain 6",
            f"wgrtable {wgrtable}",
            f"wgpeer {far_keys.public} {where}",
            "inet 10.0.0.1/24",
        )
        machine.netstart()

    def is_there() -> None:
        arrives = partial(machine.can_ping, "red", "10.0.0.2")
        eventually(arrives, within=PATIENCE_SECONDS)
        assert machine.netstart("-v") == ""

    bring_up(0)
    is_there()
    bring_up(5)
    machine.host.run("ip", "link", "set", cable.interface, "master", "blue")
    is_there()
    assert "%blue:51820" in machine.host.run("ss", "-Hlnu")
    bring_up(0)
    machine.host.run("ip", "link", "set", cable.interface, "nomaster")
    is_there()
