"""Run a `!` line with sh(1), or become another program; either in an rdomain.

The command finds the same surroundings at boot and by hand: the folder `/`, a
fixed environment, no standard input, a session (and so a process group) of its
own.  What it prints goes to our standard error, since our standard output is
data.  On OpenBSD `!` lines share netstart's own shell; here each has its own,
so that one cannot end or change the run.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from netstart_wg.errors import CommandNotExecutableError, CommandNotFoundError, NetstartError
from netstart_wg.system.surroundings import enter_for_good

TIME_LIMIT_SECONDS = 30.0

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": SEARCH_PATH, "HOME": "/"}
"""All a command gets: what rc(8) has at boot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """How a command ended."""

    status: int
    """Exit status; 128 and the signal's number if a signal ended it."""
    timed_out: bool = False
    """It ran longer than allowed and was killed."""
    obstacle: str | None = None
    """Why it was not even started."""

    @property
    def failure(self) -> str | None:
        """Say what went wrong, or None."""
        if self.obstacle is not None:
            return self.obstacle
        if self.timed_out:
            return "took too long and was killed"
        return f"exit status {self.status}" if self.status else None


def run_command(
    text: str, rdomain: int = 0, limit_seconds: float = TIME_LIMIT_SECONDS
) -> CommandResult:
    """Run `text` and wait for it; after `limit_seconds` kill it and its process group.

    What it left running in the background on purpose is left alone.  Without
    the rdomain, the command fails as route(8) does.
    """
    try:
        process = _start_in(rdomain, text) if rdomain else _start(text)
    except NetstartError as error:
        return CommandResult(status=1, obstacle=str(error))
    try:
        return CommandResult(status=_shell_status(process.wait(limit_seconds)))
    except subprocess.TimeoutExpired:
        return CommandResult(status=128 + signal.SIGKILL, timed_out=True)
    finally:
        if process.poll() is None:  # timed out, or we were interrupted
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def replace_process(rdomain: int, arguments: Sequence[str]) -> NoReturn:
    """Become the program, looked for in PATH, in an rdomain (`route -T N exec`).

    Environment, folder and descriptors stay.  Raise CommandNotFoundError or
    CommandNotExecutableError, or what `enter_for_good` raises; the process may
    then be in the rdomain and is good for nothing but to end.
    """
    enter_for_good(rdomain)
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


def _start_in(rdomain: int, text: str) -> subprocess.Popen[bytes]:
    """Start the shell from a thread that has entered the rdomain, and ends there."""
    from concurrent.futures import ThreadPoolExecutor

    def enter_and_start() -> subprocess.Popen[bytes]:
        enter_for_good(rdomain)
        return _start(text)

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(enter_and_start).result()


def _start(text: str) -> subprocess.Popen[bytes]:
    """Start the shell with the text behind a descriptor: ps(1) shows arguments to everybody."""
    script = os.memfd_create("command", os.MFD_CLOEXEC)
    try:
        with open(script, "w", encoding="utf-8", closefd=False) as file:
            file.write(f"{text}\n")
        return _start_shell(script)
    finally:
        os.close(script)


def _start_shell(script: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["/bin/sh", "-c", f". /dev/fd/{script}"],
        pass_fds=(script,),
        stdin=subprocess.DEVNULL,
        stdout=2,
        stderr=2,
        cwd="/",
        env=ENVIRONMENT,
        start_new_session=True,
    )


def _shell_status(returncode: int) -> int:
    """Return what sh(1) would call it: a signal is 128 and its number."""
    return 128 - returncode if returncode < 0 else returncode


def _is_missing_from_path(command: str, error: OSError) -> bool:
    """Say whether PATH named what is no folder, and no folder with the command."""
    return isinstance(error, NotADirectoryError) and "/" not in command
