"""The words of one command, by when they take effect: ifconfig(8).

Those about the interface act at once, in order; then all WireGuard words together;
then the address.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Self, assert_never

from netstart_wg.syntax.statements import (
    AddressStatement,
    AnyStatement,
    Create,
    Debug,
    Description,
    Dest,
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
    RemoveAllPeers,
    RemoveFamily,
    RemoveGroup,
    RemoveInet,
    RemoveInet6,
    RemovePeer,
    Up,
    WgAip,
    WgDescr,
    WgEndpoint,
    WgKey,
    WgPeer,
    WgPka,
    WgPort,
    WgPsk,
    WgRtable,
    WireGuardStatement,
)


@dataclass(slots=True)
class CommandWords:
    """What one command says."""

    at_once: list[InterfaceStatement] = field(default_factory=list)
    together: list[WireGuardStatement] = field(default_factory=list)
    at_last: list[AddressStatement] = field(default_factory=list)

    @classmethod
    def of(cls, statements: Sequence[AnyStatement]) -> Self:
        """Part the statements of a command."""
        words = cls()
        for statement in statements:
            match statement:
                case WgPeer() | WgAip() | WgEndpoint() | WgPka() | WgPsk() | WgDescr():
                    words.together.append(statement)
                case WgKey() | WgPort() | WgRtable() | RemovePeer() | RemoveAllPeers():
                    words.together.append(statement)
                case Inet() | Inet6() | RemoveInet() | RemoveInet6() | Dest():
                    words.at_last.append(statement)
                case Up() | Down() | Debug() | Mtu() | Description() | Create() | Destroy():
                    words.at_once.append(statement)
                case Rdomain() | Group() | RemoveGroup() | RemoveFamily() | Priority() | NoEffect():
                    words.at_once.append(statement)
                case _:
                    assert_never(statement)
        return words

    def after(self, place: int) -> Iterator[AnyStatement]:
        """Yield those that take effect after one that does so at once."""
        yield from self.at_once[place + 1 :]
        yield from self.together
        yield from self.at_last
