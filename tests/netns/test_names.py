"""Endpoints that are names, with a name server that knows more later.

    left ── eth1 ── right

Right is a peer of left's by name.  A second peer is nobody's business, and must stay so.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from netstart_wg.errors import ExitStatus
from tests.netns.engines import (
    NETSTART_WG,
    OURS,
    PeerSection,
    configuration,
    new_key_pair,
    setconf,
    show,
)
from tests.netns.hosts import Background, Host, hosts, link
from tests.netns.traffic import pings
from tests.netns.waiting import eventually

PORT = 51820
NAME = "right.example"
DNS = Path(__file__).with_name("dns.py")


@dataclass(slots=True)
class Scene:
    left: Host
    right: Host
    address: str
    """Of right."""
    folder: Path
    right_key: str
    bystander: str
    server: Background

    @property
    def book(self) -> Path:
        return self.folder / "names"

    def tell(self, **known: str) -> None:
        self.book.write_text(json.dumps({name.replace("_", "."): to for name, to in known.items()}))

    def netstart(self, *options: str, status: int = 0) -> str:
        result = self.left.attempt(NETSTART_WG, "-C", str(self.folder), *options)
        assert result.returncode == status, result
        return result.stdout + result.stderr

    def endpoint(self, key: str | None = None) -> str | None:
        return show(self.left, "wg0").peers[key or self.right_key].endpoint

    def watchers(self) -> list[int]:
        return self.left.processes("netstart_wg.cli.names")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    folder = tmp_path / "etc"
    folder.mkdir()
    with hosts(tmp_path) as new_host:
        left, right = new_host("left"), new_host("right")
        cable = link(left, right)
        left_keys, right_keys, bystander = (new_key_pair() for _ in range(3))
        OURS.start(right, "wg0")
        right.run("ip", "address", "add", "10.0.0.2/24", "dev", "wg0")
        right.run("ip", "link", "set", "wg0", "up")
        to_left = PeerSection(public_key=left_keys.public, allowed_ips=("10.0.0.1/32",))
        setconf(right, "wg0", configuration(right_keys.private, PORT, to_left))
        file = folder / "hostname.wg0"
        file.touch(mode=0o600)
        file.write_text(
            f"wgkey {left_keys.private} wgport {PORT}\n"
            f"wgpeer {right_keys.public} wgendpoint {NAME} {PORT} wgaip 10.0.0.2/32 wgpka 1\n"
            f"wgpeer {bystander.public} wgendpoint 192.0.2.77 {PORT} wgaip 10.0.0.3/32\n"
            "inet 10.0.0.1/24\n"
        )
        (folder / "names").write_text("{}")
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        left.run("ip", "link", "set", "lo", "up")
        left.run("mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf")
        left.run("mount", "-t", "tmpfs", "none", "/var/lib")
        server = left.start(sys.executable, "-IS", str(DNS), str(folder / "names"))
        eventually(server.output, lambda said: "ready" in said)
        address = cable.address(right, 4)
        yield Scene(left, right, address, folder, right_keys.public, bystander.public, server)


def test_a_name_holds_up_nothing_and_is_found_when_it_can_be(scene: Scene) -> None:
    said = scene.netstart(status=ExitStatus.WARNINGS)
    assert f'endpoint "{NAME}"' in said
    assert "inet 10.0.0.1" in scene.left.run(NETSTART_WG, "status", "wg0")
    assert scene.endpoint() is None
    bystander = scene.endpoint(scene.bystander)

    scene.tell(right_example=scene.address)
    eventually(scene.endpoint, lambda found: found == f"{scene.address}:{PORT}")
    eventually(lambda: pings(scene.left, "10.0.0.2"), what="a tunnel without any run")
    assert scene.endpoint(scene.bystander) == bystander
    assert scene.netstart() == ""
    assert scene.netstart("-n") == ""

    # after a reboot, and without a resolver
    scene.server.stop()
    (watcher,) = scene.watchers()
    scene.left.run("ip", "link", "delete", "wg0")
    os.kill(watcher, signal.SIGKILL)
    scene.left.run("sh", "-c", "rm -r /run/netstart-wg")
    scene.netstart(status=ExitStatus.WARNINGS)
    assert scene.endpoint() == f"{scene.address}:{PORT}"
    eventually(lambda: pings(scene.left, "10.0.0.2"), what="a tunnel to where it was last found")


def test_when_the_network_changes_names_are_looked_up_again(scene: Scene) -> None:
    scene.tell(right_example="192.0.2.99")
    scene.netstart()
    assert scene.endpoint() == f"192.0.2.99:{PORT}"
    bystander = scene.endpoint(scene.bystander)
    scene.tell(right_example=scene.address)
    scene.left.run("ip", "address", "add", "198.51.100.7/32", "dev", "lo")
    eventually(scene.endpoint, lambda found: found == f"{scene.address}:{PORT}")
    assert scene.endpoint(scene.bystander) == bystander
    assert scene.netstart() == ""


def test_one_process_looks_after_names_for_as_long_as_there_are_any(scene: Scene) -> None:
    scene.tell(right_example=scene.address)
    scene.netstart()
    (first,) = scene.watchers()
    scene.netstart()
    assert scene.watchers() == [first]
    os.kill(first, signal.SIGKILL)
    eventually(scene.watchers, lambda found: found == [])
    scene.netstart()
    (second,) = scene.watchers()
    assert second != first
    file = scene.folder / "hostname.wg0"
    file.write_text(file.read_text().replace(NAME, scene.address))
    scene.netstart()
    eventually(scene.watchers, lambda found: found == [], what="nobody, when there are no names")
