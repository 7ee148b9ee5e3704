"""Lines for syslog(3): to a socket of the test's own in place of /dev/log."""

from __future__ import annotations

import io
import logging
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import pytest

from netstart_wg.system.system_log import JournalLog, SystemLog, is_journal


def listen(device: Path) -> socket.socket:
    reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    reader.bind(str(device))
    reader.settimeout(5)
    return reader


@pytest.fixture
def device(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def reader(device: Path) -> Iterator[socket.socket]:
    with listen(device) as reader:
        yield reader


@pytest.fixture
def log(reader: socket.socket, device: Path) -> Iterator[logging.Logger]:
    handler = SystemLog("netstart-wgd[7]", device)
    log = logging.Logger("wg0", logging.DEBUG)
    log.addHandler(handler)
    yield log
    handler.close()


# The numbers: facility 3 (daemon) times 8, and the severity (RFC 3164 §4.1.1).
@pytest.mark.parametrize(
    ("level", "priority"),
    [
        (logging.CRITICAL, 26),
        (logging.ERROR, 27),
        (logging.WARNING, 28),
        (logging.INFO, 30),
        (logging.DEBUG, 31),
        (1, 31),
    ],
)
def test_a_line_tells_its_priority_and_who_says_it(
    log: logging.Logger, reader: socket.socket, level: int, priority: int
) -> None:
    log.setLevel(1)
    log.log(level, "wg0: up, port %s", 7)
    assert reader.recv(1000) == f"<{priority}>netstart-wgd[7]: wg0: up, port 7".encode()


def _give_up(number: int, frame: FrameType | None) -> NoReturn:
    raise TimeoutError("it waits")


def test_a_reader_that_does_not_read_holds_up_nobody(
    log: logging.Logger, reader: socket.socket
) -> None:
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(5)
    try:
        for number in range(5000):
            log.info("line %s", number)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert reader.recv(1000).endswith(b"line 0")


def test_a_reader_that_was_started_anew_gets_what_comes_then(
    log: logging.Logger, reader: socket.socket, device: Path
) -> None:
    reader.close()
    device.unlink()
    log.info("to nobody")
    with listen(device) as successor:
        log.info("to the successor")
        assert successor.recv(1000).endswith(b": to the successor")


def test_where_nobody_listens_there_is_no_log(device: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SystemLog("netstart-wgd[7]", device)


def test_the_journal_is_told_how_much_each_line_matters() -> None:
    log = logging.getLogger("test of the journal")
    written = io.StringIO()
    handler = JournalLog(written)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        log.log(level, "line")
    log.error("one\ntwo")
    assert written.getvalue() == ("<7>line\n<6>line\n<4>line\n<3>line\n<2>line\n<3>one\n<3>two\n")


def test_the_journal_reads_what_its_variable_says_and_nothing_else(tmp_path: Path) -> None:
    with (tmp_path / "journal").open("w") as journal, (tmp_path / "other").open("w") as other:
        status = os.fstat(journal.fileno())
        environment = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        assert is_journal(journal.fileno(), environment)
        assert not is_journal(other.fileno(), environment)
        assert not is_journal(journal.fileno(), {})
    assert not is_journal(-1, environment)
