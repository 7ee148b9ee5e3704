"""The words about an interface that act at once."""

from __future__ import annotations

import pytest

from netstart_wg.model.config import InterfaceConfig
from tests.syntax.lowering import config, warnings


@pytest.mark.parametrize(
    ("text", "is_debug"), [("up", False), ("debug", True), ("debug\n-debug", False)]
)
def test_the_last_of_debug_and_its_opposite_counts(text: str, is_debug: bool) -> None:
    assert config(text).is_debug is is_debug


def test_rdomains_inside_and_outside_do_not_follow_each_other() -> None:
    inside, outside = config("rdomain 5"), config("wgrtable 5")
    assert (inside.rdomain, inside.wireguard.wgrtable) == (5, 0)
    assert (outside.rdomain, outside.wireguard.wgrtable) == (0, 5)


def test_an_rdomain_can_be_left() -> None:
    assert config("rdomain 5\n-rdomain").rdomain == 0


def test_another_rdomain_takes_the_addresses_of_earlier_lines_away() -> None:
    text = "inet 10.0.0.1/24\ninet6 fd00::1\nrdomain 1\ninet 10.0.0.2/24\n"
    assert [str(address) for address in config(text).addresses] == ["10.0.0.2/24"]
    assert warnings(text) == [
        "3:1: on its way to another rdomain the interface loses 10.0.0.1/24 and fd00::1/64"
    ]


def test_the_same_rdomain_takes_nothing_away() -> None:
    text = "rdomain 1\ninet 10.0.0.1/24\nrdomain 1\n"
    assert [str(address) for address in config(text).addresses] == ["10.0.0.1/24"]
    assert warnings(text) == []


def test_an_rdomain_in_the_line_of_an_address_comes_first() -> None:
    text = "inet 10.0.0.1/24 rdomain 1\n"
    assert [str(address) for address in config(text).addresses] == ["10.0.0.1/24"]
    assert warnings(text) == []


def test_another_rdomain_keeps_the_flags() -> None:
    assert config("debug up rdomain 1") == InterfaceConfig(
        name="wg0", rdomain=1, is_up=True, is_debug=True
    )


def test_a_long_list_of_lost_addresses_is_not_shown_in_full() -> None:
    text = "".join(f"inet alias 10.0.0.{n}/24\n" for n in range(1, 7)) + "rdomain 1\n"
    assert warnings(text) == [
        "7:1: on its way to another rdomain the interface loses"
        " 10.0.0.1/24, 10.0.0.2/24, 10.0.0.3/24 and 3 more"
    ]


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("group b group a", ("b", "a")),
        ("group a\ngroup b\ngroup a", ("a", "b")),
        ("group a group b\n-group a", ("b",)),
        ("group a\n-group a\ngroup b\ngroup a", ("b", "a")),
        ("group wg group all", ()),
    ],
)
def test_groups_are_joined_and_left(text: str, groups: tuple[str, ...]) -> None:
    assert config(text).groups == groups
    assert warnings(text) == []


def test_a_group_that_was_not_joined_cannot_be_left() -> None:
    assert warnings("-group office") == ['1:1: the interface is not in the group "office"']


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("-inet", ["fd00::1/64"]),
        ("-inet6", ["10.0.0.1/24", "10.0.0.2/24"]),
        ("-inet -inet6", []),
        ("-inet 10.0.0.3/24", ["fd00::1/64", "10.0.0.3/24"]),
    ],
)
def test_a_family_is_removed_with_all_its_addresses(text: str, left: list[str]) -> None:
    text = f"inet 10.0.0.1/24\ninet6 fd00::1\ninet alias 10.0.0.2/24\n{text}\n"
    assert [str(address) for address in config(text).addresses] == left
    assert warnings(text) == []


@pytest.mark.parametrize("text", ["llprio 3", "metric 3", "rtlabel office", "-rtlabel"])
def test_what_linux_does_not_have_has_no_effect(text: str) -> None:
    assert config(text) == config("create")
    assert warnings(text) == [f"1:1: {text.split()[0]} has no effect on Linux"]
