"""Descriptors: what happens when there are no more, and that the engine keeps nobody else's."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.netns.engines import NETSTART_WGD
from tests.netns.hosts import Background, Host, HostMaker
from tests.netns.uapi import TIMEOUT_SECONDS, state
from tests.netns.waiting import eventually

LIMIT = 32


@pytest.fixture
def host(new_host: HostMaker) -> Host:
    return new_host("narrow")


@pytest.fixture
def engine(host: Host) -> Background:
    """One that may open few."""
    running = host.start("sh", "-c", f"ulimit -n {LIMIT}; exec {NETSTART_WGD} -f wg0")
    eventually(lambda: "interface created" in running.output() or not running.is_running)
    return running


@contextmanager
def silent_clients(host: Host) -> Iterator[None]:
    """More connections to the configuration socket than it may have descriptors."""
    with ExitStack() as stack:
        for _ in range(LIMIT):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(TIMEOUT_SECONDS)
            client.connect(f"/proc/{host.pid}/root/run/wireguard/wg0.sock")
        yield


def processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_more_clients_than_descriptors_leave_the_newest_served_and_the_engine_idle(
    host: Host, engine: Background
) -> None:
    with silent_clients(host):
        assert state(host, "wg0").implementation is not None
        (process,) = host.processes("netstart-wgd")
        before = processor_seconds(process)
        time.sleep(0.5)  # long enough to tell a loop that turns from one that waits
        assert processor_seconds(process) - before < 0.25


def test_an_interface_that_comes_up_without_descriptors_left_opens_its_port_later(
    host: Host, engine: Background
) -> None:
    with silent_clients(host):
        assert state(host, "wg0").listen_port == 0
        host.run("ip", "link", "set", "wg0", "up")
        eventually(lambda: "Too many open files" in engine.output() or not engine.is_running)
        assert engine.is_running, engine.output()
    eventually(lambda: state(host, "wg0").listen_port)


def test_an_engine_in_the_background_keeps_no_lock_of_its_caller(
    host: Host, tmp_path: Path
) -> None:
    lock = str(tmp_path / "lock")
    host.run("flock", lock, NETSTART_WGD, "wg0")
    assert host.has_interface("wg0")
    host.run("flock", "--nonblock", lock, "true")
