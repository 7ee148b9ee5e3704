"""One difference between what runs and what a file says, and what ending it costs."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from netstart_wg.model.hidden import HIDDEN
from netstart_wg.model.source import Span, Subject


class Effect(enum.Enum):
    """What is noticed when the difference goes."""

    NONE = "none"
    """Nothing, by no packet."""
    IN_PLACE = "in place"
    """What it says; whatever else there is goes on."""
    REKEY = "peer re-keys"
    """A peer has to make a handshake again, or all have."""
    REBUILD = "rebuild"
    """The interface is made, or ends."""


class Reason(enum.Enum):
    """Whose doing it is."""

    PENDING = "pending"
    """The file's: it is newer than what was last applied."""
    DRIFT = "drift"
    """Somebody's: what was last applied has been changed since."""
    FOREIGN = "foreign"
    """Somebody's, and it stays: neither the file nor a run of ours has put it there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One subject, as it is and as it shall be, in the words of the file, secrets hidden."""

    interface: str
    subject: Subject
    """As `syntax/places.py` names it."""
    before: str | None = None
    """The line that holds; None: there is none."""
    after: str | None = None
    """The line that shall hold; None: there shall be none."""
    peer: str | None = None
    """How the peer is called that it is about, if it has a description."""
    effect: Effect
    lost: tuple[str, ...] = ()
    """The peers whose sessions end, by description or else by key."""
    reason: Reason
    place: tuple[str, Span] | None = None
    """The file and where in it is said what shall be; None: nowhere."""

    @property
    def comes_again(self) -> bool:
        """Whether it goes with a step of the plan, and comes back as it was."""
        return comes_again(self.before, self.after) and self.reason is not Reason.FOREIGN

    @property
    def what(self) -> str:
        """Return the subject as one phrase: `wgpeer KEY wgaip NETWORK`, `mtu`, `!command`."""
        word, *rest = self.subject
        if word == "!":
            return "!" + " ".join(rest)
        if word.startswith("wg") and word != "wgpeer" and rest:
            key, *values = rest
            return " ".join(("wgpeer", key, word, *values))
        return " ".join(self.subject)


def comes_again(before: str | None, after: str | None) -> bool:
    """Say whether two lines are the same; of a secret a line does not tell."""
    return before is not None and before == after and HIDDEN not in before
