"""A service manager for one service, as far as an engine needs it; run inside a host as root.

    service_manager.py WATCHDOG_SECONDS COMMAND...

It takes the word of the service's main process alone (NotifyAccess=main), keeps
descriptors for it (sd_notify(3): FDSTORE, FDNAME, FDPOLL, FDSTOREREMOVE, BARRIER) and hands
them to the next process (sd_listen_fds(3)), which it starts when one has failed by anything
but exit status 1.  What happens is printed, a line each.

    SIGHUP    restart in order          SIGUSR1   start none until SIGUSR2
    SIGTERM   stop, and keep nothing

Standard library only, and nothing of what is tested.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import time
from pathlib import Path

ADDRESS = "/run/notify"
FIRST, OUT_OF_THE_WAY = 3, 200
CREDENTIALS = struct.Struct("3i")
COULD_NOT_START = 1


def say(*words: object) -> None:
    print(*words, flush=True)


class ServiceManager:
    def __init__(self, watchdog_seconds: float, command: list[str]) -> None:
        self.watchdog_seconds = watchdog_seconds
        self.command = command
        self.store: list[tuple[str, int]] = []
        self.polled = select.poll()
        self.main = 0
        self.heard = time.monotonic()
        self.is_restarting = self.is_stopping = self.is_held = self.is_ready = False
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(ADDRESS)
        Path(ADDRESS).chmod(0o777)
        self.notices.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.polled.register(self.notices, select.POLLIN)
        self.signals, wakes = socket.socketpair()
        wakes.setblocking(False)
        self.wakes = wakes
        signal.set_wakeup_fd(wakes.fileno())
        for number in (
            signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2
        ):  # fmt: skip
            signal.signal(number, lambda *_: None)
        self.polled.register(self.signals, select.POLLIN)

    def run(self) -> None:
        self.start()
        while True:
            for descriptor, events in self.polled.poll(100):
                if descriptor == self.notices.fileno():
                    self.take_notices()
                elif descriptor == self.signals.fileno():
                    self.take_signals()
                elif events & (select.POLLERR | select.POLLHUP):
                    self.drop("lost", descriptor)
            if self.main and time.monotonic() - self.heard > self.watchdog_seconds:
                say("watchdog")
                os.kill(self.main, signal.SIGABRT)
                self.heard = time.monotonic()

    def start(self) -> None:
        self.is_ready = self.is_restarting = False
        self.heard = time.monotonic()
        self.main = os.fork()
        if self.main:
            say("started", *(name for name, _ in self.store))
            return
        for at, (_, descriptor) in enumerate(self.store):
            os.dup2(descriptor, FIRST + at, inheritable=True)
        os.closerange(FIRST + len(self.store), 1000)
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": ADDRESS,
            "WATCHDOG_USEC": str(int(self.watchdog_seconds * 1_000_000)),
            "WATCHDOG_PID": str(os.getpid()),
        }
        if self.store:
            environment["LISTEN_PID"] = str(os.getpid())
            environment["LISTEN_FDS"] = str(len(self.store))
            environment["LISTEN_FDNAMES"] = ":".join(name for name, _ in self.store)
        os.execvpe(self.command[0], self.command, environment)

    def take_notices(self) -> None:
        while True:
            try:
                text, beside, _, _ = self.notices.recvmsg(65536, 4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            descriptors, sender = array.array("i"), 0
            for _, kind, octets in beside:
                if kind == socket.SCM_RIGHTS:
                    descriptors.frombytes(octets)
                elif kind == socket.SCM_CREDENTIALS:
                    sender = CREDENTIALS.unpack(octets)[0]
            self.take_notice(sender, text.decode().split("\n"), list(descriptors))

    def take_notice(self, sender: int, lines: list[str], descriptors: list[int]) -> None:
        if sender != self.main:
            say("stranger", sender, *lines)
            lines = []
        name = next((line.removeprefix("FDNAME=") for line in lines if "FDNAME=" in line), "stored")
        for line in lines:
            match line.partition("="):
                case "FDSTORE", _, "1":
                    for each in descriptors:
                        self.keep(name, each, is_polled="FDPOLL=0" not in lines)
                case "FDSTOREREMOVE", _, "1":
                    for each in [number for kept, number in self.store if kept == name]:
                        self.drop("removed", each)
                case "WATCHDOG", _, "1":
                    self.heard = time.monotonic()
                case "READY", _, "1":
                    self.is_ready = True
                    say("ready", self.main)
                case "STATUS", _, status:
                    say("status", status)
                case "STOPPING", _, "1":
                    say("stopping")
                case _:
                    pass
        for each in descriptors:
            os.close(each)

    def keep(self, name: str, descriptor: int, *, is_polled: bool) -> None:
        kept = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, OUT_OF_THE_WAY)
        self.store.append((name, kept))
        if is_polled:
            self.polled.register(kept, 0)
        say("stored", name)

    def drop(self, why: str, descriptor: int) -> None:
        names = [name for name, number in self.store if number == descriptor]
        if not names:
            return  # dropped within this wake-up
        name = names[0]
        self.store.remove((name, descriptor))
        with contextlib.suppress(KeyError):
            self.polled.unregister(descriptor)
        os.close(descriptor)
        say(why, name)

    def take_signals(self) -> None:
        for number in self.signals.recv(4096):
            match number:
                case signal.SIGHUP | signal.SIGTERM:
                    self.is_restarting = number == signal.SIGHUP
                    self.is_stopping = not self.is_restarting
                    if self.main:
                        os.kill(self.main, signal.SIGTERM)
                case signal.SIGUSR1:
                    self.is_held = True
                    say("held")
                case signal.SIGUSR2:
                    self.is_held = False
                    if not self.main:
                        self.start()
                case _:
                    pass
        self.wait()

    def wait(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                number, status = ended
                if number == self.main:
                    self.take_notices()
                    self.main_has_ended(os.waitstatus_to_exitcode(status))
        if self.is_stopping and not self.main:
            sys.exit(0)

    def main_has_ended(self, status: int) -> None:
        self.main = 0
        say("ended", status)
        has_failed = status != 0 or not self.is_ready
        if self.is_restarting or (has_failed and status != COULD_NOT_START):
            if not (self.is_stopping or self.is_held):
                self.start()
        else:
            for _, each in list(self.store):
                self.drop("closed", each)


if __name__ == "__main__":
    ServiceManager(float(sys.argv[1]), sys.argv[2:]).run()
