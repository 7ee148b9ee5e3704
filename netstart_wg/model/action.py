"""The steps of a plan.  Each is a value that can describe itself; none can do anything.

A description is written in the language of the hostname file: `+` and a line
that will hold, `-` and a line that will no longer hold.  Secrets are never in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from netstart_wg.model.address import Endpoint, IPInterface
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange
from netstart_wg.model.config import Command
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.record import RanCommand
from netstart_wg.model.route import DEFAULT_PRIORITY, Route, RouteKind
from netstart_wg.model.rule import MARK_MASK, PolicyRule


@dataclass(frozen=True, slots=True)
class CreateInterface:
    """Start the engine, which makes the interface."""

    interface: str
    engine: EngineKind = EngineKind.EMBEDDED

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        of_whom = "" if self.engine is EngineKind.EMBEDDED else f" ({self.engine.value} engine)"
        yield f"+ create{of_whom}"


@dataclass(frozen=True, slots=True)
class RemoveStranger:
    """Delete an interface that is somebody else's, and whatever engine is behind it."""

    interface: str

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield "- the interface of that name which is not ours"


@dataclass(frozen=True, slots=True)
class DestroyInterface:
    """End the engine, with which the interface goes."""

    interface: str

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield "+ destroy"


@dataclass(frozen=True, slots=True)
class SetRdomain:
    """Move the interface to another rdomain; it loses its addresses and routes and is down then."""

    interface: str
    before: int
    after: int

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        if self.before:
            yield f"- rdomain {self.before}"
        if self.after:
            yield f"+ rdomain {self.after}"


@dataclass(frozen=True, slots=True)
class ConfigureDevice:
    """Hand a change to the engine."""

    interface: str
    change: DeviceChange
    removed_names: tuple[tuple[str, str], ...] = ()
    """(public key in base64, description) of peers to be removed, for the reader."""

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        change = self.change
        if change.private_key is None:
            yield "- wgkey (hidden)"
        elif change.private_key is not UNCHANGED:
            yield "+ wgkey (hidden)"
        if change.listen_port is not UNCHANGED:
            yield f"+ wgport {change.listen_port}"
        if change.fwmark is not UNCHANGED:
            yield f"+ fwmark {change.fwmark}"
        if change.wgrtable is not UNCHANGED:
            yield f"+ wgrtable {change.wgrtable}"
        if change.groups is not UNCHANGED:
            yield f"+ group {' '.join(change.groups) or '(none)'}"
        if change.replace_peers:
            yield "- wgpeerall"
        names = dict(self.removed_names)
        for peer in change.peers:
            yield describe_peer_change(peer, names.get(peer.public_key.to_base64()))


@dataclass(frozen=True, slots=True)
class SetMtu:
    """Change the MTU, in bytes."""

    interface: str
    before: int
    after: int

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield f"- mtu {self.before}"
        yield f"+ mtu {self.after}"


@dataclass(frozen=True, slots=True)
class SetDescription:
    """Change the interface's description; None is none."""

    interface: str
    before: str | None
    after: str | None

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        if self.before is not None:
            yield f"- description {self.before}"
        if self.after is not None:
            yield f"+ description {self.after}"


@dataclass(frozen=True, slots=True)
class SetDebug:
    """Set or clear IFF_DEBUG."""

    interface: str
    is_on: bool

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield "+ debug" if self.is_on else "- debug"


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Add a route; where one of ours has its key, take that one's place."""

    interface: str
    route: Route

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield f"+ !{describe_route(self.route)}"


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    """Remove a route of ours."""

    interface: str
    route: Route

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield f"- !{describe_route(self.route)}"


@dataclass(frozen=True, slots=True)
class AddRule:
    """Add a rule of policy routing; one of ours that is there already is as good."""

    interface: str
    rule: PolicyRule

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield f"+ {describe_rule(self.rule)}"


@dataclass(frozen=True, slots=True)
class RemoveRule:
    """Remove a rule of ours."""

    interface: str
    rule: PolicyRule

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield f"- {describe_rule(self.rule)}"


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Give the interface an address."""

    interface: str
    address: IPInterface
    broadcast: IPv4Address | None = None
    """Of an IPv4 address; only one that somebody else had given one gets it back."""

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        broadcast = f" broadcast {self.broadcast}" if self.broadcast else ""
        yield f"+ {_family(self.address)} {self.address}{broadcast}"


@dataclass(frozen=True, slots=True)
class RemoveAddress:
    """Take an address from the interface."""

    interface: str
    address: IPInterface

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield f"- {_family(self.address)} {self.address}"


@dataclass(frozen=True, slots=True)
class BringUp:
    """Set IFF_UP."""

    interface: str

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield "+ up"


@dataclass(frozen=True, slots=True)
class BringDown:
    """Clear IFF_UP."""

    interface: str

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield "+ down"


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Run a `!` line with sh(1)."""

    interface: str
    command: Command

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield f"+ !{self.command.shown}"


@dataclass(frozen=True, slots=True)
class ForgetCommand:
    """Take a command that has left the file off the record; what it did stays done."""

    interface: str
    command: RanCommand

    def describe(self) -> Iterator[str]:
        """Yield the lines of the plan, without the interface's name."""
        yield f"- {self.command.name} (has run; cannot be undone)"


Action = (
    CreateInterface
    | RemoveStranger
    | DestroyInterface
    | SetRdomain
    | ConfigureDevice
    | SetMtu
    | SetDescription
    | SetDebug
    | AddAddress
    | RemoveAddress
    | BringUp
    | BringDown
    | AddRoute
    | RemoveRoute
    | AddRule
    | RemoveRule
    | RunCommand
    | ForgetCommand
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered steps that lead one interface from what runs to what is desired."""

    interface: str
    actions: tuple[Action, ...] = ()
    rdomain: int = 0
    """Where the interface is before the first step, or is created; SetRdomain moves it."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not self.actions

    def describe(self) -> Iterator[str]:
        """Yield one line for each difference, each starting with the interface's name."""
        for action in self.actions:
            for line in action.describe():
                yield f"{self.interface}: {line}"


def describe_peer_change(peer: PeerChange, name: str | None = None) -> str:
    """Return one line for a peer; `name` is what a peer to be removed was called."""
    words = [f"wgpeer {peer.public_key.to_base64()}"]
    if peer.remove:
        if name:
            words.append(f"wgdescr {name}")
        return "- " + " ".join(words)
    if peer.description is not UNCHANGED:
        words.append("-wgdescr" if peer.description is None else f"wgdescr {peer.description}")
    if peer.preshared_key is not UNCHANGED:
        words.append("-wgpsk" if peer.preshared_key is None else "wgpsk (hidden)")
    if isinstance(peer.endpoint, Endpoint):
        words.append(f"wgendpoint {peer.endpoint.address} {peer.endpoint.port}")
    if peer.persistent_keepalive is not UNCHANGED:
        words.append(f"wgpka {peer.persistent_keepalive}")
    words += [f"wgaip {network}" for network in peer.add_allowed_ips]
    words += [f"-wgaip {network}" for network in peer.remove_allowed_ips]
    return ("~ " if peer.update_only else "+ ") + " ".join(words)


def describe_route(route: Route) -> str:
    """Return the route(8) command that adds it."""
    key = route.key
    words = (
        ["route"] + ([f"-T {key.rdomain}"] if key.rdomain else []) + ["add", str(key.destination)]
    )
    if route.kind is not RouteKind.UNICAST:
        words.append(f"-{route.kind.value}")
    for hop in route.next_hops:
        words.append(str(hop.gateway) if hop.gateway is not None else f"-link {hop.interface}")
    if len(route.next_hops) > 1:
        words.append("-mpath")
    if key.priority != DEFAULT_PRIORITY:
        words.append(f"-priority {key.priority}")
    if route.mtu is not None:
        words.append(f"-mtu {route.mtu}")
    if key.table is not None:
        words.append(f"(table {key.table})")
    return " ".join(words)


def describe_rule(rule: PolicyRule) -> str:
    """Return the ip-rule(8) command that adds it, without the protocol number."""
    words = ["ip", *([f"-n rdomain{rule.rdomain}"] if rule.rdomain else []), f"-{rule.version}"]
    words += ["rule add", f"priority {rule.priority}"]
    words.append(f"not fwmark {rule.unless_mark:#x}/{MARK_MASK:#x}")
    words.append(f"lookup {'main' if rule.table is None else rule.table}")
    if rule.ignores_default:
        words.append("suppress_prefixlength 0")
    return " ".join(words)


def _family(address: IPInterface) -> str:
    return "inet" if isinstance(address, IPv4Interface) else "inet6"
