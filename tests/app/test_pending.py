from __future__ import annotations

import pytest

from netstart_wg.app.hold import read_hold
from netstart_wg.app.keeper import decode_outcomes, decode_question
from netstart_wg.app.pending import duration, read_pending
from netstart_wg.system.notes import Note
from tests.app.machine_in_memory import MachineInMemory


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59_000_000_001, "1 minute"),
        (61_000_000_000, "1 minute 1 second"),
        (7_322_000_000_000, "2 hours 2 minutes 2 seconds"),
    ],
)
def test_a_time_is_said_as_people_say_it(nanoseconds: int, text: str) -> None:
    assert duration(nanoseconds) == text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1}', "[" * 9999])
def test_a_note_that_is_none_counts_as_none(here: MachineInMemory, text: str) -> None:
    for note in Note:
        here.system.write_note("wg0", note, text)
    assert read_pending("wg0", here.machine) is None
    assert read_hold("wg0", here.machine) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", "[1]", '["sing"]', '["sing", "wg0"]'])
def test_what_is_no_question_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        decode_question(text)


def test_what_is_no_answer_is_a_value_error() -> None:
    for text in ("", "[]", '{"wg0": "sung"}'):
        with pytest.raises(ValueError):
            decode_outcomes(text)
