"""What is there: the running system as observed."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from typing import Final

from netstart_wg.model.address import Endpoint, IPInterface, IPNetwork
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.route import Route
from netstart_wg.model.rule import PolicyRule


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerState:
    """One peer of a running engine."""

    public_key: PublicKey
    preshared_key: PresharedKey | None = None
    endpoint: Endpoint | None = None
    last_handshake_ns: int = 0
    """Wall clock, nanoseconds since 1970; 0 if there never was one."""
    tx_bytes: int = 0
    rx_bytes: int = 0
    persistent_keepalive: int = 0
    """Seconds; 0 is off."""
    allowed_ips: tuple[IPNetwork, ...] = ()
    """In the order they were added."""
    description: str | None = None
    refused_offloads: tuple[str, ...] = ()
    """Names of kernel offloads that are in use, but not on the way to this peer at present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireGuardState:
    """A running engine."""

    kind: EngineKind = EngineKind.EMBEDDED
    implementation: str | None = None
    """Name and version of the engine, if it tells (ours does)."""
    private_key: PrivateKey | None = None
    listen_port: int = 0
    """0 until one was chosen."""
    fwmark: int = 0
    """SO_MARK of the UDP sockets; 0 is none."""
    wgrtable: int | None = 0
    """Number of the rdomain that the UDP sockets live in; 0 is the engine's own namespace.

    None: that rdomain was deleted, and they are in none.
    """
    groups: tuple[str, ...] = ()
    """Of the interface, in the order joined; without `wg`."""
    link_namespace: int | None = None
    """Inode of the network namespace that the interface is in, if the engine tells (ours does).

    0: the interface was renamed, and one of its former name is another's.
    """
    peers: tuple[PeerState, ...] = ()
    """In order of creation."""
    drops: tuple[tuple[str, int], ...] = ()
    """Packets dropped since the engine started, by reason, sorted; none that are zero."""
    send_errors: tuple[tuple[str, int], ...] = ()
    """Datagrams that could not be sent, by the name of errno(3), sorted; of them `drops` has
    those that carried packets."""
    offloads: tuple[str, ...] = ()
    """Names of the kernel offloads in use, sorted."""
    fingerprint: bytes | None = field(default=None, compare=False, repr=False)
    """Digest of all of this that lasts until somebody changes it, as the engine told it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceState:
    """A network interface, and the engine behind it."""

    name: str
    index: int
    flags: int
    """IFF_* of netdevice(7)."""
    mtu: int
    rdomain: int = 0
    """Number of the rdomain it lives in; 0 is where netstart-wg runs."""
    addresses: tuple[IPInterface, ...] = ()
    """As the kernel lists them, without the link-local address that the kernel made itself."""
    kernel_addresses: tuple[IPInterface, ...] = ()
    """Link-local addresses that the kernel made itself."""
    broadcasts: tuple[tuple[IPv4Interface, IPv4Address], ...] = ()
    """Of those addresses that have one; a tunnel's have none unless somebody gave them one."""
    description: str | None = None
    """IFLA_IFALIAS."""
    routes: tuple[Route, ...] = ()
    """Those of our protocol number, of whichever interface, in the rdomains looked at; of other
    tables than the main ones only the interface's own."""
    rules: tuple[PolicyRule, ...] = ()
    """Those of our protocol number that are this interface's, in the rdomains looked at."""
    wireguard: WireGuardState | None = None
    """None: no engine of ours answers (or the reader has no right to ask)."""

    @property
    def is_up(self) -> bool:
        """Whether the administrator has it up (IFF_UP)."""
        return bool(self.flags & 1)

    @property
    def is_debug(self) -> bool:
        """Whether its engine shall say what it does (IFF_DEBUG)."""
        return bool(self.flags & 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftBehind:
    """What an interface that is gone has left in the system."""

    routes: tuple[Route, ...] = ()
    rules: tuple[PolicyRule, ...] = ()


NOTHING_LEFT: Final = LeftBehind()


@dataclass(frozen=True, slots=True)
class RunningState:
    """The interfaces that were asked about and exist, by name."""

    interfaces: dict[str, InterfaceState] = field(default_factory=dict)
