"""`netstart-wg stop` on a real host: it is as if netstart-wg had never been there."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.netns.engines import NETSTART_WG, new_key_pair
from tests.netns.hosts import Host, HostMaker
from tests.netns.waiting import eventually

FOLDERS = ("/run/netstart-wg", "/run/wireguard", "/run/netns")


def inventory(host: Host) -> dict[str, str]:
    """Return all that a run of netstart-wg can leave on a host, as text."""
    commands = {
        "links": "ip -brief link",
        "rules": "ip rule; ip -6 rule",
        "routes": "ip route show table all; ip -6 route show table all",
        "sockets": "ss --no-header --udp --all --numeric",
        "files": f"find {' '.join(FOLDERS)} -not -type d 2>/dev/null | sort",
        "processes": "ps -e -o args= | grep '[n]etstart' || true",
        "run directory": "ls -d /run/netstart-wg 2>/dev/null || true",
    }
    return {what: host.run("sh", "-c", command) for what, command in commands.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three interfaces: in rdomains, with a name nobody knows, with the default route."""
    peer = new_key_pair().public
    files = {
        "wg0": "rdomain 3\nwgrtable 4\ninet 10.0.0.1/24\n!route -T 3 add 10.7/16 10.0.0.2\n",
        "wg1": f"wgpeer {peer} wgendpoint nobody.invalid 7000 wgaip 10.1.0.2/32\n"
        "inet 10.1.0.1/24\n",
        "wg2": f"wgpeer {peer} wgendpoint 192.0.2.1 7000 wgaip 0.0.0.0/0 wgaip ::/0\n"
        "inet 10.2.0.1/24\ninet6 fd00:2::1/64\n",
    }
    for name, text in files.items():
        path = tmp_path / f"hostname.{name}"
        path.touch(mode=0o600)
        path.write_text(f"wgkey {new_key_pair().private}\n{text}")
    (tmp_path / "netstart-wg.toml").write_text('[interface.wg2]\nroutes = "allowed-ips"\n')
    return tmp_path


def test_nothing_is_left_of_interfaces_rdomains_routes_rules_names_and_files(
    new_host: HostMaker, folder: Path
) -> None:
    host = new_host("host")
    before = inventory(host)
    assert host.attempt(NETSTART_WG, "-C", str(folder)).returncode == 3  # for the name
    with_tunnels = inventory(host)
    assert all(with_tunnels[what] != before[what] for what in before)
    host.run(NETSTART_WG, "stop")
    eventually(lambda: inventory(host), before.__eq__)  # processes end when they are told


def test_what_killed_engines_have_left_goes_too(new_host: HostMaker, folder: Path) -> None:
    host = new_host("host")
    before = inventory(host)
    host.attempt(NETSTART_WG, "-C", str(folder))
    for process in host.processes("netstart_wg.cli.netstart_wgd"):
        os.kill(process, signal.SIGKILL)
    eventually(lambda: host.run("ip", "-brief", "link"), before["links"].__eq__)
    host.run(NETSTART_WG, "stop")
    eventually(lambda: inventory(host), before.__eq__)


def test_a_run_after_it_makes_everything_anew(new_host: HostMaker, folder: Path) -> None:
    host = new_host("host")
    for _ in range(2):
        assert host.attempt(NETSTART_WG, "-C", str(folder)).returncode == 3
        assert "wg2" in host.run("ip", "-brief", "link")
        host.run(NETSTART_WG, "stop")
