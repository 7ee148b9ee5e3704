"""Asking the opener process: the engine's end of the pair of sockets."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Sequence

from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.link import LinkState
from netstart_wg.engine.opener import OpenerGoneError
from netstart_wg.engine.opener_messages import (
    ANSWER_OCTETS,
    Answer,
    LostDescriptorsError,
    Operation,
    Outcome,
    Request,
    receive,
    send,
)
from netstart_wg.engine.tun_device import TunDevice, TunGoneError


class RemoteOpener:
    """Satisfies `Opener`."""

    def __init__(self, connection: socket.socket, process: int) -> None:
        """Take a connected socket, and the number of the child at its other end."""
        self._connection = connection
        self._process = process

    @property
    def descriptor(self) -> int | None:
        """See `Opener`."""
        return self._connection.fileno()

    def open_sockets(self, port: int, fwmark: int, rdomain: int) -> BoundSockets:
        """See `Opener`."""
        operation = Operation.OPEN_SOCKETS
        request = Request(operation=operation, rdomain=rdomain, port=port, number=fwmark)
        answer, descriptors = self._ask(request)
        sockets = tuple(socket.socket(fileno=each) for each in descriptors)
        return BoundSockets(sockets, answer.namespace or None)

    def set_fwmark(self, sockets: Sequence[socket.socket], fwmark: int) -> None:
        """See `Opener`."""
        request = Request(operation=Operation.SET_FWMARK, number=fwmark)
        self._ask(request, [each.fileno() for each in sockets])

    def open_network_changes(self, rdomain: int) -> socket.socket:
        """See `Opener`."""
        request = Request(operation=Operation.OPEN_NETWORK_CHANGES, rdomain=rdomain)
        _, (descriptor,) = self._ask(request)
        return socket.socket(fileno=descriptor)

    def namespace_of(self, rdomain: int) -> int | None:
        """See `Opener`."""
        answer, _ = self._ask(Request(operation=Operation.NAMESPACE_OF, rdomain=rdomain))
        return answer.namespace or None

    def index_of_interface(self, name: str, rdomain: int) -> int:
        """See `Opener`."""
        request = Request(operation=Operation.INDEX_OF_INTERFACE, rdomain=rdomain, name=name)
        answer, _ = self._ask(request)
        return answer.number

    def look(self, device: TunDevice) -> LinkState | None:
        """See `Opener`."""
        answer, _ = self._ask(Request(operation=Operation.LOOK), [device.descriptor])
        return None if answer.outcome is Outcome.UNKNOWN else answer.link()

    def limit_super_packets(self, device: TunDevice, octets: int) -> None:
        """See `Opener`."""
        request = Request(operation=Operation.LIMIT_SUPER_PACKETS, number=octets)
        self._ask(request, [device.descriptor])

    def has_socket_file(self) -> bool:
        """See `Opener`."""
        answer, _ = self._ask(Request(operation=Operation.HAS_SOCKET_FILE))
        return bool(answer.number)

    def remove_socket_file(self) -> None:
        """See `Opener`."""
        with contextlib.suppress(OpenerGoneError):
            self._ask(Request(operation=Operation.REMOVE_SOCKET_FILE))

    def close(self) -> None:
        """Let it end, and wait until it has."""
        self._connection.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._process, 0)

    def _ask(
        self, request: Request, descriptors: Sequence[int] = ()
    ) -> tuple[Answer, Sequence[int]]:
        octets = request.encode()
        try:
            send(self._connection, octets, descriptors)
            octets, received = receive(self._connection, ANSWER_OCTETS)
            answer = Answer.decode(octets)
        except LostDescriptorsError:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE)) from None
        except (OSError, ValueError) as error:
            raise OpenerGoneError from error
        if answer.outcome is Outcome.GONE:
            raise TunGoneError
        if answer.outcome is Outcome.REFUSED:
            raise OSError(answer.number, os.strerror(answer.number))
        return answer, received
