"""Host and port in one word become two, and nothing else does."""

from __future__ import annotations

import pytest

from netstart_wg.syntax.line_words import line_words


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("wgendpoint a:1 wgaip fd00::2", ["wgendpoint", "a", "1", "wgaip", "fd00::2"]),
        ("wgendpoint  '[::1]:7'", ["wgendpoint", "::1", "7"]),
        (
            "wgendpoint a 1 wgendpoint b:2 up",
            ["wgendpoint", "a", "1", "wgendpoint", "b", "2", "up"],
        ),
        ("wgendpoint 2001:db8::1 7", ["wgendpoint", "2001:db8::1", "7"]),
        ("wgdescr a:1 wgendpoint", ["wgdescr", "a:1", "wgendpoint"]),
        ("wgdescr 'wgendpoint a:1'", ["wgdescr", "wgendpoint a:1"]),
        ("wgdescr 'xwgendpoint a:1' up", ["wgdescr", "xwgendpoint a:1", "up"]),
    ],
)
def test_only_the_word_after_wgendpoint_is_taken_apart(text: str, values: list[str]) -> None:
    assert [word.value for word in line_words(text).words] == values


def test_each_half_stands_where_it_is_written() -> None:
    text = "wgendpoint [::1]:7 up"
    _, host, port, up = line_words(text).words
    assert [text[word.start : word.end] for word in (host, port, up)] == ["::1", "7", "up"]
