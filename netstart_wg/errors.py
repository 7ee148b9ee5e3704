"""One tree of exceptions; each knows its exit status (netstart-wg(8), EXIT STATUS).

A peer's mistakes are not exceptions: they are drops, counted by reason.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from errno import ENOENT
from typing import ClassVar

from netstart_wg.model.source import Diagnostic


class ExitStatus(enum.IntEnum):
    """What a process of ours ends with."""

    OK = 0
    """In sync, or applied."""
    FAILED = 1
    """Failed; the system is as it was, or was restored."""
    DIFFERENT = 2
    """Differences were found (`-n`)."""
    WARNINGS = 3
    """Applied, but with warnings."""
    NOT_RESTORED = 4
    """Failed, and what was begun could not be undone."""
    USAGE = 64
    CONFIG = 65
    INTERNAL = 70
    BUSY = 75
    PERMISSION = 77
    NOT_EXECUTABLE = 126
    """A command that was to be run is there, but cannot be (sh(1), route(8))."""
    NOT_FOUND = 127
    """There is no such command."""


class NetstartError(Exception):
    """Anything that ends a run with a message instead of a traceback."""

    exit_status: ClassVar[ExitStatus] = ExitStatus.FAILED


class UsageError(NetstartError):
    """The command line is wrong."""

    exit_status = ExitStatus.USAGE


class ConfigError(NetstartError):
    """A user's file is wrong; nothing has been touched."""

    exit_status = ExitStatus.CONFIG

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Take at least one diagnostic."""
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(diagnostic.format() for diagnostic in self.diagnostics))


class BackendError(NetstartError):
    """The system or an engine refused an operation."""

    def __init__(self, operation: str, interface: str, reason: str, errno: int = 0) -> None:
        """Name what was tried, on which interface, and why it failed; errno 0 if there is none."""
        self.operation = operation
        self.interface = interface
        self.reason = reason
        self.errno = errno
        super().__init__(f"{interface}: {operation}: {reason}")


TAKEOVER_HINT = "\n    hint: `netstart-wg --allow takeover` deletes it and makes ours"
"""For an interface that somebody else made."""


class NotOursError(BackendError):
    """Something of that name exists and belongs to somebody else; it is left alone."""

    def __init__(self, operation: str, interface: str, reason: str, errno: int = 0) -> None:
        """As its parent; what was tried says nothing to whoever reads the message."""
        super().__init__(operation, interface, reason, errno)
        self.args = (f"{interface}: {reason}",)


class NoSuchRdomainError(BackendError):
    """Nobody has made that rdomain."""

    def __init__(self, rdomain: int) -> None:
        reason = f"rdomain {rdomain} does not exist"
        super().__init__(f"enter rdomain {rdomain}", f"rdomain {rdomain}", reason, ENOENT)
        self.args = (reason,)


class RefusedError(NetstartError):
    """It looks like a mistake, and nobody has said that it is meant; nothing has been touched."""


class NotRestoredError(BackendError):
    """As its parent, and part of the plan is applied."""

    exit_status = ExitStatus.NOT_RESTORED


class PermissionDeniedError(NetstartError):
    """It takes root."""

    exit_status = ExitStatus.PERMISSION


class BusyError(NetstartError):
    """Somebody else is at it; try again."""

    exit_status = ExitStatus.BUSY


class CommandNotFoundError(NetstartError):
    """There is no program of that name."""

    exit_status = ExitStatus.NOT_FOUND


class CommandNotExecutableError(NetstartError):
    """The program is there, and the system does not run it."""

    exit_status = ExitStatus.NOT_EXECUTABLE


class InternalError(NetstartError):
    """Our own bug; please report it."""

    exit_status = ExitStatus.INTERNAL
