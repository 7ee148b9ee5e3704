from __future__ import annotations

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.keys import PrivateKey
from netstart_wg.syntax.references import secrets_of, with_references, with_secrets

KEY = base64.b64encode(bytes([255] * 32)).decode()
"""Another text than what is left of it after clamping."""
PSK = base64.b64encode(bytes(range(32, 64))).decode()
PUBLIC = base64.b64encode(bytes(range(64, 96))).decode()

TEXT = f"""\
# the hub; its key was {PSK}
wgkey {KEY} wgport 51820
wgpeer {PUBLIC} wgpsk "{PSK}" wgaip 10.0.0.2/32 \\
\twgdescr laptop  # not {KEY}
inet 10.0.0.1/24
!curl --user me --password=hunter2 https://me:letmein@example.net
!wg set $if private-key /etc/key
"""


def test_no_secret_is_left_and_everything_else_is() -> None:
    hidden = with_references(TEXT)
    for secret in (KEY, PSK, "hunter2", "letmein"):
        assert secret not in hidden
    assert PUBLIC in hidden
    without = re.sub(r"\(secret (?:sha256|scrypt):[0-9a-f]{64}\)", "X", hidden)
    assert without == re.sub(f"{re.escape(KEY)}|{re.escape(PSK)}|hunter2|letmein", "X", TEXT)


def test_who_knows_the_secrets_gets_the_text_back() -> None:
    assert with_secrets(with_references(TEXT), secrets_of(TEXT)) == (TEXT, ())


def test_the_same_text_has_the_same_references() -> None:
    assert with_references(TEXT) == with_references(TEXT)


def test_an_engine_knows_a_key_in_its_own_spelling() -> None:
    clamped = PrivateKey.from_base64(KEY)
    text, missing = with_secrets(with_references(f"wgkey {KEY}\n"), (), [clamped])
    assert (text, missing) == (f"wgkey {clamped.to_base64()}\n", ())


def test_what_nobody_knows_is_told_with_its_line_unless_it_is_in_a_comment() -> None:
    _, missing = with_secrets(with_references(TEXT), ())
    assert [each.line for each in missing] == [2, 3, 6]
    assert not any(secret in each.shown for each in missing for secret in (KEY, PSK, "hunter2"))
    _, missing = with_secrets(with_references(TEXT), [KEY, PSK[:-2], "hunter2", "letmein"])
    assert [each.line for each in missing] == [3]


@pytest.mark.parametrize(
    "line",
    [
        f"wgkey '{KEY}'",
        f"wgkey {KEY[:20]}'{KEY[20:]}'",
        f"wgkey {KEY[:20]}\\\n{KEY[20:]}",
        f"wgkey {KEY[:20]}\\{KEY[20:]}",
        f"wgkey \\\n\t{KEY}",
        f"wgpeer {PUBLIC}\twgpsk\t{KEY}",
        f"wgport 1 wgkey {KEY}",
        f'"wgkey" {KEY}',
        f"wgdescr {KEY}",
        f"#wgkey {KEY}",
        f"!echo {KEY}",
    ],
)
def test_however_it_is_written_no_part_of_a_key_is_left(line: str) -> None:
    hidden = with_references(line)
    assert KEY[:20] not in hidden
    assert KEY[20:] not in hidden
    text, missing = with_secrets(hidden, secrets_of(line))
    assert missing == ()
    assert text == line.replace(f"{KEY[:20]}\\\n", KEY[:20])


@given(
    st.lists(
        st.sampled_from(
            [
                "wgkey",
                "wgpsk",
                "wgpeer",
                KEY,
                PSK,
                PUBLIC,
                "#",
                "!",
                "wgdescr",
                "a b",
                '"',
                "'",
                "\n",
                "\\\n",
                "password",
                "=",
                "http://a:b@c",
                "inet 10.0.0.1/24",
            ]
        ),
        max_size=12,
    ),
    st.sampled_from([" ", "\t"]),
)
def test_any_text_comes_back(words: list[str], blank: str) -> None:
    text = blank.join(words)
    hidden = with_references(text)
    back, missing = with_secrets(hidden, secrets_of(text))
    assert missing == ()
    assert with_references(back) == hidden
    if "wgpeer" not in words:  # behind which a key is public
        assert KEY not in hidden
        assert PSK not in hidden
