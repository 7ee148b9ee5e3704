"""The statements of a hostname file, typed, in order, with the places they stand at.

A line is one ifconfig(8) command, a shell command, a comment or blank; all are
kept, so that the file can be printed back.  Two statements are equal if they
say the same, wherever they stand.  Values have been checked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Literal

from netstart_wg.model.address import Endpoint, EndpointName, IPAddress, IPNetwork
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.source import Diagnostic, Span
from netstart_wg.syntax.route_statement import RouteExec, RouteStatement
from netstart_wg.syntax.source import SourceText


@dataclass(frozen=True, slots=True)
class Statement:
    """A keyword with its arguments."""

    span: Span = field(compare=False)
    """From the keyword to the end of its arguments, as far as they share a physical line."""


# ---- addresses ----


@dataclass(frozen=True, slots=True)
class Inet(Statement):
    """`inet ADDRESS`, with or without the word `inet`, and the other address words of its line."""

    address: IPv4Interface
    is_alias: bool = False
    """Adds; otherwise the address takes the place of the first one."""
    broadcast: IPv4Address | None = None
    """Also what came as a destination; None: not given, or NONE."""


@dataclass(frozen=True, slots=True)
class Inet6(Statement):
    """`inet6 ADDRESS`, and the other address words of its line; always adds."""

    address: IPv6Interface
    is_alias: bool = False


@dataclass(frozen=True, slots=True)
class RemoveInet(Statement):
    """`inet ADDRESS delete`, with or without the word `inet`."""

    address: IPv4Address | None
    """None: the first one."""


@dataclass(frozen=True, slots=True)
class RemoveInet6(Statement):
    """`inet6 ADDRESS delete`."""

    address: IPv6Address | None
    """None: the first one."""


@dataclass(frozen=True, slots=True)
class Dest(Statement):
    """`dest ADDRESS`, a line of its own, about the address in the line before; without effect."""

    address: IPAddress


# ---- the interface ----


@dataclass(frozen=True, slots=True)
class Create(Statement):
    """`create`; every command but `destroy` does this, too."""


@dataclass(frozen=True, slots=True)
class Destroy(Statement):
    """`destroy`; of its own command nothing else is left."""


@dataclass(frozen=True, slots=True)
class Rdomain(Statement):
    """`rdomain N`, `-rdomain`."""

    rdomain: int
    """0 to 255; 0 is where netstart-wg runs."""


@dataclass(frozen=True, slots=True)
class Group(Statement):
    """`group NAME`."""

    name: str
    """At most 15 bytes, no digit at the end, no comma, no blank."""


@dataclass(frozen=True, slots=True)
class RemoveGroup(Statement):
    """`-group NAME`."""

    name: str


@dataclass(frozen=True, slots=True)
class Debug(Statement):
    """`debug`, `-debug`."""

    is_on: bool


@dataclass(frozen=True, slots=True)
class Priority(Statement):
    """`priority N`."""

    priority: int
    """0 to 15."""


@dataclass(frozen=True, slots=True)
class NoEffect(Statement):
    """`llprio N`, `metric N`, `rtlabel LABEL`, `-rtlabel`: Linux has nothing of the kind."""

    keyword: str


@dataclass(frozen=True, slots=True)
class RemoveFamily(Statement):
    """`-inet`, `-inet6`: all addresses of a family."""

    version: Literal[4, 6]


@dataclass(frozen=True, slots=True)
class WgKey(Statement):
    """`wgkey KEY`; all zeros: none."""

    key: PrivateKey


@dataclass(frozen=True, slots=True)
class WgPort(Statement):
    """`wgport PORT`; 0: any."""

    port: int


@dataclass(frozen=True, slots=True)
class WgRtable(Statement):
    """`wgrtable N`."""

    rdomain: int
    """0 to 255; 0 is where netstart-wg runs."""


@dataclass(frozen=True, slots=True)
class RemoveAllPeers(Statement):
    """`-wgpeerall`; takes effect before all other words of its line."""


@dataclass(frozen=True, slots=True)
class Mtu(Statement):
    """`mtu BYTES`."""

    mtu: int


@dataclass(frozen=True, slots=True)
class Up(Statement):
    """`up`."""


@dataclass(frozen=True, slots=True)
class Down(Statement):
    """`down`."""


@dataclass(frozen=True, slots=True)
class Description(Statement):
    """`description TEXT`, `-description`."""

    text: str | None
    """Not empty, at most 63 bytes; None: none."""


# ---- peers ----


@dataclass(frozen=True, slots=True)
class WgPeer(Statement):
    """`wgpeer KEY`; the peer words after it are about this one."""

    key: PublicKey


@dataclass(frozen=True, slots=True)
class RemovePeer(Statement):
    """`-wgpeer KEY`; the peer words after it are about nobody."""

    key: PublicKey


@dataclass(frozen=True, slots=True)
class WgPsk(Statement):
    """`wgpsk KEY`, `-wgpsk`; None or all zeros: none."""

    key: PresharedKey | None


@dataclass(frozen=True, slots=True)
class WgEndpoint(Statement):
    """`wgendpoint HOST PORT`."""

    endpoint: Endpoint | EndpointName


@dataclass(frozen=True, slots=True)
class WgAip(Statement):
    """`wgaip ADDRESS[/LENGTH]`, bits beyond the prefix cleared."""

    network: IPNetwork


@dataclass(frozen=True, slots=True)
class WgPka(Statement):
    """`wgpka SECONDS`; 0: off."""

    seconds: int


@dataclass(frozen=True, slots=True)
class WgDescr(Statement):
    """`wgdescr TEXT`, `-wgdescr`."""

    text: str | None
    """Not empty, at most 63 bytes; None: none."""


AddressStatement = Inet | Inet6 | RemoveInet | RemoveInet6 | Dest
"""Take effect after all others of their command."""
InterfaceStatement = (
    Create
    | Destroy
    | Up
    | Down
    | Mtu
    | Rdomain
    | Group
    | RemoveGroup
    | Debug
    | Description
    | Priority
    | NoEffect
    | RemoveFamily
)
"""Take effect at once, one after the other."""
PeerStatement = WgPsk | WgEndpoint | WgAip | WgPka | WgDescr
WireGuardStatement = (
    WgKey | WgPort | WgRtable | RemoveAllPeers | WgPeer | RemovePeer | PeerStatement
)
"""Take effect all together."""
AnyStatement = AddressStatement | InterfaceStatement | WireGuardStatement


# ---- lines ----


@dataclass(frozen=True, slots=True)
class Blank:
    """Nothing."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A line that is a comment."""

    text: str = field(repr=False)
    """From the `#`; may hold a key that was commented out."""


@dataclass(frozen=True, slots=True)
class Ifconfig:
    """One ifconfig(8) command."""

    statements: tuple[AnyStatement, ...]
    """At least one."""
    comment: str | None = field(default=None, repr=False)
    """From the `#`."""


Step = Ifconfig | RouteStatement | RouteExec
"""What a command of a `!` line may be understood as."""


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """A `!` line."""

    text: str = field(repr=False)
    """Without the `!`, blanks around it and runs of blanks within; `$if` not yet replaced."""
    steps: tuple[Step, ...] = ()
    """What it was understood as; empty: it is for a shell."""
    span: Span | None = field(default=None, compare=False)
    """From the `!`; None if nobody has read it from a file."""


Line = Blank | Comment | ShellCommand | Ifconfig


@dataclass(frozen=True, slots=True, kw_only=True)
class HostnameFile:
    """A hostname file without errors."""

    source: SourceText = field(compare=False, repr=False)
    lines: tuple[Line, ...]
    warnings: tuple[Diagnostic, ...] = field(default=(), compare=False)
    """About single values; what they mean together, `lower` looks at."""
