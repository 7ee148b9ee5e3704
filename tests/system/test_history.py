from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.errors import BackendError
from netstart_wg.system.history import LIMIT, History


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "netstart-wg" / "history"


@pytest.fixture
def history(folder: Path) -> History:
    return History(folder)


def test_what_was_written_is_there(history: History) -> None:
    assert history.interfaces() == ()
    assert history.numbers("wg0") == ()
    assert history.read("wg0", 1) is None
    history.write("wg0", 9, "nine")
    history.write("wg0", 10, "ten")
    history.write("wg0", 10, "ten, again")
    assert history.interfaces() == ("wg0",)
    assert history.numbers("wg0") == (9, 10)
    assert history.read("wg0", 10) == "ten, again"


def test_it_is_roots_alone(history: History, folder: Path) -> None:
    history.write("wg0", 1, "one")
    assert (folder / "wg0" / "1").stat().st_mode & 0o777 == 0o600
    for each in (folder.parent, folder, folder / "wg0"):
        assert each.stat().st_mode & 0o777 == 0o700


def test_the_oldest_go(history: History, folder: Path) -> None:
    for number in range(1, LIMIT + 4):
        history.write("wg0", number, str(number))
    assert history.numbers("wg0") == tuple(range(4, LIMIT + 4))
    assert len(list((folder / "wg0").iterdir())) == LIMIT


def test_what_is_none_of_ours_is_passed_over(history: History, folder: Path) -> None:
    history.write("wg0", 1, "one")
    for name in ("notes", ".2.77", "\u0663", "99999999999"):
        (folder / "wg0" / name).write_text("")
    assert history.numbers("wg0") == (1,)


def test_where_nothing_can_be_written_that_is_an_error_with_its_place(
    history: History, folder: Path
) -> None:
    folder.parent.write_text("a file in its place")
    with pytest.raises(BackendError, match=r"wg0: write the history: .*/history/wg0/1: "):
        history.write("wg0", 1, "one")
    assert history.numbers("wg0") == ()
