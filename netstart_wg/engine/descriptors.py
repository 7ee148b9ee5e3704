"""What an engine has open from its first to its last moment: the TUN device and the UAPI socket.

Made here, for which it takes CAP_NET_ADMIN and a folder of root's, or handed in
by somebody who has the right.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from netstart_wg.engine.bound_sockets import BoundSockets, adopt_udp_socket
from netstart_wg.engine.link import Link
from netstart_wg.engine.removal import RemovalWatch
from netstart_wg.engine.tun_device import TunDevice, TunGoneError
from netstart_wg.engine.uapi_listener import UapiListener
from netstart_wg.errors import BackendError, UsageError
from netstart_wg.model.config import DEFAULT_MTU
from netstart_wg.system.namespaces import namespace_of

_Taken = TypeVar("_Taken")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """Numbers of descriptors that somebody else has opened; None and nothing where nobody has."""

    tun: int | None = None
    uapi: int | None = None
    udp: tuple[int, ...] = ()
    """One, or one for each family."""

    @property
    def numbers(self) -> frozenset[int]:
        """All of them."""
        return frozenset(each for each in (self.tun, self.uapi, *self.udp) if each is not None)

    def sockets(self) -> BoundSockets | None:
        """Take over the UDP sockets; raise UsageError for what is none."""
        if not self.udp:
            return None
        taken = [_take(f"UDP socket {each}", each, adopt_udp_socket) for each in self.udp]
        by_family = {each.family: each for each in taken}
        if len(by_family) < len(taken):
            raise UsageError("two UDP sockets of one family were handed in")
        if len({each.getsockname()[1] for each in taken}) > 1:
            raise UsageError("UDP sockets of two ports were handed in")
        return BoundSockets(tuple(by_family.values()), namespace_of(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """All of it."""

    name: str
    """Of the interface, when it was opened."""
    device: TunDevice
    listener: UapiListener
    removal: RemovalWatch
    """Of the listener's file: the folder need not be open to the engine's user."""

    @classmethod
    def open(cls, name: str, handed_in: HandedIn, inherited_tun: int | None = None) -> Self:
        """Open all, or nothing.

        An interface that was handed in has the name that it has, and keeps its MTU.  The TUN
        of a former process of this engine goes before it, and may have another name now.
        Raise BackendError, PermissionDeniedError, or UsageError for a descriptor
        that is not what it should be.
        """
        with ExitStack() as opened:
            tun = inherited_tun
            if tun is not None:
                device = _take(f"TUN device {tun}", tun, TunDevice.adopt)
                opened.callback(device.close)
            elif handed_in.tun is not None:
                tun = handed_in.tun
                device = _take(f"TUN device {handed_in.tun}", handed_in.tun, TunDevice.adopt)
                opened.callback(device.close)
                name = device.interface()
            if handed_in.uapi is not None:
                what = f"UAPI socket {handed_in.uapi}"
                listener = _take(what, handed_in.uapi, UapiListener.adopt)
            else:
                listener = UapiListener.bind(name)
                opened.callback(listener.file.remove)
            opened.callback(listener.close)
            if tun is None:
                device = TunDevice.create(name)
                opened.callback(device.close)
                _set_mtu(device, name)
            removal = _watch(listener, name)
            opened.pop_all()
            return cls(name=name, device=device, listener=listener, removal=removal)

    def close(self) -> None:
        """Close all, with which the interface goes unless others hold it; not the socket file.

        The listener is last: who is refused there, or hung up on, finds no interface.
        """
        self.removal.close()
        self.device.close()
        self.listener.close()


def close_others(kept: Collection[int]) -> None:
    """Close all descriptors but these."""
    for descriptor in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        if descriptor not in kept:
            with suppress(OSError):  # the folder's own, which was closed with it
                os.close(descriptor)


def _watch(listener: UapiListener, name: str) -> RemovalWatch:
    try:
        return RemovalWatch(listener.file.path.parent)
    except OSError as error:
        reason = f"{listener.file.path.parent}: {os.strerror(error.errno or 0)}"
        raise BackendError("watch", name, reason, error.errno or 0) from error


def _set_mtu(device: TunDevice, name: str) -> None:
    try:
        Link(device).set_mtu(DEFAULT_MTU)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BackendError("set the MTU", name, reason, error.errno or 0) from error


def _take(what: str, descriptor: int, adopt: Callable[[int], _Taken]) -> _Taken:
    """Take over a descriptor that was handed in; raise UsageError."""
    try:
        return adopt(descriptor)
    except OSError as error:
        raise UsageError(f"{what}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{what}: {error}") from None
    except TunGoneError:
        raise UsageError(f"{what}: it has no interface") from None
