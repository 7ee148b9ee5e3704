"""What `Device` and `DataPath` tell each other: entries to forward by, reports of what moved.

`Device` decides and hands down `ForwardingUpdate`s; `DataPath` moves packets
and hands up one `TrafficReport` a batch.  Nothing else passes between them.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from dataclasses import dataclass, field
from typing import NewType

from netstart_wg.model.address import Endpoint, IPAddress
from netstart_wg.protocol.allowedips import AllowedIps
from netstart_wg.protocol.keypair import Keypair

PeerId = NewType("PeerId", int)
"""A peer's number: counted from 0 for the life of a device, never used again."""


class DropReason(enum.Enum):
    """Why a packet went no further; the values are what `status` shows."""

    NOT_IP = "not-ip"
    """From the TUN or out of a tunnel: neither IPv4 nor IPv6, or shorter than its header says."""
    NO_PEER = "no-peer"
    """From the TUN: no allowed IP covers the destination."""
    ROUTING_LOOP = "routing-loop"
    """From the TUN: UDP to the peer's own endpoint, so most likely our own message."""
    NO_ENDPOINT = "no-endpoint"
    """The peer has no address to send to."""
    NO_SESSION = "no-session"
    """Pushed out of the full queue of packets that wait for a session, or given up with it."""
    SEND_FAILED = "send-failed"
    """The UDP socket refused it."""
    TUN_FAILED = "tun-failed"
    """The TUN refused it."""
    NOT_A_MESSAGE = "not-a-message"
    """From the network: no WireGuard message by its type and length."""
    UNKNOWN_INDEX = "unknown-index"
    """A receiver index that nobody has."""
    EXPIRED = "expired"
    """For a keypair that is too old."""
    NOT_AUTHENTIC = "not-authentic"
    """The tag is wrong."""
    REPLAYED = "replayed"
    """Authentic, but seen before or too old."""
    UNALLOWED_SOURCE = "unallowed-source"
    """Authentic, but from an inner address that is not this peer's."""
    ILLEGAL_ECN = "illegal-ecn"
    """Authentic, but the outer header says congestion to a flow without ECN (RFC 6040 §4.2)."""
    INVALID_MAC = "invalid-mac"
    """A handshake message whose mac1 is wrong: the sender does not know our public key."""
    RATE_LIMITED = "rate-limited"
    """A handshake message over its source's rate, under load."""
    COOKIE_DEMANDED = "cookie-demanded"
    """A handshake message answered with a cookie reply, under load."""
    INVALID_INITIATION = "invalid-initiation"
    """Not decryptable, from a stranger, replayed, or too soon after the last."""
    INVALID_RESPONSE = "invalid-response"
    """Not an answer to an initiation of ours."""
    INVALID_COOKIE = "invalid-cookie"
    """Not an answer to a message of ours."""


@dataclass(frozen=True, slots=True)
class Path:
    """Where a peer's packets go, and from which of our addresses."""

    endpoint: Endpoint
    source: IPAddress | None = None
    """The local address on which the peer was last heard; None lets the routing decide."""
    interface: int = 0
    """Index of the interface on which that was; 0 if that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerForwarding:
    """How to move one peer's packets."""

    peer: PeerId
    path: Path | None
    sending: Keypair | None
    receiving: tuple[Keypair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingUpdate:
    """The peers whose entries are new or changed, and those that are gone.

    An update and not a whole table: of 20,000 peers some rekey every moment.
    """

    allowed_ips: AllowedIps[PeerId] | None = None
    """Set when the allowed IPs have changed: read it, never write it."""
    peers: tuple[PeerForwarding, ...] = ()
    removed: tuple[PeerId, ...] = ()


@dataclass(slots=True)
class PeerTraffic:
    """What moved for one peer in one direction during one batch."""

    keypair: Keypair
    """The keypair of the newest packet."""
    bytes: int = 0
    """Whole WireGuard messages: header, padding and tag included."""
    data_packets: int = 0
    keepalives: int = 0
    path: Path | None = None
    """Inbound only: where the newest packet came from."""
    used: list[Keypair] = field(default_factory=list)
    """Inbound only: every keypair that an authentic packet came under, in order of first use."""


@dataclass(slots=True)
class TrafficReport:
    """What one call of the data path did."""

    sent: dict[PeerId, PeerTraffic] = field(default_factory=dict)
    received: dict[PeerId, PeerTraffic] = field(default_factory=dict)
    unsent: list[tuple[PeerId, bytes]] = field(default_factory=list)
    """Inner packets for a peer that has no session to send with, in order."""
    messages: list[tuple[bytes, Path]] = field(default_factory=list)
    """Datagrams that look like handshake messages or cookie replies, for `Device`."""
    drops: defaultdict[DropReason, int] = field(default_factory=lambda: defaultdict(int))
    """How many packets went no further; a `Counter` takes longer to make than a small batch."""
    faults: defaultdict[tuple[PeerId, DropReason], int] = field(
        default_factory=lambda: defaultdict(int)
    )
    """Those of the drops that say something about a peer: they are for whoever has `debug` on."""
    is_exhausted: bool = True
    """False: the budget was spent before the source ran dry."""

    def drop(self, reason: DropReason, peer: PeerId, count: int = 1) -> None:
        """Count packets of a peer that go no further."""
        self.drops[reason] += count
        self.faults[peer, reason] += count
