"""Word to the service manager: sd_notify(3), in the few lines that it takes without a library.

systemd gives a service the address of a socket in NOTIFY_SOCKET and takes datagrams
of `NAME=VALUE` lines there, with descriptors beside them if it is to keep those.
Whoever sends needs no right: that it is the service's main process is enough
(NotifyAccess=main), and it may have become another user meanwhile.

A service manager that does not read does not hold up the tunnel: what finds no room
is lost, but for what is seldom and matters, for which there is a moment to wait.
"""

from __future__ import annotations

import array
import os
import select
import socket
from collections.abc import Mapping, Sequence
from typing import Self

from netstart_wg.model.now import NANOSECONDS_PER_SECOND

_NANOSECONDS_PER_MICROSECOND = 1000
PATIENCE_SECONDS = 1.0
"""For what is seldom, and has to be heard."""
_HINT = "\n    hint: "
_HINT_IN_ONE_LINE = "; hint: "


class ServiceManager:
    """Whoever started this process and wants to hear of it; without one, nothing is sent."""

    def __init__(self, address: str | None = None, watchdog_ns: int | None = None) -> None:
        """Take the address as in NOTIFY_SOCKET, and how long we may be silent."""
        is_abstract = address is not None and address.startswith("@")
        self._address = f"\0{address[1:]}" if address and is_abstract else address
        self.watchdog_ns = watchdog_ns
        """After so long without a word of us we are killed; None: never."""

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read NOTIFY_SOCKET, and WATCHDOG_USEC if it is meant for this process."""
        address = environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls()
        period = environment.get("WATCHDOG_USEC", "")
        is_ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        if not (is_ours and period.isascii() and period.isdigit() and int(period)):
            return cls(address)
        return cls(address, int(period) * _NANOSECONDS_PER_MICROSECOND)

    @property
    def is_there(self) -> bool:
        """Whether anybody wants to hear of us."""
        return self._address is not None

    def is_ready(self, status: str) -> None:
        """Say that the service is there, and how it is, in one line."""
        line = f"STATUS={_in_one_line(status)}"
        self.send("READY=1", line, patience_seconds=PATIENCE_SECONDS)

    def status(self, text: str) -> None:
        """Say how it is, or why it cannot start: `systemctl show -P StatusText` has it.

        A hint of a message of ours, in a line of its own there, follows after "; hint: ".
        """
        self.send(f"STATUS={_in_one_line(text)}", patience_seconds=PATIENCE_SECONDS)

    def is_alive(self) -> bool:
        """Reset the watchdog; return False if there was no room for that word."""
        return self.send("WATCHDOG=1")

    def is_stopping(self) -> None:
        """Say that the service is about to end."""
        self.send("STOPPING=1", patience_seconds=PATIENCE_SECONDS)

    def send(
        self, *lines: str, descriptors: Sequence[int] = (), patience_seconds: float = 0.0
    ) -> bool:
        """Send lines; return whether that was possible, at once or within so long."""
        if self._address is None:
            return False
        # systemd takes up to 253 of them at once (SCM_MAX_FD)
        beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(patience_seconds)
            try:
                text = "\n".join(lines).encode(errors="backslashreplace")
                sender.sendmsg([text], beside if descriptors else [], 0, self._address)
            except OSError:
                return False
        return True

    def wait_until_heard(self) -> bool:
        """Return when all that was sent has been taken in; False if that takes too long.

        sd_notify_barrier(3): the service manager closes a descriptor when its turn comes.
        """
        reading, writing = os.pipe()
        try:
            was_sent = self.send(
                "BARRIER=1", descriptors=[writing], patience_seconds=PATIENCE_SECONDS
            )
        finally:
            os.close(writing)
        try:
            poll = select.poll()
            poll.register(reading, select.POLLHUP)
            return was_sent and bool(poll.poll(PATIENCE_SECONDS * 1000))
        finally:
            os.close(reading)


class Watchdog:
    """When the service manager is to hear from us next: twice as often as it asks for."""

    def __init__(self, service_manager: ServiceManager, now_ns: int) -> None:
        self._service_manager = service_manager
        period_ns = service_manager.watchdog_ns
        self._interval_ns = None if period_ns is None else period_ns // 2
        self.due_ns = None if self._interval_ns is None else now_ns
        """Boot-time ns; None: never."""

    def advance(self, now_ns: int) -> None:
        """Say so if it is time; what was not heard is said again soon."""
        if self.due_ns is None or self._interval_ns is None or now_ns < self.due_ns:
            return
        was_heard = self._service_manager.is_alive()
        soon_ns = min(self._interval_ns, NANOSECONDS_PER_SECOND // 10)
        self.due_ns = now_ns + (self._interval_ns if was_heard else soon_ns)


def _in_one_line(text: str) -> str:
    return " ".join(text.replace(_HINT, _HINT_IN_ONE_LINE).split("\n"))
