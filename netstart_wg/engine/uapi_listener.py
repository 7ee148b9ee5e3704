"""The UAPI socket in the file system: /var/run/wireguard/IF.sock.

Who deletes the file ends the engine.  Who ends the engine deletes the file,
unless another has taken its place.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from netstart_wg.errors import BackendError, PermissionDeniedError
from netstart_wg.system.paths import socket_path

_BACKLOG: Final = 64

_NO_ROOM: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
"""The client waits on, and the socket stays readable."""

_Identity = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SocketFile:
    """One certain file, and not whatever has its name."""

    path: Path
    _identity: _Identity

    @classmethod
    def at(cls, path: Path) -> Self:
        """Take the file that is there now; raise OSError."""
        return cls(path, _identity(path))

    def is_in_place(self) -> bool:
        """Whether it still has its name: deleting it is how one stops an engine."""
        try:
            return _identity(self.path) == self._identity
        except OSError:
            return False

    def remove(self) -> None:
        """Delete it, if it is still in place and we may."""
        if self.is_in_place():
            with contextlib.suppress(OSError):
                self.path.unlink()


class UapiListener:
    """The socket that clients connect to."""

    def __init__(self, listening: socket.socket, file: SocketFile) -> None:
        """Take a socket that listens, and its file, which it does not delete."""
        self._socket = listening
        self.file = file

    @classmethod
    def bind(cls, name: str) -> Self:
        """Make the file, for root alone; replace one that nobody listens on.

        Raise BackendError when an engine of that name is running, PermissionDeniedError
        without the right to.
        """
        path = socket_path(name)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            with _umask(0o022):
                path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            _clear_the_way(path, name)
            with _umask(0o077):
                listening.bind(str(path))
            listening.listen(_BACKLOG)
            return cls(listening, SocketFile.at(path))
        except PermissionError:
            listening.close()
            raise PermissionDeniedError(f"{name}: cannot listen at {path}: not root") from None
        except OSError as error:
            listening.close()
            reason = f"{path}: {error.strerror}"
            raise BackendError("listen", name, reason, error.errno or 0) from None
        except BaseException:
            listening.close()
            raise

    @classmethod
    def adopt(cls, descriptor: int) -> Self:
        """Take over a socket that somebody else has bound and listens on.

        Raise OSError or ValueError; then it stays its giver's to close.
        """
        listening = socket.socket(fileno=descriptor)
        try:
            if listening.family != socket.AF_UNIX or listening.type != socket.SOCK_STREAM:
                raise ValueError("it is no UNIX stream socket")
            if not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                raise ValueError("it does not listen")
            path = listening.getsockname()
            if not isinstance(path, str) or not path.startswith("/"):
                raise ValueError("it has no file")
            file = SocketFile.at(Path(path))
        except BaseException:
            listening.detach()
            raise
        listening.setblocking(False)
        listening.set_inheritable(False)
        return cls(listening, file)

    @property
    def descriptor(self) -> int:
        """What to wait on."""
        return self._socket.fileno()

    def accept(self) -> socket.socket | None:
        """Return the next client, or None; raise OSError as long as there is no room for it."""
        try:
            client, _ = self._socket.accept()
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise
            return None
        client.setblocking(False)
        return client

    def close(self) -> None:
        """Listen no more; delete the file before, or a client finds it and nobody there."""
        self._socket.close()


@contextlib.contextmanager
def _umask(mask: int) -> Iterator[None]:
    """Make files with these rights left out, whatever our caller's are."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def _clear_the_way(path: Path, name: str) -> None:
    """Delete a socket file that nobody listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            if not path.is_socket():
                raise BackendError("listen", name, f"{path} is in the way: no socket") from None
            path.unlink(missing_ok=True)
            return
    raise BackendError("listen", name, f"{path} is in use: an engine of that name is running")


def _identity(path: Path) -> _Identity:
    """Tell a file from its successor; the number of an inode alone may be given again."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_mtime_ns
