"""The words about an interface that act at once, one after the other: ifconfig(8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from netstart_wg.model.address import IPInterface
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.source import Span, Subject
from netstart_wg.syntax.findings import Findings, quote
from netstart_wg.syntax.fold_addresses import AddressFold
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.statements import (
    AddressStatement,
    Create,
    Debug,
    Description,
    Destroy,
    Down,
    Group,
    Inet,
    Inet6,
    InterfaceStatement,
    Mtu,
    NoEffect,
    Priority,
    Rdomain,
    RemoveFamily,
    RemoveGroup,
    Up,
)

GROUPS_OF_ALL = frozenset({"wg", "all"})
"""Every WireGuard interface is in them."""

_SHOWN_ADDRESSES = 3

_WORDS: Mapping[type[InterfaceStatement], str] = {
    Up: "up",
    Down: "up",
    Debug: "debug",
    Mtu: "mtu",
    Description: "description",
    Rdomain: "rdomain",
}
"""What a statement says the whole of: the last one holds."""


class InterfaceFold:
    """An interface without what WireGuard knows of it."""

    def __init__(self, findings: Findings, base: InterfaceConfig) -> None:
        self.exists = base.exists
        self.rdomain = base.rdomain
        self.mtu = base.mtu
        self.is_up = base.is_up
        self.is_debug = base.is_debug
        self.description = base.description
        self.priority = 0
        """Is added to the priority of the routes of lines to come."""
        self.addresses = AddressFold(findings, base.addresses)
        self._places: dict[Subject, Span] = {}
        self._groups = dict.fromkeys(base.groups)
        self._findings = findings

    @property
    def groups(self) -> tuple[str, ...]:
        """Those joined and not left, in the order joined."""
        return tuple(self._groups)

    def places(self) -> Iterator[tuple[Subject, Span]]:
        """Yield where it is said what holds now."""
        yield from self._places.items()
        yield from self.addresses.places()

    def apply(self, statement: InterfaceStatement) -> None:
        """Take one word with its arguments."""
        if (word := _WORDS.get(type(statement))) is not None:
            self._places[(word,)] = statement.span
        match statement:
            case Up() | Down():
                self.is_up = isinstance(statement, Up)
            case Debug():
                self.is_debug = statement.is_on
            case Mtu():
                self.mtu = statement.mtu
            case Description():
                self.description = statement.text
            case Priority():
                self.priority = statement.priority
            case Rdomain():
                self._enter(statement)
            case Group():
                self._join(statement)
            case RemoveGroup():
                self._leave(statement)
            case RemoveFamily():
                self.addresses.remove_all(statement.version)
            case Destroy():
                self.exists = False
            case Create() | NoEffect():
                pass
            case _:
                assert_never(statement)

    def apply_address(self, statement: AddressStatement) -> None:
        """Take the address of one command; it brings the interface up."""
        self.addresses.apply(statement)
        if isinstance(statement, Inet | Inet6):
            self.is_up = True
            self._places[("up",)] = statement.span

    def _enter(self, statement: Rdomain) -> None:
        """Move to an rdomain; into another one no address comes along."""
        if statement.rdomain == self.rdomain:
            return
        self.rdomain = statement.rdomain
        lost = self.addresses.remove_all()
        if lost:
            self._findings.add(Message.RDOMAIN_WIPES, statement.span, lost=_enumeration(lost))

    def _join(self, statement: Group) -> None:
        name = statement.name
        if name not in GROUPS_OF_ALL:
            self._groups.setdefault(name)
            self._places.setdefault(("group", name), statement.span)

    def _leave(self, statement: RemoveGroup) -> None:
        if statement.name in self._groups:
            del self._groups[statement.name]
            self._places.pop(("group", statement.name), None)
            return
        is_of_all = statement.name in GROUPS_OF_ALL
        message = Message.GROUP_OF_ALL if is_of_all else Message.NOT_IN_GROUP
        self._findings.add(message, statement.span, name=quote(statement.name))


def _enumeration(addresses: tuple[IPInterface, ...]) -> str:
    shown = [str(address) for address in addresses[:_SHOWN_ADDRESSES]]
    if more := len(addresses) - len(shown):
        shown.append(f"{more} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
