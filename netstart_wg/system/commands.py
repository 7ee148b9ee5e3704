"""Run a `!` line with sh(1).

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
from dataclasses import dataclass

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

    @property
    def failure(self) -> str | None:
        """Say what went wrong, or None."""
        if self.timed_out:
            return "took too long and was killed"
        return f"exit status {self.status}" if self.status else None


def run_command(text: str, limit_seconds: float = TIME_LIMIT_SECONDS) -> CommandResult:
    """Run `text` and wait for it; after `limit_seconds` kill it and its process group.

    What it left running in the background on purpose is left alone.
    """
    process = subprocess.Popen(
        ["/bin/sh", "-c", text],
        stdin=subprocess.DEVNULL,
        stdout=2,
        stderr=2,
        cwd="/",
        env=ENVIRONMENT,
        start_new_session=True,
    )
    try:
        return CommandResult(status=_shell_status(process.wait(limit_seconds)))
    except subprocess.TimeoutExpired:
        return CommandResult(status=128 + signal.SIGKILL, timed_out=True)
    finally:
        if process.poll() is None:  # timed out, or we were interrupted
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _shell_status(returncode: int) -> int:
    """Return what sh(1) would call it: a signal is 128 and its number."""
    return 128 - returncode if returncode < 0 else returncode
