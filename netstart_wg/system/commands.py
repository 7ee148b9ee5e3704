"""Run a `!` line with sh(1), or become another program; either in an rdomain.

The command finds the same surroundings at boot and by hand: the folder `/`, a
fixed environment and umask, /dev/null to read from, no terminal, no descriptor
of ours, a session (and so a process group) of its own.  What it prints is told
line by line.  On OpenBSD `!` lines share netstart's own shell; here each has
its own, so that one cannot end or change the run.

A command has ended when its shell has.  What it has left in the background goes
on, and has nobody any more who reads its output.  Only a command that takes too
long, or that runs when we are interrupted, is ended with its whole process
group; what has left that is not looked for.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from netstart_wg.errors import CommandNotExecutableError, CommandNotFoundError, NetstartError
from netstart_wg.system.command_output import OutputLines, Tell
from netstart_wg.system.namespaces import vrf_index
from netstart_wg.system.surroundings import enter_for_good

TIME_LIMIT_SECONDS = 30.0
GRACE_SECONDS = 2.0
"""Between SIGTERM and SIGKILL."""

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": SEARCH_PATH, "HOME": "/"}
"""All a command gets: what rc(8) has at boot."""
UMASK = 0o022
"""That of a boot, too."""

_CHUNK = 65536
"""Octets: what a pipe holds."""
_SIGNALLED = 128
"""sh(1): a status above is this and the signal's number."""


_SHELL = ("/bin/sh", "-c", ". /dev/fd/0")
"""It reads its commands where they are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command ended."""

    status: int
    """Exit status; 128 and the signal's number if a signal ended it."""
    is_shell_signalled: bool = False
    """The status is a signal's that ended the shell itself."""
    limit_seconds: float | None = None
    """It ran longer than this and was killed."""
    obstacle: str | None = None
    """Why it was not even started."""

    @property
    def failure(self) -> str | None:
        """Say what went wrong, or None."""
        if self.obstacle is not None:
            return self.obstacle
        if self.limit_seconds is not None:
            return f"took longer than {self.limit_seconds:g} seconds and was killed"
        if self.is_shell_signalled:
            return f"killed by {_signal_name(self.status)}"
        if self.status > _SIGNALLED and (name := _signal_name(self.status)) is not None:
            return f"exit status {self.status} ({name})"
        return f"exit status {self.status}" if self.status else None


def run_command(
    text: str, rdomain: int, tell: Tell, limit_seconds: float = TIME_LIMIT_SECONDS
) -> CommandResult:
    """Run `text` and wait for it; after `limit_seconds` end it with its process group.

    `tell` gets what it prints.  Without the rdomain, the command fails as
    route(8) does.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        try:
            process = _start_in(rdomain, text, writer) if rdomain else _start(text, writer)
        finally:
            os.close(writer)
        return _Attendance(process, reader, tell).wait(limit_seconds)
    except NetstartError as error:
        return CommandResult(status=1, obstacle=str(error))
    finally:
        os.close(reader)


class _Attendance:
    """A command that runs, and its output."""

    def __init__(self, process: subprocess.Popen[bytes], reader: int, tell: Tell) -> None:
        self._process = process
        self._reader = reader
        self._lines = OutputLines(tell)
        self._has_ended = False
        """The shell: it is waited for only in the end, so that its group keeps its number."""
        self._is_silent = False
        """Nobody can write any more."""

    def wait(self, limit_seconds: float) -> CommandResult:
        """Attend to it until it has ended, or has been."""
        pidfd = os.pidfd_open(self._process.pid)
        try:
            self._attend(pidfd, limit_seconds)
            is_late = not self._has_ended
        finally:  # also when we are interrupted
            try:
                if not self._has_ended:
                    self._end_group(pidfd)
            finally:
                os.close(pidfd)
        self._read_what_is_there()
        self._lines.end()
        if is_late:
            return CommandResult(status=_SIGNALLED + signal.SIGKILL, limit_seconds=limit_seconds)
        status = self._process.wait()
        return CommandResult(status=_shell_status(status), is_shell_signalled=status < 0)

    def _attend(self, pidfd: int, seconds: float, *, until_silent: bool = False) -> None:
        """Take the output until the shell has ended; perhaps until nobody can write, either."""
        poll, deadline = select.poll(), time.monotonic() + seconds
        poll.register(pidfd, select.POLLIN)
        if not self._is_silent:
            poll.register(self._reader, select.POLLIN)
        while not self._has_ended or (until_silent and not self._is_silent):
            left = deadline - time.monotonic()
            if left <= 0:
                return
            for descriptor, _ in poll.poll(left * 1000):
                if descriptor == pidfd:
                    self._has_ended = True
                    poll.unregister(pidfd)
                elif not self._read(_CHUNK):
                    self._is_silent = True
                    poll.unregister(self._reader)

    def _end_group(self, pidfd: int) -> None:
        """Ask all of the group to end, and after a while make those end that have not."""
        group = self._process.pid
        try:
            os.killpg(group, signal.SIGTERM)
            self._attend(pidfd, GRACE_SECONDS, until_silent=True)
        finally:
            os.killpg(group, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):  # it hangs in the kernel, and we do not
                self._process.wait(GRACE_SECONDS)

    def _read(self, count: int) -> bytes:
        octets = os.read(self._reader, count)
        self._lines.feed(octets)
        return octets

    def _read_what_is_there(self) -> None:
        """Take what the pipe holds now, and nothing that the background adds meanwhile."""
        (count,) = struct.unpack("i", fcntl.ioctl(self._reader, termios.FIONREAD, bytes(4)))
        while count > 0 and (octets := self._read(min(count, _CHUNK))):
            count -= len(octets)


def replace_process(rdomain: int, arguments: Sequence[str]) -> NoReturn:
    """Become the program, looked for in PATH, in an rdomain (`route -T N exec`).

    Environment, folder and descriptors stay.  Raise CommandNotFoundError or
    CommandNotExecutableError, or what `enter_for_good` raises; the process may
    then be in the rdomain and is good for nothing but to end.
    """
    arguments = _within(rdomain, arguments)
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, which a program does not expect
        signal.signal(ignored, signal.SIG_DFL)
    command = arguments[0]
    try:
        os.execvp(command, list(arguments))  # noqa: S606 - whoever calls this wants no shell
    except OSError as error:
        message = f"{command}: {str(error.strerror).lower()}"
        if isinstance(error, FileNotFoundError) or _is_missing_from_path(command, error):
            raise CommandNotFoundError(message) from error
        raise CommandNotExecutableError(message) from error


def _start_in(rdomain: int, text: str, writer: int) -> subprocess.Popen[bytes]:
    """Start the shell from a thread that has entered the rdomain, and ends there."""
    from concurrent.futures import ThreadPoolExecutor

    def enter_and_start() -> subprocess.Popen[bytes]:
        return _start(text, writer, _within(rdomain, _SHELL))

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(enter_and_start).result()


def _within(rdomain: int, command: Sequence[str]) -> Sequence[str]:
    """Enter an rdomain for good; return the command, or what runs it in the VRF that this is.

    A process is in a VRF by its control group, which ip-vrf(8) sees to.
    """
    index = vrf_index(rdomain)
    if index is None:
        enter_for_good(rdomain)
        return command
    return ("ip", "vrf", "exec", socket.if_indextoname(index), *command)


def _start(text: str, writer: int, shell: Sequence[str] = _SHELL) -> subprocess.Popen[bytes]:
    """Start the shell with the text to read: ps(1) shows arguments to everybody.

    The shell opens what it reads once more, and so can close its standard input
    before the first word of the text: no descriptor is left for the command.
    """
    script = os.memfd_create("command", os.MFD_CLOEXEC)
    try:
        with open(script, "w", encoding="utf-8", closefd=False) as file:
            file.write(f"exec </dev/null; {text}\n")
        return _start_shell(shell, script, writer)
    finally:
        os.close(script)


def _start_shell(shell: Sequence[str], script: int, writer: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        shell,
        stdin=script,
        stdout=writer,
        stderr=writer,
        cwd="/",
        env=ENVIRONMENT,
        umask=UMASK,
        start_new_session=True,
    )


def _shell_status(returncode: int) -> int:
    """Return what sh(1) would call it: a signal is 128 and its number."""
    return _SIGNALLED - returncode if returncode < 0 else returncode


def _signal_name(status: int) -> str | None:
    """Return the name of the signal that sh(1) means by this status, if there is one."""
    number = status - _SIGNALLED
    if number not in signal.valid_signals():
        return None
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time one has no name
        return f"signal {number}"


def _is_missing_from_path(command: str, error: OSError) -> bool:
    """Say whether PATH named what is no folder, and no folder with the command."""
    return isinstance(error, NotADirectoryError) and "/" not in command
