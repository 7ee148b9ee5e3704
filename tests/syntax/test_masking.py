"""No key is ever shown, however broken its line."""

from __future__ import annotations

import base64

import hypothesis.strategies as st
import pytest
from hypothesis import given

from netstart_wg.errors import ConfigError
from netstart_wg.syntax.keywords import KEYWORDS
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.masking import mask
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText

KEY = "8FVyT2dO0bXrZ1o9bq3XlZl0m4q3o2c5o0m3x1p9QmE="
STARS = "*" * 44
HEXADECIMAL = "f05572" * 10 + "0123"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"wgkey {KEY} wgport 1", f"wgkey {STARS} wgport 1"),
        (f"wgkey {KEY} wgprot 1", f"wgkey {STARS} wgprot 1"),
        (f"wgkye {KEY}", f"wgkye {STARS}"),
        (f"frobnicate {KEY}", f"frobnicate {STARS}"),
        (f"{KEY}", STARS),
        (f"wgpeer {KEY}", f"wgpeer {KEY}"),
        (f"-wgpeer '{KEY}'", f"-wgpeer '{KEY}'"),
        (f"wgpeer x {KEY}", f"wgpeer x {STARS}"),
        (f"wgpeer {KEY}{KEY}x y", f"wgpeer {STARS}{STARS}x y"),
        (f"wgpaer {KEY}", f"wgpaer {STARS}"),
        (f"wgpeer {KEY} wgpsk {KEY}", f"wgpeer {KEY} wgpsk {STARS}"),
        (f"wgpeer {KEY} -wgpsk {KEY}", f"wgpeer {KEY} -wgpsk {STARS}"),
        ("wgkey hunter2", "wgkey *******"),
        ("wgkey 'hunter 2' up", "wgkey ********** up"),
        ("wgkey 'hunter 2", "wgkey *********"),
        ("wgkey hunter 2 up", "wgkey ****** * up"),
        ("wgkey hunter # 2", "wgkey ****** # 2"),
        ("WGKEY hunter2", "WGKEY *******"),
        ("'wgkey' hunter2", "'wgkey' *******"),
        ("wg\"key\" hunter2", "wg\"key\" *******"),
        ("wgkye hunter2", "wgkye *******"),
        ("wgpks hunter2", "wgpks *******"),
        ("wgky\thunter2", "wgky\t*******"),
        ("wgkey\u00a0hunter2", "wgkey\u00a0*******"),
        ("wgkey=hunter2", "wgkey=*******"),
        ("wgkey: hunter2", "wgkey: *******"),
        ("PrivateKey = hunter2", "PrivateKey * *******"),
        ("PresharedKey=hunter2", "PresharedKey=*******"),
        ("up # wgkey hunter2", "up # wgkey *******"),
        ("#wgkey hunter2", "#wgkey *******"),
        ("up # don't show wgkey hunter2", "up # don't show wgkey *******"),
        (f"wgkey #{KEY}", f"wgkey #{STARS}"),
        (f"up #{KEY}", f"up #{STARS}"),
        (f"wgkey {HEXADECIMAL}", f"wgkey {'*' * 64}"),
        (f"mtu {HEXADECIMAL}", f"mtu {'*' * 64}"),
        ("x '8FVyT2dO0bXrZ1o9bq3X''lZl0m4q3o2c5o0m3x1p9QmE='", "x " + "*" * 48),
        ("wgpka 25 wgdescr laptop", "wgpka 25 wgdescr laptop"),
        ("wgkey wgport 1", "wgkey wgport 1"),
    ],
)  # fmt: skip
def test_secrets_are_masked_and_nothing_else(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])))
def test_masking_keeps_the_length_and_changes_only_to_asterisks(text: str) -> None:
    masked = mask(text)
    assert len(masked) == len(text)
    assert all(after in (before, "*") for before, after in zip(text, masked, strict=True))


def everything_said_about(text: str) -> str:
    try:
        lowered = lower(parse(SourceText.from_text("hostname.wg0", text), "wg0"), "wg0")
    except ConfigError as error:
        return f"{error} {error!r} {[repr(d) for d in error.diagnostics]}"
    config = lowered.config
    said = [repr(config.wireguard), *(warning.format() for warning in lowered.warnings)]
    return " ".join([*said, *map(repr, lowered.warnings)])


KEYS = st.binary(min_size=32, max_size=32).map(base64.b64encode).map(bytes.decode)
SPOILT_KEYS = st.one_of(
    KEYS,
    KEYS.map(lambda key: key[:-1]),
    KEYS.map(lambda key: key[1:]),
    KEYS.map(lambda key: key + "="),
    KEYS.map(lambda key: "x" + key),
    st.binary(min_size=32, max_size=32).map(base64.urlsafe_b64encode).map(bytes.decode),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
)
BLANKS = st.sampled_from([" ", "  ", "\t", " \\\n  ", "\\\n "])
OPENERS = st.sampled_from(
    ["wgkey", "wgpsk", "wgkye", "wgpsx", "WGKEY", "'wgkey'", "-wgpsk", "wgport", "mtu", "frob", ""]
)
NOISE = st.sampled_from(
    [*sorted(KEYWORDS), "'", '"', "\\", "$", "<", "#", "!", "10.0.0.1/24", "x", "99999", "it's"]
)
QUOTES = st.sampled_from(["", "'", '"', "<"])


@given(
    before=st.lists(NOISE, max_size=4),
    opener=OPENERS,
    blanks=BLANKS,
    key=SPOILT_KEYS,
    quote=QUOTES,
    after=st.lists(NOISE, max_size=4),
)
def test_no_key_is_in_anything_said(
    before: list[str], opener: str, blanks: str, key: str, quote: str, after: list[str]
) -> None:
    while before and before[-1].endswith("wgpeer") and not opener:
        before = before[:-1]
    line = " ".join(before) + f" {opener}{blanks}{quote}{key}{quote} " + " ".join(after)
    assert key.rstrip("=") not in everything_said_about(f"{line}\nfrobnicate\n")


SHORT_SECRETS = st.text("abcdefgh2345678$<>|;`", min_size=7, max_size=20).map("Qz".__add__)


@given(
    before=st.lists(st.sampled_from(["up", "x", "mtu 99999", "<", "wgport"]), max_size=3),
    opener=st.sampled_from(["wgkey", "wgpsk", "'wgkey'", "wgkye"]),
    blanks=BLANKS.filter(lambda blanks: "\n" not in blanks),
    secret=SHORT_SECRETS,
)
def test_what_follows_wgkey_and_wgpsk_is_never_said_whatever_it_looks_like(
    before: list[str], opener: str, blanks: str, secret: str
) -> None:
    text = " ".join([*before, f"{opener}{blanks}{secret} wgport 99999\n"])
    assert secret not in everything_said_about(text)


def test_a_key_in_two_physical_lines_is_not_shown_in_either() -> None:
    said = everything_said_about(f"wgkey {KEY[:20]}\\\n{KEY[20:]}x mtuu\n")
    assert KEY[:20] not in said
    assert KEY[20:] not in said


def test_the_rest_of_a_key_behind_a_broken_continuation_is_not_shown() -> None:
    said = everything_said_about(f"wgkey {KEY[:20]}\\ \n{KEY[20:]}\nmtuu\n")
    assert KEY[:20] not in said
    assert KEY[20:] not in said
    assert '"mtuu"' in said
