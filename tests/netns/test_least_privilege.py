"""The engine as a user of its own, and the opener beside it: what they may, and what still works.

engine, a user without a capability ── socketpair ── opener, root with three capabilities
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from netstart_wg.engine.account import FALLBACK_ID
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.state import WireGuardState
from tests.netns.engines import (
    NETSTART_WGD,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
)
from tests.netns.hosts import Background, Host, HostMaker, link
from tests.netns.traffic import pings
from tests.netns.uapi import ask, configure, state
from tests.netns.waiting import eventually

SOCKET = "/var/run/wireguard/wg0.sock"
PORT = 51820

CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_SYS_RESOURCE = 10, 12, 21, 24
OPENERS = (1 << CAP_NET_BIND_SERVICE) | (1 << CAP_NET_ADMIN) | (1 << CAP_SYS_ADMIN)


@pytest.fixture
def host(new_host: HostMaker) -> Host:
    return new_host("engine")


def start(host: Host, *options: str, **environment: str) -> Background:
    running = host.start(NETSTART_WGD, "-f", *options, "wg0", environment=environment)
    eventually(
        lambda: not running.is_running or host.attempt("wg", "show", "wg0").returncode == 0,
        what="an answer on the configuration socket",
    )
    assert running.is_running, running.output()
    return running


def engine_of(host: Host) -> int:
    (engine,) = host.processes("netstart-wgd")
    return engine


def opener_of(host: Host) -> int:
    (opener,) = host.processes("opener of wg0")
    return opener


def status(process: int) -> dict[str, str]:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def capability_sets(process: int) -> dict[str, int]:
    """Return them by the names of /proc/PID/status."""
    return {
        name: int(value, 16) for name, value in status(process).items() if name.startswith("Cap")
    }


def is_in(process: int, user: int) -> bool:
    fields = status(process)
    return {*fields["Uid"].split(), *fields["Gid"].split()} == {str(user)}


def listeners(host: Host, rdomain: int = 0) -> list[int]:
    inside = ("ip", "netns", "exec", f"rdomain{rdomain}") if rdomain else ()
    lines = host.run(*inside, "ss", "-Hlnu").splitlines()
    return [int(line.split()[3].rpartition(":")[2]) for line in lines]


def add_user(host: Host, name: str, number: int) -> None:
    """Let there be a user, in this host alone."""
    accounts = Path("/etc/passwd").read_text()
    host.run("sh", "-c", "cat > /run/passwd", text=f"{accounts}{name}:x:{number}:{number}::/:\n")
    host.run("mount", "--bind", "/run/passwd", "/etc/passwd")


def assert_nothing_is_left(host: Host) -> None:
    for name in ("netstart-wgd", "opener of"):
        eventually(partial(host.processes, name), lambda found: not found)
    eventually(partial(host.has_interface, "wg0"), lambda there: not there)
    assert not host.exists(SOCKET)


# -- what they may -----------------------------------------------------------------------------


def test_the_engine_is_a_user_of_its_own_without_any_capability(host: Host) -> None:
    start(host)
    engine = engine_of(host)
    assert is_in(engine, FALLBACK_ID)
    assert status(engine)["Groups"] == ""
    assert set(capability_sets(engine).values()) == {0}
    assert status(engine)["NoNewPrivs"] == "1"


def test_the_opener_is_root_with_three_capabilities(host: Host) -> None:
    start(host)
    opener = opener_of(host)
    assert is_in(opener, 0)
    sets = capability_sets(opener)
    assert sets["CapPrm"] == sets["CapEff"] == sets["CapBnd"] == OPENERS
    assert sets["CapInh"] == sets["CapAmb"] == 0
    assert status(opener)["NoNewPrivs"] == "1"


def test_the_opener_holds_neither_interface_nor_port_nor_client(host: Host) -> None:
    start(host)
    host.run("ip", "link", "set", "wg0", "up")
    eventually(partial(listeners, host), lambda found: len(found) == 2)
    host.run("wg", "set", "wg0", "fwmark", "7")
    held = [path.readlink() for path in Path(f"/proc/{opener_of(host)}/fd").iterdir()]
    assert sorted(str(each).partition(":")[0] for each in held) == ["/dev/null"] * 3 + ["socket"]


@pytest.mark.parametrize("which", [engine_of, opener_of])
def test_nobody_reads_their_memory(host: Host, which: Callable[[Host], int]) -> None:
    start(host)
    process = which(host)
    limit = next(
        line
        for line in Path(f"/proc/{process}/limits").read_text().splitlines()
        if line.startswith("Max core file size")
    )
    assert limit.split()[4:6] == ["0", "0"]
    inside = status(process)["NSpid"].split()[-1]
    engines_user = (f"--reuid={FALLBACK_ID}", f"--regid={FALLBACK_ID}", "--clear-groups")
    for file in ("environ", "maps", "mem", "auxv"):
        refused = host.attempt("setpriv", *engines_user, "cat", f"/proc/{inside}/{file}")
        assert "Permission denied" in refused.stderr, file
    assert "denied" not in host.attempt("setpriv", *engines_user, "cat", "/proc/self/maps").stderr


def test_memory_is_locked_or_that_it_is_not_is_said(host: Host) -> None:
    running = start(host)
    may_raise_limits = capability_sets(os.getpid())["CapEff"] & (1 << CAP_SYS_RESOURCE)
    locked = int(status(engine_of(host))["VmLck"].split()[0])
    assert (locked > 0) == bool(may_raise_limits)
    assert ("memory may be swapped" in running.output()) == (not may_raise_limits)


def test_at_rest_they_are_small(host: Host) -> None:
    start(host, WG_NUMPY="0")  # an extra, which takes a dozen MiB more
    setconf(host, "wg0", configuration(new_key_pair().private, PORT))
    host.run("ip", "link", "set", "wg0", "up")
    eventually(partial(listeners, host), lambda found: len(found) == 2)
    resident = int(status(engine_of(host))["VmRSS"].split()[0])
    assert resident <= 45 << 10
    proportional = sum(_proportional_kib(which(host)) for which in (engine_of, opener_of))
    assert proportional <= 45 << 10


def _proportional_kib(process: int) -> int:
    """Return its memory, of what is shared its share."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


# -- as whom -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["_netstart-wg", "netstart-wg"])
def test_a_user_for_engines_is_taken_where_there_is_one(host: Host, name: str) -> None:
    add_user(host, name, 4711)
    start(host)
    assert is_in(engine_of(host), 4711)


@pytest.mark.parametrize("user", ["carrier", "4712"])
def test_it_runs_as_whom_it_is_told(host: Host, user: str) -> None:
    add_user(host, "carrier", 4712)
    start(host, "--user", user)
    assert is_in(engine_of(host), 4712)


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--user", "no-such-user"), 64, "there is no user 'no-such-user'"),
        (("--user", "4294967296"), 64, "there is no user '4294967296'"),
        (("--user", "root"), 64, "use --keep-root"),
        (("--user", "0"), 64, "use --keep-root"),
        (("--user", "nobody", "--keep-root"), 64, "not allowed with"),
    ],
)
def test_a_user_who_cannot_be_is_refused_and_nothing_is_left(
    host: Host, options: tuple[str, ...], status: int, said: str
) -> None:
    for foreground in ((), ("-f",)):
        refused = host.attempt(NETSTART_WGD, *foreground, *options, "wg0")
        assert refused.returncode == status
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
        assert_nothing_is_left(host)


def test_the_number_for_engines_is_not_shared_with_somebody(host: Host) -> None:
    add_user(host, "somebody", FALLBACK_ID)
    refused = host.attempt(NETSTART_WGD, "wg0")
    assert refused.returncode == 1
    assert f"user {FALLBACK_ID} is 'somebody'" in refused.stderr
    assert_nothing_is_left(host)


def test_root_can_be_kept_in_one_process_with_three_capabilities(host: Host) -> None:
    running = start(host, "--keep-root")
    engine = engine_of(host)
    assert is_in(engine, 0)
    assert host.processes("opener of") == []
    sets = capability_sets(engine)
    assert sets["CapPrm"] == sets["CapEff"] == sets["CapBnd"] == OPENERS
    assert status(engine)["NoNewPrivs"] == "1"
    assert_all_can_be_changed(host)
    os.kill(engine, signal.SIGTERM)
    assert running.wait() == 0, running.output()
    assert_nothing_is_left(host)


# -- what still works --------------------------------------------------------------------------


def assert_all_can_be_changed(host: Host) -> None:
    """Change whatever takes a privilege, on an interface that is up."""
    host.run("ip", "netns", "add", "rdomain3")
    host.run("ip", "link", "set", "wg0", "up")
    for port in (443, PORT, 80):
        host.run("wg", "set", "wg0", "listen-port", str(port))
        assert listeners(host) == [port, port]
    host.run("wg", "set", "wg0", "fwmark", "0x2a")
    assert host.run("wg", "show", "wg0", "fwmark").strip() == "0x2a"
    assert "fwmark:0x2a" in host.run("ss", "-Hlnue")
    host.run("wg", "set", "wg0", "fwmark", "0xffffffff")
    assert host.run("wg", "show", "wg0", "fwmark").strip() == "0xffffffff"
    assert "fwmark:0xffffffff" in host.run("ss", "-Hlnue")
    host.run("wg", "set", "wg0", "fwmark", "0xffffffff")
    host.run("wg", "set", "wg0", "fwmark", "0x2a")
    assert configure(host, "wg0", DeviceChange(wgrtable=3)) == 0
    assert listeners(host, 3) == [80, 80]
    assert listeners(host) == []
    host.run("ip", "link", "set", "wg0", "down")
    eventually(partial(listeners, host, 3), lambda found: not found)
    host.run("ip", "link", "set", "wg0", "up")
    eventually(partial(listeners, host, 3), lambda found: found == [80, 80])
    host.run("ip", "link", "set", "wg0", "netns", "rdomain3")
    host.run("ip", "-n", "rdomain3", "link", "set", "wg0", "mtu", "1300", "up")
    there = state(host, "wg0")
    assert (there.wgrtable, there.fwmark, there.listen_port) == (3, 0x2A, 80)
    assert there.link_namespace == _inode(host, "rdomain3")
    assert configure(host, "wg0", DeviceChange(wgrtable=0, fwmark=0)) == 0
    assert listeners(host) == [80, 80]
    host.run("ip", "-n", "rdomain3", "link", "set", "wg0", "netns", "1")


def _inode(host: Host, namespace: str) -> int:
    return int(host.run("stat", "-L", "-c", "%i", f"/run/netns/{namespace}"))


def test_everything_can_be_changed_while_it_runs(host: Host) -> None:
    running = start(host)
    assert_all_can_be_changed(host)
    assert set(capability_sets(engine_of(host)).values()) == {0}
    host.run("rm", SOCKET)
    assert running.wait() == 0, running.output()
    assert_nothing_is_left(host)


def test_folders_that_are_roots_alone_are_no_obstacle(host: Host) -> None:
    """They are where they were first made under an umask of 077."""
    host.run("sh", "-c", "umask 077; mkdir /run/wireguard; ip netns add rdomain3")
    running = start(host)
    assert host.run("stat", "-c", "%a", "/run/wireguard", "/run/netns").split() == ["700", "700"]
    host.run("ip", "link", "set", "wg0", "up")
    assert configure(host, "wg0", DeviceChange(wgrtable=3)) == 0
    assert state(host, "wg0").wgrtable == 3
    host.run("touch", "/run/wireguard/other")
    host.run("rm", "/run/wireguard/other")
    assert state(host, "wg0").wgrtable == 3
    host.run("rm", SOCKET)
    assert running.wait() == 0, running.output()
    assert_nothing_is_left(host)


def test_the_folder_of_the_sockets_is_open_whatever_the_umask(host: Host) -> None:
    host.run("sh", "-c", f"umask 077; {NETSTART_WGD} wg0")
    assert host.run("stat", "-c", "%a", "/run/wireguard", SOCKET).split() == ["755", "700"]


def test_what_is_refused_is_refused_as_ever(host: Host) -> None:
    start(host)
    host.run("ip", "link", "set", "wg0", "up")
    before: WireGuardState = state(host, "wg0")
    assert os.strerror(configure(host, "wg0", DeviceChange(wgrtable=9))) == (
        "No such file or directory"
    )
    peer = ("peer", new_key_pair().public, "endpoint", "[fe80::1%nowhere]:5")
    assert host.attempt("wg", "set", "wg0", *peer).returncode != 0
    no_name = f"set=1\npublic_key={bytes(32).hex()}\nendpoint=[fe80::1%a\0b]:5\n\n"
    assert ask(host, "wg0", no_name) == f"errno=-{errno.EINVAL}\n\n"
    assert state(host, "wg0") == before


def test_traffic_flows_with_big_buffers(new_host: HostMaker) -> None:
    left, right = new_host("left"), new_host("right")
    cable = link(left, right)
    keys = {left: new_key_pair(), right: new_key_pair()}
    for host, other, number in ((left, right, 1), (right, left, 2)):
        start(host)
        peer = PeerSection(
            public_key=keys[other].public,
            allowed_ips=(f"10.0.0.{3 - number}/32",),
            endpoint=endpoint(cable.address(other, 4), PORT),
        )
        setconf(host, "wg0", configuration(keys[host].private, PORT, peer))
        host.run("ip", "address", "add", f"10.0.0.{number}/24", "dev", "wg0")
        host.run("ip", "link", "set", "wg0", "up")
    assert pings(left, "10.0.0.2")
    # what a socket shows is twice what was asked for, and rmem_max would allow less
    assert f"rb{2 * (4 << 20)}" in left.run("ss", "-Hlnum")


# -- how they end ------------------------------------------------------------------------------


def test_whoever_kills_the_engine_leaves_nothing(host: Host) -> None:
    start(host)
    host.run("ip", "link", "set", "wg0", "up")
    os.kill(engine_of(host), signal.SIGKILL)
    assert_nothing_is_left(host)


def test_without_its_opener_the_engine_ends_and_says_so(host: Host) -> None:
    running = start(host)
    os.kill(opener_of(host), signal.SIGKILL)
    assert running.wait() == 70
    assert "its opener process has ended" in running.output()
    assert "Traceback" not in running.output()
    eventually(partial(host.has_interface, "wg0"), lambda there: not there)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_opener_leaves_signals_to_the_engine(host: Host, number: signal.Signals) -> None:
    """Both get those of a terminal, or of a service manager that ends a group."""
    running = start(host)
    os.kill(opener_of(host), number)
    host.run("wg", "set", "wg0", "listen-port", "443")
    os.kill(engine_of(host), signal.SIGTERM)
    assert running.wait() == 0, running.output()
    assert_nothing_is_left(host)


def test_the_engines_user_cannot_end_the_opener_nor_ask_the_engine(host: Host) -> None:
    start(host)
    opener = status(opener_of(host))["NSpid"].split()[-1]
    engines_user = (f"--reuid={FALLBACK_ID}", f"--regid={FALLBACK_ID}", "--clear-groups")
    assert host.attempt("setpriv", *engines_user, "kill", "-KILL", opener).returncode != 0
    refused = host.attempt("setpriv", *engines_user, "wg", "show", "wg0")
    assert "Permission denied" in refused.stderr
    assert opener_of(host)
