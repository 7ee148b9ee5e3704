"""What a hostname file said when it was applied."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedState:
    """One entry of an interface's history."""

    number: int
    """From 1; higher is newer, and none is given twice."""
    at_ns: int
    """Wall clock, nanoseconds since 1970."""
    summary: str
    """What had to be changed for it, in a line."""
    text: str
    """The file's, with references in place of secrets."""
    went_back: bool = False
    """Whether nobody confirmed it."""
