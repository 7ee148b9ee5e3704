"""Addresses that go; how they come is tested with `lower`."""

from __future__ import annotations

import pytest

from netstart_wg.errors import ConfigError
from tests.syntax.lowering import config, lowered, warnings

THREE = "inet6 fd00::1\ninet 10.0.0.1/24\ninet alias 10.0.0.2/24\n"


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("inet 10.0.0.1 delete", ["fd00::1/64", "10.0.0.2/24"]),
        ("10.0.0.2 -alias", ["fd00::1/64", "10.0.0.1/24"]),
        ("inet 10.0.0.2/30 delete", ["fd00::1/64", "10.0.0.1/24"]),
        ("inet delete", ["fd00::1/64", "10.0.0.2/24"]),
        ("delete", ["fd00::1/64", "10.0.0.2/24"]),
        ("inet6 fd00::1 delete", ["10.0.0.1/24", "10.0.0.2/24"]),
        ("inet6 delete", ["10.0.0.1/24", "10.0.0.2/24"]),
    ],
)
def test_an_address_is_removed(line: str, left: list[str]) -> None:
    assert [str(address) for address in config(THREE + line).addresses] == left
    assert warnings(THREE + line) == []
    assert lowered(THREE + line).is_whole


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("inet 10.0.0.3 delete", "there is no address 10.0.0.3 to delete"),
        ("inet6 fd00::2 delete", "there is no address fd00::2 to delete"),
        ("-inet delete", "there is no address to delete"),
        ("-inet6\ninet6 delete", "there is no address to delete"),
    ],
)
def test_what_is_not_there_cannot_be_removed(line: str, said: str) -> None:
    (warning,) = warnings(THREE + line)
    assert warning.endswith(said)
    assert not lowered(THREE + line).is_whole


def test_removing_an_address_leaves_the_interface_up_or_down() -> None:
    assert config("10.0.0.1/24\n10.0.0.1 delete").is_up
    assert not config("10.0.0.1/24\ndown\n10.0.0.1 delete").is_up


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("inet6 fd00::1/64\nmtu 1279", "1:1"),
        ("inet6 fd00::1/64 mtu 1", "1:1"),
        ("inet6 fd00::1\ninet6 fd00::2\ninet6 fd00::1 delete\nmtu 1000", "2:1"),
        ("inet6 fd00::1\n!ifconfig $if mtu 1000", "1:1"),
    ],
)
def test_an_inet6_address_on_an_interface_too_small_for_it_is_a_mistake(
    text: str, place: str
) -> None:
    with pytest.raises(ConfigError, match=f":{place}: fd00::./64 cannot be here"):
        lowered(text)


@pytest.mark.parametrize(
    "text",
    [
        "inet6 fd00::1/64\nmtu 1280",
        "mtu 1279\ninet6 fd00::1/64\nmtu 1500",
        "inet6 fd00::1\n-inet6\nmtu 1000",
        "inet6 fd00::1\nmtu 1000\ndestroy\nup",
        "inet 10.0.0.1/24\nmtu 1000",
    ],
)
def test_an_mtu_too_small_for_ipv6_is_fine_without_it(text: str) -> None:
    lowered(text)


def test_a_destination_changes_nothing() -> None:
    assert config("inet 10.0.0.1/24\ndest 10.0.0.255") == config("inet 10.0.0.1/24")
    assert config("10.0.0.1/24 10.0.0.9") == config("10.0.0.1/24")
