"""What an interface is and does, in the layout of OpenBSD's ifconfig(8).

Only what Linux has is shown: no priority, no llprio, and the flags are Linux's
(netdevice(7)).  A private or preshared key is never shown, and nothing that
somebody else chose (a description) can send control characters to a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface

from netstart_wg.model.address import Endpoint, IPInterface, IPNetwork
from netstart_wg.model.keys import PublicKey
from netstart_wg.model.now import NANOSECONDS_PER_SECOND
from netstart_wg.model.state import InterfaceState, PeerState
from netstart_wg.render.environment import environment

FLAG_NAMES = (
    "UP",
    "BROADCAST",
    "DEBUG",
    "LOOPBACK",
    "POINTOPOINT",
    "NOTRAILERS",
    "RUNNING",
    "NOARP",
    "PROMISC",
    "ALLMULTI",
    "MASTER",
    "SLAVE",
    "MULTICAST",
    "PORTSEL",
    "AUTOMEDIA",
    "DYNAMIC",
)
"""netdevice(7), from bit 0 to bit 15; the bits above are Linux's own business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceStatus:
    """An interface to be shown, and what its state does not say by itself."""

    state: InterfaceState
    public_key: PublicKey | None = None
    """Of the engine's private key; None if it has none, or the reader may not know."""
    is_wireguard: bool = True
    """Whether a WireGuard engine stands behind it, even one that does not talk to the reader."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups it is in: `wg` by its nature, and before those it was put in."""
        engine = self.state.wireguard
        return (("wg",) if self.is_wireguard else ()) + (engine.groups if engine else ())


def render_status(status: InterfaceStatus, realtime_ns: int) -> str:
    """Return the lines of `ifconfig wg0`, each with its newline.

    `realtime_ns` is the wall clock, from which the age of a handshake is counted.
    """
    template = environment().get_template("ifconfig.j2")
    return template.render(status=_view(status, realtime_ns))


def flag_names(flags: int) -> tuple[str, ...]:
    """Name the interface flags of netdevice(7) that are set, lowest bit first."""
    return tuple(name for bit, name in enumerate(FLAG_NAMES) if flags >> bit & 1)


def handshake_age_seconds(peer: PeerState, realtime_ns: int) -> int | None:
    """Return how long ago the last handshake was, in whole seconds; None if there was none."""
    if not peer.last_handshake_ns:
        return None
    return max(0, realtime_ns - peer.last_handshake_ns) // NANOSECONDS_PER_SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class _PeerView:
    """One `wgpeer` block; None and 0 are left out."""

    public_key: PublicKey
    description: str | None
    has_preshared_key: bool
    persistent_keepalive: int
    endpoint: str | None
    tx_bytes: int
    rx_bytes: int
    handshake_age: int | None
    allowed_ips: tuple[IPNetwork, ...]
    """Oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _InterfaceView:
    """What the template prints; None and 0 are left out."""

    name: str
    flags: str
    flag_names: tuple[str, ...]
    rdomain: int
    mtu: int
    description: str | None
    index: int
    listen_port: int
    wgrtable: int | None
    public_key: PublicKey | None
    peers: tuple[_PeerView, ...]
    groups: tuple[str, ...]
    addresses: tuple[str, ...]


def _view(status: InterfaceStatus, realtime_ns: int) -> _InterfaceView:
    state, engine = status.state, status.state.wireguard
    return _InterfaceView(
        name=state.name,
        flags=f"{state.flags & 0xFFFF:x}",
        flag_names=flag_names(state.flags),
        rdomain=state.rdomain,
        mtu=state.mtu,
        description=_printable(state.description),
        index=state.index,
        listen_port=engine.listen_port if engine else 0,
        wgrtable=engine.wgrtable if engine else 0,
        public_key=status.public_key,
        peers=tuple(_peer_view(peer, realtime_ns) for peer in engine.peers) if engine else (),
        groups=status.groups,
        addresses=tuple(_address_lines(state)),
    )


def _peer_view(peer: PeerState, realtime_ns: int) -> _PeerView:
    return _PeerView(
        public_key=peer.public_key,
        description=_printable(peer.description),
        has_preshared_key=peer.preshared_key is not None,
        persistent_keepalive=peer.persistent_keepalive,
        endpoint=_endpoint_words(peer.endpoint) if peer.endpoint else None,
        tx_bytes=peer.tx_bytes,
        rx_bytes=peer.rx_bytes,
        handshake_age=handshake_age_seconds(peer, realtime_ns),
        allowed_ips=peer.allowed_ips,
    )


def _endpoint_words(endpoint: Endpoint) -> str:
    """Return host and port as two words, IPv6 without brackets."""
    scope = f"%{endpoint.scope_id}" if endpoint.scope_id else ""
    return f"{endpoint.address}{scope} {endpoint.port}"


def _address_lines(state: InterfaceState) -> list[str]:
    """Return the inet lines, then the inet6 lines, the kernel's own address first."""
    broadcasts = dict(state.broadcasts)
    every: tuple[IPInterface, ...] = state.kernel_addresses + state.addresses
    lines = [_inet_line(a, broadcasts.get(a)) for a in every if isinstance(a, IPv4Interface)]
    return lines + [_inet6_line(a, state) for a in every if isinstance(a, IPv6Interface)]


def _inet_line(address: IPv4Interface, broadcast: IPv4Address | None) -> str:
    line = f"inet {address.ip} netmask {int(address.netmask):#x}"
    return f"{line} broadcast {broadcast}" if broadcast else line


def _inet6_line(address: IPv6Interface, state: InterfaceState) -> str:
    prefix_length = address.network.prefixlen
    if address.ip.is_link_local:
        return f"inet6 {address.ip}%{state.name} prefixlen {prefix_length} scopeid {state.index:#x}"
    return f"inet6 {address.ip} prefixlen {prefix_length}"


def _printable(text: str | None) -> str | None:
    if text is None:
        return None
    return "".join(character if character.isprintable() else "?" for character in text)
