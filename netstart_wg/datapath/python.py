"""The reference data path, in Python.

Batches are the unit everywhere: one read of the TUN may be forty packets, one
receive forty datagrams; look-ups, counters and reports are per run of packets
with the same peer and keypair, and only the cipher is called for each.

Order within a peer is kept in both directions: reordering costs TCP more than
anything gained by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.datapath.base import TunEnd, UdpEnd
from netstart_wg.datapath.delivery import Delivery
from netstart_wg.datapath.inbound import Inbound
from netstart_wg.datapath.outbound import Outbound
from netstart_wg.datapath.table import ForwardingTable
from netstart_wg.model.now import Now
from netstart_wg.protocol.forwarding import ForwardingUpdate, Path, PeerId, TrafficReport

HANDSHAKE_TRAFFIC_CLASS = 0x88
"""AF41 (RFC 2597), on handshake messages and cookie replies: a full link loses them last."""


class PythonDataPath:
    """See `DataPath`."""

    def __init__(self, tun: TunEnd, udp: UdpEnd, mtu: int) -> None:
        """Take the two ends, which stay the caller's to open and close."""
        self._udp = udp
        self._table = ForwardingTable()
        delivery = Delivery(tun)
        self._outbound = Outbound(self._table, tun, udp, delivery, mtu)
        self._inbound = Inbound(self._table, udp, delivery)

    @property
    def mtu(self) -> int:
        """See `DataPath`."""
        return self._outbound.mtu

    @mtu.setter
    def mtu(self, mtu: int) -> None:
        self._outbound.mtu = mtu
        self._table.longest.clear()

    def install(self, update: ForwardingUpdate) -> None:
        """See `DataPath`."""
        self._table.install(update)

    def outbound(self, budget: int, now: Now) -> TrafficReport:
        """See `DataPath`."""
        return self._outbound.move(budget, now)

    def inbound(self, budget: int, now: Now) -> TrafficReport:
        """See `DataPath`."""
        return self._inbound.move(budget, now)

    def send_packets(self, peer: PeerId, packets: Sequence[bytes], now: Now) -> TrafficReport:
        """See `DataPath`."""
        return self._outbound.send_packets(peer, packets, now)

    def send_message(self, message: bytes, path: Path) -> bool:
        """See `DataPath`."""
        return self._udp.send(message, path, HANDSHAKE_TRAFFIC_CLASS)
