"""What a run found and did, for whoever wants all of it at its end."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from netstart_wg.model.difference import Difference


class Mode(enum.Enum):
    """What a run was for."""

    PREVIEW = "preview"
    """To tell what would be changed."""
    RUN = "run"
    """To change it."""
    CHECK = "check"
    """To tell whether anything differs."""


class Outcome(enum.Enum):
    """How it ended for one interface."""

    IN_SYNC = "in sync"
    """Nothing differed, or only in what is foreign and stays."""
    DIFFERENT = "different"
    """Something differs, and nothing was done about it."""
    CHANGED = "changed"
    """Nothing differs any more."""
    WARNINGS = "warnings"
    """As changed, but for what the messages say."""
    FAILED = "failed"
    """It is as it was; the messages say why."""
    NOT_RESTORED = "not restored"
    """It is neither as it was nor as it shall be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceReport:
    """One interface of a run."""

    name: str
    file: str
    """Path of its hostname file."""
    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    """Those that there were before anything was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One run."""

    mode: Mode
    exit_status: int
    interfaces: tuple[InterfaceReport, ...]
    messages: tuple[str, ...]
    """What was told to people meanwhile."""
