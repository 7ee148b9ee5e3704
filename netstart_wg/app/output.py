"""What a run has to say, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from netstart_wg.errors import ExitStatus, NetstartError

Item = TypeVar("Item")


class Output(Protocol):
    """Where text goes, a line or several at a time; no method raises."""

    @property
    def has_reader(self) -> bool:
        """Whether what is said still arrives: who would say more and more then stops."""
        ...

    def say(self, text: str) -> None:
        """Print what was asked for."""
        ...

    def step(self, text: str) -> None:
        """Tell of one change as it was made, if such detail is wanted."""
        ...

    def done(self, text: str) -> None:
        """Tell of everything that was changed on an interface, unless each step was told."""
        ...

    def warn(self, text: str) -> None:
        """Tell a person what went wrong."""
        ...


_FROM_BEST_TO_WORST = (
    ExitStatus.OK,
    ExitStatus.DIFFERENT,
    ExitStatus.WARNINGS,
    ExitStatus.BUSY,
    ExitStatus.CONFIG,
    ExitStatus.USAGE,
    ExitStatus.PERMISSION,
    ExitStatus.NOT_FOUND,
    ExitStatus.NOT_EXECUTABLE,
    ExitStatus.FAILED,
    ExitStatus.NOT_RESTORED,
    ExitStatus.INTERNAL,
)


def worst(statuses: Iterable[ExitStatus]) -> ExitStatus:
    """Return the status that several parts of a run end with together; OK if there are none.

    An error is worse than a difference, and what needs a person is worse than
    what another try may mend.
    """
    return max(statuses, key=_FROM_BEST_TO_WORST.index, default=ExitStatus.OK)


def for_each(
    items: Iterable[Item], work: Callable[[Item], ExitStatus], output: Output
) -> ExitStatus:
    """Do the work for each; a failure is told and does not concern the others.

    Return the worst of the statuses.
    """
    return worst([_attempt(item, work, output) for item in items])


def _attempt(item: Item, work: Callable[[Item], ExitStatus], output: Output) -> ExitStatus:
    try:
        return work(item)
    except NetstartError as error:
        output.warn(str(error))
        return error.exit_status
