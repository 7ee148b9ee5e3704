"""netstart-wg in hosts: what the hostname file says is what there is, and nothing moves twice."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest

from tests.netns.engines import (
    NETSTART_WG,
    KeyPair,
    PeerSection,
    endpoint,
    new_key_pair,
    new_preshared_key,
    show,
)
from tests.netns.hosts import Host, HostMaker, Link, hosts, link
from tests.netns.kinds import EMBEDDED, Kind, only_our_own_engine
from tests.netns.traffic import pings
from tests.netns.waiting import eventually

PORT = 51820
LEFT_ADDRESSES = ("inet 10.0.0.1/24", "inet6 fd77::1/64")
RIGHT_ADDRESSES = ("inet 10.0.0.2/24", "inet6 fd77::2/64")


@dataclass(slots=True)
class Machine:
    """A host with a folder of its own for hostname files."""

    host: Host
    folder: Path
    keys: KeyPair = field(default_factory=new_key_pair)
    kind: Kind = EMBEDDED

    @property
    def file(self) -> Path:
        return self.folder / "hostname.wg0"

    def write(self, *lines: str) -> None:
        """Write hostname.wg0: the key and the port, then these lines."""
        self.write_bytes(
            "\n".join([f"wgkey {self.keys.private} wgport {PORT}", *lines, ""]).encode()
        )

    def write_bytes(self, octets: bytes) -> None:
        self.folder.mkdir(exist_ok=True)
        self.kind.choose(self.folder)
        self.file.touch(mode=0o600)
        self.file.write_bytes(octets)

    def netstart(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.host.attempt(NETSTART_WG, "-C", str(self.folder), *options)

    def netstart_well(self, *options: str) -> str:
        """Run; nothing may go wrong.  Return all it says."""
        result = self.netstart(*options)
        assert result.returncode == 0, result
        return result.stdout + result.stderr

    def traces(self) -> str:
        """Return everything that a run could have left or changed, as text."""
        return self.host.run(
            "sh",
            "-c",
            "ip -o address; ip -o link; ip -4 route; ip -6 route; wg show all dump | cut -f1-6;"
            "find /run -exec stat -c '%n %i %s %y %a' {} +",
        )


@dataclass(frozen=True, slots=True)
class Network:
    left: Machine
    right: Machine
    cable: Link

    def left_as_peer(self) -> PeerSection:
        return PeerSection(
            public_key=self.left.keys.public, allowed_ips=("10.0.0.1/32", "fd77::1/128")
        )

    def right_as_peer(self) -> PeerSection:
        return PeerSection(
            public_key=self.right.keys.public,
            allowed_ips=("10.0.0.2/32", "fd77::2/128"),
            endpoint=endpoint(self.cable.address(self.right.host, 4), PORT),
        )

    def write_both(self) -> None:
        self.left.write(self.right_as_peer().hostname_line(), *LEFT_ADDRESSES)
        self.right.write(self.left_as_peer().hostname_line(), *RIGHT_ADDRESSES)

    def start_both(self) -> None:
        self.right.netstart_well()
        self.left.netstart_well()
        assert self.is_connected()

    def is_connected(self) -> bool:
        return (
            pings(self.left.host, "10.0.0.2")
            and pings(self.left.host, "fd77::2")
            and pings(self.right.host, "10.0.0.1")
            and pings(self.right.host, "fd77::1")
        )


@pytest.fixture
def machine(new_host: HostMaker, tmp_path: Path, kind: Kind) -> Machine:
    return Machine(new_host("machine"), tmp_path / "etc", kind=kind)


def new_network(new_host: HostMaker, folder: Path, kind: Kind = EMBEDDED) -> Network:
    left = Machine(new_host("left"), folder / "left", kind=kind)
    right = Machine(new_host("right"), folder / "right", kind=kind)
    return Network(left, right, link(left.host, right.host))


@pytest.fixture
def network(new_host: HostMaker, tmp_path: Path, kind: Kind) -> Network:
    """Two hosts and a cable, and nothing else yet."""
    return new_network(new_host, tmp_path, kind)


@pytest.fixture
def running(network: Network) -> Network:
    """Both sides configured and connected, for one test to change as it likes."""
    network.write_both()
    network.start_both()
    return network


@pytest.fixture(scope="module")
def shared_network(tmp_path_factory: pytest.TempPathFactory, kind: Kind) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("shared")
    with hosts(folder) as new_host:
        network = new_network(new_host, folder, kind)
        network.write_both()
        network.start_both()
        yield network


@pytest.fixture
def steady(shared_network: Network) -> Iterator[Network]:
    """Both sides configured and connected; all that a test may change is the files."""
    yield shared_network
    shared_network.write_both()


class EventMonitor:
    """ip-monitor(8): every change to links, addresses, routes, neighbours and rules of a host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._monitor = host.start("ip", "-o", "monitor", "all")
        self._until_seen("127.0.0.8")

    def _until_seen(self, marker: str) -> None:
        """Change an address of the loopback until the monitor tells of it."""

        def is_seen() -> bool:
            self._host.run("ip", "address", "replace", f"{marker}/8", "dev", "lo")
            return marker in self._monitor.output()

        eventually(is_seen, what="ip monitor")

    def events(self) -> list[str]:
        """Return what happened to anything but the loopback."""
        self._until_seen("127.0.0.9")
        lines = self._monitor.output().splitlines()
        return [line for line in lines if "127.0.0." not in line and "[NEIGH]" not in line]


def test_two_hostname_files_make_a_tunnel(network: Network) -> None:
    network.write_both()
    network.start_both()


def test_with_a_preshared_key_too(network: Network) -> None:
    preshared_key = new_preshared_key()
    from_left = replace(network.right_as_peer(), preshared_key=preshared_key)
    from_right = replace(network.left_as_peer(), preshared_key=preshared_key)
    network.left.write(from_left.hostname_line(), *LEFT_ADDRESSES)
    network.right.write(from_right.hostname_line(), *RIGHT_ADDRESSES)
    network.start_both()


def test_a_second_run_says_nothing_and_nothing_happens(steady: Network) -> None:
    machine = steady.left
    before = machine.traces()
    monitor = EventMonitor(machine.host)
    assert machine.netstart_well() == ""
    assert monitor.events() == []
    # The markers of the monitor are on the loopback, and so in neither.
    assert _without_loopback(machine.traces()) == _without_loopback(before)
    assert steady.is_connected()


def _without_loopback(text: str) -> list[str]:
    return [line for line in text.splitlines() if "127.0.0." not in line]


@only_our_own_engine
def test_a_second_run_sends_the_kernel_and_the_engine_only_questions(
    steady: Network, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    host, folder = steady.left.host, steady.left.folder
    host.run(
        *("strace", "-f", "-s", "4096", "-o", str(trace), "-e", "trace=%network,write,writev"),
        *(NETSTART_WG, "-C", str(folder)),
    )
    text = trace.read_text()
    asked = set(re.findall(r"(?:nlmsg_)?type=(RTM_\w+)", text))
    assert "RTM_GETLINK" in asked, "the trace shows what is asked"
    sent = [line for line in text.splitlines() if re.search(r"\b(send|write)\w*\(", line)]
    written = {verb for line in sent for verb in re.findall(r"RTM_(?:NEW|DEL|SET)\w+", line)}
    assert written == set()
    assert any("get=1" in line for line in sent)
    assert not any("set=1" in line for line in sent)


def test_a_second_run_loads_what_it_takes_to_ask_and_nothing_to_parse_or_to_plan_with(
    steady: Network,
) -> None:
    program = (
        "import sys; from netstart_wg.cli.netstart_wg import main\n"
        "status = main(sys.argv[1:]); print(*sys.modules); sys.exit(status)"
    )
    machine = steady.left
    said = machine.host.run(sys.executable, "-c", program, "-C", str(machine.folder))
    loaded = set(said.split())
    assert "pyroute2.iproute" in loaded, "the second run asks netlink"
    assert loaded.isdisjoint(("lark", "cryptography", "jinja2", "tomllib"))
    assert loaded.isdisjoint(("pyroute2.ndb", "pyroute2.ethtool", "pyroute2.ipdb"))
    ours = {name for name in loaded if name.startswith("netstart_wg.")}
    layers = (
        "netstart_wg.syntax",
        "netstart_wg.settings",
        "netstart_wg.reconcile",
        "netstart_wg.protocol",
    )
    assert not any(name.startswith((*layers, "netstart_wg.render")) for name in ours)


def test_the_plan_of_an_unchanged_file_is_empty(steady: Network) -> None:
    assert steady.left.netstart_well("-n") == ""


def test_a_plan_is_shown_and_not_carried_out(steady: Network) -> None:
    machine = steady.left
    machine.write(*LEFT_ADDRESSES, "inet alias 10.5.0.1/24")
    before = machine.traces()
    plan = machine.netstart("-n")
    assert plan.returncode == 2
    assert "10.5.0.1/24" in plan.stdout
    assert steady.right.keys.public in plan.stdout
    assert machine.traces() == before


def test_the_plan_for_a_new_interface_shows_no_secret(network: Network) -> None:
    preshared_key = new_preshared_key()
    peer = replace(network.right_as_peer(), preshared_key=preshared_key)
    network.left.write(peer.hostname_line(), *LEFT_ADDRESSES)
    plan = network.left.netstart("-n")
    assert plan.returncode == 2
    assert not network.left.host.has_interface("wg0")
    for secret in (network.left.keys.private, preshared_key):
        assert secret not in plan.stdout + plan.stderr


def test_an_edited_peer_is_changed_and_nothing_else(running: Network) -> None:
    machine = running.left
    before = show(machine.host, "wg0").peers[running.right.keys.public]
    edited = replace(
        running.right_as_peer(),
        allowed_ips=("10.0.0.2/32", "fd77::2/128", "10.6.0.0/16"),
        persistent_keepalive=25,
    )
    machine.write(edited.hostname_line(), *LEFT_ADDRESSES)
    machine.netstart_well()
    after = show(machine.host, "wg0").peers[running.right.keys.public]
    assert set(after.allowed_ips) == set(edited.allowed_ips)
    assert after.persistent_keepalive == 25
    assert after.latest_handshake == before.latest_handshake
    assert running.is_connected()
    assert machine.netstart_well() == ""


def test_a_peer_that_left_the_file_is_removed(running: Network) -> None:
    running.left.write(*LEFT_ADDRESSES)
    running.left.netstart_well()
    assert show(running.left.host, "wg0").peers == {}
    assert running.left.netstart_well() == ""


def test_what_else_the_file_says_is_made_so(running: Network) -> None:
    machine = running.left
    machine.write(
        running.right_as_peer().hostname_line(),
        "inet 10.0.0.1/24",
        "inet alias 10.5.0.1 255.255.255.0",
        "mtu 1280",
        'description "to the right"',
    )
    machine.netstart_well()
    (seen,) = json.loads(machine.host.run("ip", "-j", "address", "show", "dev", "wg0"))
    addresses = {f"{a['local']}/{a['prefixlen']}" for a in seen["addr_info"]}
    assert {a for a in addresses if not a.startswith("fe80:")} == {"10.0.0.1/24", "10.5.0.1/24"}
    assert seen["mtu"] == 1280
    assert machine.host.run("cat", "/sys/class/net/wg0/ifalias").strip() == "to the right"
    assert machine.netstart_well() == ""


def test_what_somebody_else_changed_is_put_right(running: Network) -> None:
    machine = running.left
    machine.host.run("wg", "set", "wg0", "peer", running.right.keys.public, "remove")
    machine.host.run("ip", "address", "del", "10.0.0.1/24", "dev", "wg0")
    machine.netstart_well()
    assert running.is_connected()
    assert machine.netstart_well() == ""


def test_a_command_is_run_once_for_an_interface(machine: Machine, tmp_path: Path) -> None:
    machine.write("inet 10.0.0.1/24", f"!echo $if >> {tmp_path}/ran")
    machine.netstart_well()
    machine.netstart_well()
    assert (tmp_path / "ran").read_text() == "wg0\n"


@only_our_own_engine
def test_after_the_engine_was_killed_a_run_brings_the_tunnel_back(running: Network) -> None:
    machine = running.left
    (engine,) = machine.host.processes("netstart_wgd")
    os.kill(engine, signal.SIGKILL)
    eventually(partial(machine.host.has_interface, "wg0"), lambda there: not there)
    machine.netstart_well()
    assert running.is_connected()
    assert machine.netstart_well() == ""


@only_our_own_engine
def test_no_secret_is_on_a_command_line_or_in_a_record(steady: Network) -> None:
    machine = steady.left
    seen = machine.host.run("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; grep -r . /run")
    assert "netstart_wgd" in seen
    assert machine.keys.private not in seen


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("wgpeer tooshort wgaip 10.0.0.2/32", 8),
        ("inet 10.0.0.256/24", 6),
        ("inet 10.0.0.1/33", None),
        ("wgport 65536", 8),
        ("nonsense", 1),
    ],
    ids=lambda value: str(value),
)
def test_a_mistake_is_named_with_its_place_and_nothing_is_touched(
    machine: Machine, line: str, column: int | None
) -> None:
    machine.write("inet 10.0.0.1/24", line)
    before = machine.traces()
    result = machine.netstart()
    assert (result.returncode, result.stdout) == (65, "")
    place = re.search(r"hostname\.wg0:3:(\d+): ", result.stderr)
    assert place is not None, result.stderr
    assert column is None or int(place[1]) == column
    assert machine.keys.private not in result.stderr
    assert machine.traces() == before


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"inet 10.0.0.1/24\n# \xff\xfe\n", id="not UTF-8"),
        pytest.param(b"inet 10.0.0.1/24\n" + b"#\n" * (8 << 20), id="over 16 MiB"),
    ],
)
def test_a_file_that_is_no_text_of_ours_is_refused(machine: Machine, octets: bytes) -> None:
    machine.write_bytes(octets)
    before = machine.traces()
    result = machine.netstart()
    assert result.returncode == 65
    assert "hostname.wg0" in result.stderr
    assert machine.traces() == before


def test_a_mistake_leaves_a_running_tunnel_as_it_is(steady: Network) -> None:
    machine = steady.left
    machine.write("inet 10.5.0.1/24", "wgpeer oops")
    before = machine.traces()
    assert machine.netstart().returncode == 65
    assert machine.traces() == before
    assert steady.is_connected()


def test_a_bad_file_stops_nothing_but_its_own_interface(machine: Machine) -> None:
    machine.write("inet 10.0.0.1/24")
    (machine.folder / "hostname.wg1").write_text("nonsense\n")
    (machine.folder / "hostname.wg1").chmod(0o600)
    result = machine.netstart()
    assert result.returncode == 65
    assert "hostname.wg1:1:1: " in result.stderr
    assert machine.host.has_interface("wg0")
    assert not machine.host.has_interface("wg1")


def test_without_root_it_says_so(machine: Machine) -> None:
    machine.write("inet 10.0.0.1/24")
    before = machine.traces()
    # Allowed to read everything, so that the interpreter is found wherever it lies; root in
    # nothing else.
    drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    rights = "-all,+dac_read_search"
    keep = (f"--inh-caps={rights}", f"--ambient-caps={rights}", f"--bounding-set={rights}")
    result = machine.host.attempt(*drop, *keep, NETSTART_WG, "-C", str(machine.folder))
    assert result.returncode == 77, result
    assert "root" in result.stderr
    assert machine.traces() == before


def test_status_shows_both_ends_and_no_secret(steady: Network) -> None:
    machine = steady.left
    text = machine.host.run(NETSTART_WG, "status", "wg0")
    document = machine.host.run(NETSTART_WG, "status", "--json", "wg0")
    for shown in (text, document):
        assert machine.keys.public in shown
        assert steady.right.keys.public in shown
        assert machine.keys.private not in shown
    (interface,) = json.loads(document)["interfaces"]
    assert interface["name"] == "wg0"
    (peer,) = interface["engine"]["peers"]
    assert peer["rx_bytes"] > 0
