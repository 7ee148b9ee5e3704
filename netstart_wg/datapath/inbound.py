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
from functools import lru_cache

from netstart_wg.datapath.base import (
    MAX_JOINED_OCTETS,
    MAX_SEGMENTS,
    RECEIVES,
    Buffer,
    Datagrams,
    UdpEnd,
)
from netstart_wg.datapath.delivery import Delivery
from netstart_wg.datapath.ecn import TOLD_INNER, decapsulate
from netstart_wg.datapath.joining import Coalescer
from netstart_wg.datapath.offload import inner_length
from netstart_wg.datapath.opening import LEAST_ROWS, Opener, accept, decrypt_singly
from netstart_wg.datapath.rows import LaidPackets, Rows
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

    __slots__ = ("_delivery", "_opener", "_singles", "_table", "_udp")

    def __init__(self, table: ForwardingTable, udp: UdpEnd, delivery: Delivery) -> None:
        """Take what is shared with the way out."""
        self._table = table
        self._udp = udp
        self._delivery = delivery
        self._opener = Opener()
        self._singles = Rows()

    def move(self, budget: int, now: Now) -> TrafficReport:
        """Move up to `budget` receives."""
        report = TrafficReport(is_exhausted=False)
        call = _Call(now, report, self._delivery.coalescer(now, report))
        while budget > 0:
            limit = min(budget, RECEIVES)
            batch = self._udp.receive(limit)
            for received in self._gathered(batch):
                self._receive(received, call)
            if len(batch) < limit:
                report.is_exhausted = True
                break
            budget -= limit
        call.coalescer.flush()
        return report

    def _gathered(self, batch: Sequence[Datagrams]) -> Iterator[Datagrams]:
        """Yield what has come; datagrams of one sender that came singly, as if joined by UDP_GRO.

        These are valid until the next is asked for.
        """
        run: list[Datagrams] = []
        size = room = 0
        for received in batch:
            length = received.length
            if not length:
                continue  # an empty datagram is nothing
            if (
                run
                and length <= size
                and length <= room
                and length <= received.segment_size
                and received.path is run[0].path
                and received.ecn == run[0].ecn
            ):
                run.append(received)
                room -= length
                size = size if length == size else 0
                continue
            if run:
                yield from self._lay(run)
            if length <= received.segment_size:
                run, size, room = [received], length, MAX_JOINED_OCTETS - length
            else:
                run = []
                yield received
        if run:
            yield from self._lay(run)

    def _lay(self, run: Sequence[Datagrams]) -> Sequence[Datagrams]:
        """Lay single datagrams of one length end to end; the last may be shorter."""
        if len(run) < LEAST_ROWS:
            return run
        first, last = run[0], run[-1]
        size = first.length
        for part, received in zip(
            self._singles.parts(size, 0, size, len(run) - 1), run, strict=False
        ):
            part[:] = received.rows.view[:size]
        end = (len(run) - 1) * size
        length = end + last.length
        self._singles.view[end:length] = last.data
        return (first._replace(rows=self._singles, length=length),)

    def _receive(self, received: Datagrams, call: _Call) -> None:
        """Open datagrams under one keypair at once; hand up what is not transport data."""
        rows, length, size = received.rows, received.length, received.segment_size
        count = -(-length // size)
        last_at = (count - 1) * size
        # if the last is long enough, so are the others; a kernel joins no more than it sends
        if 1 < count <= MAX_SEGMENTS and length - last_at >= _EMPTY_LENGTH:
            fields = _headers(count).unpack(
                b"".join(rows.parts(size, 0, TRANSPORT_HEADER_LENGTH, count))
            )
            index = fields[1]
            if fields[::3].count(_TRANSPORT) == fields[1::3].count(index) == count:
                sealed = rows.parts(size, TRANSPORT_HEADER_LENGTH, size, count)
                sealed[-1] = rows.view[last_at + TRANSPORT_HEADER_LENGTH : length]
                self._open(index, fields[2::3], sealed, received, call)
                return
        self._sort(received, call)

    def _sort(self, received: Datagrams, call: _Call) -> None:
        """Do so one by one."""
        data, size = received.data, received.segment_size
        report = call.report
        run: list[memoryview] = []
        counters: list[int] = []
        run_index = -1
        for start in range(0, len(data), size):
            message = data[start : start + size]
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
            run.append(message[TRANSPORT_HEADER_LENGTH:])
            counters.append(counter)
        if run:
            self._open(run_index, counters, run, received, call)

    def _open(
        self,
        index: int,
        counters: Sequence[int],
        sealed: Sequence[memoryview],
        received: Datagrams,
        call: _Call,
    ) -> None:
        """Decrypt what a run of messages contains, check it against replay, and deliver it."""
        report = call.report
        found = self._table.by_index.get(index)
        if found is None:
            report.drops[DropReason.UNKNOWN_INDEX] += len(sealed)
            return
        number, keypair = found
        if not keypair.is_alive(call.now.boottime_ns):
            report.drops[DropReason.EXPIRED] += len(sealed)
            return
        if len(sealed) >= LEAST_ROWS:
            call.coalescer.keep()
        laid = self._opener.open(keypair.receiving, counters, sealed)
        packets: Sequence[Buffer]
        if laid is not None:
            packets = laid.packets
        else:
            counters, packets = decrypt_singly(keypair, counters, sealed)
            if len(packets) < len(sealed):
                report.drops[DropReason.NOT_AUTHENTIC] += len(sealed) - len(packets)
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
            laid is not None
            and accepted is packets
            and self._deliver_flow(number, laid, traffic, received.ecn, call)
        ):
            return
        self._deliver(number, accepted, traffic, received.ecn, call)

    def _deliver_flow(
        self,
        number: PeerId,
        laid: LaidPackets,
        traffic: PeerTraffic,
        outer_ecn: int,
        call: _Call,
    ) -> bool:
        """Do what `_deliver` does, if the packets are of few flows and nothing need be changed.

        Return False, having done nothing, if they are not.
        """
        parts = () if outer_ecn in TOLD_INNER else call.coalescer.parts_of(laid)
        lookup = self._table.allowed_ips.lookup
        sources = {_source_of(part.packets[0]) for part in parts}
        if not parts or any(lookup(source) != number for source in sources):
            return False
        packets = laid.packets
        traffic.data_packets += len(packets)
        traffic.bytes += _EMPTY_LENGTH * len(packets) + sum(map(len, packets))
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


@lru_cache(maxsize=64)
def _headers(count: int) -> struct.Struct:
    """Return how to read so many headers: three numbers of each."""
    return struct.Struct("<" + count * "IIQ")


def _source_of(packet: Buffer) -> bytes:
    return bytes(packet[12:16] if packet[0] >> 4 == 4 else packet[8:24])
