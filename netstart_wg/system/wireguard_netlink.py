"""The kernel's WireGuard over generic netlink (linux/wireguard.h): values ↔ attributes.

A change goes in as few messages as there is room in, since an attribute is at most
64 KiB long, whatever it holds; a peer whose allowed IPs do not fit into one goes on
in the next.  What the kernel refuses is an OSError.

Before Linux 6.16 nothing takes a single allowed IP from a peer.  To replace the list
would take away the others, too, for a moment.  So an allowed IP that is to go is
moved to a peer that nobody is, and that peer is removed: no packet for another
destination notices.
"""

from __future__ import annotations

import errno
import hashlib
import os
import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from socket import AF_INET, AF_INET6
from typing import Final

from netstart_wg.model.address import Endpoint, IPNetwork
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange
from netstart_wg.model.keys import KEY_LENGTH, PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.state import PeerState
from netstart_wg.system.netlink_socket import (
    ATTRIBUTE_LIMIT,
    NETLINK_GENERIC,
    NetlinkSocket,
    attribute,
    attributes,
    nest,
)

_CONTROLLER, _GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 16, 3, 1, 2
_GET_DEVICE, _SET_DEVICE = 0, 1
_IFNAME, _PRIVATE_KEY, _FLAGS, _LISTEN_PORT, _FWMARK, _PEERS = 2, 3, 5, 6, 7, 8
_REPLACE_PEERS = 0x1
_PEER_KEY, _PEER_PSK, _PEER_FLAGS, _PEER_ENDPOINT, _PEER_KEEPALIVE = 1, 2, 3, 4, 5
_PEER_HANDSHAKE, _PEER_RX, _PEER_TX, _PEER_ALLOWED_IPS = 6, 7, 8, 9
_REMOVE_PEER, _REPLACE_ALLOWED_IPS, _UPDATE_ONLY = 0x1, 0x2, 0x4
_IP_FAMILY, _IP_ADDRESS, _IP_LENGTH = 1, 2, 3
"""linux/genetlink.h, linux/wireguard.h."""

_VOLATILE: Final = frozenset({_PEER_HANDSHAKE, _PEER_RX, _PEER_TX})
_ROOM: Final = ATTRIBUTE_LIMIT - 1024
"""For peers in one message; what has to stand beside them is shorter than the rest."""

_U16, _U32, _U64 = struct.Struct("=H"), struct.Struct("=I"), struct.Struct("=Q")
_GENERIC = struct.Struct("=BBxx")
_TIME = struct.Struct("=qq")
_SOCKADDR_IN = struct.Struct("!H4s8x")
_SOCKADDR_IN6 = struct.Struct("!HI16s")
_ALLOWED_IP4 = struct.Struct("=HH HH H2x HH 4s HH B3x")
_ALLOWED_IP6 = struct.Struct("=HH HH H2x HH 16s HH B3x")
_NESTED = 0x8000
_IPV4_OCTETS: Final = 4
_NANOSECONDS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelDevice:
    """What the kernel tells of an interface."""

    private_key: PrivateKey | None
    listen_port: int
    fwmark: int
    peers: tuple[PeerState, ...]
    """Without descriptions, which the kernel has no place for."""
    digest: bytes
    """Of all that lasts until somebody changes it."""


class WireGuardNetlink:
    """The interfaces of one rdomain; one socket, for one thread."""

    def __init__(self, rdomain: int = 0) -> None:
        """Take an rdomain that exists."""
        self._socket = NetlinkSocket(NETLINK_GENERIC, rdomain)
        self._known_family: int | None = None

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def is_supported(self) -> bool:
        """Say whether the kernel has WireGuard; it loads the module if it has one."""
        try:
            return bool(self._family())
        except OSError as error:
            if error.errno == errno.ENOENT:
                return False
            raise

    def read(self, interface: str, *, with_peers: bool = True) -> KernelDevice:
        """Return what there is; raise OSError, ENODEV without such an interface."""
        content = _GENERIC.pack(_GET_DEVICE, 1) + _name(interface)
        answers = self._socket.dump(self._family(), content)
        return _decode(answers, with_peers=with_peers)

    def write(
        self, interface: str, change: DeviceChange, orphans: Collection[IPNetwork] = ()
    ) -> None:
        """Make a change, message by message; raise OSError, and leave what is made until then.

        `orphans` are the allowed IPs that nobody shall have in the end: what the change
        says of that itself is passed over.  So are rdomain, groups and descriptions.
        """
        head = _GENERIC.pack(_SET_DEVICE, 1) + _name(interface)
        for attributes_of_device in _messages(change, orphans):
            self._socket.request(self._family(), 0, head + attributes_of_device)

    def _family(self) -> int:
        if self._known_family is None:
            content = _GENERIC.pack(_GET_FAMILY, 1) + attribute(_FAMILY_NAME, b"wireguard\0")
            for answer in self._socket.request(_CONTROLLER, 0, content):
                found = dict(attributes(answer[_GENERIC.size :]))
                self._known_family = _U16.unpack(found[_FAMILY_ID])[0]
        if self._known_family is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        return self._known_family


# -- from values to attributes ---------------------------------------------------------------


def _messages(change: DeviceChange, orphans: Collection[IPNetwork]) -> Iterator[bytes]:
    """Yield the attributes of one message after the other."""
    head = b"".join(_interface(change))
    peers: list[bytes] = []
    length = 0
    for peer in _peers(change, orphans):
        if length + len(peer) > _ROOM:
            yield head + nest(_PEERS, *peers)
            head, peers, length = b"", [], 0
        peers.append(peer)
        length += len(peer)
    if peers:
        yield head + nest(_PEERS, *peers)
    elif head:
        yield head


def _interface(change: DeviceChange) -> Iterator[bytes]:
    if change.replace_peers:
        yield attribute(_FLAGS, _U32.pack(_REPLACE_PEERS))
    if change.private_key is not UNCHANGED:
        key = bytes(KEY_LENGTH) if change.private_key is None else change.private_key.in_place()
        yield attribute(_PRIVATE_KEY, bytes(key))
    if change.listen_port is not UNCHANGED:
        yield attribute(_LISTEN_PORT, _U16.pack(change.listen_port))
    if change.fwmark is not UNCHANGED:
        yield attribute(_FWMARK, _U32.pack(change.fwmark))


def _peers(change: DeviceChange, orphans: Collection[IPNetwork]) -> Iterator[bytes]:
    for peer in change.peers:
        yield from _peer(peer)
    if orphans:
        nobody = PublicKey(os.urandom(KEY_LENGTH))
        yield from _peer(PeerChange(public_key=nobody, add_allowed_ips=tuple(orphans)))
        yield from _peer(PeerChange(public_key=nobody, remove=True))


def _peer(change: PeerChange) -> Iterator[bytes]:
    """Yield a peer, in several pieces if its allowed IPs are many."""
    key = attribute(_PEER_KEY, change.public_key.to_bytes())
    if change.remove:
        yield nest(0, key, attribute(_PEER_FLAGS, _U32.pack(_REMOVE_PEER)))
        return
    flags = _UPDATE_ONLY if change.update_only else 0
    if change.replace_allowed_ips:
        flags |= _REPLACE_ALLOWED_IPS
    head = [key, attribute(_PEER_FLAGS, _U32.pack(flags))]
    if change.preshared_key is not UNCHANGED:
        secret = change.preshared_key
        octets = bytes(KEY_LENGTH) if secret is None else secret.to_bytes()
        head.append(attribute(_PEER_PSK, octets))
    if change.endpoint is not UNCHANGED:
        head.append(attribute(_PEER_ENDPOINT, _socket_address(change.endpoint)))
    if change.persistent_keepalive is not UNCHANGED:
        head.append(attribute(_PEER_KEEPALIVE, _U16.pack(change.persistent_keepalive)))
    for networks in _pieces(change.add_allowed_ips):
        members = [nest(_PEER_ALLOWED_IPS, *map(_allowed_ip, networks))] if networks else []
        yield nest(0, *head, *members)
        head = [key, attribute(_PEER_FLAGS, _U32.pack(_UPDATE_ONLY))]


def _pieces(networks: tuple[IPNetwork, ...]) -> Iterable[tuple[IPNetwork, ...]]:
    """Return them in pieces of which each fits into a message; one, if there are none."""
    at_once = (_ROOM - 256) // _ALLOWED_IP6.size
    return [networks[start : start + at_once] for start in range(0, max(1, len(networks)), at_once)]


def _allowed_ip(network: IPNetwork) -> bytes:
    """Return an allowed IP in one go: of all there is, there are most of these."""
    is_ipv4 = isinstance(network, IPv4Network)
    layout = _ALLOWED_IP4 if is_ipv4 else _ALLOWED_IP6
    packed = network.network_address.packed
    return layout.pack(
        *(layout.size, _NESTED),
        *(6, _IP_FAMILY, AF_INET if is_ipv4 else AF_INET6),
        *(4 + len(packed), _IP_ADDRESS, packed),
        *(5, _IP_LENGTH, network.prefixlen),
    )


def _socket_address(endpoint: Endpoint) -> bytes:
    address = endpoint.address
    if isinstance(address, IPv4Address):
        return _U16.pack(AF_INET) + _SOCKADDR_IN.pack(endpoint.port, address.packed)
    rest = _SOCKADDR_IN6.pack(endpoint.port, 0, address.packed)
    return _U16.pack(AF_INET6) + rest + _U32.pack(endpoint.scope_id)


# -- from attributes to values ---------------------------------------------------------------


def _decode(answers: Iterable[memoryview], *, with_peers: bool) -> KernelDevice:
    interface: dict[int, memoryview] = {}
    peers: dict[bytes, _PeerReading] = {}
    digest = hashlib.sha256()
    last = b""
    for answer in answers:
        for kind, payload in attributes(answer[_GENERIC.size :]):
            if kind != _PEERS:
                interface.setdefault(kind, payload)
                continue
            for _, peer in attributes(payload):
                last = _take_digest(peer, last, digest.update)
                if with_peers:
                    _take_peer(peer, peers)
    for kind in (_PRIVATE_KEY, _LISTEN_PORT, _FWMARK):
        digest.update(bytes(interface.get(kind, b"")) + b"\0")
    key = interface.get(_PRIVATE_KEY)
    return KernelDevice(
        private_key=PrivateKey(bytes(key)) if key is not None and any(key) else None,
        listen_port=_U16.unpack(interface[_LISTEN_PORT])[0] if _LISTEN_PORT in interface else 0,
        fwmark=_U32.unpack(interface[_FWMARK])[0] if _FWMARK in interface else 0,
        peers=tuple(reading.state() for reading in peers.values()),
        digest=digest.digest(),
    )


def _take_digest(peer: memoryview, last: bytes, update: Callable[[bytes], object]) -> bytes:
    """Take what lasts of a peer; of its endpoint only that it has one.  Return its key.

    Where the kernel begins a new message in the middle of a peer makes no difference.
    """
    for kind, payload in attributes(peer):
        if kind in _VOLATILE:
            continue
        if kind == _PEER_KEY:
            key = bytes(payload)
            if key == last:
                continue
            last = key
            update(b"peer")
        update(b"endpoint" if kind == _PEER_ENDPOINT else bytes(payload))
    return last


@dataclass(slots=True)
class _PeerReading:
    """What was read of one peer so far."""

    found: dict[int, memoryview]
    allowed_ips: list[IPNetwork]

    def state(self) -> PeerState:
        found = self.found
        secret = found.get(_PEER_PSK)
        seconds, nanoseconds = _TIME.unpack(found.get(_PEER_HANDSHAKE, bytes(_TIME.size)))
        return PeerState(
            public_key=PublicKey(bytes(found[_PEER_KEY])),
            preshared_key=PresharedKey(bytes(secret))
            if secret is not None and any(secret)
            else None,
            endpoint=_endpoint(found[_PEER_ENDPOINT]) if _PEER_ENDPOINT in found else None,
            last_handshake_ns=seconds * _NANOSECONDS + nanoseconds,
            tx_bytes=_U64.unpack(found.get(_PEER_TX, bytes(8)))[0],
            rx_bytes=_U64.unpack(found.get(_PEER_RX, bytes(8)))[0],
            persistent_keepalive=_U16.unpack(found.get(_PEER_KEEPALIVE, bytes(2)))[0],
            allowed_ips=tuple(self.allowed_ips),
        )


def _take_peer(peer: memoryview, peers: dict[bytes, _PeerReading]) -> None:
    """Take a peer, or some more of its allowed IPs."""
    found = dict(attributes(peer))
    reading = peers.setdefault(bytes(found[_PEER_KEY]), _PeerReading(found, []))
    for _, octets in attributes(found.get(_PEER_ALLOWED_IPS, memoryview(b""))):
        reading.allowed_ips.append(_network(dict(attributes(octets))))


def _network(found: dict[int, memoryview]) -> IPNetwork:
    address, length = bytes(found[_IP_ADDRESS]), found[_IP_LENGTH][0]
    if len(address) == _IPV4_OCTETS:
        return IPv4Network((address, length))
    return IPv6Network((address, length))


def _endpoint(octets: memoryview) -> Endpoint | None:
    family = _U16.unpack_from(octets)[0]
    if family == AF_INET:
        port, address = _SOCKADDR_IN.unpack_from(octets, 2)
        return Endpoint(IPv4Address(address), port)
    if family == AF_INET6:
        port, _, address = _SOCKADDR_IN6.unpack_from(octets, 2)
        return Endpoint(IPv6Address(address), port, _U32.unpack_from(octets, 24)[0])
    return None


def _name(interface: str) -> bytes:
    return attribute(_IFNAME, interface.encode() + b"\0")
