"""How an engine comes, stays and goes; what it leaves behind, which is nothing."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.netns.engines import NETSTART_WGD, OURS
from tests.netns.hosts import Host, HostMaker
from tests.netns.waiting import eventually

SOCKET = "/var/run/wireguard/wg0.sock"


@pytest.fixture
def host(new_host: HostMaker) -> Host:
    return new_host("life")


def start_in_background(host: Host) -> int:
    """Start an engine as wg-quick(8) does; return its number."""
    host.run(NETSTART_WGD, "wg0")
    (engine,) = host.processes("netstart-wgd")
    return engine


def assert_gone(host: Host) -> None:
    eventually(partial(host.processes, "netstart-wgd"), lambda found: not found)
    # The kernel takes the memory of a process away first, and closes its files after that.
    eventually(partial(host.has_interface, "wg0"), lambda there: not there)
    assert not host.exists(SOCKET)


def test_the_command_returns_when_the_engine_is_ready(host: Host) -> None:
    start_in_background(host)
    assert host.run("wg", "show", "interfaces").strip() == "wg0"
    assert host.has_interface("wg0")


def test_the_environment_can_keep_it_in_the_foreground(host: Host) -> None:
    running = host.start(NETSTART_WGD, "wg0", environment={"WG_PROCESS_FOREGROUND": "1"})
    eventually(lambda: host.exists(SOCKET) or not running.is_running)
    (engine,) = host.processes("netstart-wgd")
    os.kill(engine, signal.SIGTERM)
    assert running.wait() == 0, running.output()


def test_the_socket_is_for_root_alone(host: Host) -> None:
    start_in_background(host)
    folder, socket = host.run("stat", "-c", "%a %u", "/var/run/wireguard", SOCKET).splitlines()
    assert folder == "755 0"
    assert socket in ("700 0", "600 0")


def _remove_socket(host: Host, engine: int) -> None:
    host.run("rm", SOCKET)


def _delete_link(host: Host, engine: int) -> None:
    host.run("ip", "link", "delete", "wg0")


def _terminate(host: Host, engine: int) -> None:
    os.kill(engine, signal.SIGTERM)


def _interrupt(host: Host, engine: int) -> None:
    os.kill(engine, signal.SIGINT)


@pytest.mark.parametrize("end", [_remove_socket, _delete_link, _terminate, _interrupt])
@pytest.mark.parametrize("is_up", [False, True], ids=["down", "up"])
def test_it_ends_when_told_and_leaves_nothing(
    host: Host, end: Callable[[Host, int], None], is_up: bool
) -> None:
    engine = start_in_background(host)
    if is_up:
        host.run("ip", "link", "set", "wg0", "up")
    end(host, engine)
    assert_gone(host)


def test_who_interrupts_it_many_times_sees_it_end_once(host: Host) -> None:
    running = OURS.start(host, "wg0")
    deadline = time.monotonic() + 10
    while running.is_running and time.monotonic() < deadline:
        running.send_signal(signal.SIGINT)
    assert running.wait() == 0
    assert running.output().count("stopped by SIGINT") == 1
    assert "Error" not in running.output()
    assert "ignored" not in running.output()
    assert_gone(host)


def test_a_second_engine_of_that_name_is_refused_and_the_first_lives_on(host: Host) -> None:
    engine = start_in_background(host)
    host.run("wg", "set", "wg0", "listen-port", "4711")
    refused = host.attempt(NETSTART_WGD, "wg0")
    assert refused.returncode == 1
    assert "wg0" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert host.processes("netstart-wgd") == [engine]
    assert host.run("wg", "show", "wg0", "listen-port").strip() == "4711"


def test_engines_of_two_names_live_side_by_side(host: Host) -> None:
    host.run(NETSTART_WGD, "wg0")
    host.run(NETSTART_WGD, "wg1")
    host.run("rm", SOCKET)
    eventually(partial(host.has_interface, "wg0"), lambda there: not there)
    assert host.run("wg", "show", "interfaces").strip() == "wg1"


def test_a_socket_that_nobody_serves_is_replaced(host: Host) -> None:
    abandon = f"import socket; socket.socket(socket.AF_UNIX).bind({SOCKET!r})"
    host.run("mkdir", "-p", "/var/run/wireguard")
    host.run(sys.executable, "-IS", "-c", abandon)
    assert host.exists(SOCKET)
    start_in_background(host)
    assert host.run("wg", "show", "interfaces").strip() == "wg0"


def test_a_violent_end_leaves_nothing_and_it_starts_again(host: Host) -> None:
    os.kill(start_in_background(host), signal.SIGKILL)
    eventually(partial(host.has_interface, "wg0"), lambda there: not there)
    eventually(partial(host.exists, SOCKET), lambda there: not there)
    start_in_background(host)
    assert host.run("wg", "show", "interfaces").strip() == "wg0"


def test_an_interface_that_is_not_ours_is_left_alone(host: Host) -> None:
    host.run("ip", "link", "add", "wg0", "type", "veth", "peer", "name", "other")
    refused = host.attempt(NETSTART_WGD, "wg0")
    assert refused.returncode == 1
    assert "wg0" in refused.stderr
    assert host.has_interface("wg0")
    assert not host.exists(SOCKET)


def test_without_tun_it_says_so(host: Host) -> None:
    host.run("mount", "-t", "tmpfs", "tmpfs", "/dev/net")
    refused = host.attempt(NETSTART_WGD, "wg0")
    assert refused.returncode == 1
    assert "/dev/net/tun" in refused.stderr
    assert not host.exists(SOCKET)


@pytest.mark.parametrize("name", ["", "a/b", "..", "sixteen-letters!", "has space"])
def test_a_name_that_no_interface_can_have_is_a_mistake_of_usage(host: Host, name: str) -> None:
    assert host.attempt(NETSTART_WGD, "--", name).returncode == 64
    assert not host.exists("/var/run/wireguard")


def _udp_ports(host: Host) -> set[str]:
    return {line.split()[3] for line in host.run("ss", "-Hlnu").splitlines()}


def test_the_port_is_open_while_the_interface_is_up_and_stays_the_same(host: Host) -> None:
    start_in_background(host)
    assert _udp_ports(host) == set()
    host.run("ip", "link", "set", "wg0", "up")
    ports = eventually(partial(_udp_ports, host), lambda found: len(found) == 2)
    host.run("ip", "link", "set", "wg0", "down")
    eventually(partial(_udp_ports, host), lambda found: not found)
    host.run("ip", "link", "set", "wg0", "up")
    assert eventually(partial(_udp_ports, host), lambda found: len(found) == 2) == ports


def test_an_interface_in_another_namespace_is_followed_and_does_not_outlive_it(host: Host) -> None:
    start_in_background(host)
    host.run("ip", "netns", "add", "inside")
    host.run("ip", "link", "set", "wg0", "netns", "inside")
    host.run("ip", "-n", "inside", "link", "set", "wg0", "up")
    eventually(partial(_udp_ports, host), lambda found: len(found) == 2)
    host.run("ip", "-n", "inside", "link", "set", "wg0", "down")
    eventually(partial(_udp_ports, host), lambda found: not found)
    host.run("ip", "netns", "delete", "inside")
    assert_gone(host)


def test_it_starts_with_the_standard_descriptors_closed(host: Host) -> None:
    host.run("sh", "-c", f"{NETSTART_WGD} wg0 <&- >&- 2>&-")
    assert host.run("wg", "show", "interfaces").strip() == "wg0"


def test_a_file_that_is_no_socket_is_not_deleted(host: Host) -> None:
    host.run("mkdir", "-p", "/var/run/wireguard")
    host.run("touch", SOCKET)
    refused = host.attempt(NETSTART_WGD, "wg0")
    assert refused.returncode == 1
    assert "in the way" in refused.stderr
    assert host.exists(SOCKET)
