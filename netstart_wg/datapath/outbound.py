"""From the TUN to the network: packets routed, cut, padded, sealed and sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from netstart_wg.datapath.base import MAX_JOINED_OCTETS, MAX_SEGMENTS, Buffer, TunEnd, UdpEnd
from netstart_wg.datapath.cutting import Cutter, SuperPacket, completed, super_packet
from netstart_wg.datapath.delivery import Delivery
from netstart_wg.datapath.ecn import NOT_ECT, ecn_of
from netstart_wg.datapath.offload import GSO_ECN, GSO_NONE, UDP, MalformedPacketError
from netstart_wg.datapath.padding import padding_length
from netstart_wg.datapath.sealing import Sealer
from netstart_wg.datapath.table import ForwardingTable
from netstart_wg.datapath.unreachable import UnreachableMessages
from netstart_wg.model.address import Endpoint
from netstart_wg.model.now import Now
from netstart_wg.protocol.forwarding import DropReason, Path, PeerId, PeerTraffic, TrafficReport
from netstart_wg.protocol.keypair import Keypair
from netstart_wg.protocol.messages import (
    PADDING_MULTIPLE,
    REJECT_AFTER_MESSAGES,
    TAG_LENGTH,
    TRANSPORT_HEADER_LENGTH,
)

_OVERHEAD = TRANSPORT_HEADER_LENGTH + TAG_LENGTH
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
        self._cutter = Cutter()
        self._sealer = Sealer()

    def move(self, budget: int, now: Now) -> TrafficReport:
        """Move up to `budget` reads."""
        report = TrafficReport(is_exhausted=False)
        waiting: dict[PeerId, tuple[int, list[bytes]]] = {}  # of each, packets of one ECN
        for _ in range(budget):
            read = self._tun.read()
            if read is None:
                report.is_exhausted = True
                break
            header, packet = read
            owner = self._route(packet, now, report)
            if owner is None:
                continue
            ecn = ecn_of(packet)
            try:
                if header.gso_type & ~GSO_ECN == GSO_NONE:
                    single = bytes(completed(header, packet))  # the next read overwrites the buffer
                    batch = waiting.get(owner)
                    if batch is not None and batch[0] == ecn:
                        batch[1].append(single)
                        continue
                    self._send_waiting(waiting, owner, now, report)
                    waiting[owner] = ecn, [single]
                else:
                    whole = super_packet(header, packet)
                    self._send_waiting(waiting, owner, now, report)
                    self._send_cut(owner, ecn, whole, now, report)
            except MalformedPacketError:
                report.drops[DropReason.NOT_IP] += 1
        for owner in list(waiting):
            self._send_waiting(waiting, owner, now, report)
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
            self._delivery.write((message,), (), now, report)

    def _send_waiting(
        self,
        waiting: dict[PeerId, tuple[int, list[bytes]]],
        number: PeerId,
        now: Now,
        report: TrafficReport,
    ) -> None:
        """Send what waits for one peer, if something does."""
        batch = waiting.pop(number, None)
        if batch is not None:
            self._send(number, *batch, now, report)

    def _send(
        self, number: PeerId, ecn: int, packets: Sequence[bytes], now: Now, report: TrafficReport
    ) -> None:
        """Seal and send packets of one peer that agree in ECN, or say why not."""
        entry = self._table.peers.get(number)
        if entry is None or entry.path is None:
            report.drop(DropReason.NO_ENDPOINT, number, len(packets))
            return
        keypair = entry.sending
        if keypair is None or not keypair.can_send(now.boottime_ns):
            report.unsent += [(number, packet) for packet in packets]
            return
        nonces_left = REJECT_AFTER_MESSAGES - keypair.send_counter
        if len(packets) > nonces_left:
            # whoever hands them down again must find a keypair that can send nothing any more
            report.unsent += [(number, packet) for packet in packets[nonces_left:]]
            packets = packets[:nonces_left]
        limit = self._padding_limit(number, max(map(len, packets)))
        for run in _padded_runs(packets, limit):
            self._send_run(number, keypair, entry.path, ecn, run, report)

    def _send_cut(
        self, number: PeerId, ecn: int, whole: SuperPacket, now: Now, report: TrafficReport
    ) -> None:
        """Cut a super-packet that `_route` found a peer for, seal and send it."""
        entry = self._table.peers[number]
        path, keypair = entry.path, entry.sending
        assert path is not None
        for segments in self._cutter.cut(whole, self._padding_limit(number, whole.length)):
            count = len(segments.rows)
            if keypair is not None and _can_send_all(keypair, count, now):
                self._send_run(number, keypair, path, ecn, segments.rows, report)
            else:
                self._send(number, ecn, list(segments.packets()), now, report)

    def _send_run(
        self,
        number: PeerId,
        keypair: Keypair,
        path: Path,
        ecn: int,
        packets: Sequence[Buffer],
        report: TrafficReport,
    ) -> None:
        """Seal and send packets with padding, of one length but that the last may be shorter."""
        messages, size = self._sealer.seal(keypair, packets)
        octets = len(messages)
        unsent = self._udp.send_laid(messages, size, path, ecn)
        if unsent:
            report.drops[DropReason.SEND_FAILED] += len(unsent)
            if len(unsent) == len(packets):
                return
            octets -= sum(len(messages[place * size : (place + 1) * size]) for place in unsent)
            packets = [packet for place, packet in enumerate(packets) if place not in unsent]
        traffic = report.sent.get(number)
        if traffic is None:
            traffic = report.sent[number] = PeerTraffic(keypair)
        keepalives = 0 if packets[-1] else sum(not packet for packet in packets)
        traffic.bytes += octets
        traffic.keepalives += keepalives
        traffic.data_packets += len(packets) - keepalives

    def _padding_limit(self, number: PeerId, longest: int) -> int:
        """Return how long padding may make packets: no longer than one has been without.

        The MTU of their route, which is Linux's limit, may be below the interface's, and a TUN
        does not tell.  But what the kernel has sent whole was not too long for its route.
        """
        known = self._table.longest.get(number, SURE_LENGTH)
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


def _can_send_all(keypair: Keypair, count: int, now: Now) -> bool:
    enough = keypair.send_counter + count <= REJECT_AFTER_MESSAGES
    return enough and keypair.can_send(now.boottime_ns)


def _padded_runs(packets: Sequence[bytes], limit: int) -> Iterator[list[bytes]]:
    """Yield packets with padding, as many at a time as `Sealer.seal` takes and one send carries."""
    run: list[bytes] = []
    length, padding, most = -1, b"", 0
    for packet in packets:
        if len(packet) != length:  # most are as long as the one before
            length = len(packet)
            padding = _ZEROS[: padding_length(length, limit)]
        padded = packet + padding
        if run and (len(run) == most or not len(padded) <= len(run[0]) == len(run[-1])):
            yield run
            run = []
        if not run:
            most = max(1, min(MAX_SEGMENTS, MAX_JOINED_OCTETS // (len(padded) + _OVERHEAD)))
        run.append(padded)
    if run:
        yield run
