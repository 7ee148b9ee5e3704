"""Where `check --openbsd` says nothing, OpenBSD's netstart(8) makes the same of a file as we do."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis.strategies as st
import pytest
from hypothesis import event, given, settings

from netstart_wg.errors import ConfigError
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.openbsd import differences
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText
from tests.syntax.commands import PEER_KEYS
from tests.syntax.reference_fold import Description, after_boot
from tests.syntax.reference_netstart import Unclear, read
from tests.syntax.test_fold_agrees import described
from tests.syntax.test_fuzz import mutated
from tests.syntax.x25519 import derive_public_key


def ours(text: str) -> Description | None:
    """Return what a file means; raise Unclear if it is wrong, or if a difference is told of."""
    try:
        file = parse(SourceText.from_text("hostname.wg0", text), "wg0")
        lowered = lower(file, "wg0", derive_public_key)
    except ConfigError:
        raise Unclear("a mistake") from None
    if differences(file, "wg0"):
        raise Unclear("a difference")
    return described(lowered.config)


def compare(text: str) -> str:
    """Compare the two readings; return how that went, or why it was not possible."""
    try:
        meant = ours(text)
        theirs = after_boot(read(text, "wg0"))
    except Unclear as reason:
        return str(reason)
    assert meant == theirs
    return "alike"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing \\\nup\n",
        "inet 10.0.0.1 255.255.255.0 NONE\ninet alias 10.0.1.1 0xffff0000 10.0.255.255 mtu 1400\n",
        "inet 10.0.0.1/24 255.255.0.0\ninet6 fd00::1 48 up\ninet6 alias fd00::2/64 128 down\n",
        "inet alias 10.0.0.1 255.255.0.0\ndest 10.0.255.255\n10.0.1.1/24 10.0.1.255\n",
        "10.0.0.1 netmask 0xff000000 prefixlen 24 broadcast 10.0.0.255 # text\n",
        f"wgpeer {PEER_KEYS[0]} \\\n\twgdescr 'the  laptop' wgaip 10/8 \\\n\twgaip fd00::/64\n",
        "!ifconfig $if inet alias 10.0.0.1/24; ifconfig 'wg0' mtu 1400 && true\n!ifconfig wg1 up\n",
        "inet 10.0.0.1/24\n!ifconfig $if delete\ninet6 fd00::1 64 wgport 7\ndestroy\ncreate\n",
    ],
)
def test_a_file_for_both_systems_is_read_alike(text: str) -> None:
    assert compare(text) == "alike"


# ---- any file ----

WORDS = (
    *("# text", "\\\n  up", "mtu 1400", "down", "descr 'a  b'", 'descr "#1"', "descr a#b"),
    *("-inet", "rdomain 1", "group vpn", f"wgpeer {PEER_KEYS[0]}", "wgport 7", "debug"),
)
INET = ("10.0.0.1", "10.0.0.2/24", "10.0.1.1/16", "192.168.0.1")
AFTER_INET = (
    *("255.255.0.0", "0xffffff00", "NONE", "10.0.0.255", "alias", "delete", "-alias"),
    *("netmask 255.255.0.0", "prefixlen 24", "broadcast 10.0.0.255", *WORDS),
)
INET6 = ("fd00::1", "fd00::2/48")
AFTER_INET6 = ("64", "48", "alias", "delete", "-alias", "prefixlen 56", *WORDS)


def lines(
    beginnings: Sequence[str], addresses: Sequence[str], words: Sequence[str]
) -> st.SearchStrategy[str]:
    """Return what draws a line about an address, in which the words need not make sense."""
    beginning, address = st.sampled_from(beginnings), st.sampled_from(addresses)
    in_order = st.tuples(beginning, address, st.lists(st.sampled_from(words), max_size=2))
    return in_order.map(lambda line: " ".join([line[0], line[1], *line[2]]).strip())


IFCONFIG = "!ifconfig $if"
LINES = st.one_of(
    lines(["inet", "inet alias", "", IFCONFIG, f"{IFCONFIG} netmask 0xffff0000"], INET, AFTER_INET),
    lines(["inet6", "inet6 alias", f"{IFCONFIG} inet6", f"{IFCONFIG} inet6"], INET6, AFTER_INET6),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join),
    st.sampled_from(
        ["dest 10.0.0.255", "dest 10.0.255.255", "inet delete", "", "!true", "destroy"]
    ),
)
FILES = st.lists(LINES, min_size=1, max_size=4).map(lambda lines: "\n".join([*lines, ""]))


@given(FILES)
@settings(max_examples=300)
def test_what_is_not_told_of_means_the_same_on_openbsd(text: str) -> None:
    event(compare(text))


@given(mutated())
def test_damage_that_is_not_told_of_means_the_same_on_openbsd(text: str) -> None:
    event(compare(text))
