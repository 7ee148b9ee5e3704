"""Look at what is there: netlink and the engine, put together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from netstart_wg.app.system import Machine
from netstart_wg.errors import TAKEOVER_HINT, NoSuchRdomainError, NotOursError
from netstart_wg.model.route import Route
from netstart_wg.model.rule import TABLES, PolicyRule
from netstart_wg.model.state import NOTHING_LEFT, InterfaceState, LeftBehind, WireGuardState


class ElsewhereError(NotOursError):
    """The engine is ours, but its interface was renamed, or taken where we do not look."""

    def __init__(
        self, interface: str, engine: WireGuardState, left: LeftBehind = NOTHING_LEFT
    ) -> None:
        reason = (
            "its engine runs, but the interface was renamed, or is in a network namespace"
            " that is no rdomain"
            f"\n    hint: end it with `netstart-wg ifconfig {interface} destroy`"
        )
        super().__init__("observe", interface, reason)
        self.state = InterfaceState(
            name=interface,
            index=0,
            flags=0,
            mtu=0,
            routes=left.routes,
            rules=left.rules,
            wireguard=engine,
        )
        """All that is known of it: enough to plan its end, and no more."""


def observe(
    interface: str,
    machine: Machine,
    rdomains: Collection[int] | None = None,
    tables: Collection[int] = (),
) -> InterfaceState | None:
    """Return the interface with its engine, our routes and rules, or None if there is none.

    They are those of the interface's rdomain and of `rdomains`, by default
    of every one that exists; each takes two dumps.  Besides the one that is named
    by the engine's mark, `tables` are the interface's own.  Raise NotOursError for an
    interface that is not ours to touch: another program's engine, no engine at
    all, or (ElsewhereError) an engine of ours whose interface has another name
    now or is in no rdomain.
    """
    link, engine = _look(interface, machine)
    if (link is None) != (engine is None):
        link, engine = _look(interface, machine)  # it was perhaps just coming, going or moving
    if engine is None:
        if link is None:
            return None
        reason = f"exists and is not ours: no engine of netstart-wg is behind it{TAKEOVER_HINT}"
        raise NotOursError("observe", interface, reason)
    looked_at = set((0, *machine.system.rdomains()) if rdomains is None else rdomains)
    if link is None:
        left = observe_routing(looked_at, machine, (engine.fwmark, *tables))
        raise ElsewhereError(interface, engine, left)
    return with_routing(replace(link, wireguard=engine), looked_at, machine, tables)


def observe_link(
    interface: str, engine: WireGuardState | None, machine: Machine
) -> InterfaceState | None:
    """Return what netlink knows of the interface of an engine, which tells where it is.

    Without an engine look in rdomain 0.
    """
    namespace = engine.link_namespace if engine else None
    rdomain = 0 if namespace is None else machine.system.rdomain_of(namespace)
    if rdomain is None:
        return None
    try:
        return machine.system.links(rdomain).observe(interface)
    except NoSuchRdomainError:  # it went just now, and the interface with it
        return None


def with_routing(
    state: InterfaceState,
    rdomains: Collection[int],
    machine: Machine,
    tables: Collection[int] = (),
) -> InterfaceState:
    """Add our routes and rules in the interface's rdomain and these."""
    mark = state.wireguard.fwmark if state.wireguard else 0
    found = observe_routing({state.rdomain, *rdomains}, machine, (mark, *tables))
    return replace(state, routes=found.routes, rules=found.rules)


def observe_routing(
    rdomains: Collection[int], machine: Machine, tables: Collection[int]
) -> LeftBehind:
    """Return our routes and rules in these rdomains, as far as they exist.

    What is in, or leads to, a table of another interface's is left out.
    """
    own = frozenset(tables).intersection(TABLES)
    every = sorted(rdomains)
    return LeftBehind(
        routes=tuple(route for route in _routes(every, machine) if route.key.table in (None, *own)),
        rules=tuple(rule for rule in _rules(every, machine) if rule.unless_mark in own),
    )


def _look(interface: str, machine: Machine) -> tuple[InterfaceState | None, WireGuardState | None]:
    """Ask the engine first: one that answers has its interface."""
    engine = machine.backend.state(interface)
    return observe_link(interface, engine, machine), engine


def _rules(rdomains: Iterable[int], machine: Machine) -> Iterator[PolicyRule]:
    for rdomain in rdomains:
        try:
            yield from machine.system.links(rdomain).rules()
        except NoSuchRdomainError:
            continue


def _routes(rdomains: Iterable[int], machine: Machine) -> Iterator[Route]:
    for rdomain in rdomains:
        try:
            yield from machine.system.links(rdomain).routes()
        except NoSuchRdomainError:
            continue
