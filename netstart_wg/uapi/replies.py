"""Replies: to a `set` a number of errno(3), to a `get` everything there is.

Whoever reads passes over keys that he does not know, as wg(8) does.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from netstart_wg.model.address import PORT_MAX, Endpoint, IPNetwork
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.state import PeerState, WireGuardState
from netstart_wg.uapi.lines import (
    KEEPALIVE_MAX,
    U32_MAX,
    U64_MAX,
    WGRTABLE_MAX,
    UapiError,
    check_protocol_version,
    format_group,
    format_key,
    format_lines,
    one_line,
    parse_endpoint,
    parse_errno,
    parse_group,
    parse_key,
    parse_key_or_none,
    parse_network,
    parse_number,
    split_line,
)

_NANOSECONDS: Final = 1_000_000_000
_NO_RDOMAIN: Final = "none"


def encode_errno(errno: int) -> str:
    """Write the reply to a `set`: 0 for success, else the number of errno(3), either sign.

    The number goes out negative, as wg(8) expects of a `set`.
    """
    return format_lines([f"errno={-abs(errno)}"])


def decode_errno(text: str) -> int:
    """Read the reply to a `set`: 0, or a positive number; EPROTO if it is no reply."""
    lines = text.split("\n")
    if len(lines) != 3 or any(lines[1:]) or not lines[0].startswith("errno="):
        return errno.EPROTO
    try:
        return parse_errno(lines[0].removeprefix("errno="))
    except UapiError as error:
        return error.errno


def encode_get(state: WireGuardState) -> str:
    """Write the whole reply to a `get`, secrets included: that is what wg(8) asks for.

    Raise ValueError for a text of more than one line, or for no name of a group.
    """
    lines = own_lines(state)
    for peer in state.peers:
        lines += peer_lines(peer)
    lines.append("errno=0")
    return format_lines(lines)


def own_lines(state: WireGuardState) -> list[str]:
    """Return the lines of a reply before those of its peers."""
    lines: list[str] = []
    if state.implementation is not None:
        lines.append(f"implementation={one_line(state.implementation)}")
    if state.private_key is not None:
        lines.append(f"private_key={state.private_key.to_hex()}")
    if state.listen_port:
        lines.append(f"listen_port={state.listen_port}")
    if state.fwmark:
        lines.append(f"fwmark={state.fwmark}")
    if state.link_namespace is not None:
        lines.append(f"link_namespace={state.link_namespace}")
    if state.wgrtable != 0:
        lines.append(f"wgrtable={_NO_RDOMAIN if state.wgrtable is None else state.wgrtable}")
    lines += (f"group={format_group(name)}" for name in state.groups)
    lines += (f"offload={one_line(name)}" for name in state.offloads)
    lines += (f"drop={one_line(reason)} {count}" for reason, count in state.drops)
    lines += (f"send_error={one_line(name)} {count}" for name, count in state.send_errors)
    return lines


def peer_lines(peer: PeerState) -> Iterator[str]:
    """Yield the lines of a reply about one peer."""
    seconds, nanoseconds = divmod(peer.last_handshake_ns, _NANOSECONDS)
    yield f"public_key={peer.public_key.to_hex()}"
    yield f"preshared_key={format_key(peer.preshared_key)}"
    yield "protocol_version=1"
    if peer.description is not None:
        yield f"description={one_line(peer.description)}"
    for name in peer.refused_offloads:
        yield f"refused_offload={one_line(name)}"
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
        key, value = split_line(line)
        if key == "public_key":
            peer = _PeerReading(parse_key(PublicKey, key, value))
            if peers.setdefault(peer.public_key, peer) is not peer:
                raise UapiError(errno.EINVAL, "a peer occurs twice")
        elif peer is None:
            device.take(key, value)
        elif value != "0" or key not in _ZERO_UNLESS_SAID:
            peer.take(key, value)
    return WireGuardState(
        implementation=device.implementation,
        private_key=device.private_key,
        listen_port=device.listen_port,
        fwmark=device.fwmark,
        wgrtable=device.wgrtable,
        groups=tuple(device.groups),
        link_namespace=device.link_namespace,
        peers=tuple(reading.state() for reading in peers.values()),
        drops=tuple(sorted(device.drops.items())),
        send_errors=tuple(sorted(device.send_errors.items())),
        offloads=tuple(sorted(device.offloads)),
    )


def _lines_before_errno(text: str) -> list[str]:
    """Split a reply that ends as it shall; raise UapiError if it does not, or reports a failure."""
    lines = text.split("\n")
    if len(lines) < 3 or lines[-1] or lines[-2] or not lines[-3].startswith("errno="):
        raise UapiError(errno.EPROTO, "the reply is cut short")
    number = parse_errno(lines[-3].removeprefix("errno="))
    if number:
        raise UapiError(number, f"the engine reports error {number}")
    return lines[:-3]


_ZERO_UNLESS_SAID = frozenset(
    {
        "last_handshake_time_sec",
        "last_handshake_time_nsec",
        "tx_bytes",
        "rx_bytes",
        "persistent_keepalive_interval",
    }
)
"""Half of all lines about peers that have never been heard say this."""


@dataclass(slots=True)
class _DeviceReading:
    """What a reply has said of the interface so far."""

    implementation: str | None = None
    private_key: PrivateKey | None = None
    listen_port: int = 0
    fwmark: int = 0
    wgrtable: int | None = 0
    groups: dict[str, None] = field(default_factory=dict)
    link_namespace: int | None = None
    drops: dict[str, int] = field(default_factory=dict)
    send_errors: dict[str, int] = field(default_factory=dict)
    offloads: set[str] = field(default_factory=set)

    def take(self, key: str, value: str) -> None:
        match key:
            case "implementation":
                self.implementation = value
            case "private_key":
                self.private_key = parse_key_or_none(PrivateKey, key, value)
            case "listen_port":
                self.listen_port = parse_number(key, value, PORT_MAX)
            case "fwmark":
                self.fwmark = parse_number(key, value, U32_MAX)
            case "wgrtable":
                is_gone = value == _NO_RDOMAIN
                self.wgrtable = None if is_gone else parse_number(key, value, WGRTABLE_MAX)
            case "group":
                self.groups[parse_group(key, value)] = None
            case "link_namespace":
                self.link_namespace = parse_number(key, value, U64_MAX)
            case "offload":
                self.offloads.add(value)
            case "drop":
                reason, _, count = value.rpartition(" ")
                self.drops[reason] = parse_number(key, count, U64_MAX)
            case "send_error":
                name, _, count = value.rpartition(" ")
                self.send_errors[name] = parse_number(key, count, U64_MAX)
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
    refused_offloads: set[str] = field(default_factory=set)

    def take(self, key: str, value: str) -> None:
        match key:
            case "allowed_ip":
                self.allowed_ips[parse_network(key, value)] = None
            case "preshared_key":
                self.preshared_key = parse_key_or_none(PresharedKey, key, value)
            case "endpoint":
                self.endpoint = parse_endpoint(key, value)
            case "last_handshake_time_sec":
                self.last_handshake_seconds = parse_number(key, value, U64_MAX)
            case "last_handshake_time_nsec":
                self.last_handshake_nanoseconds = parse_number(key, value, _NANOSECONDS - 1)
            case "tx_bytes":
                self.tx_bytes = parse_number(key, value, U64_MAX)
            case "rx_bytes":
                self.rx_bytes = parse_number(key, value, U64_MAX)
            case "persistent_keepalive_interval":
                self.persistent_keepalive = parse_number(key, value, KEEPALIVE_MAX)
            case "description":
                self.description = value or None
            case "refused_offload":
                self.refused_offloads.add(value)
            case "protocol_version":
                check_protocol_version(key, value)
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
            refused_offloads=tuple(sorted(self.refused_offloads)),
        )
