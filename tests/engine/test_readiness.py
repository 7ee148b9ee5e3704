import os
from collections.abc import Iterator

import pytest

from netstart_wg.engine.readiness import BATCH, Pace, Readiness


@pytest.fixture
def readiness() -> Iterator[Readiness]:
    readiness = Readiness()
    yield readiness
    readiness.close()


def test_who_is_called_is_who_can_read(readiness: Readiness) -> None:
    quiet, _quiet_writer = os.pipe()
    ready, writer = os.pipe()
    called: list[str] = []
    readiness.watch(quiet, lambda: called.append("quiet"))
    readiness.watch(ready, lambda: called.append("ready"))
    os.write(writer, b"x")
    for serve in readiness.wait(None):
        serve()
    assert called == ["ready"]
    readiness.forget(ready)
    assert readiness.wait(0) == []


def test_a_full_writer_is_called_when_there_is_room_and_then_to_read_again(
    readiness: Readiness,
) -> None:
    _reader, writer = os.pipe()
    readiness.watch(writer, lambda: None)
    assert readiness.wait(0) == []
    readiness.await_room(writer, is_full=True)
    assert len(readiness.wait(0)) == 1
    readiness.await_room(writer, is_full=False)
    assert readiness.wait(0) == []


def test_a_quiet_source_is_read_once_a_wake_up() -> None:
    pace = Pace()
    for turn in (1, 3, 7, 9):
        assert pace.budget(turn) == 1
        pace.spent(is_exhausted=False)


def test_a_source_that_is_ready_again_at_once_gets_more_reads_up_to_a_batch() -> None:
    pace = Pace()
    budgets = []
    for turn in range(1, 9):
        budgets.append(pace.budget(turn))
        pace.spent(is_exhausted=False)
    assert budgets == [1, 2, 4, 8, 16, 32, 32, 32]
    assert budgets[-1] == BATCH


def test_a_source_that_ran_dry_begins_with_one_read_again() -> None:
    pace = Pace()
    for turn in (1, 2, 3):
        pace.budget(turn)
        pace.spent(is_exhausted=turn == 3)
    assert pace.budget(4) == 1
