"""Lines for syslog(3), for programs of ours that have no terminal."""

from __future__ import annotations

import logging
import os
import sys

from netstart_wg.system.system_log import JournalLog, SystemLog, is_journal


def system_log(program: str) -> logging.Handler:
    """Return where lines go, each with the program's name and number; nowhere if nobody reads."""
    try:
        return SystemLog(f"{program}[{os.getpid()}]")
    except OSError:
        return logging.NullHandler()


def standard_error_log() -> logging.Handler:
    """Return where the lines of a program go that stays in the foreground."""
    is_read_by_journal = is_journal(sys.stderr.fileno())
    return JournalLog() if is_read_by_journal else logging.StreamHandler()


class Log:
    """Satisfies `netstart_wg.app.output.Output`."""

    has_reader = False

    def __init__(self, program: str) -> None:
        """Take what each line begins with."""
        self._logger = logging.Logger(program, logging.INFO)
        self._logger.addHandler(system_log(program))

    def say(self, text: str) -> None:
        """Say nothing."""

    def step(self, text: str) -> None:
        """Say nothing."""

    def done(self, text: str) -> None:
        """Tell what was changed."""
        self._logger.info("%s", text)

    def warn(self, text: str) -> None:
        """Tell what happens, good or bad."""
        self._logger.warning("%s", text)
