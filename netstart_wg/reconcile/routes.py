"""Which routes come and go.

Ours are those that carry our protocol number and leave through the interface, are
in a table of its own, or are named by the record of what was applied for it: a route
to an endpoint by way of another interface belongs to the file that declares it.  What
is not ours is never a step.  A route that is there as declared is left alone,
whoever of us added it; one that has another gateway is replaced where it
stands.  Additions come before removals.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from netstart_wg.model.action import AddRoute, RemoveRoute
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.route import NextHop, Route, RouteKey
from netstart_wg.model.state import InterfaceState


def plan_routes(
    desired: InterfaceConfig, before: InterfaceState, applied: Collection[RouteKey]
) -> Iterator[AddRoute | RemoveRoute]:
    """Yield the steps; `applied` are the keys that the record names.

    Linux has no route through an interface that is down: those wait.
    """
    present = {route.key: route for route in before.routes}
    wanted = {
        route.key: route
        for route in desired.routes
        if desired.is_up or not leaves_through(route, desired.name, desired.rdomain)
    }
    for key, route in wanted.items():
        if key not in present or not agrees(route, present[key]):
            yield AddRoute(desired.name, route)
    for route in own_routes(before, applied):
        if route.key not in wanted:
            yield RemoveRoute(desired.name, route)


def withdraw_shares(state: InterfaceState) -> Iterator[RemoveRoute]:
    """Yield the steps before an interface goes down or elsewhere.

    A route that leaves through others, too, would not go with it: Linux marks
    one of several next hops as dead and keeps the rest.
    """
    for route in own_routes(state, ()):
        is_shared = leaves_through(route, state.name, state.rdomain)
        if is_shared and not leaves_only_through(route, state.name, state.rdomain):
            yield RemoveRoute(state.name, route)


def own_routes(state: InterfaceState, applied: Collection[RouteKey]) -> Iterator[Route]:
    """Yield the routes that are there for this interface."""
    named = frozenset(applied)
    for route in state.routes:
        is_in_own_table = route.key.table is not None
        is_named = route.key in named
        if is_in_own_table or is_named or leaves_through(route, state.name, state.rdomain):
            yield route


def leaves_through(route: Route, interface: str, rdomain: int) -> bool:
    """Say whether a route, or a part of it, leads out of the interface that lives in `rdomain`."""
    return route.key.rdomain == rdomain and any(
        hop.interface == interface for hop in route.next_hops
    )


def leaves_only_through(route: Route, interface: str, rdomain: int) -> bool:
    """Say whether every part of it does."""
    return leaves_through(route, interface, rdomain) and all(
        hop.interface == interface for hop in route.next_hops
    )


def agrees(wanted: Route, present: Route) -> bool:
    """Say whether a route that is there is the one declared, whichever way it was found."""
    same = (wanted.kind, wanted.mtu) == (present.kind, present.mtu)
    return (
        same
        and len(wanted.next_hops) == len(present.next_hops)
        and all(any(_is_as(hop, there) for there in present.next_hops) for hop in wanted.next_hops)
    )


def _is_as(wanted: NextHop, present: NextHop) -> bool:
    is_same_way = wanted.interface is None or wanted.interface == present.interface
    return is_same_way and wanted.gateway == present.gateway
