"""Changes that go back by themselves unless somebody confirms them."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """A process, also when its number is another's by now."""

    number: int
    start_ticks: int
    """Clock ticks between the start of the machine and its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A change of one or more interfaces that waits for its confirmation."""

    interfaces: tuple[str, ...]
    deadline_ns: int
    """Boot time at which they go back."""
    keeper: ProcessIdentity
    """Who sees to that."""


class HoldReason(enum.Enum):
    """Why an interface is not what its file says, and shall not be made so."""

    NOT_CONFIRMED = "not confirmed in time"
    REVERTED = "reverted on request"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A file that is not to be applied again as long as it says the same."""

    file_digest: str
    """SHA-256 of its text, hexadecimal."""
    reason: HoldReason
    since_ns: int
    """Wall clock, nanoseconds since 1970."""


class Verdict(enum.Enum):
    """What is to become of a change that waits."""

    CONFIRM = "confirm"
    """It stays."""
    REVERT = "revert"
    """It goes back at once."""
    APPLIED = "applied"
    """Everything is done: only now the time begins to run."""
    RELEASE = "release"
    """There is nothing to go back from."""


class Outcome(enum.Enum):
    """What became of it."""

    CONFIRMED = "confirmed"
    REVERTED = "reverted"
    NOT_RESTORED = "not restored"
    """It went back, but not the whole way."""
    PENDING = "pending"
    RELEASED = "released"
    UNKNOWN = "unknown"
    """Nothing waits there, or not any more."""
