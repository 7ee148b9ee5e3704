"""What is kept by a service manager, under which names, and what of it is believed afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstart_wg.engine.descriptor_store import DescriptorStore, Inherited, Stored
from netstart_wg.engine.notify import ServiceManager


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as each:
        each.bind(str(tmp_path / "notify"))
        each.settimeout(10)
        yield each


@pytest.fixture
def service_manager(listening: socket.socket) -> ServiceManager:
    return ServiceManager(listening.getsockname())


def next_message(listening: socket.socket) -> tuple[list[str], int]:
    """Return the lines of a message, and how many descriptors came with it."""
    text, descriptors, _, _ = socket.recv_fds(listening, 4096, 8)
    for each in descriptors:
        os.close(each)
    return text.decode().split("\n"), len(descriptors)


def test_the_new_one_is_stored_before_the_former_one_is_removed(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    store = DescriptorStore(service_manager)
    assert not store.has(Stored.UDP)
    assert store.keep(Stored.UDP, [0, 1])
    assert next_message(listening) == (["FDSTORE=1", "FDNAME=udp.1", "FDPOLL=0"], 2)
    assert store.keep(Stored.UDP, [0])
    assert next_message(listening) == (["FDSTORE=1", "FDNAME=udp.2", "FDPOLL=0"], 1)
    assert next_message(listening) == (["FDSTOREREMOVE=1", "FDNAME=udp.1"], 0)
    assert store.has(Stored.UDP)
    store.remove(*Stored)
    assert next_message(listening) == (["FDSTOREREMOVE=1", "FDNAME=udp.2"], 0)
    assert not store.has(Stored.UDP)


def test_of_a_tun_alone_the_service_manager_is_to_notice_when_it_goes(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    DescriptorStore(service_manager).keep(Stored.TUN, [0])
    assert next_message(listening) == (["FDSTORE=1", "FDNAME=tun.1"], 1)


def test_what_could_not_be_removed_is_removed_the_next_time(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    store = DescriptorStore(service_manager)
    store.keep(Stored.STATE, [0])
    assert next_message(listening)[0][1] == "FDNAME=state.1"
    while service_manager.send("FULL=1"):
        pass
    assert not store.keep(Stored.STATE, [0], patience_seconds=0.0)
    assert store.has(Stored.STATE)
    listening.setblocking(False)
    for _ in range(2):  # room for one message, so that the other has none
        assert listening.recv(4096) == b"FULL=1"
    service_manager.send("FULL=1")
    assert store.keep(Stored.STATE, [0], patience_seconds=0.0)
    while True:
        try:
            listening.recv(4096)
        except BlockingIOError:
            break
    store.remove(Stored.STATE)
    removed = [next_message(listening)[0][1] for _ in range(2)]
    assert removed == ["FDNAME=state.1", "FDNAME=state.2"]


INHERIT = """
import os, sys
from netstart_wg.engine.descriptor_store import Inherited
names = sys.argv[1]
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": names}
os.environ["LISTEN_FDS"] = str(len(names.split(":")))
for number in range(3, 3 + len(names.split(":"))):
    os.dup2(0, number, inheritable=True)
got = Inherited.of_environment()
print({kind.value: numbers for kind, numbers in got.descriptors.items()})
print(sorted(got.obsolete), got.generation, got.is_empty)
for number in range(3, 3 + len(names.split(":"))):
    try:
        print(number, "inheritable" if os.get_inheritable(number) else "kept")
    except OSError:
        print(number, "closed")
"""


@pytest.mark.parametrize(
    ("names", "taken", "rest", "closed"),
    [
        (
            "tun.1:udp.4:udp.4:state.9",
            "'tun': (3,), 'udp': (4, 5), 'state': (6,)",
            "[] 9 False",
            (),
        ),
        ("state.9:state.10:tun.1", "'state': (4,), 'tun': (5,)", "['state.9'] 10 False", (3,)),
        ("stored:tun:other.3", "", "['other.3', 'stored', 'tun'] 0 True", (3, 4, 5)),
    ],
)
def test_of_each_kind_the_latest_counts_and_others_are_closed(
    names: str, taken: str, rest: str, closed: tuple[int, ...]
) -> None:
    command = [sys.executable, "-c", INHERIT, names]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    first, second, *descriptors = said.splitlines()
    assert (first, second) == (f"{{{taken}}}", rest)
    numbers = range(3, 3 + len(names.split(":")))
    assert descriptors == [f"{each} {'closed' if each in closed else 'kept'}" for each in numbers]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LISTEN_FDS": "1", "LISTEN_PID": "1"},
        {"LISTEN_FDS": "", "LISTEN_PID": str(os.getpid())},
        {"LISTEN_FDS": "-1", "LISTEN_PID": str(os.getpid())},
    ],
)
def test_what_was_meant_for_another_process_is_not_taken(environment: dict[str, str]) -> None:
    assert Inherited.of_environment(environment).is_empty


def test_what_was_good_for_nothing_is_removed_at_once(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    inherited = Inherited({Stored.TUN: (0,)}, {Stored.TUN: "tun.7"}, ("state.3",), 7)
    store = DescriptorStore(service_manager, inherited)
    assert next_message(listening) == (["FDSTOREREMOVE=1", "FDNAME=state.3"], 0)
    store.keep(Stored.STATE, [0])
    assert next_message(listening)[0][1] == "FDNAME=state.8"


def test_without_a_service_manager_nothing_is_kept() -> None:
    store = DescriptorStore(ServiceManager())
    assert not store.is_there
    assert not store.keep(Stored.TUN, [0])
    assert not store.has(Stored.TUN)
    store.remove(*Stored)
    store.wait()
