"""What the hostname files ask for."""

from __future__ import annotations

from dataclasses import dataclass, field

from netstart_wg.model.address import Endpoint, EndpointName, IPInterface, IPNetwork
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.hidden import hide_secrets
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.route import Route
from netstart_wg.model.rule import PolicyRule

IPV6_MINIMUM_MTU = 1280
"""Bytes; RFC 8200 §5.  Below it Linux takes all IPv6 addresses from an interface."""

DEFAULT_MTU = 1420
"""wg(4): what an interface has when nobody asked for another, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerConfig:
    """One `wgpeer` and what was said of it."""

    public_key: PublicKey
    preshared_key: PresharedKey | None = None
    endpoint: Endpoint | EndpointName | None = None
    persistent_keepalive: int = 0
    """Seconds between keepalives; 0 is off."""
    allowed_ips: tuple[IPNetwork, ...] = ()
    """Host bits masked, no duplicates, in the order written."""
    description: str | None = None
    """`wgdescr`; never empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireGuardConfig:
    """What concerns the engine."""

    engine: EngineKind | None = None
    """Which one, as netstart-wg.toml has it; None: the one that it has, or our own."""
    private_key: PrivateKey | None = None
    listen_port: int | None = None
    """None: keep what was chosen, or choose."""
    fwmark: int | None = None
    """What the UDP sockets' packets are marked with, which no file says; None: leave it alone,
    but for one that policy routing of ours had and needs no more."""
    wgrtable: int | None = 0
    """Number of the rdomain that the UDP sockets live in; 0 is where netstart-wg runs.

    None, which no file says: leave them where they are.
    """
    peers: tuple[PeerConfig, ...] = ()
    """In order of first mention; no public key twice."""


@dataclass(frozen=True, slots=True)
class Command:
    """A `!` line with `$if` already replaced: text for sh(1)."""

    text: str = field(repr=False)
    rdomain: int = 0
    """`route -T N exec`: the rdomain it runs in."""
    before: InterfaceConfig | None = field(default=None, compare=False, repr=False)
    """What the lines before it make of the interface, for one that is being created.

    None: everything declared precedes it.
    """

    @property
    def line(self) -> str:
        """Return the line behind the `!`: in another rdomain, with the words that lead there."""
        return f"route -T {self.rdomain} exec {self.text}" if self.rdomain else self.text

    @property
    def shown(self) -> str:
        """Return the line as people may see it: what looks like a key or a password is hidden."""
        return hide_secrets(self.line)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceConfig:
    """One hostname file, folded onto a freshly created interface."""

    name: str
    exists: bool = True
    """False after `destroy`: there shall be no such interface, and the rest means nothing."""
    rdomain: int = 0
    """Number of the rdomain that the interface lives in; 0 is where netstart-wg runs."""
    wireguard: WireGuardConfig = WireGuardConfig()
    addresses: tuple[IPInterface, ...] = ()
    """In the order they take effect; no duplicates."""
    mtu: int | None = None
    """Bytes, of inner packets; None: what is worked out from the way to the endpoints, and until
    then what there is."""
    is_up: bool = False
    is_debug: bool = False
    """`debug`: the engine says what it does (IFF_DEBUG)."""
    description: str | None = None
    """`description`; never empty."""
    groups: tuple[str, ...] = ()
    """`group`, in the order joined; without `wg`, which every interface is in."""
    routes: tuple[Route, ...] = ()
    """`!route`, in file order, then those from allowed IPs; no key twice."""
    rules: tuple[PolicyRule, ...] = ()
    """Policy routing that those need which are in a table of their own, in order of addition."""
    commands: tuple[Command, ...] = ()
    """In file order."""


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Everything the hostname files of one run ask for."""

    interfaces: tuple[InterfaceConfig, ...] = ()
