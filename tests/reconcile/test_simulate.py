"""What a plan would make of an interface."""

from __future__ import annotations

from dataclasses import replace
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
    ForgetCommand,
    Plan,
    RemoveAddress,
    RemoveRoute,
    RunCommand,
    SetDebug,
    SetDescription,
    SetMtu,
    SetRdomain,
)
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.config import Command
from netstart_wg.model.record import CommandDigest, RanCommand
from netstart_wg.model.route import NextHop, Route, RouteKey
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.simulate import after as after_steps
from netstart_wg.reconcile.simulate import simulate

RUNNING = InterfaceState(
    name="wg0",
    index=7,
    flags=0x1091,
    mtu=1420,
    addresses=(ip_interface("10.0.0.1/24"), ip_interface("fd00::1/64")),
    kernel_addresses=(ip_interface("fe80::1/64"),),
    wireguard=WireGuardState(listen_port=1),
)


ROUTE = Route(key=RouteKey(0, ip_network("10.1.0.0/16")), next_hops=(NextHop(None, "wg0"),))


def after(running: InterfaceState | None, *actions: Action) -> InterfaceState | None:
    return simulate(Plan("wg0", actions), running, public_key_of)


@pytest.mark.parametrize("running", [None, RUNNING])
def test_an_empty_plan_leaves_what_is_there(running: InterfaceState | None) -> None:
    assert after(running) is running


def test_a_created_interface_is_down_and_has_nothing() -> None:
    created = after(None, CreateInterface("wg0"))
    assert created == InterfaceState(
        name="wg0", index=0, flags=0, mtu=1420, wireguard=WireGuardState()
    )


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (
            ConfigureDevice("wg0", DeviceChange(listen_port=2)),
            replace(RUNNING, wireguard=WireGuardState(listen_port=2)),
        ),
        (SetMtu("wg0", 1420, 1280), replace(RUNNING, mtu=1280)),
        (SetDescription("wg0", None, "x"), replace(RUNNING, description="x")),
        (
            AddAddress("wg0", ip_interface("10.0.0.1/16")),
            replace(RUNNING, addresses=(*RUNNING.addresses, ip_interface("10.0.0.1/16"))),
        ),
        (
            RemoveAddress("wg0", ip_interface("10.0.0.1/24")),
            replace(RUNNING, addresses=RUNNING.addresses[1:]),
        ),
        (
            SetRdomain("wg0", 0, 3),
            replace(RUNNING, rdomain=3, flags=0x1090, addresses=(), kernel_addresses=()),
        ),
        (SetDebug("wg0", True), replace(RUNNING, flags=0x1095)),
        (SetDebug("wg0", False), RUNNING),
        (AddRoute("wg0", ROUTE), replace(RUNNING, routes=(ROUTE,))),
        (BringUp("wg0"), RUNNING),
        (BringDown("wg0"), replace(RUNNING, flags=0x1090)),
        (RunCommand("wg0", Command("true")), RUNNING),
        (ForgetCommand("wg0", RanCommand(digest=CommandDigest("0123"))), RUNNING),
    ],
)
def test_a_step_changes_just_what_it_says(action: Action, expected: InterfaceState) -> None:
    assert after(RUNNING, action) == expected


@pytest.mark.parametrize("leaves", [BringDown("wg0"), SetRdomain("wg0", 0, 3)])
def test_what_takes_an_interface_down_takes_the_routes_through_it_along(leaves: Action) -> None:
    elsewhere = Route(
        key=RouteKey(0, ip_network("10.2.0.0/16")),
        next_hops=(NextHop(ip_address("192.0.2.9"), "eth0"),),
    )
    running = replace(RUNNING, routes=(ROUTE, elsewhere))
    state = after(running, leaves)
    assert state is not None
    assert state.routes == (elsewhere,)


def test_the_last_address_of_a_family_and_a_small_mtu_take_routes_along() -> None:
    over_ipv6 = replace(ROUTE, key=RouteKey(0, ip_network("fd01::/64")))
    running = replace(RUNNING, routes=(ROUTE, over_ipv6))
    state = after(running, RemoveAddress("wg0", ip_interface("10.0.0.1/24")))
    assert state is not None
    assert state.routes == (over_ipv6,)
    state = after(running, SetMtu("wg0", 1420, 1200))
    assert state is not None
    assert (state.routes, state.addresses) == ((ROUTE,), RUNNING.addresses[:1])


def test_a_route_takes_the_place_of_one_with_its_key() -> None:
    narrower = replace(ROUTE, mtu=1300)
    state = after(RUNNING, AddRoute("wg0", ROUTE), AddRoute("wg0", narrower))
    assert state is not None
    assert state.routes == (narrower,)
    assert after(RUNNING, AddRoute("wg0", ROUTE), RemoveRoute("wg0", ROUTE)) == RUNNING


def test_a_destroyed_interface_is_none() -> None:
    assert after(RUNNING, DestroyInterface("wg0")) is None


@pytest.mark.parametrize(
    ("running", "action"),
    [
        (RUNNING, CreateInterface("wg0")),
        (None, BringUp("wg0")),
        (RUNNING, AddAddress("wg0", ip_interface("10.0.0.1/24"))),
        (RUNNING, AddAddress("wg0", ip_interface("fd00::1/128"))),
        (RUNNING, AddAddress("wg0", ip_interface("fe80::1/64"))),
        (RUNNING, RemoveAddress("wg0", ip_interface("10.0.0.1/16"))),
        (RUNNING, RemoveAddress("wg0", ip_interface("fe80::1/64"))),
        (RUNNING, RemoveRoute("wg0", ROUTE)),
        (None, DestroyInterface("wg0")),
    ],
)
def test_a_step_that_cannot_be_is_refused(running: InterfaceState | None, action: Action) -> None:
    with pytest.raises(ValueError, match=r"is there|not there|exist"):
        after(running, action)


def test_no_steps_make_no_interface() -> None:
    with pytest.raises(ValueError, match="there is no interface"):
        after_steps((), None, public_key_of)
