"""The order in which addresses come and go; at the end, what Linux makes of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from ipaddress import ip_interface

import pytest

from netstart_wg.model.action import AddAddress
from netstart_wg.model.address import IPInterface
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.state import InterfaceState
from netstart_wg.reconcile.addresses import plan_addresses
from netstart_wg.system.netlink import Netlink
from tests.private_namespaces import private_namespaces


def steps(running: str, desired: str, by_kernel: str = "") -> str:
    """Plan, with addresses as words; return `+address` and `-address`, as words in order."""
    return " ".join(
        f"{'+' if isinstance(action, AddAddress) else '-'}{action.address}"
        for action in plan_addresses(
            InterfaceConfig(name="wg0", addresses=addresses(desired)),
            InterfaceState(
                name="wg0",
                index=7,
                flags=0,
                mtu=1420,
                addresses=addresses(running),
                kernel_addresses=addresses(by_kernel),
            ),
        )
    )


def addresses(words: str) -> tuple[IPInterface, ...]:
    return tuple(ip_interface(word) for word in words.split())


def test_equal_addresses_make_no_step() -> None:
    both = "10.0.0.1/24 fd00::1/64"
    assert steps(both, both) == ""


def test_another_order_makes_no_step() -> None:
    assert steps("10.0.0.1/24 10.0.0.2/24", "10.0.0.2/24 10.0.0.1/24") == ""


def test_new_addresses_come_in_the_order_of_the_file() -> None:
    assert (
        steps("", "10.0.0.2/24 10.0.0.1/24 fd00::1/64") == "+10.0.0.2/24 +10.0.0.1/24 +fd00::1/64"
    )


def test_a_new_address_comes_before_the_old_one_goes() -> None:
    assert steps("10.0.0.1/24 fd00::1/64", "10.0.1.1/24 fd00::2/64") == (
        "+10.0.1.1/24 +fd00::2/64 -fd00::1/64 -10.0.0.1/24"
    )


def test_secondaries_go_before_their_primary() -> None:
    assert steps("10.0.0.1/24 10.0.0.2/24", "") == "-10.0.0.2/24 -10.0.0.1/24"


def test_an_ipv4_address_with_another_prefix_length_is_never_gone() -> None:
    assert steps("10.0.0.1/24", "10.0.0.1/16") == "+10.0.0.1/16 -10.0.0.1/24"


def test_an_ipv6_address_with_another_prefix_length_makes_way_first() -> None:
    assert steps("fd00::9/64 fd00::1/64", "fd00::2/64 fd00::1/128") == (
        "+fd00::2/64 -fd00::1/64 +fd00::1/128 -fd00::9/64"
    )


def test_the_link_local_address_of_the_kernel_stays() -> None:
    assert steps("10.0.0.1/24", "10.0.0.1/24", by_kernel="fe80::1/64") == ""


def test_a_link_local_address_that_the_kernel_made_already_is_not_added() -> None:
    assert steps("", "fe80::1/64", by_kernel="fe80::1/64") == ""


# -- the kernel ----------------------------------------------------------------------------------


@pytest.fixture
def netlink() -> Iterator[Netlink]:
    """A network of our own, with an interface wg0 that is up."""
    with private_namespaces():
        run_ip("tuntap add mode tun name wg0")
        run_ip("link set wg0 up")
        netlink = Netlink()
        yield netlink
        netlink.close()


def run_ip(words: str) -> str:
    return subprocess.run(
        ["ip", *words.split()], check=True, capture_output=True, text=True, timeout=10
    ).stdout


def observed(netlink: Netlink) -> InterfaceState:
    state = netlink.observe("wg0")
    assert state is not None
    return state


def change_addresses(netlink: Netlink, desired: str) -> None:
    config = InterfaceConfig(name="wg0", addresses=addresses(desired))
    for action in plan_addresses(config, observed(netlink)):
        if isinstance(action, AddAddress):
            netlink.add_address("wg0", action.address)
        else:
            netlink.remove_address("wg0", action.address)


@pytest.mark.root
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "10.0.0.2/24 10.0.0.1/24 fd00::1/64"),
        ("10.0.0.1/24", "10.0.0.2/24"),
        ("10.0.0.1/24 10.0.0.2/24", "10.0.0.2/24"),
        ("10.0.0.1/24 10.0.0.2/24 10.0.0.3/24", "10.0.0.3/24 10.0.0.4/24"),
        ("10.0.0.1/24 10.0.0.2/24", ""),
        ("10.0.0.1/24", "10.0.0.1/32"),
        ("10.0.0.1/32 10.0.0.2/24", "10.0.0.1/24 10.0.0.2/32"),
        ("10.0.0.1/24 10.0.0.2/24", "10.0.0.1/16 10.0.0.2/24"),
        ("fd00::1/64 fd00::2/64", "fd00::1/128 fd00::2/64"),
        ("fd00::1/64", "10.0.0.1/24"),
    ],
)
def test_linux_carries_out_the_steps_and_ends_with_what_was_wanted(
    netlink: Netlink, before: str, after: str
) -> None:
    for words in (before, after):
        change_addresses(netlink, words)
        assert set(observed(netlink).addresses) == set(addresses(words))


@pytest.mark.root
def test_the_first_new_ipv4_address_of_a_network_is_its_primary(netlink: Netlink) -> None:
    change_addresses(netlink, "10.0.0.2/24 10.0.0.1/24")
    assert "src 10.0.0.2" in run_ip("route get 10.0.0.77")


@pytest.mark.root
@pytest.mark.parametrize("after", ["10.0.0.1/16", "10.0.0.1/24 10.0.0.2/24"])
def test_a_route_from_an_address_that_stays_is_kept(netlink: Netlink, after: str) -> None:
    change_addresses(netlink, "10.0.0.1/24")
    run_ip("route add 192.0.2.0/24 dev wg0 src 10.0.0.1")
    change_addresses(netlink, after)
    assert "src 10.0.0.1" in run_ip("route get 192.0.2.1")


@pytest.mark.root
def test_routes_outlive_the_change_of_the_only_address(netlink: Netlink) -> None:
    change_addresses(netlink, "10.0.0.1/24")
    run_ip("route add 192.0.2.0/24 dev wg0")
    change_addresses(netlink, "10.0.1.1/24")
    assert "dev wg0" in run_ip("route get 192.0.2.1")
