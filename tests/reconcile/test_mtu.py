"""The MTU that an interface gets whose file does not name one."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface

import pytest

from netstart_wg.app.keys import derive_public_key
from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.model.config import Command, InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.keys import PrivateKey, PublicKey
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.reconcile.mtu import MOST_LOOKUPS, declared_endpoints, mtu_within, with_mtu

IPV4 = InterfaceConfig(name="wg0", addresses=(ip_interface("10.0.0.1/24"),))
BOTH = InterfaceConfig(
    name="wg0", addresses=(ip_interface("10.0.0.1/24"), ip_interface("fd00::1/64"))
)
NAME = EndpointName("vpn.example.net", 51820)


@pytest.mark.parametrize(
    ("outer", "mtu"),
    [
        ([], 1420),
        ([1500], 1420),
        ([1500, 1492], 1412),
        ([1400, 1500], 1320),
        ([9000], 1420),
        ([1281], 1201),
        ([600], 576),
    ],
)
def test_the_narrowest_way_decides_within_bounds(outer: list[int], mtu: int) -> None:
    assert mtu_within(IPV4, outer) == mtu
    assert mtu_within(BOTH, outer) == max(mtu, 1280), "there is no IPv6 below 1280"


def test_an_mtu_that_the_file_names_stays() -> None:
    named = InterfaceConfig(name="wg0", mtu=1500, commands=(Command("true", before=IPV4),))
    settled = with_mtu(named, [1400])
    assert settled.mtu == 1500
    (command,) = settled.commands
    assert command.before is not None
    assert command.before.mtu == 1320, "which the file names only later"


def endpoint(number: int, port: int = 51820) -> Endpoint:
    return Endpoint(ip_address(f"192.0.{number // 250}.{number % 250}"), port)


def key(number: int) -> PublicKey:
    return derive_public_key(PrivateKey(number.to_bytes(32, "big")))


def config(*endpoints: Endpoint | EndpointName | None) -> InterfaceConfig:
    peers = tuple(
        PeerConfig(public_key=key(number), endpoint=each)
        for number, each in enumerate(endpoints, start=1)
    )
    return InterfaceConfig(name="wg0", wireguard=WireGuardConfig(peers=peers))


def test_a_host_is_looked_at_once_and_not_where_a_peer_has_roamed_to() -> None:
    state = InterfaceState(
        name="wg0",
        index=7,
        flags=1,
        mtu=1420,
        wireguard=WireGuardState(peers=(PeerState(public_key=key(1), endpoint=endpoint(9)),)),
    )
    found = declared_endpoints(config(endpoint(1), None, endpoint(1, 7), endpoint(2)), state, {})
    assert found == (endpoint(1), endpoint(2))


def test_a_name_is_where_it_was_found_or_where_its_peer_is() -> None:
    peers = (PeerState(public_key=key(1), endpoint=endpoint(9)),)
    state = InterfaceState(
        name="wg0", index=7, flags=1, mtu=1420, wireguard=WireGuardState(peers=peers)
    )
    assert declared_endpoints(config(NAME), state, {}) == (endpoint(9),)
    assert declared_endpoints(config(NAME), state, {NAME: endpoint(3)}) == (endpoint(3),)
    assert declared_endpoints(config(NAME), None, {}) == ()


def test_of_many_peers_so_many_are_looked_at() -> None:
    many = config(*(endpoint(number) for number in range(3 * MOST_LOOKUPS)))
    assert len(declared_endpoints(many, None, {})) == MOST_LOOKUPS


def test_nobody_is_looked_at_for_an_mtu_that_the_file_names() -> None:
    named = with_mtu(config(endpoint(1)), [])
    assert named.mtu == 1420
    assert declared_endpoints(named, None, {}) == ()
