"""The opener as a process of its own, the only one of an engine with privileges.

    netstart-wgd IF              the engine: keys, packets, clients; a user of its own,
      │                          no capability
      └─ opener of netstart-wg   this file: root with three capabilities

As of OpenBSD's daemons, the part that meets the network cannot open a port, and
the part that can open one never meets the network.  They share a pair of
sockets.  The opener holds nothing between two requests: the descriptors that it
works on come with a request and are closed before its answer, so that it keeps
no interface and no port alive.  It ends when the engine does, however that was,
and takes the socket file with it; signals are the engine's business.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NoReturn, assert_never

from netstart_wg.engine import privileges
from netstart_wg.engine.bound_sockets import adopt_udp_socket
from netstart_wg.engine.descriptors import close_others
from netstart_wg.engine.opener import DirectOpener, Opener
from netstart_wg.engine.opener_messages import (
    REQUEST_OCTETS,
    Answer,
    Operation,
    Outcome,
    Request,
    receive,
    send,
)
from netstart_wg.engine.remote_opener import RemoteOpener
from netstart_wg.engine.tun_device import TunDevice, TunGoneError
from netstart_wg.engine.uapi_listener import SocketFile


def start(file: SocketFile, title: str) -> RemoteOpener:
    """Fork, and return in the parent; raise OSError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = os.fork()
    if process == 0:
        _be_the_opener(theirs, file, title)
    theirs.close()
    return RemoteOpener(ours, process)


def serve(connection: socket.socket, opener: Opener) -> None:
    """Answer requests until the engine hangs up; raise ValueError for what is no request."""
    while True:
        octets, descriptors = receive(connection, REQUEST_OCTETS)
        with ExitStack() as held:
            for descriptor in descriptors:
                held.callback(os.close, descriptor)
            if not octets:
                return
            request = Request.decode(octets, len(descriptors))
            answer, opened = _carry_out(request, descriptors, opener, held)
            send(connection, answer.encode(), opened)


def _carry_out(
    request: Request, descriptors: Sequence[int], opener: Opener, held: ExitStack
) -> tuple[Answer, Sequence[int]]:
    """Return an answer and what goes with it; that is held only until it is sent."""
    try:
        if request.operation is Operation.OPEN_SOCKETS:
            bound = opener.open_sockets(request.port, request.number, request.rdomain)
            held.callback(bound.close)
            numbers = [each.fileno() for each in bound.sockets]
            return Answer(namespace=bound.namespace or 0), numbers
        if request.operation is Operation.OPEN_NETWORK_CHANGES:
            changes = held.enter_context(opener.open_network_changes(request.rdomain))
            return Answer(), [changes.fileno()]
        return _answer(request, descriptors, opener), ()
    except TunGoneError:
        return Answer(outcome=Outcome.GONE), ()
    except OSError as error:
        return Answer(outcome=Outcome.REFUSED, number=error.errno or errno.EIO), ()


def _answer(request: Request, descriptors: Sequence[int], opener: Opener) -> Answer:
    match request.operation:
        case Operation.SET_FWMARK:
            with ExitStack() as held:
                sockets = [held.enter_context(_copy_of(each)) for each in descriptors]
                opener.set_fwmark(sockets, request.number)
            return Answer()
        case Operation.NAMESPACE_OF:
            return Answer(namespace=opener.namespace_of(request.rdomain) or 0)
        case Operation.INDEX_OF_INTERFACE:
            return Answer(number=opener.index_of_interface(request.name, request.rdomain))
        case Operation.LOOK:
            return Answer.of_link(opener.look(TunDevice(descriptors[0])))
        case Operation.LIMIT_SUPER_PACKETS:
            opener.limit_super_packets(TunDevice(descriptors[0]), request.number)
            return Answer()
        case Operation.HAS_SOCKET_FILE:
            return Answer(number=int(opener.has_socket_file()))
        case Operation.REMOVE_SOCKET_FILE:
            opener.remove_socket_file()
            return Answer()
        case Operation.OPEN_SOCKETS | Operation.OPEN_NETWORK_CHANGES:
            raise AssertionError("is answered with descriptors")
        case _:
            assert_never(request.operation)


def _copy_of(descriptor: int) -> socket.socket:
    """Return a UDP socket with a descriptor of its own; raise OSError or ValueError."""
    copy = os.dup(descriptor)
    try:
        return adopt_udp_socket(copy)
    except BaseException:
        os.close(copy)
        raise


def _be_the_opener(connection: socket.socket, file: SocketFile, title: str) -> NoReturn:
    """Let go of all that was the engine's, and serve; what goes wrong ends both."""
    status = 1
    try:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        _keep_only(connection.fileno())
        os.chdir("/")
        privileges.set_title(title)
        privileges.keep(privileges.OPENER)
        serve(connection, DirectOpener(file))
        status = 0
    finally:
        file.remove()
        os._exit(status)


def _keep_only(kept: int) -> None:
    """Close every descriptor but this one; 0, 1 and 2 are /dev/null."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    close_others({0, 1, 2, kept})
