"""From the TUN to the network: packets routed, cut, padded, sealed and sent."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import groupby

from netstart_wg.datapath.base import Buffer, TunEnd, UdpEnd
from netstart_wg.datapath.cutting import complete
from netstart_wg.datapath.delivery import Delivery
from netstart_wg.datapath.ecn import NOT_ECT, ecn_of
from netstart_wg.datapath.offload import UDP, MalformedPacketError
from netstart_wg.datapath.table import ForwardingTable
from netstart_wg.datapath.unreachable import UnreachableMessages
from netstart_wg.model.address import Endpoint
from netstart_wg.model.now import Now
from netstart_wg.protocol.forwarding import DropReason, PeerId, PeerTraffic, TrafficReport
from netstart_wg.protocol.keypair import Keypair
from netstart_wg.protocol.messages import (
    PADDING_MULTIPLE,
    REJECT_AFTER_MESSAGES,
    TAG_LENGTH,
    TRANSPORT_HEADER_LENGTH,
)

_TRANSPORT = 4
_HEADER = struct.Struct("<IIQ")
"""Type with three zero bytes, receiver index, counter (paper §5.4.6)."""
_NONCE = struct.Struct("<4xQ")
_EMPTY_LENGTH = TRANSPORT_HEADER_LENGTH + TAG_LENGTH
_ZEROS = bytes(PADDING_MULTIPLE)

SURE_LENGTH = 1280
"""Octets that go over every route: the least MTU of IPv6 (RFC 8200 §5)."""


class Outbound:
    """The way out."""

    def __init__(
        self, table: ForwardingTable, tun: TunEnd, udp: UdpEnd, delivery: Delivery, mtu: int
    ) -> None:
        """Take what is shared with the way in."""
        self.mtu = mtu
        self._table = table
        self._tun = tun
        self._udp = udp
        self._delivery = delivery
        self._unreachable = UnreachableMessages()

    def move(self, budget: int, now: Now) -> TrafficReport:
        """Move up to `budget` reads."""
        report = TrafficReport(is_exhausted=False)
        waiting: dict[PeerId, tuple[int, list[Buffer]]] = {}  # of each, packets of one ECN
        for _ in range(budget):
            read = self._tun.read()
            if read is None:
                report.is_exhausted = True
                break
            header, packet = read
            owner = self._route(packet, now, report)
            if owner is None:
                continue
            try:
                packets = complete(header, packet)
            except MalformedPacketError:
                report.drops[DropReason.NOT_IP] += 1
                continue
            ecn = ecn_of(packet)
            batch = waiting.get(owner)
            if batch is None or batch[0] != ecn:
                if batch is not None:
                    self._send(owner, *batch, now, report)
                batch = waiting[owner] = ecn, []
            if len(packets) > 1:
                batch[1].extend(packets)
                self._send(owner, *waiting.pop(owner), now, report)
            else:
                batch[1].append(bytes(packets[0]))  # the next read overwrites the buffer
        for owner, batch in waiting.items():
            self._send(owner, *batch, now, report)
        return report

    def send_packets(self, peer: PeerId, packets: Sequence[bytes], now: Now) -> TrafficReport:
        """Seal and send inner packets of one peer."""
        report = TrafficReport()
        for ecn, batch in groupby(packets, _ecn_of_staged):
            self._send(peer, ecn, list(batch), now, report)
        return report

    def _route(self, packet: memoryview, now: Now, report: TrafficReport) -> PeerId | None:
        """Return the peer that a packet is for; None if it goes nowhere, and say so."""
        version = packet[0] >> 4 if len(packet) >= 20 else 0
        if version == 4:
            destination = packet[16:20]
        elif version == 6 and len(packet) >= 40:
            destination = packet[24:40]
        else:
            report.drops[DropReason.NOT_IP] += 1
            return None
        owner = self._table.allowed_ips.lookup(bytes(destination))
        if owner is None:
            self._turn_back(packet, DropReason.NO_PEER, now, report)
            return None
        entry = self._table.peers.get(owner)
        if entry is None or entry.path is None:
            report.faults[owner, DropReason.NO_ENDPOINT] += 1
            self._turn_back(packet, DropReason.NO_ENDPOINT, now, report)
            return None
        if _is_for(entry.path.endpoint, packet, destination):
            report.drops[DropReason.ROUTING_LOOP] += 1
            return None
        return owner

    def _turn_back(
        self, packet: memoryview, reason: DropReason, now: Now, report: TrafficReport
    ) -> None:
        """Drop a packet, and tell its sender that the destination cannot be reached."""
        report.drops[reason] += 1
        message = self._unreachable.about(packet, now.boottime_ns)
        if message is not None:
            self._delivery.write((message,), now, report)

    def _send(
        self, number: PeerId, ecn: int, packets: Sequence[Buffer], now: Now, report: TrafficReport
    ) -> None:
        """Seal and send packets of one peer that agree in ECN, or say why not."""
        entry = self._table.peers.get(number)
        if entry is None or entry.path is None:
            report.drop(DropReason.NO_ENDPOINT, number, len(packets))
            return
        keypair = entry.sending
        if (
            keypair is None
            or not keypair.can_send(now.boottime_ns)
            or keypair.send_counter + len(packets) > REJECT_AFTER_MESSAGES
        ):
            report.unsent += [(number, bytes(packet)) for packet in packets]
            return
        messages = self._seal(number, keypair, packets)
        left = self._udp.send(messages, entry.path, ecn)
        if left < len(messages):
            report.drops[DropReason.SEND_FAILED] += len(messages) - left
            messages = messages[:left]
        if messages:
            traffic = report.sent.get(number)
            if traffic is None:
                traffic = report.sent[number] = PeerTraffic(keypair)
            _count(traffic, messages)

    def _seal(self, number: PeerId, keypair: Keypair, packets: Sequence[Buffer]) -> list[bytes]:
        """Pad, number and encrypt (paper §5.4.6)."""
        limit = self._padding_limit(number, packets)
        counter, index = keypair.send_counter, keypair.remote_index
        encrypt, pack_header, pack_nonce = keypair.sending.encrypt, _HEADER.pack, _NONCE.pack
        messages = []
        length, padding = 0, b""
        for packet in packets:
            if len(packet) != length:  # most are as long as the one before
                length = len(packet)
                padding = _ZEROS[: padding_length(length, limit)]
            if padding:
                packet = b"".join((packet, padding))
            sealed = encrypt(pack_nonce(counter), packet, None)
            messages.append(pack_header(_TRANSPORT, index, counter) + sealed)
            counter += 1
        keypair.send_counter = counter
        return messages

    def _padding_limit(self, number: PeerId, packets: Sequence[Buffer]) -> int:
        """Return how long padding may make these packets: no longer than one has been without.

        The MTU of their route, which is Linux's limit, may be below the interface's, and a TUN
        does not tell.  But what the kernel has sent whole was not too long for its route.
        """
        known = self._table.longest.get(number, SURE_LENGTH)
        longest = max(map(len, packets))
        if longest > known:
            self._table.longest[number] = known = longest
        return min(known, self.mtu)


def _ecn_of_staged(packet: bytes) -> int:
    return ecn_of(packet) if len(packet) >= 20 else NOT_ECT  # a keepalive is empty


def _is_for(endpoint: Endpoint, packet: memoryview, destination: memoryview) -> bool:
    """Whether it is UDP to the peer's own endpoint: our message, routed back to us."""
    if len(destination) == 4:
        protocol, at = packet[9], (packet[0] & 0xF) * 4
    else:
        protocol, at = packet[6], 40
    if protocol != UDP or len(packet) < at + 4:
        return False
    port = packet[at + 2] << 8 | packet[at + 3]
    return port == endpoint.port and destination == endpoint.address.packed


def padding_length(length: int, limit: int) -> int:
    """Return how many zeros follow a packet of `length` octets.

    Up to a multiple of 16, but never beyond the limit, so that padding alone does
    not make a packet too big for its path (as the Linux driver does).
    """
    last = length if length <= limit else length % limit
    return min(limit, -(-last // PADDING_MULTIPLE) * PADDING_MULTIPLE) - last


def _count(traffic: PeerTraffic, messages: list[bytes]) -> None:
    traffic.bytes += sum(map(len, messages))
    keepalives = sum(len(message) == _EMPTY_LENGTH for message in messages)
    traffic.keepalives += keepalives
    traffic.data_packets += len(messages) - keepalives
