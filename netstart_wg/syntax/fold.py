"""Commands, folded onto an interface one after the other.

Every command but `destroy` makes the interface if there is none.  Shell commands
are kept, each with what the lines before it have made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import assert_never

from netstart_wg.model.config import IPV6_MINIMUM_MTU, Command, InterfaceConfig
from netstart_wg.model.route import Route
from netstart_wg.model.source import Span, Subject
from netstart_wg.syntax.command_words import CommandWords
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.fold_interface import InterfaceFold
from netstart_wg.syntax.fold_routes import Moment, RouteFold
from netstart_wg.syntax.fold_wireguard import DerivePublicKey, WireGuardFold
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.route_statement import RouteExec, RouteStatement, WrittenGateway
from netstart_wg.syntax.shell_line import OWN_NAME
from netstart_wg.syntax.statements import (
    AnyStatement,
    Create,
    Dest,
    Destroy,
    Ifconfig,
    ShellCommand,
)

_ResolveRoutes = Callable[[str, Moment], tuple[Route, ...]]


class Fold:
    """An interface, and what becomes of it."""

    def __init__(
        self, findings: Findings, derive_public_key: DerivePublicKey | None, base: InterfaceConfig
    ) -> None:
        self._findings = findings
        self._derive_public_key = derive_public_key
        self._name = base.name
        self._commands = list(base.commands)
        self._waiting = 0
        """How many of the last commands no declared line has followed yet."""
        self._command_places: list[tuple[Command, Span]] = []
        self._destroyed_at: Span | None = None
        self._begin_with(base if base.exists else self._nothing())

    def ifconfig(self, statements: Sequence[AnyStatement]) -> None:
        """Take one command."""
        self._declare()
        if not self._interface.exists:
            match statements[0]:
                case Destroy(span):
                    self._findings.add(Message.NOTHING_TO_DESTROY, span)
                    return
                case Dest():
                    return  # no command of its own: it belongs to one that was taken back
                case _:
                    self._interface.exists = True
        words = CommandWords.of(statements)
        for place, statement in enumerate(words.at_once):
            self._interface.apply(statement)
            if not self._interface.exists:
                self._destroyed_at = statement.span
                self._look_at_rest(words.after(place))
                self._begin_with(self._nothing())
                return
        if words.together:
            self._wireguard.apply(words.together)
        for address in words.at_last:
            self._interface.apply_address(address)

    def shell(self, line: ShellCommand) -> None:
        """Take a `!` line; one that is only a comment does nothing."""
        for step in line.steps:
            match step:
                case Ifconfig():
                    self.ifconfig(step.statements)
                case RouteStatement():
                    self._declare()
                    self._routes.apply(step, self._moment())
                case RouteExec():
                    self._run(step.text, line.span, step.rdomain)
                case _:
                    assert_never(step)
        if not line.steps:
            self._run(line.text, line.span)

    def look_at_mtu(self) -> None:
        """Say that an IPv6 address which was named cannot be there, if that is so."""
        mtu = self._interface.mtu
        if self._interface.exists and mtu is not None and mtu < IPV6_MINIMUM_MTU:
            self._interface.addresses.refuse_ipv6(mtu)

    def look_at_end(self) -> None:
        """Warn of a file that leaves no interface."""
        if not self._interface.exists and self._destroyed_at is not None:
            self._findings.add(Message.ENDS_DESTROYED, self._destroyed_at)

    def early_gateways(self) -> Iterator[WrittenGateway]:
        """Yield the gateways of routes that lines after their own have brought within reach."""
        return self._routes.early(self._name, self._moment())

    def places(self) -> Iterator[tuple[Subject, Span]]:
        """Yield where it is said what there is now."""
        if self._interface.exists:
            yield from self._interface.places()
            yield from self._wireguard.places()
            yield from self._routes.places(self._name, self._moment())
        elif self._destroyed_at is not None:
            yield ("destroy",), self._destroyed_at
        for command, place in self._command_places:
            yield ("!", command.shown), place

    def config(self) -> InterfaceConfig:
        """Return what there is now, and note what is wrong with the routes: once, at the end."""
        return replace(self._declared(self._routes.routes), commands=tuple(self._commands))

    def _begin_with(self, base: InterfaceConfig) -> None:
        self._base = base
        self._interface = InterfaceFold(self._findings, base)
        self._routes = RouteFold(self._findings)
        self._wireguard = WireGuardFold(self._findings, self._derive_public_key, base.wireguard)

    def _run(self, text: str, place: Span | None, rdomain: int = 0) -> None:
        if text and not text.startswith("#"):
            command = Command(text.replace(OWN_NAME, self._name), rdomain)
            self._commands.append(command)
            self._waiting += 1
            if place is not None:
                self._command_places.append((command, place))

    def _nothing(self) -> InterfaceConfig:
        return InterfaceConfig(name=self._name, exists=False)

    def _declare(self) -> None:
        """Say to the commands before a declared line what the lines before them have made."""
        if not self._waiting:
            return
        before = self._declared(self._routes.routes_so_far)
        self._commands[-self._waiting :] = [
            replace(command, before=before) for command in self._commands[-self._waiting :]
        ]
        self._waiting = 0

    def _declared(self, resolve: _ResolveRoutes) -> InterfaceConfig:
        interface = self._interface
        if not interface.exists:
            return self._nothing()
        now = self._moment()
        return InterfaceConfig(
            name=self._name,
            rdomain=now.rdomain,
            wireguard=self._wireguard.config(),
            addresses=now.addresses,
            mtu=interface.mtu,
            is_up=interface.is_up,
            is_debug=interface.is_debug,
            description=interface.description,
            groups=interface.groups,
            routes=(*self._routes_of_before(), *resolve(self._name, now)),
            rules=() if self._has_moved else self._base.rules,
        )

    def _moment(self) -> Moment:
        return Moment(
            rdomain=self._interface.rdomain,
            addresses=self._interface.addresses.addresses(),
            priority=self._interface.priority,
        )

    def _routes_of_before(self) -> Iterator[Route]:
        """Yield those that were there; the interface's own stay behind when it moves."""
        for route in self._base.routes:
            is_through_it = any(hop.interface == self._name for hop in route.next_hops)
            is_own = is_through_it or route.key.table is not None
            if not (self._has_moved and is_own):
                yield route

    @property
    def _has_moved(self) -> bool:
        return self._interface.rdomain != self._base.rdomain

    def _look_at_rest(self, statements: Iterable[AnyStatement]) -> None:
        """Look at what follows a `destroy` in its own command."""
        for statement in statements:
            if not isinstance(statement, Create | Destroy):
                self._findings.add(Message.AFTER_DESTROY, statement.span)
                return
