"""The cross-platform configuration protocol of WireGuard (UAPI): text ↔ values.

Pure: sockets and their framing into requests are other people's business.  Both
ends are here, the engine's and its client's, so that each reads what the other
writes.

A request or a reply is lines of `key=value`, closed by an empty line; which
keys there are, and in which order they answer, is fixed by
wireguard.com/xplatform and by what wg(8) reads.  Beside those travel keys of
our own, which wg(8) passes over: `implementation`, `offload`, `drop` in a
reply, `description` of a peer both ways.

Text that is no such thing raises UapiError and nothing else.  No message
contains the value of a key of any role.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, Literal, TypeVar

from netstart_wg.model.address import PORT_MAX, Endpoint, IPNetwork
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange, UnchangedType
from netstart_wg.model.keys import KEY_LENGTH, Key, PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.state import PeerState, WireGuardState

GET_REQUEST: Final = "get=1\n\n"
"""Asks for everything."""

KEEPALIVE_MAX: Final = 65535
"""Seconds."""

_NANOSECONDS: Final = 1_000_000_000
_U32_MAX: Final = (1 << 32) - 1
_U64_MAX: Final = (1 << 64) - 1
_ERRNO_MAX: Final = 4095
_ZERO_KEY: Final = "0" * (2 * KEY_LENGTH)
_SHOWN_MAX: Final = 80

_NAME = re.compile(r"[a-z_]{1,32}")
_DIGITS = re.compile(r"[0-9]{1,20}")
_PREFIX = re.compile(r"[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}")
_ENDPOINT_V4 = re.compile(r"([0-9.]{7,15}):([0-9]{1,5})")
_ENDPOINT_V6 = re.compile(r"\[([0-9A-Fa-f:.]{2,45})(?:%([^\s/%\]]{1,15}))?\]:([0-9]{1,5})")

IndexOfInterface = Callable[[str], int]
"""Finds the index behind an interface's name or raises OSError, as `socket.if_nametoindex` does."""

_AnyKey = TypeVar("_AnyKey", bound=Key)


class UapiError(Exception):
    """Text that is not the protocol, or a reply that reports a failure."""

    def __init__(self, errno: int, message: str) -> None:
        """Take a positive number of errno(3), and what is wrong, without secrets."""
        self.errno = errno
        super().__init__(message)


# -- requests ------------------------------------------------------------------------------------


def decode_set(
    lines: Iterable[str], index_of_interface: IndexOfInterface | None = None
) -> DeviceChange:
    """Read the lines between `set=1` and the closing empty line, each without its newline.

    The scope of an endpoint is a number; wg(8) up to this day writes the name of
    an interface, which is understood if there is a way to look that up.

    Raise UapiError: EPROTO for a line without `=`, EINVAL for anything else.
    """
    device = _DeviceDraft()
    peers: list[_PeerDraft] = []
    for line in lines:
        key, value = _split(line)
        if key == "public_key":
            peers.append(_PeerDraft(_key(PublicKey, key, value), index_of_interface))
        elif peers:
            peers[-1].take(key, value)
        else:
            device.take(key, value)
    return DeviceChange(
        private_key=device.private_key,
        listen_port=device.listen_port,
        fwmark=device.fwmark,
        replace_peers=device.replace_peers,
        peers=tuple(peer.change() for peer in peers),
    )


def encode_set(change: DeviceChange) -> str:
    """Write a whole request, from `set=1` to the closing empty line.

    Raise ValueError for a description of more than one line.
    """
    lines = ["set=1"]
    if change.private_key is not UNCHANGED:
        lines.append(f"private_key={_hex(change.private_key)}")
    if change.listen_port is not UNCHANGED:
        lines.append(f"listen_port={change.listen_port}")
    if change.fwmark is not UNCHANGED:
        lines.append(f"fwmark={change.fwmark}")
    if change.replace_peers:
        lines.append("replace_peers=true")
    for peer in change.peers:
        lines += _peer_change_lines(peer)
    return _text(lines)


def _peer_change_lines(peer: PeerChange) -> Iterator[str]:
    yield f"public_key={peer.public_key.to_hex()}"
    if peer.remove:
        yield "remove=true"
        return
    if peer.update_only:
        yield "update_only=true"
    if peer.preshared_key is not UNCHANGED:
        yield f"preshared_key={_hex(peer.preshared_key)}"
    if peer.endpoint is not UNCHANGED:
        yield f"endpoint={peer.endpoint}"
    if peer.persistent_keepalive is not UNCHANGED:
        yield f"persistent_keepalive_interval={peer.persistent_keepalive}"
    if peer.replace_allowed_ips:
        yield "replace_allowed_ips=true"
    for network in peer.add_allowed_ips:
        yield f"allowed_ip={network}"
    for network in peer.remove_allowed_ips:
        yield f"allowed_ip=-{network}"
    if peer.description is not UNCHANGED:
        yield f"description={_one_line(peer.description or '')}"


@dataclass(slots=True)
class _DeviceDraft:
    """What a request has said of the interface so far."""

    private_key: PrivateKey | UnchangedType | None = UNCHANGED
    listen_port: int | UnchangedType = UNCHANGED
    fwmark: int | UnchangedType = UNCHANGED
    replace_peers: bool = False

    def take(self, key: str, value: str) -> None:
        match key:
            case "private_key":
                self.private_key = _key_or_none(PrivateKey, key, value)
            case "listen_port":
                self.listen_port = _number(key, value, PORT_MAX)
            case "fwmark":
                self.fwmark = _number(key, value, _U32_MAX)
            case "replace_peers":
                self.replace_peers = _true(key, value)
            case _:
                raise _unknown(key)


@dataclass(slots=True)
class _PeerDraft:
    """What a request has said in one peer's section so far.

    The lines of a section take effect in turn, a PeerChange adds before it
    removes.  So what was added and then removed stands in both lists: it leaves
    its former owner all the same.
    """

    public_key: PublicKey
    index_of_interface: IndexOfInterface | None
    remove: bool = False
    update_only: bool = False
    preshared_key: PresharedKey | UnchangedType | None = UNCHANGED
    endpoint: Endpoint | UnchangedType = UNCHANGED
    persistent_keepalive: int | UnchangedType = UNCHANGED
    replace_allowed_ips: bool = False
    added: dict[IPNetwork, None] = field(default_factory=dict)
    removed: dict[IPNetwork, None] = field(default_factory=dict)
    description: str | UnchangedType | None = UNCHANGED

    def take(self, key: str, value: str) -> None:
        match key:
            case "allowed_ip":
                self._take_allowed_ip(key, value)
            case "preshared_key":
                self.preshared_key = _key_or_none(PresharedKey, key, value)
            case "endpoint":
                self.endpoint = _endpoint(key, value, self.index_of_interface)
            case "persistent_keepalive_interval":
                self.persistent_keepalive = _number(key, value, KEEPALIVE_MAX)
            case "replace_allowed_ips":
                self.replace_allowed_ips = _true(key, value)
                self.removed = dict.fromkeys(self.added)
            case "description":
                self.description = value or None
            case "update_only":
                self.update_only = _true(key, value)
            case "remove":
                self.remove = _true(key, value)
            case "protocol_version":
                _protocol_version(key, value)
            case _:
                raise _unknown(key)

    def _take_allowed_ip(self, key: str, value: str) -> None:
        network = _network(key, value.removeprefix("-"))
        if value.startswith("-"):
            self.removed[network] = None
        else:
            self.added[network] = None
            self.removed.pop(network, None)

    def change(self) -> PeerChange:
        if self.remove:
            return PeerChange(public_key=self.public_key, remove=True)
        return PeerChange(
            public_key=self.public_key,
            update_only=self.update_only,
            preshared_key=self.preshared_key,
            endpoint=self.endpoint,
            persistent_keepalive=self.persistent_keepalive,
            replace_allowed_ips=self.replace_allowed_ips,
            add_allowed_ips=tuple(self.added),
            remove_allowed_ips=tuple(self.removed),
            description=self.description,
        )


# -- replies -------------------------------------------------------------------------------------


def encode_errno(errno: int) -> str:
    """Write the reply to a `set`: 0 for success, else the number of errno(3), either sign.

    The number goes out negative, as wg(8) expects of a `set`.
    """
    return _text([f"errno={-abs(errno)}"])


def decode_errno(text: str) -> int:
    """Read the reply to a `set`: 0, or a positive number; EPROTO if it is no reply."""
    lines = text.split("\n")
    if len(lines) != 3 or any(lines[1:]) or not lines[0].startswith("errno="):
        return errno.EPROTO
    try:
        return _errno(lines[0].removeprefix("errno="))
    except UapiError as error:
        return error.errno


def encode_get(state: WireGuardState) -> str:
    """Write the whole reply to a `get`, secrets included: that is what wg(8) asks for.

    Raise ValueError for a text of more than one line.
    """
    lines: list[str] = []
    if state.implementation is not None:
        lines.append(f"implementation={_one_line(state.implementation)}")
    if state.private_key is not None:
        lines.append(f"private_key={state.private_key.to_hex()}")
    if state.listen_port:
        lines.append(f"listen_port={state.listen_port}")
    if state.fwmark:
        lines.append(f"fwmark={state.fwmark}")
    lines += (f"offload={_one_line(name)}" for name in state.offloads)
    lines += (f"drop={_one_line(reason)} {count}" for reason, count in state.drops)
    for peer in state.peers:
        lines += _peer_state_lines(peer)
    lines.append("errno=0")
    return _text(lines)


def _peer_state_lines(peer: PeerState) -> Iterator[str]:
    seconds, nanoseconds = divmod(peer.last_handshake_ns, _NANOSECONDS)
    yield f"public_key={peer.public_key.to_hex()}"
    yield f"preshared_key={_hex(peer.preshared_key)}"
    yield "protocol_version=1"
    if peer.description is not None:
        yield f"description={_one_line(peer.description)}"
    if peer.endpoint is not None:
        yield f"endpoint={peer.endpoint}"
    yield f"last_handshake_time_sec={seconds}"
    yield f"last_handshake_time_nsec={nanoseconds}"
    yield f"tx_bytes={peer.tx_bytes}"
    yield f"rx_bytes={peer.rx_bytes}"
    yield f"persistent_keepalive_interval={peer.persistent_keepalive}"
    for network in peer.allowed_ips:
        yield f"allowed_ip={network}"


def decode_get(text: str) -> WireGuardState:
    """Read a whole reply to a `get`; unknown keys are passed over, as wg(8) does.

    Raise UapiError: with the engine's own number if it reports one, EPROTO if
    the reply is cut short or has a line without `=`, EINVAL for a bad value or
    a peer that occurs twice.
    """
    device = _DeviceReading()
    peers: dict[PublicKey, _PeerReading] = {}
    peer: _PeerReading | None = None
    for line in _lines_before_errno(text):
        key, value = _split(line)
        if key == "public_key":
            peer = _PeerReading(_key(PublicKey, key, value))
            if peers.setdefault(peer.public_key, peer) is not peer:
                raise UapiError(errno.EINVAL, "a peer occurs twice")
        elif peer is not None:
            peer.take(key, value)
        else:
            device.take(key, value)
    return WireGuardState(
        implementation=device.implementation,
        private_key=device.private_key,
        listen_port=device.listen_port,
        fwmark=device.fwmark,
        peers=tuple(reading.state() for reading in peers.values()),
        drops=tuple(sorted(device.drops.items())),
        offloads=tuple(sorted(device.offloads)),
    )


def _lines_before_errno(text: str) -> list[str]:
    """Split a reply that ends as it shall; raise UapiError if it does not, or reports a failure."""
    lines = text.split("\n")
    if len(lines) < 3 or lines[-1] or lines[-2] or not lines[-3].startswith("errno="):
        raise UapiError(errno.EPROTO, "the reply is cut short")
    number = _errno(lines[-3].removeprefix("errno="))
    if number:
        raise UapiError(number, f"the engine reports error {number}")
    return lines[:-3]


@dataclass(slots=True)
class _DeviceReading:
    """What a reply has said of the interface so far."""

    implementation: str | None = None
    private_key: PrivateKey | None = None
    listen_port: int = 0
    fwmark: int = 0
    drops: dict[str, int] = field(default_factory=dict)
    offloads: set[str] = field(default_factory=set)

    def take(self, key: str, value: str) -> None:
        match key:
            case "implementation":
                self.implementation = value
            case "private_key":
                self.private_key = _key_or_none(PrivateKey, key, value)
            case "listen_port":
                self.listen_port = _number(key, value, PORT_MAX)
            case "fwmark":
                self.fwmark = _number(key, value, _U32_MAX)
            case "offload":
                self.offloads.add(value)
            case "drop":
                reason, _, count = value.rpartition(" ")
                self.drops[reason] = _number(key, count, _U64_MAX)
            case _:
                pass


@dataclass(slots=True)
class _PeerReading:
    """What a reply has said of one peer so far."""

    public_key: PublicKey
    preshared_key: PresharedKey | None = None
    endpoint: Endpoint | None = None
    last_handshake_seconds: int = 0
    last_handshake_nanoseconds: int = 0
    tx_bytes: int = 0
    rx_bytes: int = 0
    persistent_keepalive: int = 0
    allowed_ips: dict[IPNetwork, None] = field(default_factory=dict)
    description: str | None = None

    def take(self, key: str, value: str) -> None:
        match key:
            case "allowed_ip":
                self.allowed_ips[_network(key, value)] = None
            case "preshared_key":
                self.preshared_key = _key_or_none(PresharedKey, key, value)
            case "endpoint":
                self.endpoint = _endpoint(key, value)
            case "last_handshake_time_sec":
                self.last_handshake_seconds = _number(key, value, _U64_MAX)
            case "last_handshake_time_nsec":
                self.last_handshake_nanoseconds = _number(key, value, _NANOSECONDS - 1)
            case "tx_bytes":
                self.tx_bytes = _number(key, value, _U64_MAX)
            case "rx_bytes":
                self.rx_bytes = _number(key, value, _U64_MAX)
            case "persistent_keepalive_interval":
                self.persistent_keepalive = _number(key, value, KEEPALIVE_MAX)
            case "description":
                self.description = value or None
            case "protocol_version":
                _protocol_version(key, value)
            case _:
                pass

    def state(self) -> PeerState:
        return PeerState(
            public_key=self.public_key,
            preshared_key=self.preshared_key,
            endpoint=self.endpoint,
            last_handshake_ns=(
                self.last_handshake_seconds * _NANOSECONDS + self.last_handshake_nanoseconds
            ),
            tx_bytes=self.tx_bytes,
            rx_bytes=self.rx_bytes,
            persistent_keepalive=self.persistent_keepalive,
            allowed_ips=tuple(self.allowed_ips),
            description=self.description,
        )


# -- lines and values ----------------------------------------------------------------------------


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n\n"


def _split(line: str) -> tuple[str, str]:
    key, separator, value = line.partition("=")
    if not separator:
        raise UapiError(errno.EPROTO, "a line without '='")
    return key, value


def _one_line(text: str) -> str:
    """Pass on a text that cannot be taken for several lines of the protocol."""
    if "\n" in text:
        raise ValueError("a text of more than one line")
    return text


def _hex(key: PrivateKey | PresharedKey | None) -> str:
    return _ZERO_KEY if key is None else key.to_hex()


def _key(role: type[_AnyKey], key: str, value: str) -> _AnyKey:
    try:
        return role.from_hex(value)
    except ValueError as error:
        raise UapiError(errno.EINVAL, f"bad value of {key}: {error}") from None


def _key_or_none(role: type[_AnyKey], key: str, value: str) -> _AnyKey | None:
    return None if value == _ZERO_KEY else _key(role, key, value)


def _number(key: str, value: str, maximum: int) -> int:
    if not _DIGITS.fullmatch(value) or (number := int(value)) > maximum:
        raise _bad(key, value)
    return number


def _true(key: str, value: str) -> Literal[True]:
    if value != "true":
        raise _bad(key, value)
    return True


def _protocol_version(key: str, value: str) -> None:
    if value != "1":
        raise _bad(key, value)


def _errno(value: str) -> int:
    """Read the number after `errno=`, whichever its sign: engines differ."""
    number = _number("errno", value.removeprefix("-"), _U64_MAX)
    return number if number <= _ERRNO_MAX else errno.EPROTO


def _network(key: str, value: str) -> IPNetwork:
    """Read `address/length`; bits behind the prefix become zero."""
    if not _PREFIX.fullmatch(value):
        raise _bad(key, value)
    try:
        if ":" in value:
            return IPv6Network(value, strict=False)
        return IPv4Network(value, strict=False)
    except ValueError:
        raise _bad(key, value) from None


def _endpoint(key: str, value: str, index_of_interface: IndexOfInterface | None = None) -> Endpoint:
    try:
        if match := _ENDPOINT_V4.fullmatch(value):
            address_text, port_text = match.groups()
            return Endpoint(IPv4Address(address_text), _port(port_text))
        if match := _ENDPOINT_V6.fullmatch(value):
            address_text, scope_text, port_text = match.groups()
            address, scope_id = IPv6Address(address_text), _scope_id(scope_text, index_of_interface)
            # like the kernel, ignore the scope of an address that means the same on every link
            return Endpoint(address, _port(port_text), scope_id if address.is_link_local else 0)
    except (ValueError, OSError):
        pass
    raise _bad(key, value)


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port <= PORT_MAX:
        raise ValueError("out of range")
    return port


def _scope_id(text: str | None, index_of_interface: IndexOfInterface | None) -> int:
    if text is None:
        return 0
    if not _DIGITS.fullmatch(text):
        if index_of_interface is None:
            raise ValueError("not a number")
        return index_of_interface(text)
    if int(text) > _U32_MAX:
        raise ValueError("out of range")
    return int(text)


def _bad(key: str, value: str) -> UapiError:
    return UapiError(errno.EINVAL, f"bad value of {key}: {value[:_SHOWN_MAX]!r}")


def _unknown(key: str) -> UapiError:
    # what stands before the first '=' may be a secret in base64
    shown = f"'{key}'" if _NAME.fullmatch(key) else "that is no name"
    return UapiError(errno.EINVAL, f"unknown key {shown}")
