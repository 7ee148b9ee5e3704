"""A request to the engine behind an interface, over its UAPI socket, and what it answers.

The protocol's text is `netstart_wg.uapi`'s business; here are the socket, its
time limits and its ways to fail.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from netstart_wg.backends.base import PATIENCE_SECONDS
from netstart_wg.errors import BackendError, PermissionDeniedError
from netstart_wg.system.paths import socket_path
from netstart_wg.system.refusal import refusal

_OPERATION = "ask the engine"
_FOLLOW = "follow the engine"
_PIECE = 1 << 16
_END = b"\n\n"


def connect(interface: str, patience_seconds: float = PATIENCE_SECONDS) -> socket.socket | None:
    """Connect to the interface's engine; return None if there is no engine.

    Raise PermissionDeniedError if there is one and we have no right to talk to it.
    """
    return _connect(socket_path(interface), interface, patience_seconds)


def exchange(
    interface: str, request: str, patience_seconds: float = PATIENCE_SECONDS
) -> str | None:
    """Send a request and return the whole answer, or None if there is no engine.

    The answer ends with an empty line, or it is a BackendError; so is silence for
    longer than that.  An engine that hangs up without a word was just ending.
    """
    connection = connect(interface, patience_seconds)
    if connection is None:
        return None
    with closing(connection):
        try:
            connection.sendall(request.encode())
            return _read_answer(connection, interface)
        except (BrokenPipeError, ConnectionResetError):
            return None
        except OSError as error:
            raise _failure(interface, error, patience_seconds) from error


def follow(interface: str, request: str) -> Iterator[str] | None:
    """Send a request, and return the lines that are told from now on, or None without an engine.

    They come one by one and may be hours apart: silence is no failure.  They end when
    the engine does, or when it hangs up.
    """
    connection = connect(interface)
    if connection is None:
        return None
    try:
        connection.sendall(request.encode())
    except (BrokenPipeError, ConnectionResetError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise refusal(_FOLLOW, interface, error) from error
    connection.settimeout(None)
    return _lines(connection, interface)


def await_end(connection: socket.socket, interface: str) -> None:
    """Wait until the engine at the other end is gone, and nobody listens in its place."""
    _await_end(connection, socket_path(interface), interface)


def stop_and_await_end(connection: socket.socket, interface: str) -> None:
    """Let the engine at the other end stop, by taking its socket file away; wait as `await_end`.

    The file gets another name first, under which one sees when nobody listens any more.
    """
    path = socket_path(interface)
    aside = path.with_suffix(".ending")
    try:
        with suppress(FileNotFoundError):  # somebody else took it away
            path.rename(aside)
        try:
            _await_end(connection, aside, interface)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise refusal("stop the engine", interface, error, path) from error


def _lines(connection: socket.socket, interface: str) -> Iterator[str]:
    with closing(connection), connection.makefile(errors="replace", newline="\n") as lines:
        try:
            for line in lines:
                yield line.removesuffix("\n")
        except ConnectionResetError:
            return
        except OSError as error:
            raise refusal(_FOLLOW, interface, error) from error


def _await_end(connection: socket.socket, path: Path, interface: str) -> None:
    _await_hang_up(connection, interface)
    while (another := _connect(path, interface)) is not None:  # it had not yet stopped listening
        with closing(another):
            _await_hang_up(another, interface)


def _connect(
    path: Path, interface: str, patience_seconds: float = PATIENCE_SECONDS
) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    connection.settimeout(patience_seconds)
    try:
        connection.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
        connection.close()
        return None
    except PermissionError as error:
        connection.close()
        raise PermissionDeniedError(f"{interface}: only root may talk to its engine") from error
    except OSError as error:
        connection.close()
        raise _failure(interface, error, patience_seconds) from error
    return connection


def _await_hang_up(connection: socket.socket, interface: str) -> None:
    try:
        while connection.recv(_PIECE):
            pass
    except ConnectionResetError:
        return
    except OSError as error:
        raise _failure(interface, error) from error


def _read_answer(connection: socket.socket, interface: str) -> str | None:
    answer = bytearray()
    while not answer.endswith(_END):
        piece = connection.recv(_PIECE)
        if not piece and not answer:
            return None
        if not piece:
            raise BackendError(_OPERATION, interface, "it hung up before the end of its answer")
        answer += piece
    try:
        return answer.decode()
    except UnicodeDecodeError as error:
        raise BackendError(_OPERATION, interface, "its answer is not UTF-8") from error


def _failure(
    interface: str, error: OSError, patience_seconds: float = PATIENCE_SECONDS
) -> BackendError:
    if isinstance(error, TimeoutError):
        hint = "its process is stopped or stuck; when it is killed, netstart-wg makes another"
        reason = f"no answer within {patience_seconds:g} seconds\n    hint: {hint}"
        return BackendError(_OPERATION, interface, reason)
    return refusal(_OPERATION, interface, error)
