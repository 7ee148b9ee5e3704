"""The reference data path, in Python.

Batches are the unit everywhere: one read of the TUN may be forty packets, one
receive forty datagrams; look-ups, counters and reports are per run of packets
with the same peer and keypair, and only the cipher is called for each.

Order within a peer is kept in both directions: reordering costs TCP more than
anything gained by it.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from netstart_wg.datapath.base import RECEIVES, Buffer, Datagrams, TunEnd, UdpEnd
from netstart_wg.datapath.ecn import NOT_ECT, TOLD_INNER, decapsulate, ecn_of
from netstart_wg.datapath.offload import (
    GSO_UDP_L4,
    Coalescer,
    MalformedPacketError,
    complete,
    inner_length,
    join,
)
from netstart_wg.datapath.refusals import Refusals
from netstart_wg.datapath.unreachable import UnreachableMessages
from netstart_wg.model.address import Endpoint
from netstart_wg.model.now import Now
from netstart_wg.protocol.allowedips import AllowedIps
from netstart_wg.protocol.crypto import InvalidTag
from netstart_wg.protocol.forwarding import (
    DropReason,
    ForwardingUpdate,
    Path,
    PeerForwarding,
    PeerId,
    PeerTraffic,
    TrafficReport,
)
from netstart_wg.protocol.keypair import Keypair
from netstart_wg.protocol.messages import (
    PADDING_MULTIPLE,
    REJECT_AFTER_MESSAGES,
    TAG_LENGTH,
    TRANSPORT_HEADER_LENGTH,
)

_TRANSPORT = 4
_UDP = 17
_HEADER = struct.Struct("<IIQ")
"""Type with three zero bytes, receiver index, counter (paper §5.4.6)."""
_NONCE = struct.Struct("<4xQ")
_EMPTY_LENGTH = TRANSPORT_HEADER_LENGTH + TAG_LENGTH
_MESSAGE_LENGTHS = {1: 148, 2: 92, 3: 64}
"""Handshake messages and cookie replies by type, bytes."""
_ZEROS = bytes(PADDING_MULTIPLE)

SURE_LENGTH = 1280
"""Octets that go over every route: the least MTU of IPv6 (RFC 8200 §5)."""

HANDSHAKE_TRAFFIC_CLASS = 0x88
"""AF41 (RFC 2597), on handshake messages and cookie replies: a full link loses them last."""


@dataclass(slots=True)
class _Inbound:
    """One call of `inbound`."""

    now: Now
    report: TrafficReport
    coalescer: Coalescer
    """The packets that may still be joined by the next."""


class PythonDataPath:
    """See `DataPath`."""

    def __init__(self, tun: TunEnd, udp: UdpEnd, mtu: int) -> None:
        """Take the two ends, which stay the caller's to open and close."""
        self._mtu = mtu
        self._tun = tun
        self._udp = udp
        self._allowed_ips: AllowedIps[PeerId] = AllowedIps()
        self._peers: dict[PeerId, PeerForwarding] = {}
        self._by_index: dict[int, tuple[PeerId, Keypair]] = {}
        self._unreachable = UnreachableMessages()
        self._refused: Refusals[int] = Refusals()
        """Kinds of super-packets, GSO_*, that the TUN did not take."""
        self._longest: dict[PeerId, int] = {}
        """Octets of the longest packet under a peer's present keys and path, beyond SURE_LENGTH."""

    @property
    def mtu(self) -> int:
        """See `DataPath`."""
        return self._mtu

    @mtu.setter
    def mtu(self, mtu: int) -> None:
        self._mtu = mtu
        self._longest.clear()

    def install(self, update: ForwardingUpdate) -> None:
        """See `DataPath`."""
        if update.allowed_ips is not None:
            self._allowed_ips = update.allowed_ips
        for number in update.removed:
            self._forget(number)
        for entry in update.peers:
            self._forget(entry.peer)
            self._peers[entry.peer] = entry
            for keypair in entry.receiving:
                self._by_index[keypair.local_index] = (entry.peer, keypair)

    def _forget(self, number: PeerId) -> None:
        self._longest.pop(number, None)
        entry = self._peers.pop(number, None)
        if entry is not None:
            for keypair in entry.receiving:
                del self._by_index[keypair.local_index]

    # -- outbound ------------------------------------------------------------------------

    def outbound(self, budget: int, now: Now) -> TrafficReport:
        """See `DataPath`."""
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
        """See `DataPath`."""
        report = TrafficReport()
        for ecn, batch in groupby(packets, _ecn_of_staged):
            self._send(peer, ecn, list(batch), now, report)
        return report

    def send_message(self, message: bytes, path: Path) -> bool:
        """See `DataPath`."""
        return self._udp.send((message,), path, HANDSHAKE_TRAFFIC_CLASS) == 1

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
        owner = self._allowed_ips.lookup(bytes(destination))
        if owner is None:
            self._turn_back(packet, DropReason.NO_PEER, now, report)
            return None
        entry = self._peers.get(owner)
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
            self._write([message], now, report)

    def _send(
        self, number: PeerId, ecn: int, packets: Sequence[Buffer], now: Now, report: TrafficReport
    ) -> None:
        """Seal and send packets of one peer that agree in ECN, or say why not."""
        entry = self._peers.get(number)
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
        known = self._longest.get(number, SURE_LENGTH)
        longest = max(map(len, packets))
        if longest > known:
            self._longest[number] = known = longest
        return min(known, self._mtu)

    # -- inbound ---------------------------------------------------------------------------

    def inbound(self, budget: int, now: Now) -> TrafficReport:
        """See `DataPath`."""
        report, tun = TrafficReport(is_exhausted=False), self._tun
        if not self._refused.is_empty:
            self._offer_again(now)
        coalescer = Coalescer(
            joins_tcp=tun.takes_tcp_super_packets, joins_udp=tun.takes_udp_super_packets
        )
        call = _Inbound(now, report, coalescer)
        while budget > 0:
            limit = min(budget, RECEIVES)
            batch = self._udp.receive(limit)
            for received in batch:
                self._receive(received, call)
            if len(batch) < limit:
                report.is_exhausted = True
                break
            budget -= limit
        self._write(coalescer.flush(), now, report)
        return report

    def _receive(self, received: Datagrams, call: _Inbound) -> None:
        """Sort datagrams into runs under one keypair; hand up what is not transport data."""
        data, size, path, _ = received
        report = call.report
        run: list[tuple[int, memoryview]] = []
        run_index = -1
        for start in range(0, len(data), size):
            message = data[start : start + size]
            if len(message) < _EMPTY_LENGTH:
                report.drops[DropReason.NOT_A_MESSAGE] += 1
                continue
            kind, index, counter = _HEADER.unpack_from(message)
            if kind != _TRANSPORT:
                if _MESSAGE_LENGTHS.get(kind) == len(message):
                    report.messages.append((bytes(message), path))
                else:
                    report.drops[DropReason.NOT_A_MESSAGE] += 1
                continue
            if index != run_index:
                if run:
                    self._open(run_index, run, received, call)
                run, run_index = [], index
            run.append((counter, message))
        if run:
            self._open(run_index, run, received, call)

    def _open(
        self,
        index: int,
        run: list[tuple[int, memoryview]],
        received: Datagrams,
        call: _Inbound,
    ) -> None:
        """Decrypt a run, check it against replay, and deliver it."""
        report = call.report
        found = self._by_index.get(index)
        if found is None:
            report.drops[DropReason.UNKNOWN_INDEX] += len(run)
            return
        number, keypair = found
        if not keypair.is_alive(call.now.boottime_ns):
            report.drops[DropReason.EXPIRED] += len(run)
            return
        opened = _decrypt(keypair, run, report)
        accepted = _accept(keypair, opened)
        if len(accepted) < len(opened):
            report.drops[DropReason.REPLAYED] += len(opened) - len(accepted)
        if not accepted:
            return
        traffic = report.received.get(number)
        if traffic is None:
            traffic = report.received[number] = PeerTraffic(keypair)
        traffic.keypair, traffic.path = keypair, received.path
        if keypair not in traffic.used:
            traffic.used.append(keypair)
        self._deliver(number, accepted, traffic, received.ecn, call)

    def _deliver(
        self,
        number: PeerId,
        packets: list[bytes],
        traffic: PeerTraffic,
        outer_ecn: int,
        call: _Inbound,
    ) -> None:
        """Trim, check the inner source, take in the outer ECN bits, and write."""
        report, coalescer = call.report, call.coalescer
        allowed_source, lookup = b"", self._allowed_ips.lookup
        is_marked = outer_ecn in TOLD_INNER
        for packet in packets:
            if not packet:
                traffic.keepalives += 1
                traffic.bytes += _EMPTY_LENGTH
                continue
            traffic.data_packets += 1
            length = inner_length(packet)
            if not length:
                report.drop(DropReason.NOT_IP, number)
                continue
            source = packet[12:16] if packet[0] >> 4 == 4 else packet[8:24]
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
            finished = coalescer.add(packet if length == len(packet) else packet[:length])
            if finished:
                self._write(finished, call.now, report)

    def _write(self, packets: list[bytes], now: Now, report: TrafficReport) -> None:
        """Write a run to the TUN; singly, for a while, if it refuses that kind of super-packet."""
        if not packets:
            return
        header, parts = join(packets)
        try:
            self._tun.write(header, parts)
        except OSError as error:
            if len(packets) == 1 or error.errno != errno.EINVAL:
                report.drops[DropReason.TUN_FAILED] += len(packets)
                return
            self._refused.remember(header.gso_type, now.boottime_ns)
            self._set_takes(header.gso_type, takes=False)
            for packet in packets:
                self._write([packet], now, report)

    def _offer_again(self, now: Now) -> None:
        """Try super-packets again on a TUN that refused their kind a while ago."""
        for gso_type in self._refused.expire(now.boottime_ns):
            self._set_takes(gso_type, takes=True)

    def _set_takes(self, gso_type: int, *, takes: bool) -> None:
        if gso_type == GSO_UDP_L4:
            self._tun.takes_udp_super_packets = takes
        else:
            self._tun.takes_tcp_super_packets = takes


def _ecn_of_staged(packet: bytes) -> int:
    return ecn_of(packet) if len(packet) >= 20 else NOT_ECT  # a keepalive is empty


def _is_for(endpoint: Endpoint, packet: memoryview, destination: memoryview) -> bool:
    """Whether it is UDP to the peer's own endpoint: our message, routed back to us."""
    if len(destination) == 4:
        protocol, at = packet[9], (packet[0] & 0xF) * 4
    else:
        protocol, at = packet[6], 40
    if protocol != _UDP or len(packet) < at + 4:
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


def _decrypt(
    keypair: Keypair, run: list[tuple[int, memoryview]], report: TrafficReport
) -> list[tuple[int, bytes]]:
    decrypt, pack_nonce = keypair.receiving.decrypt, _NONCE.pack
    opened = []
    for counter, message in run:
        try:
            plaintext = decrypt(pack_nonce(counter), message[TRANSPORT_HEADER_LENGTH:], None)
        except InvalidTag:
            report.drops[DropReason.NOT_AUTHENTIC] += 1
        else:
            opened.append((counter, plaintext))
    return opened


def _accept(keypair: Keypair, opened: list[tuple[int, bytes]]) -> list[bytes]:
    """Keep what the replay window has not seen; a run in order is one step."""
    if not opened:
        return []
    replay, first, last = keypair.replay, opened[0][0], opened[-1][0]
    in_order = last - first == len(opened) - 1 and all(
        counter == first + place for place, (counter, _) in enumerate(opened)
    )
    if in_order and replay.accept_run(first, len(opened)):
        return [plaintext for _, plaintext in opened]
    return [plaintext for counter, plaintext in opened if replay.accept(counter)]
