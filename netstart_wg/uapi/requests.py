"""Requests: asking for everything, and `set` both ways.

A `set` says first what concerns the interface, then, each behind a
`public_key`, what concerns a peer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from netstart_wg.model.address import PORT_MAX, Endpoint, IPNetwork
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange, UnchangedType
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.uapi.lines import (
    KEEPALIVE_MAX,
    U32_MAX,
    WGRTABLE_MAX,
    IndexOfInterface,
    check_protocol_version,
    format_group,
    format_key,
    format_lines,
    one_line,
    parse_endpoint,
    parse_group,
    parse_key,
    parse_key_or_none,
    parse_network,
    parse_number,
    parse_true,
    split_line,
    unknown_key,
)

GET_REQUEST: Final = "get=1\n\n"
"""Asks for everything."""


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
        key, value = split_line(line)
        if key == "public_key":
            peers.append(_PeerDraft(parse_key(PublicKey, key, value), index_of_interface))
        elif peers:
            peers[-1].take(key, value)
        else:
            device.take(key, value)
    return DeviceChange(
        private_key=device.private_key,
        listen_port=device.listen_port,
        fwmark=device.fwmark,
        wgrtable=device.wgrtable,
        groups=device.groups,
        replace_peers=device.replace_peers,
        peers=tuple(peer.change() for peer in peers),
    )


def encode_set(change: DeviceChange) -> str:
    """Write a whole request, from `set=1` to the closing empty line.

    Raise ValueError for a description of more than one line, or for no name of a group.
    """
    lines = ["set=1"]
    if change.private_key is not UNCHANGED:
        lines.append(f"private_key={format_key(change.private_key)}")
    if change.listen_port is not UNCHANGED:
        lines.append(f"listen_port={change.listen_port}")
    if change.fwmark is not UNCHANGED:
        lines.append(f"fwmark={change.fwmark}")
    if change.wgrtable is not UNCHANGED:
        lines.append(f"wgrtable={change.wgrtable}")
    if change.groups is not UNCHANGED:
        lines.append(f"groups={','.join(map(format_group, change.groups))}")
    if change.replace_peers:
        lines.append("replace_peers=true")
    for peer in change.peers:
        lines += _peer_change_lines(peer)
    return format_lines(lines)


def _peer_change_lines(peer: PeerChange) -> Iterator[str]:
    yield f"public_key={peer.public_key.to_hex()}"
    if peer.remove:
        yield "remove=true"
        return
    if peer.update_only:
        yield "update_only=true"
    if peer.preshared_key is not UNCHANGED:
        yield f"preshared_key={format_key(peer.preshared_key)}"
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
        yield f"description={one_line(peer.description or '')}"


@dataclass(slots=True)
class _DeviceDraft:
    """What a request has said of the interface so far."""

    private_key: PrivateKey | UnchangedType | None = UNCHANGED
    listen_port: int | UnchangedType = UNCHANGED
    fwmark: int | UnchangedType = UNCHANGED
    wgrtable: int | UnchangedType = UNCHANGED
    groups: tuple[str, ...] | UnchangedType = UNCHANGED
    replace_peers: bool = False

    def take(self, key: str, value: str) -> None:
        match key:
            case "private_key":
                self.private_key = parse_key_or_none(PrivateKey, key, value)
            case "listen_port":
                self.listen_port = parse_number(key, value, PORT_MAX)
            case "fwmark":
                self.fwmark = parse_number(key, value, U32_MAX)
            case "wgrtable":
                self.wgrtable = parse_number(key, value, WGRTABLE_MAX)
            case "groups":
                names = value.split(",") if value else []
                self.groups = tuple(dict.fromkeys(parse_group(key, name) for name in names))
            case "replace_peers":
                self.replace_peers = parse_true(key, value)
            case _:
                raise unknown_key(key)


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
                self.preshared_key = parse_key_or_none(PresharedKey, key, value)
            case "endpoint":
                self.endpoint = parse_endpoint(key, value, self.index_of_interface)
            case "persistent_keepalive_interval":
                self.persistent_keepalive = parse_number(key, value, KEEPALIVE_MAX)
            case "replace_allowed_ips":
                self.replace_allowed_ips = parse_true(key, value)
                self.removed = dict.fromkeys(self.added)
            case "description":
                self.description = value or None
            case "update_only":
                self.update_only = parse_true(key, value)
            case "remove":
                self.remove = parse_true(key, value)
            case "protocol_version":
                check_protocol_version(key, value)
            case _:
                raise unknown_key(key)

    def _take_allowed_ip(self, key: str, value: str) -> None:
        network = parse_network(key, value.removeprefix("-"))
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
