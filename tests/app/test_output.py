from __future__ import annotations

import pytest

from netstart_wg.app.output import for_each, worst
from netstart_wg.errors import BackendError, BusyError, ExitStatus, InternalError
from tests.app.machine_in_memory import Lines


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([], ExitStatus.OK),
        ([ExitStatus.OK, ExitStatus.DIFFERENT], ExitStatus.DIFFERENT),
        ([ExitStatus.DIFFERENT, ExitStatus.CONFIG], ExitStatus.CONFIG),
        ([ExitStatus.WARNINGS, ExitStatus.OK], ExitStatus.WARNINGS),
        ([ExitStatus.BUSY, ExitStatus.CONFIG], ExitStatus.CONFIG),
        ([ExitStatus.CONFIG, ExitStatus.FAILED], ExitStatus.FAILED),
        ([ExitStatus.FAILED, ExitStatus.NOT_RESTORED], ExitStatus.NOT_RESTORED),
    ],
)
def test_the_worst_wins_and_an_error_is_worse_than_a_difference(
    statuses: list[ExitStatus], status: ExitStatus
) -> None:
    assert worst(statuses) is status
    assert worst(reversed(statuses)) is status


def test_every_status_has_a_place_in_the_order() -> None:
    for status in ExitStatus:
        assert worst([ExitStatus.OK, status]) is status


def test_a_failure_does_not_concern_the_others() -> None:
    lines, seen = Lines(), []

    def work(item: int) -> ExitStatus:
        seen.append(item)
        if item == 1:
            raise BackendError("set mtu", "wg1", "no such device")
        if item == 2:
            raise BusyError("wg2: another run is at work on it")
        return ExitStatus.OK

    assert for_each([1, 2, 3], work, lines) is ExitStatus.FAILED
    assert seen == [1, 2, 3]
    assert lines.warnings == [
        "wg1: set mtu: no such device",
        "wg2: another run is at work on it",
    ]


def test_a_bug_is_not_hidden() -> None:
    def work(item: int) -> ExitStatus:
        raise (InternalError if item else ZeroDivisionError)("oops")

    assert for_each([1], work, Lines()) is ExitStatus.INTERNAL
    with pytest.raises(ZeroDivisionError):
        for_each([0], work, Lines())
