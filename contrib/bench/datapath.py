"""Measure the data path by itself: processor time a packet, without kernel and clock.

    .venv/bin/python -m contrib.bench.datapath
    .venv/bin/python -m contrib.bench.datapath --runs 9 super-packets acknowledgements

Two data paths with ends in memory, one sealing for the other.  What a kernel
would do for either is left out, so that a figure says what the Python costs.
The works take turns; each figure is the least of its turns, since whatever else
the machine does can only add.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from ipaddress import IPv4Address, ip_network

from netstart_wg.datapath.base import RECEIVES, Buffer, Datagrams, VirtioNetHeader
from netstart_wg.datapath.offload import GSO_TCPV4, NEEDS_CSUM, PLAIN
from netstart_wg.datapath.python import PythonDataPath
from netstart_wg.datapath.rows import Rows
from netstart_wg.model.address import Endpoint
from netstart_wg.model.now import Now
from netstart_wg.protocol.allowedips import AllowedIps
from netstart_wg.protocol.forwarding import ForwardingUpdate, Path, PeerForwarding, PeerId
from netstart_wg.protocol.keypair import Keypair
from netstart_wg.protocol.noise import SessionKeys
from tests.datapath.packets import tcp_segment, udp_datagram

MTU = 1420
NOW = Now(boottime_ns=0, realtime_ns=0)
PEER = PeerId(0)
PATH = Path(Endpoint(IPv4Address("192.0.2.1"), 51820))
NEAR, FAR = "10.77.0.1", "10.77.0.2"
TIMESTAMPS = bytes.fromhex("0101080a0000000100000002")
SEGMENTS = 44
"""What fits in one UDP_SEGMENT send at this MTU."""
BATCH = 32
ROUNDS = 40

Read = tuple[VirtioNetHeader, bytes]


class Source:
    """A TUN end that brings the same reads again and again, and swallows what is written."""

    takes_tcp_super_packets = True
    takes_udp_super_packets = True

    def __init__(self, reads: Sequence[Read]) -> None:
        self._reads = reads
        self._buffer = memoryview(bytearray(1 << 16))
        self._waiting: Iterator[Read] = iter(())

    def rewind(self) -> None:
        self._waiting = iter(self._reads)

    def read(self) -> tuple[VirtioNetHeader, memoryview] | None:
        for header, packet in self._waiting:
            self._buffer[: len(packet)] = packet
            return header, self._buffer[: len(packet)]
        return None

    def write(self, header: VirtioNetHeader, parts: Sequence[Buffer]) -> None:
        pass


class Cable:
    """A UDP end that keeps what is sent, as the kernel joins it, for the other's `receive`."""

    def __init__(self) -> None:
        self.is_kept = False
        self.carried: list[tuple[bytes, int]] = []
        self._waiting: Iterator[tuple[bytes, int]] = iter(())
        self._rows = [Rows() for _ in range(RECEIVES)]

    def send(self, message: bytes, path: Path, traffic_class: int = 0) -> bool:
        del path, traffic_class
        if self.is_kept:
            self.carried.append((message, len(message)))
        return True

    def send_laid(
        self, messages: memoryview, size: int, path: Path, traffic_class: int = 0
    ) -> Collection[int]:
        del path, traffic_class
        if self.is_kept:
            self.carried.append((bytes(messages), size))
        return ()

    def bring(self, carried: Sequence[tuple[bytes, int]]) -> None:
        self._waiting = iter(carried)

    def receive(self, limit: int = 1) -> Sequence[Datagrams]:
        received = []
        for rows, (data, size) in zip(
            self._rows, itertools.islice(self._waiting, limit), strict=False
        ):
            rows.view[: len(data)] = data  # as the kernel does
            received.append(Datagrams(rows, len(data), size, PATH))
        return received


def super_packets() -> list[Read]:
    at, size = 20, MTU - 52
    payload = os.urandom(size * SEGMENTS - 100)
    header = VirtioNetHeader(NEEDS_CSUM, GSO_TCPV4, at + 32, size, at, 16)
    packet = tcp_segment(NEAR, FAR, payload, options=TIMESTAMPS, partial_checksum=True)
    return [(header, packet)] * 4


def acknowledgements() -> list[Read]:
    header = VirtioNetHeader(NEEDS_CSUM, 0, 0, 0, 20, 16)
    return [
        (header, tcp_segment(NEAR, FAR, b"", acknowledgement=n, options=TIMESTAMPS))
        for n in range(BATCH)
    ]


def datagrams() -> list[Read]:
    header = VirtioNetHeader(NEEDS_CSUM, 0, 0, 0, 20, 6)
    return [(header, udp_datagram(NEAR, FAR, os.urandom(64))) for _ in range(BATCH)]


def mixed_datagrams() -> list[Read]:
    return [
        (PLAIN, udp_datagram(NEAR, FAR, os.urandom(40 + 37 * n % 1300), ports=(n % 5, 9)))
        for n in range(BATCH)
    ]


WORKS: dict[str, tuple[Callable[[], list[Read]], int]] = {
    "super-packets": (super_packets, SEGMENTS),
    "acknowledgements": (acknowledgements, 1),
    "datagrams": (datagrams, 1),
    "mixed": (mixed_datagrams, 1),
}
"""What is read, and how many packets each read stands for."""


def two_ends(reads: Sequence[Read]) -> tuple[PythonDataPath, Source, PythonDataPath, Cable]:
    """Return the sealing data path with its TUN, and the opening one with its network."""
    key = os.urandom(32)
    cable, tun = Cable(), Source(reads)
    ends = []
    for inner in (FAR, NEAR):
        keys = SessionKeys(sending=key, receiving=key)
        keypair = Keypair.of(keys, local_index=7, remote_index=7, is_initiator=True, created_ns=0)
        allowed_ips: AllowedIps[PeerId] = AllowedIps()
        allowed_ips.insert(ip_network(inner), PEER)
        entry = PeerForwarding(peer=PEER, path=PATH, sending=keypair, receiving=(keypair,))
        end = PythonDataPath(tun, cable, MTU)
        end.install(ForwardingUpdate(allowed_ips=allowed_ips, peers=(entry,)))
        ends.append(end)
    return ends[0], tun, ends[1], cable


def measure(work: str) -> tuple[float, float]:
    """Return what sealing and opening take a packet, microseconds."""
    make, packets_in_read = WORKS[work]
    reads = make()
    sealing, tun, opening, cable = two_ends(reads)
    packets = len(reads) * packets_in_read * ROUNDS

    def seal() -> None:
        for _ in range(ROUNDS):
            tun.rewind()
            sent = sealing.outbound(len(reads) + 1, NOW)
            assert sent.sent[PEER].data_packets == packets // ROUNDS

    before = time.process_time_ns()
    seal()
    sealed = time.process_time_ns()
    cable.is_kept = True
    seal()
    cable.bring(cable.carried)
    begun = time.process_time_ns()
    received = opening.inbound(len(cable.carried) + 1, NOW)
    opened = time.process_time_ns()
    assert received.received[PEER].data_packets == packets
    return (sealed - before) / packets / 1e3, (opened - begun) / packets / 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=15, help="turns of each work (15)")
    parser.add_argument("works", nargs="*", metavar="WORK", help=", ".join(WORKS))
    options = parser.parse_args()
    works = options.works or list(WORKS)
    turns = [{work: measure(work) for work in works} for _ in range(options.runs)]
    print("µs a packet        sealing  opening")
    for work in works:
        sealing, opening = (min(turn[work][end] for turn in turns) for end in (0, 1))
        print(f"{work:18} {sealing:7.2f}  {opening:7.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
