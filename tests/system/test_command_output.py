from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.system.command_output import FIRST_LINES, LAST_LINES, LINE_LIMIT, OutputLines


def told(*chunks: bytes) -> list[str]:
    lines: list[str] = []
    output = OutputLines(lines.append)
    for chunk in chunks:
        output.feed(chunk)
    output.end()
    return lines


@given(st.lists(st.binary(max_size=4).map(lambda octets: octets.replace(b"\r", b"\n"))))
def test_it_makes_no_difference_in_which_pieces_the_output_comes(chunks: list[bytes]) -> None:
    assert told(*chunks) == told(b"".join(chunks))


@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=8),
    st.integers(0, 3 * (FIRST_LINES + LAST_LINES)),
)
def test_of_many_lines_the_first_and_the_last_are_told_and_the_others_counted(
    lengths: list[int], count: int
) -> None:
    lines = [str(number) for number in range(count)]
    octets = "".join(f"{line}\n" for line in lines).encode()
    chunks = []
    while octets:
        for length in lengths:
            chunks.append(octets[:length])
            octets = octets[length:]
    left_out = count - FIRST_LINES - LAST_LINES
    if left_out <= 0:
        assert told(*chunks) == lines
    else:
        note = f"({left_out} lines left out)"
        assert told(*chunks) == [*lines[:FIRST_LINES], note, *lines[-LAST_LINES:]]


@pytest.mark.parametrize("before", [0, FIRST_LINES])
def test_of_a_long_line_the_beginning_is_told(before: int) -> None:
    lines = told(b"\n" * before, *[b"x" * 700] * 50, b"\n", b"y" * LINE_LIMIT)
    assert lines[before:] == ["x" * LINE_LIMIT + " ...", "y" * LINE_LIMIT]


def test_an_unfinished_line_is_a_line_and_nothing_is_none() -> None:
    assert told(b"one") == ["one"]
    assert told() == told(b"") == []
    assert told(b"\n") == [""]


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"\x1b[2Jgone", r"\x1b[2Jgone"),
        (b"50 %\r100 %\r", r"50 %\r100 %"),
        (b"a\tb", "a\tb"),
        ("grün".encode(), "grün"),
        (b"\xff\xfe", r"\xff\xfe"),
        ("\u202eevil".encode(), r"\u202eevil"),
    ],
)
def test_a_line_does_nothing_to_a_terminal(octets: bytes, shown: str) -> None:
    assert told(octets) == [shown]
