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
    assert [pace.budget(turn) for turn in (1, 3, 7, 9)] == [1, 1, 1, 1]


def test_a_source_that_is_ready_again_at_once_is_worth_a_batch() -> None:
    pace = Pace()
    assert [pace.budget(turn) for turn in (4, 5, 6, 8, 9)] == [1, BATCH, BATCH, 1, BATCH]
