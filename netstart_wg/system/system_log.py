"""Lines for syslog(3), none of which anybody waits for.

Whoever reads /dev/log may have stopped reading, and may need this very tunnel to
go on, as one that passes all on to another host does.  A line that finds no room
is lost; the standard library's handler would wait, and with it all packets.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TextIO

DEVICE: Final = Path("/dev/log")

_DAEMON: Final = 3 << 3
"""The facility (RFC 3164 §4.1.1); the severities are of the same place."""
_SEVERITIES: Final = (
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
    (logging.DEBUG, 7),
)


def _severity(record: logging.LogRecord) -> int:
    return next((number for level, number in _SEVERITIES if record.levelno >= level), 7)


def is_journal(descriptor: int, environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether what is written there goes to systemd's journal (systemd.exec(5))."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return environment.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class JournalLog(logging.StreamHandler[TextIO]):
    """Lines to standard error, each with how much it matters, as sd-daemon(3) has it.

    When, and by whom, is known to the journal anyway.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Handler`."""
        prefix = f"<{_severity(record)}>"
        return prefix + super().format(record).replace("\n", f"\n{prefix}")


class SystemLog(logging.Handler):
    """Datagrams to /dev/log; connected anew when its reader was started anew."""

    def __init__(self, ident: str, device: Path = DEVICE) -> None:
        """Take what each line begins with; raise OSError if nobody reads there."""
        super().__init__()
        self._ident = ident
        self._device = str(device)
        self._socket = self._connect()

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line, or lose it."""
        line = f"<{_DAEMON | _severity(record)}>{self._ident}: {self.format(record)}".encode(
            errors="backslashreplace"
        )
        try:
            self._socket.send(line)
        except BlockingIOError:
            return
        except OSError:
            with contextlib.suppress(OSError):
                fresh = self._connect()
                self._socket.close()
                self._socket = fresh
                fresh.send(line)

    def close(self) -> None:
        """Say no more."""
        self._socket.close()
        super().close()

    def _connect(self) -> socket.socket:
        fresh = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            fresh.connect(self._device)
        except OSError:
            fresh.close()
            raise
        return fresh
