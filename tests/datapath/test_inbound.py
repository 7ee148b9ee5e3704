"""Batches taken at once, against the same messages one by one: nothing may differ.

One data path gets each batch as UDP_GRO lays it, one gets single datagrams, and one
gets them as if each came another way, so that it cannot take them together.
What is written to the TUN, what is told the engine and what the replay window makes
of it all must be the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netstart_wg.datapath.base import Datagrams, VirtioNetHeader
from netstart_wg.datapath.python import PythonDataPath
from netstart_wg.model.address import Endpoint
from netstart_wg.model.now import Now
from netstart_wg.protocol.allowedips import AllowedIps
from netstart_wg.protocol.crypto import seal
from netstart_wg.protocol.forwarding import (
    ForwardingUpdate,
    Path,
    PeerForwarding,
    PeerId,
    TrafficReport,
)
from netstart_wg.protocol.keypair import Keypair
from netstart_wg.protocol.noise import SessionKeys
from tests.datapath.packets import ACK, PSH, tcp_segment, udp_datagram
from tests.engine.simulation import MemoryTun, MemoryUdp, datagrams_of

NOW = Now(boottime_ns=0, realtime_ns=0)
PATH = Path(Endpoint(IPv4Address("192.0.2.1"), 1))
KEYS = tuple(bytes([n]) * 32 for n in range(2))
"""Of two peers; their indices are 0 and 1."""
V4, V6 = ("10.0.0.1", "10.0.0.9"), ("fd00::1", "fd00::9")
TIMESTAMPS = bytes.fromhex("0101080a0000000100000002")


class BatchUdp(MemoryUdp):
    """A UDP end that brings batches."""

    def __init__(self, batches: Sequence[tuple[bytes, int, int]], *, apart: bool) -> None:
        super().__init__(lambda _message, _path: True)
        self._batches = list(batches)
        self._apart = apart

    def receive(self, limit: int = 1) -> Sequence[Datagrams]:
        taken, self._batches = self._batches[:limit], self._batches[limit:]
        return [
            datagrams_of(data, size, replace(PATH) if self._apart else PATH, ecn)
            for data, size, ecn in taken
        ]


@dataclass
class Batch:
    """Messages that one receive brings: inner packets, and what befalls them."""

    packets: list[bytes]
    first_counter: int
    index: int = 0
    ecn: int = 0
    odd: dict[int, str] = field(default_factory=dict)
    """What is wrong with the message at some places."""

    def laid(self) -> tuple[bytes, int, int]:
        """Return the messages end to end, as far as the kernel would join them."""
        messages: list[bytes] = []
        for place, packet in enumerate(self.packets):
            message = self._message(place, packet)
            if messages and (
                len(message) > len(messages[0]) or len(messages[-1]) < len(messages[0])
            ):
                break
            messages.append(message)
        return b"".join(messages), len(messages[0]), self.ecn

    def _message(self, place: int, packet: bytes) -> bytes:
        counter = self.first_counter + place
        index, odd = self.index, self.odd.get(place)
        if odd == "repeated counter":
            counter = max(0, counter - 1)
        if odd == "far counter":
            counter = min(counter + 10_000, 2**64 - 1)
        if odd == "other peer":
            index = 1 - index
        head = b"\4\0\0\0" + (77 if odd == "unknown index" else index).to_bytes(4, "little")
        padded = packet + bytes(-len(packet) % 16)
        message = head + counter.to_bytes(8, "little") + seal(KEYS[index], counter, padded, b"")
        match odd:
            case "forged":
                return message[:-1] + bytes([message[-1] ^ 1])
            case "other type":
                return b"\5" + message[1:]
            case "cut off":
                return message[:31]
            case _:
                return message


def opening(
    batches: Sequence[tuple[bytes, int, int]], *, takes: bool, apart: bool
) -> PythonDataPath:
    tun = MemoryTun()
    tun.takes_tcp_super_packets = tun.takes_udp_super_packets = takes
    path = PythonDataPath(tun, BatchUdp(batches, apart=apart), 1420)
    allowed_ips: AllowedIps[PeerId] = AllowedIps()
    entries = []
    for number, network in ((0, "10.0.0.1/32"), (0, "fd00::1/128"), (1, "10.0.0.2/32")):
        allowed_ips.insert(ip_network(network), PeerId(number))
    for number, key in enumerate(KEYS):
        keypair = Keypair.of(
            SessionKeys(sending=key, receiving=key),
            local_index=number,
            remote_index=number,
            is_initiator=True,
            created_ns=0,
        )
        entries.append(
            PeerForwarding(peer=PeerId(number), path=PATH, sending=keypair, receiving=(keypair,))
        )
    path.install(ForwardingUpdate(allowed_ips=allowed_ips, peers=tuple(entries)))
    return path


Outcome = tuple[list[tuple[VirtioNetHeader, bytes]], object]


def outcome(
    batches: Sequence[tuple[bytes, int, int]], *, takes: bool = True, apart: bool = False
) -> Outcome:
    """Return what is written, and everything that is told and remembered."""
    path = opening(batches, takes=takes, apart=apart)
    report = path.inbound(10_000, NOW)
    tun = path._outbound._tun
    assert isinstance(tun, MemoryTun)
    windows = [
        [entry.sending.replay._next, entry.sending.replay._seen, entry.sending.replay._run_start]
        for entry in path._table.peers.values()
        if entry.sending is not None
    ]
    return tun.arrived, (told(report), windows)


def told(report: TrafficReport) -> object:
    received = {
        peer: (each.bytes, each.data_packets, each.keepalives, each.path, len(each.used))
        for peer, each in report.received.items()
    }
    drops = {reason: count for reason, count in report.drops.items() if count}
    return received, drops, dict(report.faults), report.messages


def assert_nothing_differs(
    batches: Sequence[tuple[bytes, int, int]], *, takes: bool = True
) -> None:
    one_by_one = outcome(singly(batches), takes=takes, apart=True)
    assert outcome(batches, takes=takes) == one_by_one
    assert outcome(singly(batches), takes=takes) == one_by_one


def singly(batches: Sequence[tuple[bytes, int, int]]) -> list[tuple[bytes, int, int]]:
    return [
        (data[start : start + size], size, ecn)
        for data, size, ecn in batches
        for start in range(0, len(data), size)
    ]


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Packets of a flow, mostly in sequence, with a few that are not like the others."""
    ends = draw(st.sampled_from([V4, V4, V6]))
    is_udp = draw(st.booleans())
    size, count = draw(st.sampled_from([1, 12, 100, 1348, 1368])), draw(st.integers(1, 48))
    last = draw(st.sampled_from([size, size, 1, size // 2 + 1]))
    fragments = draw(st.booleans())
    sequence = draw(st.sampled_from([0, 1000, 2**32 - 3 * size]))
    identification = draw(st.sampled_from([7, 0xFFF0]))
    options = draw(st.sampled_from([b"", TIMESTAMPS]))
    tos = draw(st.sampled_from([0, 2]))
    pushes = draw(st.sets(st.integers(0, count), max_size=2)) | {count - 1}
    odd = draw(st.dictionaries(st.integers(0, count - 1), ODD_PACKETS, max_size=2))
    packets = []
    for place in range(count):
        payload = bytes([place + 1]) * (last if place == count - 1 else size)
        packets.append(
            udp_datagram(
                *ends,
                payload,
                identification=(identification + place) & 0xFFFF,
                dont_fragment=not fragments,
                tos=tos,
            )
            if is_udp
            else tcp_segment(
                *ends,
                payload,
                sequence=sequence + place * size,
                flags=ACK | PSH if place in pushes else ACK,
                options=options,
                identification=(identification + place) & 0xFFFF,
                dont_fragment=not fragments,
                tos=tos,
            )
        )
        if place in odd:
            packets[-1] = odd[place](packets[-1])
    return packets


def altered(at: int, change: int) -> Callable[[bytes], bytes]:
    def alter(packet: bytes) -> bytes:
        place = at % max(1, len(packet))
        return packet[:place] + bytes([packet[place] ^ change]) + packet[place + 1 :]

    return alter


ODD_PACKETS = st.one_of(
    st.builds(altered, st.integers(0, 72), st.integers(1, 255)),
    st.just(lambda _packet: b""),
    st.just(lambda packet: packet[:-1]),
    st.just(lambda packet: bytes(len(packet))),
    st.just(lambda packet: packet.replace(b"\x0a\0\0\1", b"\x0a\0\0\2", 1)),
)

ODD_MESSAGES = st.sampled_from(
    [
        "repeated counter",
        "far counter",
        "other peer",
        "unknown index",
        "forged",
        "other type",
        "cut off",
    ]
)


@st.composite
def batches(draw: st.DrawFn) -> list[tuple[bytes, int, int]]:
    made, counter, packets = [], draw(st.sampled_from([0, 5, 2**64 - 8193 - 20])), list[bytes]()
    for _ in range(draw(st.integers(1, 4))):
        packets = packets or draw(streams())
        part = draw(st.integers(1, len(packets)))  # what is left comes with the next receive
        odd = draw(st.dictionaries(st.integers(0, 47), ODD_MESSAGES, max_size=2))
        ecn = draw(st.sampled_from([0, 0, 0, 1, 2, 3]))
        made.append(Batch(packets[:part], counter, ecn=ecn, odd=odd).laid())
        counter, packets = counter + part, packets[part:]
    return made


@settings(max_examples=150, deadline=None)
@given(batches(), st.booleans())
def test_a_batch_comes_out_as_its_messages_do_one_by_one(
    batches: list[tuple[bytes, int, int]], takes: bool
) -> None:
    assert_nothing_differs(batches, takes=takes)


@pytest.mark.parametrize("ends", [V4, V6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("is_udp", [False, True], ids=["TCP", "UDP"])
def test_a_batch_of_one_flow_is_one_write(ends: tuple[str, str], is_udp: bool) -> None:
    packets = [
        udp_datagram(*ends, os.urandom(700), identification=n)
        if is_udp
        else tcp_segment(*ends, os.urandom(700), sequence=n * 700, options=TIMESTAMPS)
        for n in range(40)
    ]
    batch = Batch(packets, 0).laid()
    ((header, packet),), _ = outcome([batch])
    assert header.gso_size == 700
    assert packet.endswith(b"".join(each[-700:] for each in packets))
    assert_nothing_differs([batch])


def test_what_stays_open_outlives_the_next_batch() -> None:
    packets = [tcp_segment(*V4, bytes([n]) * 1368, sequence=n * 1368) for n in range(40)]
    made = [Batch(packets[at : at + 10], at).laid() for at in range(0, 40, 10)]
    ((header, packet),), _ = outcome(made)
    assert header.gso_size == 1368
    assert packet[40:] == b"".join(bytes([n]) * 1368 for n in range(40))


def test_a_library_without_decrypt_into_does_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    class OlderCipher:
        """As cryptography 38 has it."""

        def __init__(self, cipher: object) -> None:
            self.decrypt = cipher.decrypt  # type: ignore[attr-defined]

    packets = [tcp_segment(*V4, bytes([n]) * 500, sequence=n * 500) for n in range(20)]
    good = [Batch(packets, 0).laid()]
    forged = [Batch(packets, 0, odd={7: "forged"}).laid()]
    expected = outcome(good), outcome(forged)
    of = Keypair.of

    def with_older_cipher(keys: SessionKeys, **others: int) -> Keypair:
        keypair = of(keys, **others)  # type: ignore[arg-type]
        keypair.receiving = OlderCipher(keypair.receiving)  # type: ignore[assignment]
        return keypair

    monkeypatch.setattr(Keypair, "of", with_older_cipher)
    assert (outcome(good), outcome(forged)) == expected


def flow(count: int = 8, size: int = 100, start: int = 0, **changes: Any) -> list[bytes]:
    return [
        tcp_segment(
            *V4, bytes([n]) * size, sequence=(start + n) * size, identification=n, **changes
        )
        for n in range(count)
    ]


def datagrams(size: int = 100, **changes: Any) -> list[bytes]:
    return [udp_datagram(*V4, bytes([n]) * size, identification=n, **changes) for n in range(8)]


def with_octets(packet: bytes, at: int, octets: bytes) -> bytes:
    return packet[:at] + octets + packet[at + len(octets) :]


def replaced(packets: list[bytes], place: int, packet: bytes) -> list[bytes]:
    return [*packets[:place], packet, *packets[place + 1 :]]


NEARLY_ONE_FLOW: dict[str, list[list[bytes]]] = {
    "a gap": [flow()[:3] + flow(start=1)[3:]],
    "a shorter one between, of the same length with padding": [
        replaced(flow(), 3, tcp_segment(*V4, bytes(95), sequence=300, identification=3))
    ],
    "a datagram between, shorter with the same padding": [
        replaced(datagrams(), 3, udp_datagram(*V4, bytes(97), identification=3))
    ],
    "one that says to be longer than it is": [
        replaced(flow(), 3, with_octets(flow()[3], 2, b"\1\0"))
    ],
    "a last one that says to be longer than it is": [
        replaced(flow(), 7, with_octets(flow()[7], 2, b"\1\0"))
    ],
    "a last one longer than the others, of the same length with padding": [
        replaced(flow(), 7, tcp_segment(*V4, bytes(103), sequence=700, identification=7))
    ],
    "a last one without content": [replaced(flow(), 7, flow()[7][:40])],
    "a datagram without checksum": [
        replaced(datagrams(), 3, with_octets(datagrams()[3], 26, b"\0\0"))
    ],
    "a datagram with another length than its packet": [
        replaced(datagrams(), 3, with_octets(datagrams()[3], 24, b"\0\1"))
    ],
    "a last datagram with another length than its packet": [
        replaced(datagrams(), 7, with_octets(datagrams()[7], 24, b"\0\1"))
    ],
    "identifications that do not count on": [
        replaced(flow(dont_fragment=False), 3, flow(dont_fragment=False)[4])
    ],
    "identifications alone that do not count on": [
        [*datagrams(dont_fragment=False)[:3], *datagrams(dont_fragment=False)[:5]]
    ],
    "a push between": [replaced(flow(), 3, flow(flags=ACK | PSH)[3])],
    "a push at each": [flow(flags=ACK | PSH)],
    "another flag between": [replaced(flow(), 3, flow(flags=ACK | 0x40)[3])],
    "another type of service": [replaced(flow(), 3, flow(tos=2)[3])],
    "another time to live": [replaced(flow(), 3, with_octets(flow()[3], 8, b"\x3f"))],
    "another window": [replaced(flow(), 3, flow(window=9)[3])],
    "another window from the third on": [[*flow()[:3], *flow(start=3, window=9)]],
    "another timestamp at each": [
        [
            tcp_segment(
                *V4,
                bytes(100),
                sequence=n * 100,
                options=TIMESTAMPS[:7] + bytes([n]) + TIMESTAMPS[8:],
            )
            for n in range(8)
        ]
    ],
    "two flows": [
        [*flow(4), *(packet.replace(b"\x0a\0\0\x09", b"\x0a\0\0\x08") for packet in flow())]
    ],
    "two flows, the second of another peer": [
        [*flow(4), *(packet.replace(b"\x0a\0\0\1", b"\x0a\0\0\2") for packet in flow())]
    ],
    "a flow, its acknowledgement and its rest": [
        [*flow(4), with_octets(flow()[4], 2, b"\0\x28"), *flow(start=4)]
    ],
    "a flow of TCP and one of UDP": [[*flow(4), *datagrams(112)]],
    "a source that is another peer's": [
        [packet.replace(b"\x0a\0\0\1", b"\x0a\0\0\2") for packet in flow()]
    ],
    "an empty one at the end": [[*flow(), b""]],
    "no IP at the beginning": [[bytes(140), *flow()]],
    "more than fits in one packet": [flow(45, 1368), flow(45, 1368, start=45)],
    "more packets than one write takes": [
        [udp_datagram(*V4, b"tiny", identification=n)] * 48 for n in range(11)
    ],
    "a second batch of shorter ones": [
        flow(4),
        [
            tcp_segment(*V4, bytes(50), sequence=400 + n * 50, identification=4 + n)
            for n in range(6)
        ],
    ],
    "a second batch of longer ones": [
        flow(4),
        [
            tcp_segment(*V4, bytes(150), sequence=400 + n * 150, identification=4 + n)
            for n in range(6)
        ],
    ],
}


@pytest.mark.parametrize("packets", NEARLY_ONE_FLOW.values(), ids=NEARLY_ONE_FLOW.keys())
@pytest.mark.parametrize("ecn", [0, 1, 3], ids=["not marked", "ECT(1)", "CE"])
def test_what_is_nearly_one_flow_comes_out_as_packets_one_by_one(
    packets: list[list[bytes]], ecn: int
) -> None:
    counter, made = 0, []
    for part in packets:
        made.append(Batch(part, counter, ecn=ecn).laid())
        assert len(made[-1][0]) > 3 * made[-1][1], "too few for a batch"
        counter += len(part)
    assert_nothing_differs(made)
