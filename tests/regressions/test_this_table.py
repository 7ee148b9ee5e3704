"""The table of bugs, tests/regressions/__init__.py, and the tests beside it: neither has more."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

import tests.regressions


def table() -> list[str]:
    """The lines of the table: a bug at the margin, what there is for it behind four spaces."""
    _, _, lines = (tests.regressions.__doc__ or "").partition("nobody left out.\n\n")
    return lines.splitlines()


def regression_tests() -> list[str]:
    """The names of all tests in this folder but this file's."""
    return [
        node.name
        for file in sorted(Path(__file__).parent.glob("test_*_bugs.py"))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


def test_every_test_is_in_the_table_once_and_the_table_names_no_others() -> None:
    named = [line.strip() for line in table() if line.startswith("    test_")]
    assert sorted(named) == sorted(regression_tests())


def test_every_bug_has_a_test_or_a_reason_why_it_cannot_be_had_here() -> None:
    lines = table()
    bugs = [line for line in lines if not line.startswith(" ")]
    assert len(bugs) == len(set(bugs)) == 27
    for line, following in pairwise([*lines, ""]):
        if line in bugs:
            assert re.fullmatch("    (test_[a-z0-9_]+|none: .{20,})", following), line
