"""Where lines go: data to standard output, messages to standard error.

A reader who has left (`netstart-wg -n | head -1`) must not stop a run in the
middle of an interface: what cannot be written is lost, and known afterwards.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys

from netstart_wg.cli.journal import is_journal, journal_line


def fill_standard_descriptors() -> None:
    """Open /dev/null in place of what our caller closed of 0, 1 and 2.

    Else a netlink socket could be given the number 2, and a command write into it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def leave_terminal() -> None:
    """Hold on to no terminal, pipe or folder of whoever started us."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)


class Terminal:
    """Satisfies `netstart_wg.app.output.Output`."""

    def __init__(self) -> None:
        self.error: OSError | None = None
        """Why standard output failed, if it did; a reader who has left is no failure."""
        self._is_open = True
        self._shows_steps = False
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")

    def show_each_step(self) -> None:
        """Print each change as it is made, and no summary."""
        self._shows_steps = True

    @property
    def has_reader(self) -> bool:
        """Whether standard output still takes what is written."""
        return self._is_open

    def say(self, text: str) -> None:
        """Print what was asked for."""
        if not self._is_open:
            return
        try:
            print(text, flush=True)
        except OSError as error:
            self._close(error)

    def step(self, text: str) -> None:
        """Print one change as it was made, if that was asked for."""
        if self._shows_steps:
            self.say(text)

    def done(self, text: str) -> None:
        """Print what was changed on an interface, unless each step was printed."""
        if not self._shows_steps:
            self.say(text)

    def warn(self, text: str) -> None:
        """Print a message."""
        with contextlib.suppress(OSError):
            print(journal_line(text) if is_journal() else text, file=sys.stderr, flush=True)

    def _close(self, error: OSError) -> None:
        """Write no more, not even what Python keeps back until the end."""
        self._is_open = False
        if not isinstance(error, BrokenPipeError):
            self.error = error
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
