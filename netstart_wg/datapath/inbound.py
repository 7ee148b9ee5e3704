"""From the network to the TUN: messages sorted, opened, checked and delivered.

What one receive brings is mostly one thing, messages of one peer under one
keypair, and in them packets of one flow, whether the kernel has joined them
(UDP_GRO) or not.  That is found out for all at once, and
what it was found of goes on at once; whatever is not so is looked at one by one,
with the same result.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netstart_wg.datapath.base import MAX_JOINED_OCTETS, RECEIVES, Buffer, Datagrams, UdpEnd
from netstart_wg.datapath.delivery import Delivery
from netstart_wg.datapath.ecn import TOLD_INNER, decapsulate
from netstart_wg.datapath.joining import Coalescer
from netstart_wg.datapath.offload import inner_length
from netstart_wg.datapath.opening import Opener, accept, decrypt_singly
from netstart_wg.datapath.table import ForwardingTable
from netstart_wg.model.now import Now
from netstart_wg.protocol.forwarding import DropReason, PeerId, PeerTraffic, TrafficReport
from netstart_wg.protocol.messages import TAG_LENGTH, TRANSPORT_HEADER_LENGTH

_TRANSPORT = 4
_HEADER = struct.Struct("<IIQ")
"""Type with three zero bytes, receiver index, counter (paper §5.4.6)."""
_EMPTY_LENGTH = TRANSPORT_HEADER_LENGTH + TAG_LENGTH
_MESSAGE_LENGTHS = {1: 148, 2: 92, 3: 64}
"""Handshake messages and cookie replies by type, bytes."""


@dataclass(slots=True)
class _Call:
    """One call of `move`."""

    now: Now
    report: TrafficReport
    coalescer: Coalescer
    """The packets that may still be joined by the next."""


class Inbound:
    """The way in."""

    __slots__ = ("_delivery", "_opener", "_table", "_udp")

    def __init__(self, table: ForwardingTable, udp: UdpEnd, delivery: Delivery) -> None:
        """Take what is shared with the way out."""
        self._table = table
        self._udp = udp
        self._delivery = delivery
        self._opener = Opener()

    def move(self, budget: int, now: Now) -> TrafficReport:
        """Move up to `budget` receives."""
        report = TrafficReport(is_exhausted=False)
        call = _Call(now, report, self._delivery.coalescer(now, report))
        while budget > 0:
            limit = min(budget, RECEIVES)
            batch = self._udp.receive(limit)
            for messages, origin in _runs(batch):
                self._receive(messages, origin, call)
            if len(batch) < limit:
                report.is_exhausted = True
                break
            budget -= limit
        call.coalescer.flush()
        return report

    def _receive(self, messages: Sequence[memoryview], received: Datagrams, call: _Call) -> None:
        """Open datagrams under one keypair at once; hand up what is not transport data."""
        if len(messages) > 1 and len(messages[-1]) >= _EMPTY_LENGTH:  # and so the others
            heads = map(_HEADER.unpack_from, messages)
            kinds, indices, counters = zip(*heads, strict=True)
            index = indices[0]
            if kinds.count(_TRANSPORT) == indices.count(index) == len(messages):
                self._open(index, counters, messages, received, call)
                return
        self._sort(messages, received, call)

    def _sort(self, messages: Sequence[memoryview], received: Datagrams, call: _Call) -> None:
        """Do so one by one."""
        report = call.report
        run: list[memoryview] = []
        counters: list[int] = []
        run_index = -1
        for message in messages:
            if len(message) < _EMPTY_LENGTH:
                report.drops[DropReason.NOT_A_MESSAGE] += 1
                continue
            kind, index, counter = _HEADER.unpack_from(message)
            if kind != _TRANSPORT:
                if _MESSAGE_LENGTHS.get(kind) == len(message):
                    report.messages.append((bytes(message), received.path))
                else:
                    report.drops[DropReason.NOT_A_MESSAGE] += 1
                continue
            if index != run_index:
                if run:
                    self._open(run_index, counters, run, received, call)
                run, counters, run_index = [], [], index
            run.append(message)
            counters.append(counter)
        if run:
            self._open(run_index, counters, run, received, call)

    def _open(
        self,
        index: int,
        counters: Sequence[int],
        messages: Sequence[memoryview],
        received: Datagrams,
        call: _Call,
    ) -> None:
        """Decrypt a run, check it against replay, and deliver it."""
        report = call.report
        found = self._table.by_index.get(index)
        if found is None:
            report.drops[DropReason.UNKNOWN_INDEX] += len(messages)
            return
        number, keypair = found
        if not keypair.is_alive(call.now.boottime_ns):
            report.drops[DropReason.EXPIRED] += len(messages)
            return
        call.coalescer.keep()
        packets: Sequence[Buffer] | None
        packets = rows = self._opener.open(keypair.receiving, counters, messages)
        if packets is None:
            counters, packets = decrypt_singly(keypair, counters, messages)
            if len(packets) < len(messages):
                report.drops[DropReason.NOT_AUTHENTIC] += len(messages) - len(packets)
        accepted = accept(keypair, counters, packets)
        if len(accepted) < len(packets):
            report.drops[DropReason.REPLAYED] += len(packets) - len(accepted)
        if not accepted:
            return
        traffic = report.received.get(number)
        if traffic is None:
            traffic = report.received[number] = PeerTraffic(keypair)
        traffic.keypair, traffic.path = keypair, received.path
        if keypair not in traffic.used:
            traffic.used.append(keypair)
        if (
            rows is not None
            and accepted is rows
            and self._deliver_flow(number, rows, traffic, received.ecn, call)
        ):
            return
        self._deliver(number, accepted, traffic, received.ecn, call)

    def _deliver_flow(
        self,
        number: PeerId,
        rows: Sequence[memoryview],
        traffic: PeerTraffic,
        outer_ecn: int,
        call: _Call,
    ) -> bool:
        """Do what `_deliver` does, if the packets are of few flows and nothing need be changed.

        Return False, having done nothing, if they are not.
        """
        parts = () if outer_ecn in TOLD_INNER else call.coalescer.parts_of(rows)
        lookup = self._table.allowed_ips.lookup
        sources = {_source_of(packets[0]) for _, packets in parts}
        if not parts or any(lookup(source) != number for source in sources):
            return False
        traffic.data_packets += len(rows)
        traffic.bytes += _EMPTY_LENGTH * len(rows) + sum(map(len, rows))
        for part in parts:
            call.coalescer.add_part(part)
        return True

    def _deliver(
        self,
        number: PeerId,
        packets: Sequence[Buffer],
        traffic: PeerTraffic,
        outer_ecn: int,
        call: _Call,
    ) -> None:
        """Trim, check the inner source, take in the outer ECN bits, and write."""
        report, coalescer = call.report, call.coalescer
        allowed_source, lookup = b"", self._table.allowed_ips.lookup
        is_marked = outer_ecn in TOLD_INNER
        for buffer in packets:
            if not buffer:
                traffic.keepalives += 1
                traffic.bytes += _EMPTY_LENGTH
                continue
            traffic.data_packets += 1
            packet = bytes(buffer)  # a copy only of what is not bytes
            length = inner_length(packet)
            if not length:
                report.drop(DropReason.NOT_IP, number)
                continue
            source = _source_of(packet)
            if source != allowed_source:
                if lookup(source) != number:
                    report.drop(DropReason.UNALLOWED_SOURCE, number)
                    continue
                allowed_source = source
            if is_marked:
                combined = decapsulate(packet, outer_ecn)
                if combined is None:
                    report.drops[DropReason.ILLEGAL_ECN] += 1
                    continue
                packet = combined
            traffic.bytes += _EMPTY_LENGTH + len(packet)
            coalescer.add(packet if length == len(packet) else packet[:length])


def _runs(batch: Sequence[Datagrams]) -> Iterator[tuple[Sequence[memoryview], Datagrams]]:
    """Yield the datagrams of each sender, all of one length but that the last may be shorter.

    Those that came singly, one after the other, go on as if UDP_GRO had joined them.  Of
    what is yielded, the second tells the sender of all.
    """
    run: list[memoryview] = []
    first, size, room = None, 0, 0
    for received in batch:
        data = received.data
        length = len(data)
        if not length:  # an empty datagram is nothing
            continue
        if (
            first is not None
            and length <= size
            and length <= room
            and length <= received.segment_size
            and received.path is first.path
            and received.ecn == first.ecn
        ):
            run.append(data)
            room -= length
            size = size if length == size else 0
            continue
        if first is not None:
            yield run, first
        first, step = received, received.segment_size
        if length <= step:
            run, size, room = [data], length, MAX_JOINED_OCTETS - length
        else:
            run, size = [data[start : start + step] for start in range(0, length, step)], 0
    if first is not None:
        yield run, first


def _source_of(packet: Buffer) -> bytes:
    return bytes(packet[12:16] if packet[0] >> 4 == 4 else packet[8:24])
