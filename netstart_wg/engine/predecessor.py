"""What a former process of this engine has left in the descriptor store.

It died, and there are its descriptors and its state of a moment before; or it ended in
order, and there are its sessions, too.  Either way it may be long ago, as a machine
counts: what is not as it says is dropped, and the engine opens it anew.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from netstart_wg.engine import memory_file
from netstart_wg.engine.bound_sockets import BoundSockets, adopt_udp_socket, namespace_of_socket
from netstart_wg.engine.descriptor_store import DescriptorStore, Inherited, Stored, close_all
from netstart_wg.engine.tun_device import TunDevice, TunGoneError
from netstart_wg.errors import BackendError, NetstartError
from netstart_wg.model.saved import SavedDevice, SavedSession
from netstart_wg.system.namespaces import namespace_of
from netstart_wg.uapi import UapiError
from netstart_wg.uapi.saved import decode_saved, decode_sessions

log = logging.getLogger(__name__)

MAX_RESTORATIONS: Final = 3
"""In short succession: the next time it is the state that is suspected."""


class GivenUpError(BackendError):
    """What was left has brought down one engine after the other."""


class InterfaceDeletedError(NetstartError):
    """While no engine was there somebody has deleted its interface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predecessor:
    """What is good of it."""

    sockets: BoundSockets | None = None
    """None: it had none, or they are not those that it speaks of."""
    saved: SavedDevice | None = None
    """None: it has not got that far."""
    sessions: tuple[SavedSession, ...] | None = None
    """None: it did not end in order."""

    @classmethod
    def of(cls, name: str, inherited: Inherited, store: DescriptorStore) -> Self | None:
        """Take over what was left; None if there is no predecessor.

        Keys are read, so the opener must be another process by then.  Sessions are nobody
        else's from then on.  Raise GivenUpError.
        """
        if inherited.is_empty:
            return None
        saved = _read_state(name, inherited.descriptors.get(Stored.STATE, ()))
        sessions = _take_sessions(name, inherited.descriptors.get(Stored.SESSIONS, ()))
        store.remove(Stored.SESSIONS)
        if sessions is None and saved is not None and saved.restorations >= MAX_RESTORATIONS:
            reason = f"died {saved.restorations + 1} times in a row, with the same configuration"
            raise GivenUpError("restore", name, reason)
        sockets = _usable_sockets(inherited.descriptors.get(Stored.UDP, ()), saved)
        if sockets is None:
            store.remove(Stored.UDP)
            store.wait()
        return cls(sockets=sockets, saved=saved, sessions=sessions)

    @property
    def restorations(self) -> int:
        """How often in short succession its state will have been restored after a crash."""
        if self.saved is None or self.sessions is not None:
            return 0
        return self.saved.restorations + 1


def inherited_tun(name: str, inherited: Inherited) -> int | None:
    """Return the TUN device that was left, None if there is no predecessor.

    Raise InterfaceDeletedError.
    """
    for each in inherited.descriptors.get(Stored.TUN, ()):
        with suppress(OSError, TunGoneError):
            if TunDevice(each).is_tun:
                return each
    if inherited.is_empty:
        return None
    raise InterfaceDeletedError(f"{name}: interface was deleted")


def _read_state(name: str, descriptors: Sequence[int]) -> SavedDevice | None:
    try:
        for each in descriptors:
            return decode_saved(memory_file.read(each))
    except (OSError, UnicodeDecodeError, UapiError):  # which might quote what is in it
        log.error("%s: the configuration of its predecessor cannot be read", name)
    finally:
        close_all(descriptors)
    return None


def _take_sessions(name: str, descriptors: Sequence[int]) -> tuple[SavedSession, ...] | None:
    """Return them, and leave none; None if they cannot be had for sure, or are none any more."""
    try:
        for each in descriptors:
            text = memory_file.take(each)
            return decode_sessions(text) if text else None
    except (OSError, UnicodeDecodeError, UapiError):
        log.error("%s: the sessions of its predecessor cannot be read", name)
    finally:
        close_all(descriptors)
    return None


def _usable_sockets(descriptors: Sequence[int], saved: SavedDevice | None) -> BoundSockets | None:
    """Return them if they have the port and the place that the state says."""
    sockets: tuple[socket.socket, ...] = ()
    for each in descriptors:
        try:
            sockets += (adopt_udp_socket(each),)
        except (OSError, ValueError):
            close_all([each])
    if not sockets:
        return None
    # who may not ask where they are could not have opened them elsewhere, either
    namespaces = {namespace_of_socket(each) or namespace_of(0) for each in sockets}
    bound = BoundSockets(sockets, namespaces.pop())
    if (
        saved is not None
        and not namespaces
        and len({each.family for each in sockets}) == len(sockets)
        and {each.getsockname()[1] for each in sockets} == {saved.state.listen_port}
        and bound.namespace == saved.sockets_namespace
    ):
        return bound
    bound.close()
    return None
