from __future__ import annotations

import pytest

from netstart_wg.system.notes import (
    Note,
    note_path,
    noted_interfaces,
    read_note,
    remove_note,
    write_note,
)

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]


def test_what_was_noted_is_there_until_it_is_removed() -> None:
    assert read_note("wg0", Note.HELD) is None
    assert noted_interfaces(Note.HELD) == ()
    write_note("wg1", Note.HELD, "one")
    write_note("wg0", Note.HELD, "zero")
    write_note("wg0", Note.HELD, "zero, again")
    write_note("wg2", Note.PENDING, "two")
    assert read_note("wg0", Note.HELD) == "zero, again"
    assert noted_interfaces(Note.HELD) == ("wg0", "wg1")
    for _ in range(2):
        remove_note("wg0", Note.HELD)
    assert noted_interfaces(Note.HELD) == ("wg1",)
    assert read_note("wg0", Note.HELD) is None


def test_a_note_is_roots_alone() -> None:
    write_note("wg0", Note.PENDING, "waits")
    path = note_path("wg0", Note.PENDING)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
