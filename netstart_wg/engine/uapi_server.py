"""The clients of the UAPI socket: wg(8), netstart-wg and others.

Many clients at once, none of which can hold up the tunnel: requests are read
and replies written as the sockets allow.
"""

from __future__ import annotations

import errno
import socket
from typing import Protocol

from netstart_wg.model.change import DeviceChange
from netstart_wg.model.state import WireGuardState
from netstart_wg.uapi import UapiError, decode_set, encode_errno, encode_get

MAX_REQUEST_OCTETS = 64 << 20
"""Some hundred thousand peers; more than that at once is no configuration."""
MAX_UNREAD_OCTETS = 1 << 20
"""Of notices; a client that lets more pile up is hung up on."""

MAX_CLIENTS = 64

_READ_SIZE = 1 << 16


class Configurable(Protocol):
    """What the server serves."""

    def state(self) -> WireGuardState:
        """Return everything there is to know."""
        ...

    def configure(self, change: DeviceChange) -> None:
        """Apply a change as a whole, or raise OSError and change nothing."""
        ...

    def index_of_interface(self, name: str) -> int:
        """Return the index of an interface that an endpoint's scope names, or raise OSError."""
        ...


class UapiClient:
    """One connection: requests in, replies out, in order."""

    def __init__(self, connection: socket.socket, served: Configurable) -> None:
        self._connection = connection
        self._served = served
        self._input = bytearray()
        self._output = bytearray()
        self._searched = 0
        self._ends_after_reply = False
        self.is_following = False
        """Whether it has asked for notices, with `debug=1`, and gets them until it hangs up."""

    @property
    def descriptor(self) -> int:
        """What to wait on."""
        return self._connection.fileno()

    @property
    def wants_to_write(self) -> bool:
        """Whether part of a reply is still here; then no request is read."""
        return bool(self._output)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
        for buffer in (self._input, self._output):
            _wipe_and_drop(buffer, len(buffer))

    def is_readable(self) -> bool:
        """Read, answer what is complete; return False when it is over."""
        try:
            octets = self._connection.recv(_READ_SIZE)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not octets or len(self._input) + len(octets) > MAX_REQUEST_OCTETS:
            return False
        self._input += octets
        return self._answer_and_write()

    def tell(self, line: str) -> bool:
        """Send a line to a client that follows; return False when it is over."""
        if len(self._output) > MAX_UNREAD_OCTETS:
            return False
        self._output += f"{line}\n".encode()
        return self._write()

    def is_writable(self) -> bool:
        """Write on; return False when it is over."""
        return self._answer_and_write()

    def _answer_and_write(self) -> bool:
        while True:
            if self._output and not self._write():
                return False
            if self._output:
                return True
            if self._ends_after_reply:
                return False
            if (request := self._next_request()) is None:
                return True
            self._answer(request)

    def _write(self) -> bool:
        try:
            sent = self._connection.send(self._output)
        except BlockingIOError:
            return True
        except OSError:
            return False
        _wipe_and_drop(self._output, sent)
        return True

    def _next_request(self) -> bytes | None:
        """Take the next request from the input, without its closing empty line."""
        if self._input.startswith(b"\n"):
            end = 0
        else:
            end = self._input.find(b"\n\n", max(0, self._searched - 1))
            if end < 0:
                self._searched = len(self._input)
                return None
        request = bytes(self._input[:end])
        _wipe_and_drop(self._input, end + (1 if end == 0 else 2))
        self._searched = 0
        return request

    def _answer(self, request: bytes) -> None:
        operation, _, rest = request.partition(b"\n")
        if operation == b"get=1" and not rest:
            self._output += encode_get(self._served.state()).encode()
        elif operation == b"get=1":
            self._output += f"errno={errno.EPROTO}\n\n".encode()
        elif operation == b"debug=1" and not rest:
            self.is_following = True
        elif operation == b"set=1":
            self._output += encode_errno(self._set(rest)).encode()
        else:
            self._ends_after_reply = True

    def _set(self, rest: bytes) -> int:
        try:
            text = rest.decode()
            change = decode_set(text.split("\n") if text else [], self._served.index_of_interface)
            self._served.configure(change)
        except UnicodeDecodeError:
            return errno.EINVAL
        except UapiError as error:
            return error.errno
        except OSError as error:
            return error.errno or errno.EIO
        return 0


def _wipe_and_drop(buffer: bytearray, count: int) -> None:
    """Take away the first octets, which may have been keys: `del` alone leaves them in memory."""
    buffer[:count] = bytes(count)
    del buffer[:count]
