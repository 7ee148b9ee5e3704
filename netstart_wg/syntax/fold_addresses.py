"""The addresses of an interface, and what becomes of them, one command after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from netstart_wg.model.address import IPAddress, IPInterface
from netstart_wg.model.config import IPV6_MINIMUM_MTU
from netstart_wg.model.source import Span, Subject
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.statements import (
    AddressStatement,
    Dest,
    Inet,
    Inet6,
    RemoveInet,
    RemoveInet6,
)


class AddressFold:
    """Addresses in the order they take effect."""

    def __init__(self, findings: Findings, addresses: Iterable[IPInterface] = ()) -> None:
        self._findings = findings
        self._addresses: dict[IPAddress, IPInterface] = {ip.ip: ip for ip in addresses}
        self._places: dict[IPAddress, Span] = {}
        """Of those that were named here, wherever they are by now."""

    def apply(self, statement: AddressStatement) -> None:
        """Take the address words of a command."""
        match statement:
            case Inet():
                if not statement.is_alias and (first := self._first(4)) is not None:
                    del self._addresses[first]
                self._add(statement.address, statement.span)
            case Inet6():
                self._add(statement.address, statement.span)
            case RemoveInet():
                self._remove(statement.address or self._first(4), statement.span)
            case RemoveInet6():
                self._remove(statement.address or self._first(6), statement.span)
            case Dest():
                pass
            case _:
                assert_never(statement)

    def remove_all(self, version: int | None = None) -> tuple[IPInterface, ...]:
        """Remove the addresses of a version of IP, or all; return them."""
        gone = tuple(ip for ip in self._addresses.values() if version in (None, ip.version))
        for address in gone:
            del self._addresses[address.ip]
        return gone

    def addresses(self) -> tuple[IPInterface, ...]:
        """Return what there is now."""
        return tuple(self._addresses.values())

    def places(self) -> Iterator[tuple[Subject, Span]]:
        """Yield where the addresses stand that were named here and are here."""
        for address in self._addresses.values():
            if (place := self._places.get(address.ip)) is not None:
                yield ("inet" if address.version == 4 else "inet6", str(address)), place

    def refuse_ipv6(self, mtu: int) -> None:
        """Say that no IPv6 address can be here, if one was named here and is."""
        for address in self._addresses.values():
            place = self._places.get(address.ip)
            if address.version == 6 and place is not None:
                values = {"address": address, "mtu": mtu, "minimum": IPV6_MINIMUM_MTU}
                self._findings.add(Message.NO_ROOM_FOR_IPV6, place, **values)
                return

    def _first(self, version: int) -> IPAddress | None:
        return next((ip for ip in self._addresses if ip.version == version), None)

    def _add(self, address: IPInterface, place: Span) -> None:
        """Add an address, or change its prefix length where it stands."""
        self._addresses[address.ip] = address
        self._places[address.ip] = place

    def _remove(self, address: IPAddress | None, span: Span) -> None:
        if address is not None and self._addresses.pop(address, None) is not None:
            return
        if address is None:
            self._findings.add(Message.NO_ADDRESS, span)
        else:
            self._findings.add(Message.NO_SUCH_ADDRESS, span, address=address)
