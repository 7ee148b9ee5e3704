"""Processes, told apart also when a number is given out again."""

from __future__ import annotations

import os
from pathlib import Path

from netstart_wg.model.confirmation import ProcessIdentity

_STATE, _PARENT, _START_TIME = 3 - 3, 4 - 3, 22 - 3
"""proc_pid_stat(5), counted from the first field after the name, which is the third."""
_ENDED = "ZX"


def this_process() -> ProcessIdentity:
    """Return who we are."""
    return identify(os.getpid())


def identify(number: int) -> ProcessIdentity:
    """Return who has that number now; raise OSError if nobody has."""
    return ProcessIdentity(number=number, start_ticks=int(_stat(number)[_START_TIME]))


def parent_of(number: int) -> int:
    """Return the number of a process's parent; 0 if there is none, or no such process."""
    try:
        return int(_stat(number)[_PARENT])
    except OSError:
        return 0


def is_running(process: ProcessIdentity) -> bool:
    """Say whether it is still there; one that merely was not waited for is not."""
    try:
        fields = _stat(process.number)
    except OSError:
        return False
    return fields[_STATE] not in _ENDED and int(fields[_START_TIME]) == process.start_ticks


def _stat(number: int) -> list[str]:
    # the name in parentheses may hold anything, but nothing after it does
    return Path(f"/proc/{number}/stat").read_text(errors="replace").rpartition(")")[2].split()
