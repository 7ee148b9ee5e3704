"""An engine without any privilege, on descriptors that somebody else has opened.

    Host("laptop")                                   Host("server")
      a user without capabilities: engine ── eth1 ── engine, started by root
      wg0 10.0.0.1                                   wg0 10.0.0.2

The interpreter and the packages are mounted where that user may read them.
"""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from netstart_wg.model.change import DeviceChange
from tests.netns.engines import (
    NETSTART_WGD,
    OURS,
    KeyPair,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
)
from tests.netns.hosts import Background, Host, HostMaker, link
from tests.netns.traffic import pings
from tests.netns.uapi import configure, state
from tests.netns.waiting import eventually

SOCKET = "/var/run/wireguard/wg0.sock"
USER = 4711
PORT = 51820
SOURCE = Path(__file__).parent.parent.parent

OPEN_AND_BECOME = r"""
import fcntl, os, socket, struct, sys

header, namespace, port, *command = sys.argv[1:]
tun = os.open("/dev/net/tun", os.O_RDWR)
flags = 0x1 | 0x1000 | (0x4000 if header == "header" else 0)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH14x", b"wg0", flags))
if namespace:
    os.system(f"ip netns add {namespace} && ip link set wg0 netns {namespace}")
os.makedirs("/var/run/wireguard", mode=0o755)
os.umask(0o077)
uapi = socket.socket(socket.AF_UNIX)
uapi.bind("/var/run/wireguard/wg0.sock")
uapi.listen()
udp = []
if port:
    for family in (socket.AF_INET, socket.AF_INET6):
        each = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        each.bind(("", int(port)))
        udp.append(each)
numbers = [tun, uapi.fileno(), *(each.fileno() for each in udp)]
for at, number in enumerate(numbers):
    os.dup2(number, 20 + at, inheritable=True)
os.closerange(3, 20)
os.execvp(command[0], command)
"""

UNPRIVILEGED = (
    "setpriv",
    f"--reuid={USER}",
    f"--regid={USER}",
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
    "--no-new-privs",
)
TUN, UAPI, UDP = 20, 21, (22, 23)


@pytest.fixture
def laptop(new_host: HostMaker) -> Host:
    """A host where anybody may read the interpreter and what it loads."""
    host = new_host("laptop")
    folders = {
        "python": sys.base_prefix,
        "packages": sysconfig.get_path("purelib"),
        "source": str(SOURCE),
    }
    host.run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/mnt")
    for name, folder in folders.items():
        host.run("mkdir", f"/mnt/{name}")
        host.run("mount", "--bind", folder, f"/mnt/{name}")
    return host


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the engine is handed."""

    has_header: bool = True
    namespace: str = ""
    """Where the interface is put before."""
    port: str = ""
    """Of UDP sockets that are handed in; without, it opens its own."""


def start(host: Host, given: Given, *options: str, **environment: str) -> Background:
    words = ("header" if given.has_header else "", given.namespace, given.port)
    python = f"/mnt/python/bin/python{sys.version_info.major}"
    program = (python, "-P", "-m", "netstart_wg.cli.netstart_wgd", *options)
    running = host.start(
        *(sys.executable, "-IS", "-c", OPEN_AND_BECOME, *words, *UNPRIVILEGED, *program, "wg0"),
        environment={"PYTHONPATH": "/mnt/source:/mnt/packages", **environment},
    )
    eventually(lambda: not running.is_running or host.attempt("wg", "show", "wg0").returncode == 0)
    assert running.is_running, running.output()
    return running


def by_options(*udp: int) -> tuple[str, ...]:
    sockets = [word for number in udp for word in ("--udp-fd", str(number))]
    return ("-f", "--tun-fd", str(TUN), "--uapi-fd", str(UAPI), *sockets)


def in_laptop(host: Host, given: Given, *words: str) -> str:
    inside = ("-n", given.namespace) if given.namespace else ()
    return host.run("ip", *inside, *words)


def assert_is_unprivileged(host: Host) -> None:
    (engine,) = host.processes("netstart_wg.cli.netstart_wgd")
    lines = Path(f"/proc/{engine}/status").read_text().splitlines()
    fields = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    assert fields["Uid"] == [str(USER)] * 4
    for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb", "CapInh"):
        assert int(fields[name][0], 16) == 0
    assert fields["NoNewPrivs"] == ["1"]


def serve(new_host: HostMaker, laptop: Host, laptops: KeyPair, port: int) -> tuple[str, str]:
    """Set up the other end; return its public key and its endpoint."""
    server, keys = new_host("server"), new_key_pair()
    cable = link(laptop, server)
    OURS.start(server, "wg0")
    peer = PeerSection(
        public_key=laptops.public,
        allowed_ips=("10.0.0.1/32",),
        endpoint=endpoint(cable.address(laptop, 4), port),
    )
    setconf(server, "wg0", configuration(keys.private, PORT, peer))
    server.run("ip", "address", "add", "10.0.0.2/24", "dev", "wg0")
    server.run("ip", "link", "set", "wg0", "up")
    return keys.public, endpoint(cable.address(server, 4), PORT)


@pytest.mark.parametrize(
    "given",
    [
        Given(port="443"),
        Given(has_header=False, port="443"),
        Given(),
        Given(namespace="inside", port="443"),
    ],
    ids=["all", "no header", "no UDP sockets", "interface elsewhere"],
)
def test_an_ordinary_user_carries_traffic(new_host: HostMaker, laptop: Host, given: Given) -> None:
    running = start(laptop, given, *by_options(*(UDP if given.port else ())))
    assert_is_unprivileged(laptop)
    port = int(given.port or 4433)
    keys = new_key_pair()
    public_key, server = serve(new_host, laptop, keys, port)
    peer = PeerSection(public_key=public_key, allowed_ips=("10.0.0.2/32",), endpoint=server)
    setconf(laptop, "wg0", configuration(keys.private, port, peer))
    in_laptop(laptop, given, "address", "add", "10.0.0.1/24", "dev", "wg0")
    in_laptop(laptop, given, "link", "set", "wg0", "mtu", "1420", "up")
    eventually(partial(laptop.run, "ss", "-Hlnu"), lambda lines: lines.count(f":{port} ") == 2)
    if given.namespace:
        inside = ("ip", "netns", "exec", given.namespace)
        laptop.run(*inside, "ping", "-n", "-c", "3", "-i", "0.1", "-w", "10", "10.0.0.2")
    else:
        assert pings(laptop, "10.0.0.2")
    offloads = state(laptop, "wg0").offloads
    assert any(each.startswith("tun-") for each in offloads) == given.has_header
    in_laptop(laptop, given, "link", "set", "wg0", "down")
    in_laptop(laptop, given, "link", "set", "wg0", "up")
    assert state(laptop, "wg0").listen_port == port
    running.send_signal(signal.SIGTERM)
    assert running.wait() == 0, running.output()


def test_the_environment_of_wireguard_go_is_honoured(laptop: Host) -> None:
    running = start(
        laptop,
        Given(),
        WG_TUN_FD=str(TUN),
        WG_UAPI_FD=str(UAPI),
        WG_PROCESS_FOREGROUND="1",
        LOG_LEVEL="silent",
    )
    assert_is_unprivileged(laptop)
    assert laptop.run("wg", "show", "interfaces").strip() == "wg0"
    running.send_signal(signal.SIGTERM)
    assert running.wait() == 0
    assert running.output() == ""


@pytest.mark.parametrize(("level", "is_said"), [("verbose", True), ("error", False)])
def test_the_log_says_as_much_as_it_is_told_to(laptop: Host, level: str, is_said: bool) -> None:
    running = start(laptop, Given(), *by_options(), LOG_LEVEL=level)
    setconf(laptop, "wg0", configuration(new_key_pair().private, PORT, _peer()))
    laptop.run("ip", "link", "set", "wg0", "up")
    state(laptop, "wg0")
    running.send_signal(signal.SIGTERM)
    assert running.wait() == 0
    assert ("Peer 0 created" in running.output()) == is_said


def _peer() -> PeerSection:
    return PeerSection(public_key=new_key_pair().public, allowed_ips=("10.0.0.2/32",))


def test_it_goes_to_the_background_with_what_it_was_given(laptop: Host) -> None:
    given = (sys.executable, "-IS", "-c", OPEN_AND_BECOME, "header", "", "")
    descriptors = ("--tun-fd", str(TUN), "--uapi-fd", str(UAPI))
    laptop.run(*given, NETSTART_WGD, *descriptors, "wg0")
    assert laptop.run("wg", "show", "interfaces").strip() == "wg0"
    (_opener,) = laptop.processes("opener of wg0")
    laptop.run("wg", "set", "wg0", "fwmark", "7")
    laptop.run("rm", SOCKET)
    eventually(partial(laptop.has_interface, "wg0"), lambda there: not there)
    eventually(partial(laptop.processes, "opener of wg0"), lambda found: not found)


def test_what_takes_a_privilege_is_refused_and_changes_nothing(laptop: Host) -> None:
    start(laptop, Given(port="443"), *by_options(*UDP))
    laptop.run("ip", "link", "set", "wg0", "up")
    before = state(laptop, "wg0")
    assert before.listen_port == 443
    laptop.run("ip", "netns", "add", "rdomain3")
    for change, reason in (
        (DeviceChange(fwmark=7), "Operation not permitted"),
        (DeviceChange(listen_port=80), "Permission denied"),
        (DeviceChange(wgrtable=3), "Operation not permitted"),
    ):
        assert os.strerror(configure(laptop, "wg0", change)) == reason
        assert state(laptop, "wg0") == before
    # what stock tools always send is no change
    setconf(laptop, "wg0", configuration(new_key_pair().private, 443))
    setconf(laptop, "wg0", configuration(new_key_pair().private, 0))
    assert state(laptop, "wg0").listen_port == 443
    # and an ordinary port is everybody's, and the way back stays open
    for port in (4433, 443):
        assert configure(laptop, "wg0", DeviceChange(listen_port=port)) == 0
        assert f":{port} " in laptop.run("ss", "-Hlnu")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tun-fd", "0"), "--tun-fd: '0' is not the number of a descriptor"),
        (("--tun-fd", "many"), "--tun-fd: 'many' is not the number of a descriptor"),
        (("--tun-fd", "77"), "TUN device 77: Bad file descriptor"),
        (("--tun-fd", str(UAPI)), f"TUN device {UAPI}: "),
        (("--tun-fd", str(TUN), "--uapi-fd", str(TUN)), f"UAPI socket {TUN}: "),
        (("--udp-fd", str(UAPI)), f"UDP socket {UAPI}: it is no UDP socket"),
        (("--udp-fd", "22", "--udp-fd", "22"), "two UDP sockets of one family"),
    ],
)
def test_what_is_not_what_it_should_be_is_a_mistake_of_usage(
    laptop: Host, options: tuple[str, ...], said: str
) -> None:
    given = (sys.executable, "-IS", "-c", OPEN_AND_BECOME, "header", "", "443")
    for foreground in ((), ("-f",)):
        refused = laptop.attempt(*given, NETSTART_WGD, *foreground, *options, "wg0")
        assert refused.returncode == 64, refused.stderr
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
        assert not laptop.has_interface("wg0")
        laptop.run("rm", "-r", "/var/run/wireguard")


def test_without_the_right_and_without_descriptors_it_says_so(laptop: Host) -> None:
    python = f"/mnt/python/bin/python{sys.version_info.major}"
    program = (python, "-P", "-m", "netstart_wg.cli.netstart_wgd")
    environment = {"PYTHONPATH": "/mnt/source:/mnt/packages"}
    refused = laptop.attempt(*UNPRIVILEGED, *program, "wg0", environment=environment)
    assert refused.returncode == 77
    assert "not root" in refused.stderr
    refused = laptop.attempt(
        *UNPRIVILEGED, *program, "--user", "nobody", "wg0", environment=environment
    )
    assert refused.returncode == 64
    assert "only root" in refused.stderr
