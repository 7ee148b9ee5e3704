"""The table of scenarios: the README shows the recorded one, and every row has its test."""

from __future__ import annotations

import re
from pathlib import Path

from contrib.scenarios import README, table, with_table
from tests.netns.scenarios import HOLDS, TABLE

FILES = sorted((Path(__file__).parent / "netns").glob("test_scenario_*.py"))
DRAWING = re.compile(r"──|│")


def test_the_readme_shows_what_is_recorded() -> None:
    text = README.read_text()
    assert with_table(text) == text, "run: python -m contrib.scenarios --write"


def test_every_row_has_its_test_and_every_test_its_row() -> None:
    marked = {
        number
        for file in FILES
        for number in re.findall(r'^@pytest\.mark\.scenario\("(\w+)"\)$', file.read_text(), re.M)
    }
    assert marked == {row.number for row in TABLE}


def test_the_table_has_all_twenty_six_in_order() -> None:
    numbers = [int(re.sub(r"\D", "", row.number)) for row in TABLE]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 27))


def test_a_scenario_that_fails_is_shown_with_its_reason() -> None:
    lines = table().splitlines()[2:]
    for row, line in zip(TABLE, lines, strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[:2] == [row.number, row.title]
        for seen, cell in zip((row.ours, row.debian, row.current), cells[2:], strict=True):
            assert cell == ("yes" if seen == HOLDS else f"no: {seen}")


def test_every_file_begins_with_a_drawing_of_its_topology() -> None:
    assert FILES
    for file in FILES:
        docstring = file.read_text().split('"""')[1]
        assert DRAWING.search(docstring), file.name
