"""The sessions that the manuals show, in hosts: each command does and says what is shown.

Ours, and OpenBSD's wg(4).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.mdoc import Command, displays, manual, section, session, subsection
from tests.netns import openbsd
from tests.netns.engines import SCRIPTS, new_key_pair
from tests.netns.hosts import Host, HostMaker
from tests.netns.own_etc import give_own_etc, write_secretly
from tests.netns.waiting import eventually

ABBREVIATED_KEY = re.compile(r"\b[A-Za-z0-9+/]{12}\.\.\.")


@pytest.fixture
def host(new_host: HostMaker) -> Host:
    return new_host("manual")


def examples(name: str) -> list[Command]:
    """Return the commands of a manual's examples, in order."""
    shown = displays(section(manual(name), "EXAMPLES"))
    return [command for display in shown for command in session(display)]


def run(host: Host, text: str) -> tuple[int, str]:
    """Type a line into a shell in /etc; return its exit status and what it said."""
    path = f"{SCRIPTS}:{os.environ['PATH']}"
    done = host.attempt("sh", "-c", f"cd /etc; {text}", environment={"PATH": path})
    assert done.stderr == ""
    return done.returncode, done.stdout


def assert_no_interface(host: Host) -> None:
    eventually(partial(host.has_interface, "wg0"), lambda there: not there)
    eventually(partial(host.processes, "netstart-wgd"), lambda found: not found)


def test_the_example_of_netstart_wgd_works_as_shown(host: Host) -> None:
    *commands, end = examples("netstart-wgd.8")
    for command in commands:
        assert run(host, command.text) == (0, command.output)
    assert commands[-1] == Command("wg show wg0 listen-port", "51820\n")
    assert host.has_interface("wg0")
    assert run(host, end.text) == (0, "")
    assert_no_interface(host)


class Keys:
    """Whole keys in place of those that a manual abbreviates, and back."""

    def __init__(self) -> None:
        self._whole: dict[str, str] = {}

    def complete(self, text: str) -> str:
        return ABBREVIATED_KEY.sub(lambda match: self._key(match[0]), text)

    def abbreviate(self, text: str) -> str:
        for short, whole in self._whole.items():
            text = text.replace(whole, short)
        return text

    def _key(self, short: str) -> str:
        return self._whole.setdefault(short, new_key_pair().public)


def test_the_examples_of_netstart_wg_work_as_shown(host: Host) -> None:
    give_own_etc(host)
    keys = Keys()
    file, text = Path(), ""
    for command in examples("netstart-wg.8"):
        expected_status = 0
        if command.text.startswith("cat "):
            file, text = Path(command.text.removeprefix("cat ")), keys.complete(command.output)
            write_secretly(host, str(file), text)
        elif " -n " in command.text:
            text = re.sub(r"^wgpeer .* wgdescr laptop .*\n", "", text, flags=re.M) + "mtu 1380\n"
            write_secretly(host, str(file), text)
            expected_status = 2
        elif " --live" in command.text:
            expected_status = 2
        status, said = run(host, keys.complete(command.text))
        assert status == expected_status, command
        if command.output:
            assert keys.abbreviate(said) == command.output
    assert file == Path("/etc/hostname.wg0")
    assert_no_interface(host)


PORTED = "wgport 51820"
"""Behind an interface's key, so that nothing of it is left to the system."""

PEER = "wgpeer NW5l2q2MArV5... wgdescr laptop"


@dataclass(frozen=True, slots=True)
class Typist:
    """Somebody who types what a subsection of netstart-wg(8) shows."""

    host: Host
    keys: Keys = field(default_factory=Keys)

    def write(self, name: str, *lines: str) -> None:
        text = self.keys.complete("\n".join(("wgkey 8FVyT2dO0bXr...", *lines, "")))
        write_secretly(self.host, f"/etc/{name}", text)

    def run(self, text: str) -> None:
        assert run(self.host, self.keys.complete(text))[0] == 0, text

    def sessions(self, title: str, *, status: int = 0) -> None:
        """Type it all; each command says what is shown, but for dates."""
        found = displays(subsection(manual("netstart-wg.8"), title))
        shown = [command for display in found for command in session(display)]
        assert shown
        for command in shown:
            ended, said = run(self.host, f"{self.keys.complete(command.text)} 2>&1")
            assert ended == status, command
            assert undated(self.keys.abbreviate(said)) == undated(command.output)


def undated(text: str) -> str:
    return re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b", "(date)", text)


@pytest.fixture
def typist(host: Host) -> Typist:
    give_own_etc(host)
    return Typist(host)


def test_what_is_confirmed_and_gone_back_from_is_as_shown(typist: Typist) -> None:
    second = "wgpeer 3pzzVOIyb5Y3... wgdescr office wgaip 10.1.0.0/16"
    typist.write("hostname.wg0", PORTED, PEER, second, "inet 10.0.0.1/24")
    typist.run("netstart-wg")
    typist.write("hostname.wg0", PORTED, PEER, "inet 10.0.0.1/24")
    typist.run("netstart-wg")
    typist.sessions("History and rollback")
    typist.write("hostname.wg0", PORTED, PEER, f"{second} wgpka 25", "inet 10.0.0.1/24")
    typist.sessions("Confirm or revert")


def test_what_monitoring_is_told_is_as_shown(typist: Typist) -> None:
    typist.write("hostname.wg0", "inet 10.0.0.1/24")
    typist.write("hostname.wg1", "inet 10.5.0.1/24")
    typist.run("netstart-wg")
    typist.write("hostname.wg0", PEER, "inet 10.0.0.1/24")
    typist.run("ip link set wg0 mtu 1300; ip address add 10.99.0.1/24 dev wg0")
    typist.run("ip link delete wg1")
    typist.sessions("Check", status=2)


def test_the_rules_of_a_default_route_are_as_shown(typist: Typist) -> None:
    settings = 'routes = "allowed-ips"\n'
    typist.host.run("sh", "-c", "cat > /etc/netstart-wg.toml", text=settings)
    typist.write("hostname.wg0", "wgpeer NW5l2q2MArV5... wgaip 0.0.0.0/0", "inet 10.0.0.1/32")
    typist.run("netstart-wg")
    (shown,) = displays(subsection(manual("netstart-wg.8"), "Routes from allowed IPs"))
    rules = " ".join(typist.host.run("ip", "rule").split())
    assert " ".join(shown.split()) in rules


def test_the_key_of_the_settings_is_made_as_shown(typist: Typist) -> None:
    """And used by the example before it."""
    shown = displays(section(manual("netstart-wg.toml.5"), "EXAMPLES"))
    settings, command, *_ = shown
    typist.host.run("sh", "-c", "cat > /etc/netstart-wg.toml", text=settings)
    typist.host.run("mkdir", "/etc/wireguard")
    write_secretly(typist.host, "/etc/hostname.wg0", "inet 10.0.0.1/24\n")
    for each in session(command):
        typist.run(each.text)
    typist.run("netstart-wg")
    public = typist.host.run("sh", "-c", "wg pubkey < /etc/wireguard/wg0.key").strip()
    assert typist.host.run("wg", "show", "wg0", "public-key").strip() == public


def test_the_example_of_wg4_works_word_for_word(host: Host, tmp_path: Path) -> None:
    script = tmp_path / "example"
    script.write_text(openbsd.WG4)
    script.chmod(0o755)
    done = openbsd.attempt(host, str(script))
    assert (done.returncode, done.stderr) == (0, "")
    first, _, second = done.stdout.partition("wg2: ")
    assert_shown(first, "wg1: flags=", rdomain=1, port=7111, address="192.168.5.1")
    assert_shown(second, "flags=", rdomain=2, port=7222, address="192.168.5.2")
    assert_peer(first, openbsd.public_key(host, "wg2"), "127.0.0.1 7222", "192.168.5.2/32")
    assert_peer(second, openbsd.public_key(host, "wg1"), "127.0.0.1 7111", "192.168.5.1/32")

    for command in (
        "route -T1 exec ping -c 3 192.168.5.2",
        "route -T 2 exec ping -c 1 192.168.5.1",
    ):
        answered = openbsd.attempt(host, "sh", "-c", command)
        assert answered.returncode == 0, answered
        assert " 0% packet loss" in answered.stdout
    assert "last handshake: " in openbsd.ifconfig(host, "wg1")

    for listing in (("ss", "-lnu"), ("netstat", "-ln")):
        assert udp_ports(host.run(*listing)) == [7111, 7111, 7222, 7222], "IPv4 and IPv6 each"


def udp_ports(listing: str) -> list[int]:
    """Return the local ports of what ss(8) or netstat(8) lists, sorted."""
    rows = [line.split() for line in listing.splitlines()]
    udp = [row for row in rows if row and row[0] in ("UNCONN", "udp", "udp6")]
    return sorted(int(row[3].rpartition(":")[2]) for row in udp)


def assert_shown(shown: str, start: str, *, rdomain: int, port: int, address: str) -> None:
    flags, *lines = shown.splitlines()
    assert flags.startswith(start)
    assert f" rdomain {rdomain} mtu 1420" in flags
    assert f"\twgport {port}" in lines
    assert f"\tinet {address} netmask 0xffffff00" in lines


def assert_peer(shown: str, key: str, endpoint: str, allowed_ip: str) -> None:
    block = shown[shown.index(f"\twgpeer {key}\n") :]
    assert f"\t\twgendpoint {endpoint}\n" in block
    assert f"\t\twgaip {allowed_ip}\n" in block
