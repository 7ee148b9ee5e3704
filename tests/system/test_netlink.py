"""Against the real kernel, in a network namespace of the test's own."""

from __future__ import annotations

import errno
import subprocess
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface, ip_interface

import pytest

from netstart_wg.errors import BackendError, NoSuchRdomainError
from netstart_wg.model.address import IPInterface
from netstart_wg.model.state import InterfaceState
from netstart_wg.system.linux import Linux
from netstart_wg.system.netlink import IFF_DEBUG, Netlink

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]


def observed(netlink: Netlink, interface: str) -> InterfaceState:
    state = netlink.observe(interface)
    assert state is not None
    return state


def addresses(*texts: str) -> tuple[IPInterface, ...]:
    return tuple(ip_interface(text) for text in texts)


def test_an_interface_that_is_not_there_is_none(netlink: Netlink) -> None:
    assert netlink.observe("wg9") is None


@pytest.mark.parametrize("text", ["", "a" * 16, "a" * 300, "a/b", ".", "\udcff", "\u00fc0"])
def test_what_cannot_be_a_name_is_none(netlink: Netlink, text: str) -> None:
    assert netlink.observe(text) is None


def test_a_fresh_interface_is_observed_as_it_is(netlink: Netlink, wg0: str) -> None:
    state = observed(netlink, wg0)
    assert (state.name, state.mtu, state.is_up) == ("wg0", 1500, False)
    assert state.index > 1
    assert state.flags == 0x1090, "POINTOPOINT, NOARP, MULTICAST (netdevice(7))"
    assert state.addresses == state.kernel_addresses == state.broadcasts == ()
    assert state.description is None
    assert state.wireguard is None


def test_what_is_written_is_observed(netlink: Netlink, wg0: str) -> None:
    netlink.set_mtu(wg0, 1380)
    netlink.set_description(wg0, "hub of the network")
    netlink.bring_up(wg0)
    state = observed(netlink, wg0)
    assert (state.mtu, state.description, state.is_up) == (1380, "hub of the network", True)


def test_a_description_can_be_cleared(netlink: Netlink, wg0: str) -> None:
    netlink.set_description(wg0, "hub")
    netlink.set_description(wg0, None)
    assert observed(netlink, wg0).description is None


def test_the_kernels_own_link_local_address_is_told_apart(netlink: Netlink, wg0: str) -> None:
    netlink.add_address(wg0, ip_interface("fe80::1/64"))
    netlink.bring_up(wg0)
    state = observed(netlink, wg0)
    assert state.addresses == addresses("fe80::1/64")
    assert len(state.kernel_addresses) == 1
    assert state.kernel_addresses[0].ip.is_link_local


def test_addresses_are_usable_at_once_and_keep_their_prefix(netlink: Netlink, wg0: str) -> None:
    wanted = addresses("10.0.0.1/24", "10.0.1.0/31", "192.0.2.7/32", "fd00::1/64", "fd00:1::/127")
    netlink.bring_up(wg0)
    for address in wanted:
        netlink.add_address(wg0, address)
    state = observed(netlink, wg0)
    assert set(state.addresses) == set(wanted)
    assert state.broadcasts == ()


def test_a_foreign_broadcast_address_is_observed(netlink: Netlink, wg0: str) -> None:
    words = "ip address add 10.0.0.1/24 broadcast 10.0.0.255 dev wg0"
    subprocess.run(words.split(), check=True)
    pair = (IPv4Interface("10.0.0.1/24"), IPv4Address("10.0.0.255"))
    assert observed(netlink, wg0).broadcasts == (pair,)


def test_removing_an_address_takes_no_other_with_it(netlink: Netlink, wg0: str) -> None:
    for address in addresses("10.0.0.1/24", "10.0.0.2/24", "10.0.0.3/24", "fd00::1/64"):
        netlink.add_address(wg0, address)
    netlink.remove_address(wg0, IPv4Interface("10.0.0.1/24"))
    netlink.remove_address(wg0, IPv6Interface("fd00::1/64"))
    assert observed(netlink, wg0).addresses == addresses("10.0.0.2/24", "10.0.0.3/24")


@pytest.mark.parametrize("network", ["10.0.0.2/32", "10.0.0.2/24", "fd00::2/128"])
def test_an_address_that_somebody_gave_a_peer_can_be_removed(
    netlink: Netlink, wg0: str, network: str
) -> None:
    own = network.replace("2/", "1/")
    words = f"ip address add {own.partition('/')[0]} peer {network} dev wg0"
    subprocess.run(words.split(), check=True)
    assert observed(netlink, wg0).addresses == addresses(own)
    netlink.remove_address(wg0, ip_interface(own))
    assert observed(netlink, wg0).addresses == ()


def test_bringing_down_keeps_the_addresses(netlink: Netlink, wg0: str) -> None:
    wanted = addresses("10.0.0.1/24", "fd00::1/64", "fe80::1/64")
    netlink.bring_up(wg0)
    for address in wanted:
        netlink.add_address(wg0, address)
    netlink.bring_down(wg0)
    state = observed(netlink, wg0)
    assert not state.is_up
    assert set(state.addresses) == set(wanted)


def test_debug_is_one_flag_among_the_others(netlink: Netlink, wg0: str) -> None:
    netlink.bring_up(wg0)
    before = observed(netlink, wg0).flags
    netlink.set_debug(wg0, True)
    assert observed(netlink, wg0).flags == before | IFF_DEBUG
    assert observed(netlink, wg0).is_debug
    netlink.set_debug(wg0, False)
    assert observed(netlink, wg0).flags == before


def test_a_moved_interface_arrives_bare_and_down_and_keeps_its_description(
    linux: Linux, wg0: str
) -> None:
    here = linux.links()
    linux.make_rdomain(3)
    there = linux.links(3)
    here.set_description(wg0, "hub")
    here.add_address(wg0, ip_interface("10.0.0.1/24"))
    here.bring_up(wg0)
    here.move(wg0, 3)
    assert here.observe(wg0) is None
    state = observed(there, wg0)
    assert (state.rdomain, state.is_up, state.addresses) == (3, False, ())
    assert state.description == "hub"
    there.move(wg0, 0)
    assert there.observe(wg0) is None
    assert observed(here, wg0).rdomain == 0


def test_one_cannot_move_to_an_rdomain_that_is_not_there(netlink: Netlink, wg0: str) -> None:
    with pytest.raises(NoSuchRdomainError, match=r"^rdomain 3 does not exist$"):
        netlink.move(wg0, 3)
    assert observed(netlink, wg0).rdomain == 0


def test_what_is_written_in_an_rdomain_is_observed_there(linux: Linux, wg0: str) -> None:
    linux.make_rdomain(3)
    linux.links().move(wg0, 3)
    there = linux.links(3)
    there.set_mtu(wg0, 1380)
    there.set_debug(wg0, True)
    there.bring_up(wg0)
    for address in addresses("10.0.0.1/24", "10.0.0.2/24", "fd00::1/64"):
        there.add_address(wg0, address)
    there.remove_address(wg0, ip_interface("10.0.0.1/24"))  # the second one is promoted there
    there.bring_down(wg0)
    state = observed(there, wg0)
    assert (state.mtu, state.is_debug, state.is_up) == (1380, True, False)
    assert state.addresses == addresses("10.0.0.2/24", "fd00::1/64")
    there.delete(wg0)
    assert there.observe(wg0) is None


def test_interfaces_of_one_name_in_two_rdomains_are_two(linux: Linux, wg0: str) -> None:
    for rdomain in (3, 4):
        linux.make_rdomain(rdomain)
    linux.links().move(wg0, 3)
    subprocess.run(["ip", "-n", "rdomain4", "link", "add", "wg0", "type", "veth"], check=True)
    linux.links(4).bring_up(wg0)
    assert not observed(linux.links(3), wg0).is_up
    assert observed(linux.links(4), wg0).is_up


def test_a_deleted_interface_is_gone(netlink: Netlink, wg0: str) -> None:
    netlink.delete(wg0)
    assert netlink.observe(wg0) is None


def test_a_refusal_names_operation_interface_and_reason(netlink: Netlink, wg0: str) -> None:
    netlink.add_address(wg0, ip_interface("10.0.0.1/24"))
    with pytest.raises(BackendError) as caught:
        netlink.add_address(wg0, ip_interface("10.0.0.1/24"))
    assert str(caught.value) == "wg0: add address 10.0.0.1/24: file exists"
    assert caught.value.errno == errno.EEXIST


def test_a_write_to_a_missing_interface_is_refused(netlink: Netlink) -> None:
    with pytest.raises(BackendError, match="wg9: set mtu: no such device") as caught:
        netlink.set_mtu("wg9", 1400)
    assert caught.value.errno == errno.ENODEV


def test_an_mtu_the_kernel_refuses_changes_nothing(netlink: Netlink, wg0: str) -> None:
    with pytest.raises(BackendError, match="wg0: set mtu: invalid argument: mtu greater than"):
        netlink.set_mtu(wg0, 70000)
    assert observed(netlink, wg0).mtu == 1500


def test_a_closed_socket_is_opened_again(netlink: Netlink, wg0: str) -> None:
    netlink.observe(wg0)
    netlink.close()
    assert observed(netlink, wg0).name == "wg0"
