"""The data path's interface, and the two ends that are handed in to it.

An implementation moves packets between a `TunEnd` and a `UdpEnd`, in batches,
by the entries that `install` gave it.  It decides nothing: what it cannot move
it hands up in its report.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from netstart_wg.datapath.rows import Rows
from netstart_wg.model.now import Now
from netstart_wg.protocol.forwarding import ForwardingUpdate, Path, PeerId, TrafficReport

Buffer = bytes | bytearray | memoryview

MAX_SEGMENTS = 64
"""Datagrams that are sent in one go: UDP_MAX_SEGMENTS of kernels before 6.10."""
MAX_JOINED_OCTETS = 65000
"""Octets that are sent in one go; an IPv4 datagram can hold 65,507."""


RECEIVES = 32
"""Most entries that are received at once."""


class VirtioNetHeader(NamedTuple):
    """`struct virtio_net_hdr` (Virtio 1.2 §5.1.6), as a TUN speaks it: 10 bytes, native order."""

    flags: int = 0
    gso_type: int = 0
    hdr_len: int = 0
    gso_size: int = 0
    csum_start: int = 0
    csum_offset: int = 0


class TunEnd(Protocol):
    """The inner side: IP packets, or super-packets with a header that says how to cut them."""

    takes_tcp_super_packets: bool
    """Whether `write` accepts TCP super-packets; set to False while it turns out not to."""
    takes_udp_super_packets: bool
    """The same for UDP."""

    def read(self) -> tuple[VirtioNetHeader, memoryview] | None:
        """Return the next packet, or None when there is none now.

        The memory is valid until the next call.
        """
        ...

    def write(self, header: VirtioNetHeader, parts: Sequence[Buffer]) -> None:
        """Deliver a packet given in parts; raise OSError when it is refused."""
        ...


class Datagrams(NamedTuple):
    """One or more datagrams from one sender, laid end to end as UDP_GRO does."""

    rows: Rows
    """They lie at its beginning."""
    length: int
    """Octets of all of them."""
    segment_size: int
    """Length of each datagram but the last, which may be shorter; at least 1."""
    path: Path
    ecn: int = 0
    """The ECN bits of the outer header, which all of them share (RFC 3168 §5)."""

    @property
    def data(self) -> memoryview:
        """The octets."""
        return self.rows.view[: self.length]


class UdpEnd(Protocol):
    """The outer side."""

    def receive(self, limit: int = 1) -> Sequence[Datagrams]:
        """Return what has come, `limit` entries at most, which is no more than RECEIVES.

        Fewer say that nothing is left for now.  The memory is valid until the next call.
        """
        ...

    def send(self, message: bytes, path: Path, traffic_class: int = 0) -> bool:
        """Send a datagram; return whether it left.

        `traffic_class` is the octet of the outer header with DSCP and ECN, as
        IPv4's TOS or IPv6's traffic class.
        """
        ...

    def send_laid(
        self, messages: memoryview, size: int, path: Path, traffic_class: int = 0
    ) -> Collection[int]:
        """Send datagrams laid end to end, as UDP_SEGMENT takes them.

        Each is of `size` octets, but the last may be shorter; together no more
        than MAX_SEGMENTS and MAX_JOINED_OCTETS.  Return the places, from 0, of those
        that did not leave.
        """
        ...


class DataPath(Protocol):
    """Packets between TUN and UDP."""

    mtu: int
    """Of the TUN, bytes: padding stays within it."""

    def install(self, update: ForwardingUpdate) -> None:
        """Take in new, changed and removed entries."""
        ...

    def outbound(self, budget: int, now: Now) -> TrafficReport:
        """Move up to `budget` reads from the TUN to the network."""
        ...

    def inbound(self, budget: int, now: Now) -> TrafficReport:
        """Move up to `budget` receives from the network to the TUN."""
        ...

    def send_packets(self, peer: PeerId, packets: Sequence[bytes], now: Now) -> TrafficReport:
        """Seal and send inner packets of one peer; an empty one is a keepalive."""
        ...

    def send_message(self, message: bytes, path: Path) -> bool:
        """Send a handshake message or cookie reply; return whether it left."""
        ...
