"""Rdomains through hostname files: where an interface is, where its sockets are, and its routes.

All is in one host; rdomain 0 is the host itself, and the tunnels' outer packets
cross its loopback.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.netns import openbsd
from tests.netns.engines import NETSTART_WG, KeyPair, ShownPeer, new_key_pair, show
from tests.netns.hosts import Host, HostMaker
from tests.netns.kinds import Kind, only_our_own_engine
from tests.netns.openbsd import ping
from tests.netns.waiting import eventually

PROTOCOL = 119
"""The routing protocol number of the routes that netstart-wg adds."""

MAY_BE_MADE_ANEW = ("--allow", "rebuild")
"""The kernel's interface when its sockets are to be elsewhere."""

RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETRULE = 18, 22, 26, 34
"""rtnetlink(7)."""


@dataclass(frozen=True, slots=True)
class End:
    """An interface with a hostname file, of its key, its port and its peer."""

    number: int
    keys: KeyPair = field(default_factory=new_key_pair)

    @property
    def interface(self) -> str:
        return f"wg{self.number}"

    @property
    def port(self) -> int:
        return 7000 + self.number


@dataclass(frozen=True, slots=True)
class Machine:
    """A host with a folder of its own for hostname files."""

    host: Host
    folder: Path
    kind: Kind

    def write(self, end: End, *lines: str, peer: End | None = None) -> None:
        """Write its hostname file: its key, its port, its peer, then these lines."""
        text = [f"wgkey {end.keys.private} wgport {end.port}"]
        if peer is not None:
            where = f"wgendpoint 127.0.0.1 {peer.port}"
            text.append(f"wgpeer {peer.keys.public} {where} wgaip 0.0.0.0/0")
        file = self.folder / f"hostname.{end.interface}"
        file.touch(mode=0o600)
        file.write_text("\n".join([*text, *lines, ""]))

    def netstart(self, *options: str) -> str:
        """Run; nothing may go wrong.  Return all it says."""
        result = self.host.attempt(NETSTART_WG, "-C", str(self.folder), *options)
        assert result.returncode == 0, result
        return result.stdout + result.stderr

    def peer_of(self, end: End, rdomain: int) -> ShownPeer:
        within = ("ip", "netns", "exec", f"rdomain{rdomain}")
        (peer,) = show(self.host, end.interface, *within).peers.values()
        return peer

    def addresses(self, rdomain: int, interface: str) -> list[str]:
        (link,) = self._ip(rdomain, "address", "show", "dev", interface)
        return [f"{a['local']}/{a['prefixlen']}" for a in link["addr_info"] if a["scope"] != "link"]

    def routes(self, rdomain: int) -> dict[str, tuple[str | None, str | None, int | None]]:
        """Return gateway, interface and metric of the routes of ours, by destination."""
        found = self._ip(rdomain, "route", "show", "proto", str(PROTOCOL))
        return {r["dst"]: (r.get("gateway"), r.get("dev"), r.get("metric")) for r in found}

    def _ip(self, rdomain: int, *words: str) -> list[dict[str, Any]]:
        where = ("-n", f"rdomain{rdomain}") if rdomain else ()
        found: list[dict[str, Any]] = json.loads(self.host.run("ip", "-j", *where, *words) or "[]")
        return found


@pytest.fixture
def machine(new_host: HostMaker, tmp_path: Path, kind: Kind) -> Machine:
    folder = tmp_path / "etc"
    folder.mkdir()
    kind.choose(folder)
    return Machine(new_host("rdomains"), folder, kind)


def write_pair(
    machine: Machine, first: End, second: End, rdomains: tuple[int, int], net: str = "10.0.0"
) -> None:
    """Write both ends of a tunnel over the loopback of rdomain 0."""
    ends = ((first, second, rdomains[0], 1), (second, first, rdomains[1], 2))
    for end, peer, rdomain, last in ends:
        machine.write(end, f"rdomain {rdomain}", f"inet {net}.{last}/24", peer=peer)


FULL = (
    "rdomain 1",
    "wgrtable 2",
    "inet 10.0.0.1/24",
    "inet6 fd77::1/64",
    "group vpn",
    "debug",
    "!route -T 1 add 10.9.0.0/16 10.0.0.2",
    "!route -T 1 add -priority 20 default 10.0.0.2",
)


def test_a_file_with_everything_is_made_so(machine: Machine) -> None:
    end = End(1)
    machine.write(end, *FULL)
    machine.netstart()
    assert not machine.host.has_interface("wg1")
    assert machine.addresses(1, "wg1") == ["10.0.0.1/24", "fd77::1/64"]
    assert machine.routes(1) == {
        "10.9.0.0/16": ("10.0.0.2", "wg1", 8),
        "default": ("10.0.0.2", "wg1", 20),
    }
    shown = machine.host.run(NETSTART_WG, "status", "wg1")
    assert re.search(r"^wg1: flags=\w+<[\w,]*DEBUG[\w,]*> rdomain 1 mtu 1420$", shown, re.M)
    assert "\twgrtable 2\n" in shown
    assert "\tgroups: wg vpn\n" in shown


def test_the_sockets_are_in_wgrtable_and_nowhere_else(machine: Machine) -> None:
    end = End(1)
    machine.write(end, *FULL)
    machine.netstart()
    listening = [
        bool(openbsd.attempt(machine.host, *in_rdomain(rdomain), "ss", "-Hlnu").stdout)
        for rdomain in (0, 1, 2)
    ]
    assert listening == [False, False, True]


@pytest.mark.parametrize("is_made_again", [False, True])
def test_the_sockets_follow_to_an_rdomain_that_was_deleted(
    machine: Machine, is_made_again: bool
) -> None:
    end = End(1)
    machine.write(end, *FULL)
    machine.netstart()
    machine.host.run("ip", "netns", "delete", "rdomain2")
    if is_made_again:
        machine.host.run("ip", "netns", "add", "rdomain2")
    assert "wgrtable" in machine.netstart("-v", *MAY_BE_MADE_ANEW)
    assert openbsd.attempt(machine.host, *in_rdomain(2), "ss", "-Hlnu").stdout
    assert machine.netstart("-v") == ""


def in_rdomain(rdomain: int) -> tuple[str, ...]:
    return (NETSTART_WG, "exec", "-T", str(rdomain))


@only_our_own_engine
def test_a_second_run_only_asks(machine: Machine, tmp_path: Path) -> None:
    machine.write(End(1), *FULL)
    machine.netstart()
    trace = tmp_path / "trace"
    filter_ = ("-e", "trace=%network,write,writev,unshare,mount,mkdir,unlink,rename")
    said = machine.host.run(
        *("strace", "-f", "-s", "4096", "-o", str(trace), *filter_),
        *(NETSTART_WG, "-C", str(machine.folder)),
    )
    assert said == ""
    text = trace.read_text()
    sent = [line for line in text.splitlines() if re.search(r"\b(send|write)\w*\(", line)]
    # In another namespace strace(1) does not know the socket's protocol, and so shows numbers.
    asked = {int(kind, 16) for line in sent for kind in re.findall(r"nlmsg_type=(0x\w+)", line)}
    assert asked == {RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE, RTM_GETRULE}
    asked_here = {kind for line in sent for kind in re.findall(r"RTM_\w+", line)}
    assert asked_here <= {"RTM_GETLINK"}, "of rdomain 0 no more than whether the kernel's is there"
    assert any("get=1" in line for line in sent)
    assert not any("set=1" in line for line in sent)
    assert not re.search(r"\b(unshare|mount|mkdir|unlink|rename)\w*\(", text)


def test_a_plan_makes_no_rdomain(machine: Machine) -> None:
    machine.write(End(1), *FULL)
    result = machine.host.attempt(NETSTART_WG, "-n", "-C", str(machine.folder))
    assert result.returncode == 2
    assert "wg1: + rdomain 1\n" in result.stdout
    assert "wg1: + !route -T 1 add 10.9.0.0/16 10.0.0.2\n" in result.stdout
    assert not machine.host.exists("/run/netns/rdomain1")


def test_what_leaves_the_file_goes(machine: Machine) -> None:
    end = End(1)
    machine.write(end, *FULL)
    machine.netstart()
    machine.write(end, "rdomain 1", "inet 10.0.0.1/24")
    machine.netstart(*MAY_BE_MADE_ANEW)
    assert machine.routes(1) == {}
    assert machine.addresses(1, "wg1") == ["10.0.0.1/24"]
    shown = machine.host.run(NETSTART_WG, "status", "wg1")
    assert "DEBUG" not in shown
    assert "wgrtable" not in shown
    assert "\tgroups: wg\n" in shown
    assert machine.netstart() == ""


def test_an_edited_rdomain_moves_the_interface_and_our_engine_keeps_its_session(
    machine: Machine,
) -> None:
    first, second = End(1), End(2)
    write_pair(machine, first, second, (1, 2))
    machine.netstart()
    assert ping(machine.host, 1, "10.0.0.2")
    before = machine.peer_of(first, 1)
    for rdomain in (3, 0, 1):
        write_pair(machine, first, second, (rdomain, 2))
        machine.netstart()
        assert machine.addresses(rdomain, "wg1") == ["10.0.0.1/24"]
        assert ping(machine.host, rdomain, "10.0.0.2")
        assert ping(machine.host, 2, "10.0.0.1")
    after = machine.peer_of(first, 1)
    is_kept = after.latest_handshake == before.latest_handshake > 0
    assert is_kept is machine.kind.keeps_sessions_when_down
    assert after.received_bytes > before.received_bytes
    assert machine.netstart() == ""


def test_the_same_inner_addresses_in_other_rdomains_do_not_meet(machine: Machine) -> None:
    tunnels = [(End(1), End(2)), (End(3), End(4))]
    for first, second in tunnels:
        write_pair(machine, first, second, (first.number, second.number))
    machine.netstart()
    for first, second in tunnels:
        (others,) = [tunnel for tunnel in tunnels if tunnel != (first, second)]
        before = machine.peer_of(others[0], others[0].number).received_bytes
        assert ping(machine.host, first.number, "10.0.0.2")
        assert ping(machine.host, second.number, "10.0.0.1")
        assert machine.peer_of(others[0], others[0].number).received_bytes == before
        assert machine.peer_of(first, first.number).received_bytes > 0


@only_our_own_engine
def test_after_the_engine_was_killed_a_run_makes_the_interface_where_it_was(
    machine: Machine,
) -> None:
    machine.write(End(1), "rdomain 1", "inet 10.0.0.1/24")
    machine.netstart()
    (engine,) = machine.host.processes("netstart_wgd")
    os.kill(engine, signal.SIGKILL)
    gone = partial(openbsd.attempt, machine.host, "ip", "-n", "rdomain1", "link", "show", "wg1")
    eventually(gone, lambda shown: shown.returncode != 0)
    machine.netstart()
    assert machine.addresses(1, "wg1") == ["10.0.0.1/24"]
    assert machine.netstart() == ""


def test_a_command_runs_in_its_rdomain(machine: Machine, tmp_path: Path) -> None:
    machine.write(
        End(1),
        "rdomain 1",
        "inet 10.0.0.1/24",
        f"!route -T 1 exec sh -c 'ip -br link show dev $if > {tmp_path}/inside'",
        f"!ip -br link show dev $if > {tmp_path}/outside 2>&1 || true",
    )
    machine.netstart()
    assert (tmp_path / "inside").read_text().startswith("wg1 ")
    assert "does not exist" in (tmp_path / "outside").read_text()


# ---- netstart-wg exec ----


def exec_in(host: Host, *words: str) -> subprocess.CompletedProcess[str]:
    return host.attempt(NETSTART_WG, "exec", *words)


@pytest.fixture
def with_rdomain(new_host: HostMaker) -> Host:
    """A host with an rdomain 1."""
    host = new_host("exec")
    host.run("ip", "netns", "add", "rdomain1")
    host.run("ip", "-n", "rdomain1", "tuntap", "add", "wg1", "mode", "tun")
    return host


def test_exec_runs_a_command_in_an_rdomain_and_ends_as_it_does(with_rdomain: Host) -> None:
    shown = exec_in(with_rdomain, "-T", "1", "ip", "-o", "link", "show", "dev", "wg1")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "wg1: <" in shown.stdout
    assert exec_in(with_rdomain, "-T1", "cat", "/sys/class/net/wg1/mtu").stdout == "1500\n"
    assert exec_in(with_rdomain, "-T0", "ip", "link", "show", "dev", "wg1").returncode == 1
    assert exec_in(with_rdomain, "-T1", "sh", "-c", "exit 3").returncode == 3
    assert exec_in(with_rdomain, "-T1", "printf", "%s|", "-x", "a b", "").stdout == "-x|a b||"


def test_exec_takes_no_signal_away_from_its_command(with_rdomain: Host) -> None:
    ignored = exec_in(with_rdomain, "-T1", "grep", "^SigIgn", "/proc/self/status").stdout
    assert int(ignored.split()[1], 16) == int(
        with_rdomain.run("grep", "^SigIgn", "/proc/self/status").split()[1], 16
    )


def test_exec_says_what_is_wrong_as_route_does(with_rdomain: Host, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello\n")
    for words, status, message in (
        (("-T1", "no-such-command"), 127, "no-such-command: no such file or directory"),
        (("-T1", str(tmp_path / "text")), 126, f"{tmp_path}/text: permission denied"),
        (("-T5", "true"), 1, "routing table 5: no such file or directory"),
        (("-T256", "true"), 1, "invalid table id: too large"),
        (("-T-1", "true"), 1, "invalid table id: too small"),
        (("-Tone", "true"), 1, "invalid table id: invalid"),
    ):
        result = exec_in(with_rdomain, *words)
        assert (result.returncode, result.stdout) == (status, "")
        assert result.stderr.splitlines()[0] == f"route: {message}"
    assert not with_rdomain.exists("/run/netns/rdomain5")


def test_exec_takes_root(with_rdomain: Host) -> None:
    drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    rights = "-all,+dac_read_search"  # the interpreter is found wherever it lies
    keep = (f"--inh-caps={rights}", f"--ambient-caps={rights}", f"--bounding-set={rights}")
    for rdomain, status, message in (
        ("1", 1, "route: setrtable: operation not permitted\n"),
        ("0", 0, ""),
    ):
        result = with_rdomain.attempt(*drop, *keep, NETSTART_WG, "exec", "-T", rdomain, "true")
        assert (result.returncode, result.stderr) == (status, message)


def test_an_rdomain_can_be_a_namespace_that_somebody_else_has_made(machine: Machine) -> None:
    """Two tunnels have the same inner addresses, and one of the four ends is in `blue`."""
    host = machine.host
    machine.kind.choose(machine.folder, '[rdomain]\n1 = { namespace = "blue" }\n')
    blue, own = (End(1), End(2)), (End(3), End(4))
    write_pair(machine, *blue, (1, 2))
    write_pair(machine, *own, (3, 4))
    with (machine.folder / "hostname.wg1").open("a") as file:
        file.write("!route -T 1 add 10.9.0.0/16 10.0.0.2\n!route -T 1 exec touch /run/in-blue\n")

    refused = host.attempt(NETSTART_WG, "-C", str(machine.folder), "wg1")
    assert refused.returncode == 1
    assert refused.stderr.startswith('rdomain 1: use: there is no namespace "blue"\n    hint: ')
    assert not host.exists("/run/netns/rdomain1")
    assert not host.exists("/var/run/wireguard/wg1.sock")

    host.run("ip", "netns", "add", "blue")
    machine.netstart()
    assert host.exists("/run/in-blue")
    names = ("/run/netns/blue", "/run/netns/rdomain1", "/run/netns/rdomain3")
    blue_is, rdomain_1_is, rdomain_3_is = host.run("stat", "-Lc", "%i", *names).split()
    assert blue_is == rdomain_1_is != rdomain_3_is
    host.run("ip", "-n", "blue", "link", "show", "dev", "wg1")
    assert machine.addresses(1, "wg1") == machine.addresses(3, "wg3") == ["10.0.0.1/24"]
    assert machine.routes(1) == {"10.9.0.0/16": ("10.0.0.2", "wg1", 8)}
    assert re.search(r"^wg1: .* rdomain 1 ", host.run(NETSTART_WG, "status", "wg1"), re.M)
    assert ping(host, 1, "10.0.0.2")
    assert ping(host, 3, "10.0.0.2")
    assert machine.netstart() == ""

    host.run(NETSTART_WG, "ifconfig", "wg1", "destroy")
    assert rdomain_1_is in host.run("stat", "-Lc", "%i", *names[:2]), "it is nobody's to remove"
    machine.netstart()
    host.run("ip", "netns", "delete", "blue")
    host.run("ip", "netns", "add", "blue")
    refused = host.attempt(NETSTART_WG, "-C", str(machine.folder))
    assert refused.returncode == 1
    assert 'rdomain1 is there, and is not the namespace "blue"' in refused.stderr
    assert ping(host, 1, "10.0.0.2"), "what runs goes on where it is"


def test_an_rdomain_of_ours_goes_when_it_is_empty_and_one_of_others_stays(
    machine: Machine,
) -> None:
    end, host = End(1), machine.host

    def there() -> set[str]:
        return {line.split()[0] for line in host.run("ip", "netns", "list").splitlines()}

    def write(rdomain: int, wgrtable: int) -> None:
        routes = (f"!route -T {rdomain} add 10.9.0.0/16 10.0.0.9",)
        where = (f"rdomain {rdomain}", f"wgrtable {wgrtable}")
        machine.write(end, *where, "inet 10.0.0.1/24", "inet6 fd00::1/64", *routes)

    host.run("ip", "netns", "add", "rdomain4")
    write(1, 2)
    machine.netstart(*MAY_BE_MADE_ANEW)
    assert there() == {"rdomain1", "rdomain2", "rdomain4"}
    write(4, 3)
    machine.netstart(*MAY_BE_MADE_ANEW)
    assert there() == {"rdomain3", "rdomain4"}
    assert machine.addresses(4, "wg1") == ["10.0.0.1/24", "fd00::1/64"]
    assert machine.routes(4) == {"10.9.0.0/16": ("10.0.0.9", "wg1", 8)}
    inside = host.start(*in_rdomain(3), "sleep", "60")
    eventually(partial(host.processes, "sleep"))
    write(0, 0)
    machine.netstart(*MAY_BE_MADE_ANEW)
    assert there() == {"rdomain3", "rdomain4"}, "somebody is in one, and the other is not ours"
    inside.stop()
    write(3, 3)
    machine.netstart(*MAY_BE_MADE_ANEW)
    machine.netstart(*MAY_BE_MADE_ANEW)
    host.run(NETSTART_WG, "ifconfig", "wg1", "destroy")
    assert there() == {"rdomain4"}
