"""The life of the process that looks after names: wait for a reason to look, and look."""

from __future__ import annotations

import select
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

# all that is ever needed is loaded at once: there may be an upgrade while we run
import netstart_wg.backends.uapi_socket
import netstart_wg.system.address_book
import netstart_wg.system.locks
import netstart_wg.system.names  # noqa: F401
from netstart_wg.app.machine import this_machine
from netstart_wg.app.names import NamedPeer, read_names
from netstart_wg.app.syslog import Log
from netstart_wg.app.system import Machine
from netstart_wg.app.watch_names import Watch
from netstart_wg.model.address import Endpoint
from netstart_wg.reconcile.renewal import SECOND
from netstart_wg.system.names_process import hold_lock, let_go, network_news

PROGRAM = "netstart-wg-names"

LOOK_NS: Final = 30 * SECOND
"""So often engines are asked whether peers are heard of."""
CALM_NS: Final = SECOND
"""A change of the network seldom comes alone."""

_MILLISECOND = 1_000_000
_NETLINK_OCTETS = 65536


def keep_names(ready: Callable[[], None]) -> None:
    """Say when we are there; return when nobody is left to look after, or by SIGTERM.

    Where another process does it already, return at once.
    """
    lock = hold_lock()
    ready()
    with this_machine() as machine:
        while lock is not None:
            keeping = Keeping(machine)
            keeping.run()
            let_go(lock)
            # whoever came with a name just now has found us there, and gone
            lock = hold_lock() if not keeping.is_to_end and read_names(machine) else None


class Keeping:
    """The loop; names are looked up by threads, which nobody waits for."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._watch = Watch(machine, Log(PROGRAM))
        self._answers: deque[tuple[NamedPeer, Sequence[Endpoint]]] = deque()
        self._reader, self._writer = socket.socketpair()
        self._news = network_news()
        self.is_to_end = False
        """Whether SIGTERM has come."""
        self._has_notes = True
        self._changed_ns: int | None = None
        self._look_ns = 0

    def run(self) -> None:
        """Do it."""
        self._listen_for_signals()
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.register(self._news, select.POLLIN)
        while not self.is_to_end:
            self._work(self._machine.system.boot_time_ns())
            if not self._watch.schedules:
                return
            poll.poll(self._timeout_ms())
            self._take_news()

    def _work(self, now_ns: int) -> None:
        """Do all that is due."""
        if self._has_notes:
            self._has_notes = False
            self._watch.read()
        if self._changed_ns is not None and now_ns >= self._changed_ns:
            self._changed_ns = None
            self._watch.network_changed(now_ns)
        while self._answers:
            peer, addresses = self._answers.popleft()
            self._watch.found(peer, addresses, now_ns)
        if now_ns >= self._look_ns:
            self._look_ns = now_ns + LOOK_NS
            self._watch.look(now_ns)
        for peer in self._watch.take_due(now_ns):
            threading.Thread(target=self._look_up, args=(peer,), daemon=True).start()

    def _look_up(self, peer: NamedPeer) -> None:
        """Ask, in a thread of its own, and wake the loop."""
        found: Sequence[Endpoint] = ()
        try:
            found = self._machine.system.look_up(peer.name, peer.rdomain)
        finally:
            self._answers.append((peer, found))
            self._writer.send(b"\0")

    def _timeout_ms(self) -> int:
        dates = [self._watch.due_ns, self._look_ns]
        if self._changed_ns is not None:
            dates.append(self._changed_ns)
        wait_ns = min(dates) - self._machine.system.boot_time_ns()
        return max(0, -(-wait_ns // _MILLISECOND))

    def _take_news(self) -> None:
        """Note that the network has changed, and empty what woke us."""
        with suppress(BlockingIOError):
            self._reader.recv(4096)
        if self._has_network_changed() and self._changed_ns is None:
            self._changed_ns = self._machine.system.boot_time_ns() + CALM_NS

    def _has_network_changed(self) -> bool:
        try:
            return bool(self._news.recv(_NETLINK_OCTETS))
        except BlockingIOError:
            return False
        except OSError:  # ENOBUFS: more has changed than there was room for (netlink(7))
            return True

    def _listen_for_signals(self) -> None:
        """SIGHUP: there is something new; SIGTERM: end."""
        for each in (self._reader, self._writer):
            each.setblocking(False)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)

        def has_notes(*_: object) -> None:
            self._has_notes = True

        def end(*_: object) -> None:
            self.is_to_end = True

        signal.signal(signal.SIGHUP, has_notes)
        signal.signal(signal.SIGTERM, end)
