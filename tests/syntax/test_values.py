"""Numbers as strtonum(3) reads them, keys, and descriptions of at most 63 bytes (ifconfig(8))."""

from __future__ import annotations

import pytest

from netstart_wg.model.keys import PresharedKey, PublicKey
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.values import key, number, text
from netstart_wg.syntax.words import Word


def word(value: str) -> Word:
    return Word(value, value, 0)


@pytest.mark.parametrize(
    ("value", "meaning"),
    [("0", 0), ("25", 25), ("0025", 25), ("+25", 25), ("-0", 0), ("43200", 43200)],
)
def test_a_number_is_decimal(value: str, meaning: int) -> None:
    assert number(word(value), "interval", "wgpka", 0, 43200) == meaning


@pytest.mark.parametrize("value", ["", "x", "1e3", "0x10", "1_0", "1.0", " 1", "\u0661", "--1"])
def test_what_is_no_decimal_number_is_refused(value: str) -> None:
    with pytest.raises(Mistake) as caught:
        number(word(value), "interval", "wgpka", 0, 43200)
    assert caught.value.message is Message.NOT_A_NUMBER


@pytest.mark.parametrize("value", ["-1", "43201", "9" * 5000, "-" + "9" * 5000])
def test_a_number_out_of_range_is_refused(value: str) -> None:
    with pytest.raises(Mistake) as caught:
        number(word(value), "interval", "wgpka", 0, 43200)
    assert caught.value.message is Message.OUT_OF_RANGE


def test_a_number_below_a_range_that_begins_above_zero_is_refused() -> None:
    with pytest.raises(Mistake):
        number(word("0"), "port", "wgendpoint", 1, 65535)


def test_a_key_is_read() -> None:
    base64 = "NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps="
    assert key(word(base64), PublicKey, Message.BAD_PUBLIC_KEY, "wgpeer").to_base64() == base64


def test_a_bad_key_is_refused_with_a_reason_that_does_not_show_it() -> None:
    with pytest.raises(Mistake) as caught:
        key(word("!" * 44), PresharedKey, Message.BAD_KEY, "wgpsk")
    assert caught.value.message is Message.BAD_KEY
    assert caught.value.values["reason"] == "not base64"


@pytest.mark.parametrize(
    ("value", "meaning", "was_cut"),
    [
        ("laptop", "laptop", False),
        ("", None, False),
        ("x" * 63, "x" * 63, False),
        ("x" * 64, "x" * 63, True),
        ("x" * 62 + "\u00e9", "x" * 62, True),
        ("x" * 61 + "\u00e9", "x" * 61 + "\u00e9", False),
        ("\U0001f600" * 16, "\U0001f600" * 15, True),
    ],
)
def test_a_text_is_cut_between_characters(value: str, meaning: str | None, was_cut: bool) -> None:
    assert text(word(value)) == (meaning, was_cut)
