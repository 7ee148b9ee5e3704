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

from netstart_wg.datapath.base import Buffer, Datagrams, TunEnd, UdpEnd
from netstart_wg.datapath.offload import (
    Coalescer,
    MalformedPacketError,
    complete,
    inner_length,
    join,
)
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

HANDSHAKE_TRAFFIC_CLASS = 0x88
"""AF41 (RFC 2597), on handshake messages and cookie replies: a full link loses them last."""


class PythonDataPath:
    """See `DataPath`."""

    def __init__(self, tun: TunEnd, udp: UdpEnd, mtu: int) -> None:
        """Take the two ends, which stay the caller's to open and close."""
        self.mtu = mtu
        self._tun = tun
        self._udp = udp
        self._allowed_ips: AllowedIps[PeerId] = AllowedIps()
        self._peers: dict[PeerId, PeerForwarding] = {}
        self._by_index: dict[int, tuple[PeerId, Keypair]] = {}

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
        entry = self._peers.pop(number, None)
        if entry is not None:
            for keypair in entry.receiving:
                del self._by_index[keypair.local_index]

    # -- outbound ------------------------------------------------------------------------

    def outbound(self, budget: int, now: Now) -> TrafficReport:
        """See `DataPath`."""
        report = TrafficReport(is_exhausted=False)
        waiting: dict[PeerId, list[Buffer]] = {}
        for _ in range(budget):
            read = self._tun.read()
            if read is None:
                report.is_exhausted = True
                break
            header, packet = read
            owner = self._owner_of_destination(packet, report)
            if owner is None:
                continue
            try:
                packets = complete(header, packet)
            except MalformedPacketError:
                report.drops[DropReason.NOT_IP] += 1
                continue
            batch = waiting.setdefault(owner, [])
            if len(packets) > 1:
                batch += packets
                self._send(owner, waiting.pop(owner), now, report)
            else:
                batch.append(bytes(packets[0]))  # the next read overwrites the buffer
        for owner, batch in waiting.items():
            self._send(owner, batch, now, report)
        return report

    def send_packets(self, peer: PeerId, packets: Sequence[bytes], now: Now) -> TrafficReport:
        """See `DataPath`."""
        report = TrafficReport()
        self._send(peer, packets, now, report)
        return report

    def send_message(self, message: bytes, path: Path) -> bool:
        """See `DataPath`."""
        return self._udp.send((message,), path, HANDSHAKE_TRAFFIC_CLASS) == 1

    def _owner_of_destination(self, packet: memoryview, report: TrafficReport) -> PeerId | None:
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
            report.drops[DropReason.NO_PEER] += 1
        elif self._is_our_own(owner, packet, destination):
            report.drops[DropReason.ROUTING_LOOP] += 1
            return None
        return owner

    def _is_our_own(self, owner: PeerId, packet: memoryview, destination: memoryview) -> bool:
        """Whether it is UDP to the peer's own endpoint: our message, routed back to us."""
        if packet[0] >> 4 == 4:
            protocol, at = packet[9], (packet[0] & 0xF) * 4
        else:
            protocol, at = packet[6], 40
        if protocol != _UDP or len(packet) < at + 4:
            return False
        entry = self._peers.get(owner)
        if entry is None or entry.path is None:
            return False
        endpoint = entry.path.endpoint
        port = packet[at + 2] << 8 | packet[at + 3]
        return port == endpoint.port and destination == endpoint.address.packed

    def _send(
        self, number: PeerId, packets: Sequence[Buffer], now: Now, report: TrafficReport
    ) -> None:
        """Seal and send packets of one peer, or say why not."""
        entry = self._peers.get(number)
        if entry is None or entry.path is None:
            report.drops[DropReason.NO_ENDPOINT] += len(packets)
            return
        keypair = entry.sending
        if (
            keypair is None
            or not keypair.can_send(now.boottime_ns)
            or keypair.send_counter + len(packets) > REJECT_AFTER_MESSAGES
        ):
            report.unsent += [(number, bytes(packet)) for packet in packets]
            return
        messages = self._seal(keypair, packets)
        left = self._udp.send(messages, entry.path, 0)
        if left < len(messages):
            report.drops[DropReason.SEND_FAILED] += len(messages) - left
            messages = messages[:left]
        if messages:
            traffic = report.sent.get(number)
            if traffic is None:
                traffic = report.sent[number] = PeerTraffic(keypair)
            _count(traffic, messages)

    def _seal(self, keypair: Keypair, packets: Sequence[Buffer]) -> list[bytes]:
        """Pad, number and encrypt (paper §5.4.6)."""
        mtu, counter, index = self.mtu, keypair.send_counter, keypair.remote_index
        encrypt, pack_header, pack_nonce = keypair.sending.encrypt, _HEADER.pack, _NONCE.pack
        messages = []
        length, padding = 0, b""
        for packet in packets:
            if len(packet) != length:  # most are as long as the one before
                length = len(packet)
                padding = _ZEROS[: padding_length(length, mtu)]
            if padding:
                packet = b"".join((packet, padding))
            sealed = encrypt(pack_nonce(counter), packet, None)
            messages.append(pack_header(_TRANSPORT, index, counter) + sealed)
            counter += 1
        keypair.send_counter = counter
        return messages

    # -- inbound ---------------------------------------------------------------------------

    def inbound(self, budget: int, now: Now) -> TrafficReport:
        """See `DataPath`."""
        report = TrafficReport(is_exhausted=False)
        tun = self._tun
        coalescer = Coalescer(
            joins_tcp=tun.takes_tcp_super_packets, joins_udp=tun.takes_udp_super_packets
        )
        for _ in range(budget):
            received = self._udp.receive()
            if received is None:
                report.is_exhausted = True
                break
            self._receive(received, now, report, coalescer)
        self._write(coalescer.flush(), report)
        return report

    def _receive(
        self, received: Datagrams, now: Now, report: TrafficReport, coalescer: Coalescer
    ) -> None:
        """Sort datagrams into runs under one keypair; hand up what is not transport data."""
        data, size, path, _ecn = received
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
                    self._open(run_index, run, path, now, report, coalescer)
                run, run_index = [], index
            run.append((counter, message))
        if run:
            self._open(run_index, run, path, now, report, coalescer)

    def _open(
        self,
        index: int,
        run: list[tuple[int, memoryview]],
        path: Path,
        now: Now,
        report: TrafficReport,
        coalescer: Coalescer,
    ) -> None:
        """Decrypt a run, check it against replay, and deliver it."""
        found = self._by_index.get(index)
        if found is None:
            report.drops[DropReason.UNKNOWN_INDEX] += len(run)
            return
        number, keypair = found
        if not keypair.is_alive(now.boottime_ns):
            report.drops[DropReason.EXPIRED] += len(run)
            return
        opened = _decrypt(keypair, run, report)
        accepted = _accept(keypair, opened)
        report.drops[DropReason.REPLAYED] += len(opened) - len(accepted)
        if not accepted:
            return
        traffic = report.received.get(number)
        if traffic is None:
            traffic = report.received[number] = PeerTraffic(keypair)
        traffic.keypair, traffic.path = keypair, path
        if keypair not in traffic.used:
            traffic.used.append(keypair)
        self._deliver(number, accepted, traffic, report, coalescer)

    def _deliver(
        self,
        number: PeerId,
        packets: list[bytes],
        traffic: PeerTraffic,
        report: TrafficReport,
        coalescer: Coalescer,
    ) -> None:
        """Trim, check the inner source, and write."""
        allowed_source, lookup = b"", self._allowed_ips.lookup
        for packet in packets:
            if not packet:
                traffic.keepalives += 1
                traffic.bytes += _EMPTY_LENGTH
                continue
            traffic.data_packets += 1
            length = inner_length(packet)
            if not length:
                report.drops[DropReason.NOT_IP] += 1
                continue
            source = packet[12:16] if packet[0] >> 4 == 4 else packet[8:24]
            if source != allowed_source:
                if lookup(source) != number:
                    report.drops[DropReason.UNALLOWED_SOURCE] += 1
                    continue
                allowed_source = source
            traffic.bytes += _EMPTY_LENGTH + len(packet)
            finished = coalescer.add(packet if length == len(packet) else packet[:length])
            if finished:
                self._write(finished, report)

    def _write(self, packets: list[bytes], report: TrafficReport) -> None:
        """Write a run to the TUN; singly, from now on, if it turns out to refuse super-packets."""
        if not packets:
            return
        tun = self._tun
        header, parts = join(packets)
        try:
            tun.write(header, parts)
        except OSError as error:
            if len(packets) == 1 or error.errno != errno.EINVAL:
                report.drops[DropReason.TUN_FAILED] += len(packets)
                return
            tun.takes_tcp_super_packets = tun.takes_udp_super_packets = False
            for packet in packets:
                self._write([packet], report)


def padding_length(length: int, mtu: int) -> int:
    """Return how many zeros follow a packet of `length` octets.

    Up to a multiple of 16, but never beyond the MTU, so that padding alone does
    not make a packet too big for its path (as the Linux driver does).
    """
    last = length if length <= mtu else length % mtu
    return min(mtu, -(-last // PADDING_MULTIPLE) * PADDING_MULTIPLE) - last


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
