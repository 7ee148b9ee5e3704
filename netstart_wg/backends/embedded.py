"""Our own engine: a process of netstart-wgd for each interface, spoken to over its UAPI socket.

An interface or an engine of that name which is not ours is never touched.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace

from netstart_wg.backends.base import PATIENCE_SECONDS
from netstart_wg.backends.uapi_socket import (
    await_end,
    connect,
    exchange,
    follow,
    stop_and_await_end,
)
from netstart_wg.errors import (
    TAKEOVER_HINT,
    BackendError,
    ExitStatus,
    NotOursError,
    PermissionDeniedError,
)
from netstart_wg.model.change import UNCHANGED, DeviceChange
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.state import WireGuardState
from netstart_wg.system.namespaces import rdomain_of
from netstart_wg.system.netlink import Netlink
from netstart_wg.system.paths import record_path
from netstart_wg.uapi import (
    UapiError,
    decode_errno,
    decode_get,
    encode_set,
    fingerprint,
    without_peers,
)

IMPLEMENTATION = "netstart-wg"
"""What the engine's name of itself begins with."""

_START = "start the engine"
_GET = "get=1\n\n"
_DEBUG = "debug=1\n\n"
_DAEMON = "netstart_wg.cli.netstart_wgd"


class EmbeddedBackend:
    """Satisfies `netstart_wg.backends.base.Backend`."""

    def __init__(self, links: Callable[[int], Netlink]) -> None:
        """Take the way to the interfaces of an rdomain."""
        self._links = links

    def obstacle(self, kind: EngineKind) -> str | None:
        """Say that it is of one kind; whether that can be started is seen when it is."""
        return None if kind is EngineKind.EMBEDDED else "our own engine is no other"

    def create(self, interface: str, kind: EngineKind = EngineKind.EMBEDDED) -> None:
        """Start the engine; return when the interface and the socket are there."""
        if (obstacle := self.obstacle(kind)) is not None:
            raise BackendError(_START, interface, obstacle, errno.EOPNOTSUPP)
        from netstart_wg.system import service_manager
        from netstart_wg.system.own_programs import complaint, start_own

        if service_manager.is_in_charge():
            service_manager.start(service_manager.ENGINE_UNIT.format(interface), _START, interface)
            return
        ended = start_own(_START, interface, _DAEMON, interface)
        if ended.returncode != ExitStatus.OK:
            raise _start_failure(interface, ended.returncode, complaint(ended))

    def destroy(self, interface: str) -> None:
        """Delete the interface, with which its engine ends; return when it has ended."""
        state = self.state(interface)
        connection = connect(interface) if state is not None else None
        if state is None or connection is None:
            raise BackendError("destroy", interface, "it has no engine", errno.ENODEV)
        with closing(connection):
            links = self._links_around(state)
            if links is not None and links.observe(interface) is not None:
                links.delete(interface)
                await_end(connection, interface)
            else:  # renamed, or in a namespace that is no rdomain: it goes with its engine
                stop_and_await_end(connection, interface)

    def displace(self, interface: str) -> None:
        """Delete somebody else's interface; an engine in user space ends with it."""
        with suppress(NotOursError):
            if self.state(interface) is not None:
                raise BackendError("remove", interface, "it is ours", errno.EBUSY)
        connection = connect(interface)
        try:
            self._links(0).delete(interface)
            if connection is not None:
                await_end(connection, interface)
        finally:
            if connection is not None:
                connection.close()

    def state(
        self, interface: str, patience_seconds: float = PATIENCE_SECONDS
    ) -> WireGuardState | None:
        """Ask the engine for everything; None if there is none.

        Raise NotOursError if it is somebody else's.
        """
        answer = _ask(interface, _GET, patience_seconds)
        return None if answer is None else _decode(interface, answer, answer)

    def glance(self, interface: str) -> WireGuardState | None:
        """Ask the engine for everything, and read what it says of the interface."""
        answer = _ask(interface, _GET)
        return None if answer is None else _decode(interface, without_peers(answer), answer)

    def configure(self, interface: str, change: DeviceChange) -> None:
        """Hand the engine a change, which it makes whole or not at all."""
        answer = _ask(interface, encode_set(change))
        if answer is None:
            raise BackendError("configure", interface, "it has no engine", errno.ENODEV)
        if number := decode_errno(answer):
            reason = os.strerror(number).lower()
            if number == errno.EADDRINUSE:
                reason = f"{_port(change)} is taken by another program or interface"
            elif number == errno.ENOENT:
                reason = (
                    "the rdomain of its UDP sockets does not exist\n    hint: set wgrtable again"
                )
            raise BackendError("configure", interface, reason, number)

    def follow(self, interface: str) -> Iterator[str]:
        """Let the engine tell what it does, from now until it ends."""
        lines = None if self.state(interface) is None else follow(interface, _DEBUG)
        if lines is None:
            raise BackendError("follow", interface, "it has no engine", errno.ENODEV)
        return lines

    def _links_around(self, state: WireGuardState) -> Netlink | None:
        """Return the interfaces of the rdomain that the engine's is in, None if it is in none."""
        namespace = state.link_namespace
        rdomain = 0 if namespace is None else rdomain_of(namespace)
        return None if rdomain is None else self._links(rdomain)


def _ask(interface: str, request: str, patience_seconds: float = PATIENCE_SECONDS) -> str | None:
    """Return what the engine answers, or None if there is none.

    One that systemd is just starting again, after a crash or for an upgrade, is waited
    for: its interface is there all the while.
    """
    answer = exchange(interface, request, patience_seconds)
    if answer is not None or not record_path(interface).exists():
        return answer
    from netstart_wg.system import service_manager

    if not service_manager.is_in_charge():
        return None
    for _ in service_manager.while_expected(service_manager.ENGINE_UNIT.format(interface)):
        if (answer := exchange(interface, request, patience_seconds)) is not None:
            break
    return answer


def _decode(interface: str, text: str, answer: str) -> WireGuardState:
    """Read what an engine of ours has answered, or a part of that."""
    try:
        state = decode_get(text)
    except UapiError as error:
        raise BackendError("ask the engine", interface, str(error)) from error
    if not (state.implementation or "").startswith(IMPLEMENTATION):
        reason = f"exists and is not ours: another program's engine is behind it{TAKEOVER_HINT}"
        raise NotOursError("observe", interface, reason)
    return replace(state, fingerprint=fingerprint(answer))


def _port(change: DeviceChange) -> str:
    """Return which port was refused: that of the change, or the one it has, in another rdomain."""
    where = "" if change.wgrtable is UNCHANGED else f" in rdomain {change.wgrtable}"
    if change.listen_port is UNCHANGED:
        return f"its UDP port{where}"
    return f"UDP port {change.listen_port}{where}"


def _start_failure(interface: str, status: int, said: str) -> BackendError | PermissionDeniedError:
    """Make an exception of what the engine said last, without the names it begins with."""
    reason = said.removeprefix("netstart-wgd: ").removeprefix(f"{interface}: ")
    if status == ExitStatus.PERMISSION:
        return PermissionDeniedError(f"{interface}: start the engine: {reason}")
    return BackendError(_START, interface, reason)
