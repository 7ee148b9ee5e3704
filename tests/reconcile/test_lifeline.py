"""What could cut a connection, and what could not."""

from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network

import pytest

from netstart_wg.model.action import (
    Action,
    AddAddress,
    AddRoute,
    BringDown,
    BringUp,
    ConfigureDevice,
    CreateInterface,
    DestroyInterface,
    Plan,
    RemoveAddress,
    RemoveRoute,
    RunCommand,
    SetDebug,
    SetDescription,
    SetMtu,
    SetRdomain,
)
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.config import Command
from netstart_wg.model.connection import Connection
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.route import Route, RouteKey
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.reconcile.lifeline import could_cut, runs_through

CLIENT, SERVER = ip_address("10.0.0.2"), ip_address("10.0.0.1")
CONNECTION = Connection(client=CLIENT, server=SERVER)
MINE, OTHER = PublicKey(bytes([1] * 32)), PublicKey(bytes([2] * 32))
RUNNING = InterfaceState(
    name="wg0",
    index=7,
    flags=1,
    mtu=1420,
    addresses=(ip_interface("10.0.0.1/24"),),
    wireguard=WireGuardState(
        peers=(
            PeerState(public_key=MINE, allowed_ips=(ip_network("10.0.0.2/32"),)),
            PeerState(public_key=OTHER, allowed_ips=(ip_network("10.0.0.3/32"),)),
        )
    ),
)


def device(*peers: PeerChange) -> ConfigureDevice:
    return ConfigureDevice("wg0", DeviceChange(peers=peers))


def route(destination: str) -> Route:
    return Route(key=RouteKey(0, ip_network(destination), 0))


CUTTING: list[Action] = [
    ConfigureDevice("wg0", DeviceChange(listen_port=5)),
    ConfigureDevice("wg0", DeviceChange(fwmark=5)),
    ConfigureDevice("wg0", DeviceChange(private_key=None)),
    ConfigureDevice("wg0", DeviceChange(replace_peers=True)),
    device(PeerChange(public_key=MINE, remove=True)),
    device(PeerChange(public_key=MINE, endpoint=Endpoint(ip_address("192.0.2.1"), 9))),
    device(PeerChange(public_key=MINE, preshared_key=None)),
    device(PeerChange(public_key=MINE, remove_allowed_ips=(ip_network("10.0.0.2/32"),))),
    device(PeerChange(public_key=OTHER, add_allowed_ips=(ip_network("10.0.0.0/30"),))),
    RemoveAddress("wg0", ip_interface("10.0.0.1/24")),
    RemoveRoute("wg0", route("10.0.0.0/8")),
    BringDown("wg0"),
    DestroyInterface("wg0"),
    SetRdomain("wg0", 0, 1),
    SetMtu("wg0", 1420, 1300),
    RunCommand("wg0", Command("ip link set wg0 down")),
]
MILD: list[Action] = [
    SetDescription("wg0", None, "hub"),
    SetDebug("wg0", is_on=True),
    BringUp("wg0"),
    CreateInterface("wg0"),
    device(PeerChange(public_key=MINE, update_only=True, description="me")),
    device(PeerChange(public_key=MINE, update_only=True, persistent_keepalive=25)),
    device(PeerChange(public_key=OTHER, remove=True)),
    device(PeerChange(public_key=OTHER, add_allowed_ips=(ip_network("10.9.0.0/16"),))),
    AddAddress("wg0", ip_interface("10.9.0.1/24")),
    RemoveAddress("wg0", ip_interface("10.9.0.1/24")),
    AddRoute("wg0", route("10.9.0.0/16")),
    RemoveRoute("wg0", route("10.9.0.0/16")),
]
DRAWING_IN: list[Action] = [
    AddRoute("wg0", route("0.0.0.0/0")),
    AddAddress("wg0", ip_interface("10.0.0.3/30")),
]


@pytest.mark.parametrize("action", CUTTING, ids=repr)
def test_what_could_cut_a_connection_through_the_tunnel(action: Action) -> None:
    plan = Plan("wg0", (*MILD, action))
    assert could_cut(plan, RUNNING, CONNECTION, is_through=True)
    assert not could_cut(plan, RUNNING, CONNECTION, is_through=False)


def test_what_could_not() -> None:
    assert not could_cut(Plan("wg0", tuple(MILD)), RUNNING, CONNECTION, is_through=True)


@pytest.mark.parametrize("action", DRAWING_IN, ids=repr)
def test_what_could_draw_another_connection_into_the_tunnel(action: Action) -> None:
    assert could_cut(Plan("wg0", (action,)), None, CONNECTION, is_through=False)


@pytest.mark.parametrize(
    ("client", "server", "is_through"),
    [
        ("10.0.0.2", "10.0.0.1", True),
        ("198.51.100.7", "10.0.0.1", True),
        ("10.0.0.77", "192.0.2.9", True),
        ("10.1.0.1", "192.0.2.9", False),
        ("2001:db8::1", "2001:db8::2", False),
    ],
)
def test_addresses_tell_whether_a_connection_is_inside(
    client: str, server: str, is_through: bool
) -> None:
    connection = Connection(client=ip_address(client), server=ip_address(server))
    assert runs_through(connection, RUNNING) is is_through


def test_a_peer_that_may_send_from_everywhere_is_no_sign() -> None:
    engine = WireGuardState(
        peers=(PeerState(public_key=MINE, allowed_ips=(ip_network("0.0.0.0/0"),)),)
    )
    running = InterfaceState(name="wg0", index=7, flags=1, mtu=1420, wireguard=engine)
    assert not runs_through(CONNECTION, running)
