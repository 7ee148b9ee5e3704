"""What one route(8) command of a hostname file says.

As in `statements`: two are equal if they say the same, wherever they stand.
Values have been checked, each on its own; what they mean on an interface, with
its addresses, `fold_routes` finds out.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from netstart_wg.model.address import IPAddress, IPNetwork
from netstart_wg.model.route import RouteKind
from netstart_wg.model.source import Span
from netstart_wg.syntax.messages import MessageTable
from netstart_wg.syntax.words import Word


class RouteAction(enum.Enum):
    """What shall be done."""

    ADD = "add"
    CHANGE = "change"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Remark:
    """A warning about a word."""

    message: MessageTable
    span: Span
    values: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WrittenGateway:
    """The gateway as a command writes it."""

    address: IPAddress | None
    """Without a scope; None: an interface is all that is said."""
    is_direct: bool = False
    """-iface: the address is the interface's own, and the destination on its link."""
    word: Word = field(kw_only=True, compare=False)
    span: Span = field(kw_only=True, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteStatement:
    """`route add`, `route change`, `route delete`."""

    span: Span = field(compare=False)
    """Of the destination."""
    action: RouteAction
    rdomain: int = 0
    """-T, 0 to 255."""
    destination: IPNetwork
    kind: RouteKind = RouteKind.UNICAST
    gateway: WrittenGateway | None = None
    interface: str | None = None
    """That of -link, -ifp or a scope; may have `$if` in it."""
    priority: int | None = None
    """1 to 63; None: not said."""
    mtu: int | None = None
    """Bytes."""
    is_multipath: bool = False
    """-mpath: stands beside the routes there are."""
    remarks: tuple[Remark, ...] = field(default=(), compare=False)
    differences: tuple[Remark, ...] = field(default=(), compare=False)
    """What OpenBSD would read differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteExec:
    """`route -T N exec COMMAND`."""

    span: Span = field(compare=False)
    """Of `exec`."""
    rdomain: int = 0
    text: str = field(repr=False)
    """The words of the command, for sh(1); `$if` not yet replaced."""
    start: int = field(compare=False)
    """Where the command begins in its logical line, redirections included from there on."""
