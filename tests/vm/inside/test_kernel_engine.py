"""From a file to a tunnel, with the kernel's WireGuard at one end and ours at the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.netns.engines import NETSTART_WG, KeyPair, new_key_pair
from tests.netns.hosts import Host, Link, hosts, link
from tests.netns.waiting import eventually

PATIENCE_SECONDS = 60.0
"""The machine is emulated."""

PRESHARED = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
ANSWER = """
import socket
with socket.create_server(("10.9.0.2", 7000)) as server:
    connection, _ = server.accept()
    with connection:
        octets = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    print(len(octets), flush=True)
"""
ASK = """
import socket
with socket.create_connection(("10.9.0.2", 7000), timeout=20) as connection:
    connection.sendall(bytes(300_000))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    host: Host
    folder: Path
    keys: KeyPair
    address: str

    def write(self, other: End, cable: Link, *lines: str) -> None:
        endpoint = cable.address(other.host, 4)
        file = self.folder / "hostname.wg0"
        text = [
            f"wgkey {self.keys.private} wgport 5182",
            f"wgpeer {other.keys.public} wgdescr friend wgpsk {PRESHARED} \\",
            f"\twgendpoint {endpoint} 5182 wgaip {other.address}/32 wgaip 10.9.1.0/24",
            f"inet {self.address}/24",
            *lines,
        ]
        file.write_text("\n".join(text) + "\n")
        file.chmod(0o600)

    def choose(self, engine: str) -> None:
        file = self.folder / "netstart-wg.toml"
        file.write_text(f'engine = "{engine}"\n')
        file.chmod(0o600)

    def netstart(self, *words: str, status: int = 0) -> str:
        """Run it; return what it says on both sides."""
        command = (NETSTART_WG, "-C", str(self.folder), *words)
        ended = self.host.attempt(*command, timeout=PATIENCE_SECONDS)
        assert ended.returncode == status, ended.stdout + ended.stderr
        assert self.keys.private not in ended.stdout + ended.stderr
        assert PRESHARED not in ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    def pings(self, other: End) -> bool:
        words = ("ping", "-c", "2", "-i", "0.2", "-W", "5", other.address)
        return self.host.attempt(*words, timeout=PATIENCE_SECONDS).returncode == 0

    def is_the_kernels(self) -> bool:
        words = self.host.run("ip", "-details", "link", "show", "wg0")
        return "wireguard" in words and "altname netstart-wg." in words


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[End, End, Link]]:
    with hosts(tmp_path) as new_host:
        both: list[End] = []
        for number, name in ((1, "left"), (2, "right")):
            folder = tmp_path / name
            folder.mkdir(mode=0o700)
            end = End(
                host=new_host(name),
                folder=folder,
                keys=new_key_pair(),
                address=f"10.9.0.{number}",
            )
            both.append(end)
        left, right = both
        yield left, right, link(left.host, right.host)


def test_the_kernels_engine_and_ours_carry_each_others_traffic(
    ends: tuple[End, End, Link],
) -> None:
    left, right, cable = ends
    left.choose("kernel")
    for end, other in ((left, right), (right, left)):
        end.write(other, cable)
        end.netstart()
    assert left.is_the_kernels()
    assert left.pings(right)
    assert right.pings(left)
    server = right.host.start("python3", "-c", ANSWER)
    eventually(lambda: ":7000" in right.host.run("ss", "-Hlnt"), what="a server")
    left.host.run("python3", "-c", ASK, timeout=PATIENCE_SECONDS)
    assert server.wait(PATIENCE_SECONDS) == 0
    assert server.output().strip() == "300000"
    shown = left.host.run(NETSTART_WG, "status", "wg0", timeout=PATIENCE_SECONDS)
    assert "friend" in shown
    assert right.keys.public in shown

    monitor = left.host.start("ip", "-4", "monitor", "link", "address", "route")
    files = sorted(left.host.run("sh", "-c", "ls -l --full-time /run/netstart-wg").splitlines())
    for _ in range(2):
        assert left.netstart() == ""
    assert left.netstart("-n") == ""
    again = left.host.run("sh", "-c", "ls -l --full-time /run/netstart-wg").splitlines()
    assert sorted(again) == files
    assert monitor.output() == ""

    left.write(right, cable, "description changed", "mtu 1300", "!route add 10.9.1.0/24 10.9.0.2")
    assert left.netstart("-n", status=2)
    left.netstart()
    assert "10.9.1.0/24" in left.host.run("ip", "route", "show", "dev", "wg0")
    assert "mtu 1300" in left.host.run("ip", "link", "show", "wg0")
    assert left.pings(right)
    left.write(right, cable, "destroy")
    left.netstart()
    assert not left.host.has_interface("wg0")
    assert "wg0.kernel" not in left.host.run("ls", "/run/netstart-wg")
