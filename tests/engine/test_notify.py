"""What a service manager is told, on a socket as systemd makes it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstart_wg.engine.notify import ServiceManager, Watchdog

SECOND = 1_000_000_000


@pytest.fixture(params=["path", "abstract"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    is_abstract = request.param == "abstract"
    address = f"\0notify-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as each:
        each.bind(address)
        each.settimeout(10)
        yield each


@pytest.fixture
def service_manager(listening: socket.socket) -> ServiceManager:
    name = listening.getsockname()
    address = "@" + name[1:].decode() if isinstance(name, bytes) else name
    return ServiceManager.of_environment({"NOTIFY_SOCKET": address})


def test_it_is_told_that_the_service_is_ready_and_how_it_is(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    service_manager.is_ready("serves")
    assert listening.recv(4096) == b"READY=1\nSTATUS=serves"
    service_manager.is_stopping()
    assert listening.recv(4096) == b"STOPPING=1"


def test_a_message_with_a_hint_stays_one_line(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    service_manager.status("wg0: cannot\n    hint: do\nREADY=1")
    assert listening.recv(4096) == b"STATUS=wg0: cannot; hint: do READY=1"


def test_descriptors_go_with_the_lines(
    listening: socket.socket, service_manager: ServiceManager, tmp_path: Path
) -> None:
    with (tmp_path / "file").open("w") as file:
        assert service_manager.send("FDSTORE=1", "FDNAME=x", descriptors=[file.fileno()])
        text, received, _, _ = socket.recv_fds(listening, 4096, 4)
        assert text == b"FDSTORE=1\nFDNAME=x"
        (copy,) = received
        assert os.path.sameopenfile(copy, file.fileno())
        os.close(copy)


def test_waiting_ends_when_the_descriptor_is_closed_at_the_other_end(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    from threading import Thread

    heard: list[bool] = []
    waiting = Thread(target=lambda: heard.append(service_manager.wait_until_heard()))
    waiting.start()
    text, received, _, _ = socket.recv_fds(listening, 4096, 4)
    assert (text, heard) == (b"BARRIER=1", [])
    os.close(received[0])
    waiting.join(10)
    assert heard == [True]


def test_without_a_service_manager_nothing_is_sent_and_nothing_waits() -> None:
    for environment in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}):
        nobody = ServiceManager.of_environment(environment)
        assert not nobody.is_there
        assert not nobody.send("READY=1")
        assert not nobody.wait_until_heard()


def test_one_that_has_gone_does_no_harm(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    listening.close()
    assert not service_manager.is_alive()


def test_one_that_does_not_read_holds_nobody_up(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    while service_manager.is_alive():
        pass
    assert listening.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("period", "process", "expected"),
    [
        ("30000000", None, 30 * SECOND),
        ("30000000", str(os.getpid()), 30 * SECOND),
        ("30000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        ("-5", None, None),
        (None, None, None),
    ],
)
def test_the_watchdog_is_ours_if_it_names_this_process_or_none(
    period: str | None, process: str | None, expected: int | None
) -> None:
    environment = {"NOTIFY_SOCKET": "/nowhere"}
    if period is not None:
        environment["WATCHDOG_USEC"] = period
    if process is not None:
        environment["WATCHDOG_PID"] = process
    assert ServiceManager.of_environment(environment).watchdog_ns == expected


def test_the_watchdog_hears_from_us_twice_as_often_as_it_asks_for(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    service_manager.watchdog_ns = 10 * SECOND
    watchdog = Watchdog(service_manager, 0)
    said = []
    for second in range(21):
        watchdog.advance(second * SECOND)
        listening.setblocking(False)
        try:
            listening.recv(4096)
            said.append(second)
        except BlockingIOError:
            pass
    assert said == [0, 5, 10, 15, 20]


def test_a_word_that_found_no_room_is_said_again_soon(
    listening: socket.socket, service_manager: ServiceManager
) -> None:
    service_manager.watchdog_ns = 10 * SECOND
    watchdog = Watchdog(service_manager, 0)
    listening.close()
    watchdog.advance(0)
    assert watchdog.due_ns is not None
    assert 0 < watchdog.due_ns < SECOND


def test_without_a_period_there_is_no_watchdog() -> None:
    watchdog = Watchdog(ServiceManager(), 0)
    watchdog.advance(SECOND)
    assert watchdog.due_ns is None
