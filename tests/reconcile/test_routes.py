"""Which routes come and go, and whose they are."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netstart_wg.model.action import AddRoute, RemoveRoute
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.route import NextHop, Route, RouteKey, RouteKind
from netstart_wg.model.state import InterfaceState
from netstart_wg.reconcile.routes import (
    agrees,
    leaves_only_through,
    leaves_through,
    own_routes,
    plan_routes,
    withdraw_shares,
)

GATEWAY = ip_address("198.51.100.1")
INSIDE = Route(
    key=RouteKey(1, ip_network("10.1.0.0/16")), next_hops=(NextHop(ip_address("10.0.0.9"), "wg0"),)
)
TO_ENDPOINT = Route(
    key=RouteKey(0, ip_network("192.0.2.1/32")), next_hops=(NextHop(GATEWAY, None),)
)
OBSERVED = replace(TO_ENDPOINT, next_hops=(NextHop(GATEWAY, "eth0"),))

DESIRED = InterfaceConfig(name="wg0", rdomain=1, is_up=True, routes=(INSIDE, TO_ENDPOINT))
RUNNING = InterfaceState(name="wg0", index=7, flags=1, mtu=1420, rdomain=1)


def test_what_is_missing_is_added_in_the_order_of_the_file() -> None:
    steps = list(plan_routes(DESIRED, RUNNING, ()))
    assert steps == [AddRoute("wg0", INSIDE), AddRoute("wg0", TO_ENDPOINT)]


def test_what_is_there_needs_no_step_whichever_way_the_kernel_found() -> None:
    running = replace(RUNNING, routes=(OBSERVED, INSIDE))
    assert list(plan_routes(DESIRED, running, ())) == []


def test_what_left_the_file_goes_if_it_is_ours() -> None:
    running = replace(RUNNING, routes=(INSIDE, OBSERVED))
    nothing = replace(DESIRED, routes=())
    assert list(plan_routes(nothing, running, ())) == [RemoveRoute("wg0", INSIDE)]
    assert list(plan_routes(nothing, running, (OBSERVED.key,))) == [
        RemoveRoute("wg0", INSIDE),
        RemoveRoute("wg0", OBSERVED),
    ]


def test_additions_come_before_removals() -> None:
    other = replace(INSIDE, key=RouteKey(1, ip_network("10.2.0.0/16")))
    running = replace(RUNNING, routes=(other, OBSERVED))
    steps = list(plan_routes(DESIRED, running, ()))
    assert steps == [AddRoute("wg0", INSIDE), RemoveRoute("wg0", other)]


@pytest.mark.parametrize(
    "other",
    [
        replace(OBSERVED, next_hops=(NextHop(ip_address("198.51.100.2"), "eth0"),)),
        replace(OBSERVED, mtu=1300),
        replace(OBSERVED, kind=RouteKind.BLACKHOLE, next_hops=()),
        replace(OBSERVED, next_hops=(*OBSERVED.next_hops, NextHop(GATEWAY, "eth1"))),
    ],
)
def test_a_route_that_differs_is_replaced_where_it_stands(other: Route) -> None:
    running = replace(RUNNING, routes=(INSIDE, other))
    assert list(plan_routes(DESIRED, running, ())) == [AddRoute("wg0", TO_ENDPOINT)]


def test_the_same_destination_in_another_rdomain_or_at_another_priority_is_another_route() -> None:
    elsewhere = replace(INSIDE, key=replace(INSIDE.key, rdomain=2))
    worse = replace(INSIDE, key=replace(INSIDE.key, priority=9))
    running = replace(RUNNING, routes=(elsewhere, worse, OBSERVED))
    steps = list(plan_routes(DESIRED, running, ()))
    assert steps == [AddRoute("wg0", INSIDE), RemoveRoute("wg0", worse)]


def test_routes_through_an_interface_that_shall_be_down_wait() -> None:
    down = replace(DESIRED, is_up=False)
    assert list(plan_routes(down, replace(RUNNING, flags=0), ())) == [AddRoute("wg0", TO_ENDPOINT)]


def test_an_interface_of_the_same_name_elsewhere_is_another() -> None:
    assert leaves_through(INSIDE, "wg0", 1)
    assert not leaves_through(INSIDE, "wg0", 2)
    assert list(own_routes(replace(RUNNING, rdomain=2, routes=(INSIDE,)), ())) == []


def test_a_route_that_leaves_through_others_too_does_not_go_with_the_interface() -> None:
    shared = replace(
        INSIDE,
        key=RouteKey(1, ip_network("10.3.0.0/16")),
        next_hops=(*INSIDE.next_hops, NextHop(GATEWAY, "eth0")),
    )
    assert leaves_through(shared, "wg0", 1)
    assert not leaves_only_through(shared, "wg0", 1)
    assert leaves_only_through(INSIDE, "wg0", 1)
    running = replace(RUNNING, routes=(INSIDE, shared, OBSERVED))
    assert list(withdraw_shares(running)) == [RemoveRoute("wg0", shared)]


def test_the_order_of_several_next_hops_makes_no_difference() -> None:
    hops = (NextHop(ip_address("10.0.0.8"), "wg0"), NextHop(ip_address("10.0.0.9"), "wg0"))
    several = replace(INSIDE, next_hops=hops)
    assert agrees(several, replace(several, next_hops=hops[::-1]))
    assert not agrees(several, INSIDE)
