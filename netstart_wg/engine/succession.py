"""Between one process of an engine and the next: what it took over, and what it leaves.

The engine says what happens; with whom that is shared, a service manager that keeps
descriptors or nobody at all, is this file's business.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.descriptor_store import DescriptorStore, Inherited, Stored
from netstart_wg.engine.notify import ServiceManager, Watchdog
from netstart_wg.engine.predecessor import Predecessor, inherited_tun
from netstart_wg.model.now import Now

if TYPE_CHECKING:  # the opener is forked while this is loaded, and does without them
    from netstart_wg.engine.preservation import Preservation
    from netstart_wg.engine.udp import UdpSockets
    from netstart_wg.protocol.device import Device

log = logging.getLogger(__name__)


class Succession:
    """Of one engine."""

    def __init__(
        self, name: str, service_manager: ServiceManager, inherited: Inherited | None = None
    ) -> None:
        """Begin with what there is, of which nothing is read yet; raise InterfaceDeletedError."""
        inherited = Inherited() if inherited is None else inherited
        self.tun = inherited_tun(name, inherited)
        """Descriptor of the TUN device that was left."""
        self._name = name
        self._inherited = inherited
        self._service_manager = service_manager
        self._store = DescriptorStore(service_manager, inherited)
        self._predecessor: Predecessor | None = None
        self._sockets: BoundSockets | None = None
        self._watchdog: Watchdog | None = None
        self._preservation: Preservation | None = None

    def take_over(self) -> None:
        """Read what was left, keys and all; raise GivenUpError.

        While we may still ask where sockets are, and when the opener is a process of its own:
        it must not have a key.
        """
        self._predecessor = Predecessor.of(self._name, self._inherited, self._store)
        if self._predecessor is not None:
            self._sockets = self._predecessor.sockets

    @property
    def has_successor(self) -> bool:
        """Whether anybody would keep what an orderly end leaves."""
        return self._store.is_there

    def begin(
        self, device: Device, sockets_namespace: Callable[[], int | None], moment: Now
    ) -> None:
        """Make a new device what the former one was, and have it written from now on."""
        from netstart_wg.engine.preservation import Preservation

        predecessor, self._predecessor = self._predecessor, None
        restorations = 0
        if predecessor is None:
            log.info("%s: interface created", self._name)
        else:
            restorations = predecessor.restorations
            self._succeed(predecessor, device, moment)
        self._watchdog = Watchdog(self._service_manager, moment.boottime_ns)
        self._preservation = Preservation(
            self._store, device, sockets_namespace, moment.boottime_ns, restorations
        )

    def _succeed(self, predecessor: Predecessor, device: Device, moment: Now) -> None:
        if predecessor.saved is not None:
            device.restore(predecessor.saved, moment)
        if predecessor.sessions is None:
            log.warning("%s: restored after its engine died", self._name)
        else:
            device.restore_sessions(predecessor.sessions, moment)
            log.info("%s: goes on where its former engine stopped", self._name)

    def is_ready(self, tun: int) -> None:
        """Say that the engine serves its interface, which is to stay if it dies."""
        if not self._store.has(Stored.TUN):
            self._store.keep(Stored.TUN, [tun])
        if self._sockets is not None:  # it was taken down meanwhile
            self.close_sockets()
            self._store.remove(Stored.UDP)
        self._service_manager.is_ready("serves its interface")

    @property
    def due_ns(self) -> int | None:
        """When `advance` has something to do, boot-time ns, or None."""
        if self._watchdog is None or self._preservation is None:
            return None
        watchdog_ns, preservation_ns = self._watchdog.due_ns, self._preservation.due_ns
        if watchdog_ns is None or preservation_ns is None:
            return watchdog_ns if preservation_ns is None else preservation_ns
        return min(watchdog_ns, preservation_ns)

    def advance(self, now_ns: int) -> None:
        """Say that we live, and write on, whichever it is time for."""
        if self._watchdog is not None and self._preservation is not None:
            self._watchdog.advance(now_ns)
            self._preservation.advance(now_ns)

    # -- UDP sockets -----------------------------------------------------------------------

    def take_sockets(self) -> BoundSockets | None:
        """Return those that were left, once; they need not be told of."""
        sockets, self._sockets = self._sockets, None
        return sockets

    def close_sockets(self) -> None:
        """Close those that were left, if nobody has taken them."""
        if (sockets := self.take_sockets()) is not None:
            sockets.close()

    def sockets_changed(self, sockets: UdpSockets | None) -> None:
        """Note that there are others now, or none; return when the former port is free."""
        had_others = self._store.has(Stored.UDP)
        if sockets is None:
            self._store.remove(Stored.UDP)
        else:
            self._store.keep(Stored.UDP, sockets.descriptors)
        if had_others:
            self._store.wait()

    # -- the end ---------------------------------------------------------------------------

    def hand_over(self) -> None:
        """Leave all that there is to a successor, if one comes; nothing is moved any more."""
        self._service_manager.is_stopping()
        gc.disable()  # nothing that is made from here on is garbage
        if self._preservation is not None:
            try:
                self._preservation.hand_over()
            except OSError as error:
                log.error("%s: sessions are not handed over: %s", self._name, error.strerror)

    def leave_nothing(self) -> None:
        """End for good, and not before the service manager knows.

        Whoever hears that we have hung up may start another one, and that is another then.
        """
        self._service_manager.is_stopping()
        self._store.remove(*Stored)
        self._store.wait()

    def close(self) -> None:
        """Let go of everything; what is in the store stays there."""
        self.close_sockets()
        if self._preservation is not None:
            self._preservation.close()
