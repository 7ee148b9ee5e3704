"""What a backslash at the end of a line does to the next one, and what is said of it."""

from __future__ import annotations

import pytest

from netstart_wg.errors import ConfigError
from tests.syntax.lowering import lowered, warnings

PEER = "wgpeer NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps="


def errors(text: str) -> list[str]:
    """Return what is wrong with a file, each as place, message and hint."""
    with pytest.raises(ConfigError) as caught:
        lowered(text)
    return [
        f"{found.span.line}:{found.span.column}: {found.message} / {found.hint}"
        for found in caught.value.diagnostics
        if found.span is not None
    ]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("# a \\\n  # b\n", []),
        ("# a \\\n\nup\n", []),
        ("# a\nup\n", []),
        (f"{PEER} \\\n wgpka 25 # a\n", []),
        ("# a \\\n# b \\\nup\n", ["3:1"]),
        ("# a \\\nup \\\ndown\n", ["2:1"]),
        (f"{PEER} # a \\\n  wgpka 25\n", ["2:1"]),
        (f"{PEER} \\\n  wgpka 25 # a \\\n  wgaip 10.0.0.0/8\n", ["3:1"]),
        (f"{PEER} \\\n#\twgendpoint 192.0.2.1 5 \\\n\twgaip 10.0.0.2/32\n", ["3:1"]),
        # a command that was commented out goes whole
        (f"# {PEER} \\\n  wgpka 25\n", []),
        (f"#{PEER} \\\n  wgpka 25 \\\n  wgaip 10.0.0.0/8\n", []),
        ("#!route add \\\n  default 192.0.2.1\n", []),
    ],
)
def test_a_line_that_a_comment_has_swallowed_is_told(text: str, places: list[str]) -> None:
    found = warnings(text)
    assert [line.partition(": ")[0] for line in found] == places
    assert all("part of the comment in the line before" in line for line in found)


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        (f"{PEER} wgpka 25 \\\ninet 10.0.0.1/24\n", "2:1", 1),
        (f"{PEER} \\\n\twgpka 25 \\\n  inet 10.0.0.1/24\n", "3:3", 2),
        (f"up\n{PEER} wgpka 25 \\\n!route add default 192.0.2.1\n", "3:1", 2),
    ],
)
def test_a_command_behind_a_stray_backslash_points_at_the_backslash(
    text: str, place: str, line: int
) -> None:
    (said,) = errors(text)
    assert said.startswith(f"{place}: ")
    assert said.endswith(f"remove the backslash at the end of line {line}")


def test_a_command_within_its_line_is_no_backslashs_fault() -> None:
    (said,) = errors("up \\\nmtu 1400 inet 10.0.0.1/24\n")
    assert said.endswith("/ begin a line of its own with it")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"{PEER} \\\n\t# the laptop\n\twgaip 10.0.0.2/32\n",
            "3:2: wgaip without a wgpeer: the comment in line 2 ends the command before"
            " / put the comment before the wgpeer",
        ),
        (
            f"up\n{PEER} \\\n\twgpka 25 \\\n#\n\twgaip 10.0.0.2/32 \\\n\twgpka 25\n",
            "5:2: wgaip without a wgpeer: the comment in line 4 ends the command before"
            " / put the comment before the wgpeer",
        ),
        (
            f"{PEER} \\\n \n\twgaip 10.0.0.2/32\n",
            "3:2: wgaip without a wgpeer: the empty line 2 ends the command before"
            " / remove the empty line",
        ),
    ],
)
def test_what_has_ended_a_peer_too_early_is_pointed_at(text: str, said: str) -> None:
    assert errors(text) == [said]


@pytest.mark.parametrize(
    "text",
    [
        f"{PEER}\n# the laptop\nwgaip 10.0.0.2/32\n",
        f"{PEER} \\\n wgpka 25\nwgaip 10.0.0.2/32\n",
        f"{PEER} \\\n # a\nup\nwgaip 10.0.0.2/32\n",
        f"{PEER} \\\n # a\nup wgaip 10.0.0.2/32\n",
    ],
)
def test_a_peer_word_without_a_backslash_is_told_to_have_one(text: str) -> None:
    (said,) = errors(text)
    assert "without a wgpeer before it on the same line" in said


def test_the_other_end_of_an_open_quote_is_no_mistake_of_its_own() -> None:
    (said,) = errors("description 'the office\nin Oslo'\nup\n")
    assert said.startswith("1:13: this quote is not closed")
    first, second = errors("description 'the office\nup\ndescription Bob's\n")
    assert (first[:4], second[:4]) == ("1:13", "3:16")
