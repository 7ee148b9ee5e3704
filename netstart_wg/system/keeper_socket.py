"""How a keeper is spoken to: one packet there, one packet back, over a socket of root's.

The folder is root's alone, and so is the socket; who connects all the same is
looked at once more.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from netstart_wg.errors import BackendError
from netstart_wg.system.paths import RUN_DIRECTORY, make_run_directory

PACKET_LIMIT: Final = 128 * 1024
"""Octets: names of interfaces, and one word for each."""
ANSWER_SECONDS: Final = 300.0
"""Going back may have to wait for whoever is at work on the interface, and for an engine."""

_QUESTION_SECONDS = 2.0
_CREDENTIALS = struct.Struct("=iII")
"""Process, user and group (unix(7), SO_PEERCRED)."""

Answer = Callable[[str], str]
"""From what is asked to what is answered."""


def keeper_path(process: int) -> Path:
    """Return the socket of the keeper with that process number."""
    return RUN_DIRECTORY / f"keeper.{process}.sock"


class KeeperSocket:
    """Where a keeper listens."""

    def __init__(self) -> None:
        """Listen; raise OSError."""
        make_run_directory()
        self._path = keeper_path(os.getpid())
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        try:
            self._socket.bind(str(self._path))
            self._path.chmod(0o600)
            self._socket.listen(16)
        except OSError:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._path.unlink(missing_ok=True)
        self._socket.close()

    def fileno(self) -> int:
        """Return what to poll for reading."""
        return self._socket.fileno()

    def serve(self, answer: Answer) -> bool:
        """Answer one question that has come, unless it is none; return whether somebody was there.

        `answer` raises ValueError for what is no question.
        """
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return False
        with connection, suppress(OSError, ValueError):
            connection.settimeout(_QUESTION_SECONDS)
            if _user_of(connection) == os.geteuid():
                question = connection.recv(PACKET_LIMIT).decode()
                connection.send(answer(question).encode())
        return True


def ask_keeper(process: int, question: str) -> str | None:
    """Return the answer of that keeper, or None if there is none any more.

    Raise BackendError if it does not answer.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(keeper_path(process)))
            connection.send(question.encode())
            answer = connection.recv(PACKET_LIMIT)
        except TimeoutError:
            reason = f"no answer within {ANSWER_SECONDS:.0f} seconds"
            raise BackendError("ask the keeper", f"process {process}", reason) from None
        except OSError:
            return None
    return answer.decode() or None


def _user_of(connection: socket.socket) -> int:
    octets = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(octets)
    return int(user)
