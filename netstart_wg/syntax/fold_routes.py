"""Route commands one after the other, folded as OpenBSD's kernel does, and what comes of it.

A route's key is its destination with its priority.  `add` of a key that is there
fails, unless -mpath lets it stand beside; `change` and `delete` are about the best
route to a destination, or that of the priority they name.  Only what the file
itself declares is ever changed or deleted.

A route without a priority of its own has 8 and that of the interface, as it is in
the route's line: the kernel looks at it when the route is added, and no more.

A gateway says which interface packets leave by: OpenBSD looks for an interface
with that address, and then for a network that it is in.  The interface's own
addresses are known here; for others the kernel is asked when the route is added.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from operator import attrgetter
from typing import NoReturn, assert_never

from netstart_wg.model.address import IPAddress, IPInterface
from netstart_wg.model.route import DEFAULT_PRIORITY, NextHop, Route, RouteKey, RouteKind
from netstart_wg.model.source import Span, Subject
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.messages import MessageTable
from netstart_wg.syntax.route_messages import RouteMessage
from netstart_wg.syntax.route_statement import RouteAction, RouteStatement, WrittenGateway
from netstart_wg.syntax.shell_line import OWN_NAME

_Note = Callable[..., None]
"""As `Findings.add`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The interface as the lines up to somewhere have made it."""

    rdomain: int
    addresses: tuple[IPInterface, ...]
    priority: int


class RouteFold:
    """The route commands of one interface's file."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._commands: list[tuple[RouteStatement, Moment]] = []

    def apply(self, statement: RouteStatement, now: Moment) -> None:
        """Take one command; warn of what is odd about its words."""
        for remark in statement.remarks:
            self._findings.add(remark.message, remark.span, **remark.values)
        self._commands.append((statement, now))

    def routes(self, name: str, end: Moment) -> tuple[Route, ...]:
        """Return what the commands make, and note what is wrong with it: once, at the end."""
        return self._table(_Resolver(name, end, self._findings.add)).routes()

    def routes_so_far(self, name: str, now: Moment) -> tuple[Route, ...]:
        """Return what the commands make on an interface that is not complete yet."""
        return self._table(_Resolver(name, now, _say_nothing)).routes()

    def places(self, name: str, end: Moment) -> Iterator[tuple[Subject, Span]]:
        """Yield where the routes stand that `routes` returns."""
        return self._table(_Resolver(name, end, _say_nothing)).places()

    def early(self, name: str, end: Moment) -> Iterator[WrittenGateway]:
        """Yield the gateways that lines after their own have brought within reach."""
        at_last = _Resolver(name, end, _say_nothing)
        for statement, then in self._commands:
            at_first = _Resolver(name, then, _say_nothing)
            gateway = statement.gateway
            if gateway is None or statement.action is RouteAction.DELETE:
                continue
            if at_last.reaches(statement) and not at_first.reaches(statement):
                yield gateway

    def _table(self, resolver: _Resolver) -> _Table:
        table = _Table(resolver, self._findings.file_name)
        for statement, then in self._commands:
            table.apply(statement, then.priority)
        table.look_at_end()
        return table


def _say_nothing(message: MessageTable, span: Span, **values: object) -> None:
    """Note nothing."""


# ---- where a gateway is ----


class _Unresolvable(Exception):  # noqa: N818  (noted where it is raised)
    """The gateway of a command cannot be."""


class _Resolver:
    """Finds out where gateways are, as seen from one interface."""

    def __init__(self, name: str, interface: Moment, note: _Note) -> None:
        self.name = name
        self.note = note
        self._rdomain = interface.rdomain
        self._networks = [address.network for address in interface.addresses]
        self._own = {address.ip for address in interface.addresses}

    def hop(self, statement: RouteStatement) -> NextHop | None:
        """Return where a command says that packets go, None if it does not say.

        Raise _Unresolvable.
        """
        gateway = statement.gateway
        if gateway is None:
            return None
        interface = statement.interface
        if interface is not None:
            interface = interface.replace(OWN_NAME, self.name)
        if interface == self.name or (interface is None and self._is_near(gateway.address)):
            return self._own_hop(statement, gateway)
        address = gateway.address
        if interface is not None:
            return NextHop(None if gateway.is_direct else address, interface)
        if gateway.is_direct:
            self._refuse(gateway, RouteMessage.NOBODYS_ADDRESS)
        if isinstance(address, IPv6Address) and address.is_link_local:
            self._refuse(gateway, RouteMessage.NO_SCOPE)
        return NextHop(address, None)

    def reaches(self, statement: RouteStatement) -> bool:
        """Say whether the gateway of a command is one of the interface's neighbours."""
        near = statement.gateway is not None and self._is_near(statement.gateway.address)
        return near and statement.rdomain == self._rdomain

    def _is_near(self, address: IPAddress | None) -> bool:
        """Say whether an address is the interface's own, or in one of its networks."""
        return address is not None and any(address in network for network in self._networks)

    def _own_hop(self, statement: RouteStatement, gateway: WrittenGateway) -> NextHop:
        if statement.rdomain != self._rdomain:
            table = statement.rdomain
            self._refuse(gateway, RouteMessage.OTHER_TABLE, rdomain=self._rdomain, table=table)
        is_own_address = gateway.address in self._own
        return NextHop(None if is_own_address or gateway.is_direct else gateway.address, self.name)

    def _refuse(self, gateway: WrittenGateway, message: RouteMessage, **values: object) -> NoReturn:
        self.note(message, gateway.span, word=gateway.word, **values)
        raise _Unresolvable


# ---- which routes there are ----


@dataclass(slots=True)
class _Declared:
    """A route on its way to being a Route."""

    span: Span
    kind: RouteKind
    hops: list[NextHop]
    mtu: int | None


class _Table:
    """The routes that the commands make, one after the other."""

    def __init__(self, resolver: _Resolver, file_name: str) -> None:
        self._resolver = resolver
        self._priority = 0
        """Of the interface."""
        self._file_name = file_name
        self._declared: dict[RouteKey, _Declared] = {}
        self._deleted_too_much: list[RouteStatement] = []

    def apply(self, statement: RouteStatement, priority: int) -> None:
        """Take one command, given with the priority that the interface had at its line."""
        self._priority = priority
        try:
            match statement.action:
                case RouteAction.ADD:
                    self._add(statement)
                case RouteAction.CHANGE:
                    self._change(statement)
                case RouteAction.DELETE:
                    self._delete(statement)
                case _:
                    assert_never(statement.action)
        except _Unresolvable:
            return

    def look_at_end(self) -> None:
        """Warn of what was to be deleted, was not there and is not made by a later command."""
        for statement in self._deleted_too_much:
            destination = statement.destination
            message = RouteMessage.NOTHING_TO_DELETE
            self._resolver.note(message, statement.span, destination=destination)

    def places(self) -> Iterator[tuple[Subject, Span]]:
        """Yield where each of them is declared first."""
        for key, route in self._declared.items():
            yield key.subject, route.span

    def routes(self) -> tuple[Route, ...]:
        """Return what there is now."""
        return tuple(
            [
                Route(key=key, kind=route.kind, next_hops=tuple(route.hops), mtu=route.mtu)
                for key, route in self._declared.items()
            ]
        )

    def _add(self, statement: RouteStatement) -> None:
        hop = self._resolver.hop(statement)
        key = RouteKey(statement.rdomain, statement.destination, self._priority_of(statement, hop))
        self._deleted_too_much = [
            deleted
            for deleted in self._deleted_too_much
            if (deleted.rdomain, deleted.destination) != (key.rdomain, key.destination)
        ]
        there = self._declared.get(key)
        if there is None:
            hops = [] if hop is None else [hop]
            self._declared[key] = _Declared(statement.span, statement.kind, hops, statement.mtu)
        elif statement.is_multipath and there.hops and hop is not None and hop not in there.hops:
            there.hops.append(hop)
            if statement.mtu not in (None, there.mtu):
                self._resolver.note(RouteMessage.OTHER_MTU, statement.span)
        else:
            self._resolver.note(
                RouteMessage.ROUTE_EXISTS,
                statement.span,
                destination=key.destination,
                priority=key.priority,
                place=f"{self._file_name}:{there.span.line}:{there.span.column}",
            )

    def _change(self, statement: RouteStatement) -> None:
        key = self._best(statement)
        if key is None:
            self._add_instead(statement)
            return
        there = self._declared[key]
        hop = self._resolver.hop(statement)
        if hop is not None or statement.kind is not RouteKind.UNICAST:
            there.kind = statement.kind
            there.hops = [] if hop is None else [hop]
        if statement.mtu is not None:
            there.mtu = statement.mtu

    def _add_instead(self, statement: RouteStatement) -> None:
        """Declare what was to be changed, if it is said whole."""
        if statement.gateway is not None or statement.kind is not RouteKind.UNICAST:
            self._add(statement)
            return
        message = RouteMessage.NOTHING_TO_CHANGE
        self._resolver.note(message, statement.span, destination=statement.destination)

    def _delete(self, statement: RouteStatement) -> None:
        key = self._best(statement)
        if key is None:
            self._deleted_too_much.append(statement)
            return
        hops = self._declared[key].hops
        hop = self._resolver.hop(statement)
        if hop is None or not hops or hops == [hop]:
            del self._declared[key]
        elif hop in hops:
            hops.remove(hop)
        else:
            self._deleted_too_much.append(statement)

    def _best(self, statement: RouteStatement) -> RouteKey | None:
        """Return the route that `change` and `delete` are about."""
        found = [
            key
            for key in self._declared
            if (key.rdomain, key.destination) == (statement.rdomain, statement.destination)
            and statement.priority in (None, key.priority)
        ]
        return min(found, key=attrgetter("priority"), default=None)

    def _priority_of(self, statement: RouteStatement, hop: NextHop | None) -> int:
        """Return what was said, or 8 and the priority of the interface: ifconfig(8)."""
        if statement.priority is not None:
            return statement.priority
        is_own = hop is not None and hop.interface == self._resolver.name
        return DEFAULT_PRIORITY + (self._priority if is_own else 0)
