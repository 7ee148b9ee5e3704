"""The scripts of contrib/ for machines without systemd: each is run as its init system would."""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.netns.engines import SCRIPTS, new_key_pair
from tests.netns.hosts import Host, HostMaker
from tests.netns.own_etc import give_own_etc, write_secretly
from tests.netns.waiting import eventually

CONTRIB = Path(__file__).parents[2] / "contrib"
SYSVINIT = CONTRIB / "sysvinit/netstart-wg"
OPENRC = CONTRIB / "openrc/netstart-wg"
RUNIT = CONTRIB / "runit/netstart-wg"

WITH_SCRIPTS = {"PATH": f"{SCRIPTS}:{os.environ['PATH']}"}
FILE = "/etc/hostname.wg0"


@pytest.fixture
def host(new_host: HostMaker) -> Host:
    made = new_host("init")
    give_own_etc(made)
    return made


def hostname_file(*lines: str) -> str:
    return "\n".join([f"wgkey {new_key_pair().private}", "inet 10.0.0.1/24", *lines, ""])


def addresses(host: Host) -> str:
    return host.run("ip", "-o", "-4", "address", "show", "dev", "wg0")


def test_sysvinit_starts_reloads_and_stops(host: Host) -> None:
    def service(verb: str) -> subprocess.CompletedProcess[str]:
        return host.attempt(str(SYSVINIT), verb, environment=WITH_SCRIPTS)

    assert service("status").returncode == 3, "LSB: it does not run"
    text = hostname_file()
    write_secretly(host, FILE, text)
    assert service("start").returncode == 0
    assert "10.0.0.1/24" in addresses(host)
    status = service("status")
    assert (status.returncode, status.stdout.split(":")[0]) == (0, "wg0")
    engine = host.processes("netstart-wgd")

    write_secretly(host, FILE, f"{text}inet alias 10.0.0.9/32\n")
    assert service("reload").stdout == "wg0: 1 address added\n"
    write_secretly(host, FILE, f"{text}frobnicate\n")
    broken = service("force-reload")
    assert broken.returncode == 0, "others may be in order, and it has to be stopped some day"
    assert 'unknown keyword "frobnicate"' in broken.stderr
    assert "10.0.0.9/32" in addresses(host)
    assert host.processes("netstart-wgd") == engine, "nothing was made anew"

    write_secretly(host, FILE, text)
    assert service("stop").returncode == 0
    assert not host.has_interface("wg0")
    assert service("try-restart").returncode == 0
    assert not host.has_interface("wg0")
    assert service("restart").returncode == 0
    assert host.has_interface("wg0")
    assert service("frobnicate").returncode == 2
    assert service("stop").returncode == 0
    eventually(partial(host.processes, "netstart-wgd"), lambda found: not found)


def test_runit_brings_them_up_and_down(host: Host) -> None:
    write_secretly(host, FILE, hostname_file())
    folder = "/etc/sv-netstart-wg"
    host.run("cp", "-R", str(RUNIT), folder)
    supervisor = host.start("runsv", folder, environment=WITH_SCRIPTS)
    is_there = partial(host.has_interface, "wg0")
    eventually(is_there)
    for verb, stays in (("down", False), ("up", True), ("exit", False)):
        host.run("sv", "-w", "20", verb, folder)
        eventually(is_there, stays.__eq__)
    assert not supervisor.is_running


def test_the_scripts_may_be_executed() -> None:
    for script in (SYSVINIT, OPENRC, RUNIT / "run", RUNIT / "finish", RUNIT / "control/h"):
        assert script.stat().st_mode & 0o111 == 0o111, script


def test_shellcheck_has_nothing_to_say_of_them() -> None:
    scripts = [SYSVINIT, OPENRC, RUNIT / "run", RUNIT / "finish", RUNIT / "control/h"]
    subprocess.run(["shellcheck", "--shell=sh", *scripts], check=True)
