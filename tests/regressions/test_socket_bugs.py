"""Bugs of UDP sockets that other engines have had: lengths, losses, addresses, families.

Over loopback in this process, with our own sockets, data path and device; and
whole engines in hosts of their own where it matters how they start or go on.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from ipaddress import IPv4Address, ip_address, ip_network
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from netstart_wg.datapath.base import RECEIVES
from netstart_wg.datapath.offload import PLAIN
from netstart_wg.datapath.python import PythonDataPath
from netstart_wg.engine.bound_sockets import BoundSockets
from netstart_wg.engine.engine import now
from netstart_wg.engine.receiver import read_origin
from netstart_wg.engine.tunnel import Tunnel
from netstart_wg.engine.udp import UdpSockets
from netstart_wg.model.address import Endpoint, IPAddress
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PrivateKey
from netstart_wg.model.offload import Offload
from netstart_wg.protocol import forwarding
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.protocol.device import Device
from netstart_wg.protocol.forwarding import DropReason
from tests.datapath.packets import udp_datagram
from tests.engine.simulation import MemoryTun
from tests.netns.engines import (
    NETSTART_WG,
    NETSTART_WGD,
    OURS,
    Engine,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
    show,
)
from tests.netns.hosts import Host, HostMaker, link
from tests.netns.traffic import ping
from tests.private_namespaces import private_namespaces

LARGEST = {"127.0.0.1": 65507, "::1": 65527}
"""Octets of a datagram: 65535 less UDP's header and, with IPv4, its own (RFC 791, RFC 8200 §3)."""
LOOPBACKS = pytest.mark.parametrize("loopback", LARGEST)
UDP_SEGMENT = 103
PORT = 51820


class End:
    """One end of a tunnel, whose outside is real and whose inside is in memory."""

    def __init__(
        self,
        inner: str,
        sockets: UdpSockets,
        *,
        mtu: int,
    ) -> None:
        self.inner = inner
        self.sockets = sockets
        self.private_key = PrivateKey(os.urandom(32))
        self.public_key = public_key_of(self.private_key)
        self.tun = MemoryTun()
        self.tun.takes_udp_super_packets = False  # what goes out one by one is heard one by one
        self.datapath = PythonDataPath(self.tun, sockets, mtu)
        self.tunnel = Tunnel(Device(os.urandom), self.datapath)
        self.tunnel.configure(DeviceChange(private_key=self.private_key), now())
        self.tunnel.bring_up(now())

    def add_peer(self, other: End, address: str) -> None:
        peer = PeerChange(
            public_key=other.public_key,
            add_allowed_ips=(ip_network(other.inner),),
            endpoint=Endpoint(ip_address(address), other.sockets.port),
        )
        self.tunnel.configure(DeviceChange(peers=(peer,)), now())

    def say(self, other: End, *contents: bytes) -> None:
        """Let programs send datagrams, which are read in one batch."""
        packets = [udp_datagram(self.inner, other.inner, content) for content in contents]
        self.tun.outgoing.extend((PLAIN, packet) for packet in packets)
        self.tunnel.tun_is_readable(now(), len(packets) + 1)

    def serve(self, seconds: float = 0) -> bool:
        """Take in what has come; return False if nothing does for so long."""
        readable, _, _ = select.select(self.sockets.descriptors, [], [], seconds)
        while readable and self.tunnel.udp_is_readable(now()):
            pass
        return bool(readable)

    def heard(self) -> list[bytes]:
        return [packet[28:] for _, packet in self.tun.arrived]

    def drops(self) -> dict[DropReason, int]:
        return {reason: count for reason, count in self.tunnel.device.drops.items() if count}


def opened(*without: Offload) -> closing[UdpSockets]:
    """Our sockets, on a port that is free."""
    return closing(UdpSockets(BoundSockets.bind(0, 0), without=without))


@contextmanager
def joined(
    loopback: str, mtu: int = 1420, left: UdpSockets | None = None
) -> Iterator[tuple[End, End]]:
    """Two ends with a session."""
    with closing(left or UdpSockets(BoundSockets.bind(0, 0))) as one, opened() as other:
        a, b = End("10.0.0.1", one, mtu=mtu), End("10.0.0.2", other, mtu=mtu)
        a.add_peer(b, loopback)
        b.add_peer(a, loopback)
        a.say(b, b"hello")
        for end in (b, a, b):
            assert end.serve(5)
        assert b.heard() == [b"hello"]
        yield a, b


# -- what is long ---------------------------------------------------------------------------


@LOOPBACKS
def test_the_largest_datagram_of_any_type_is_dropped_and_reception_goes_on(loopback: str) -> None:
    """Seen in gotatun 0.7.2: one larger than the buffer ended the receiving task, for everybody."""
    family = socket.AF_INET6 if ":" in loopback else socket.AF_INET
    with joined(loopback) as (a, b), socket.socket(family, socket.SOCK_DGRAM) as stranger:
        stranger.connect((loopback, b.sockets.port))
        index = next(iter(b.datapath._table.by_index)).to_bytes(4, "little")
        beginnings = [
            bytes([kind, *reserved]) + receiver
            for kind, reserved, receiver in product(
                range(256), (bytes(3), b"\0\0\1"), (index, b"gone")
            )
        ]
        for number, beginning in enumerate(beginnings):
            stranger.send(beginning.ljust(LARGEST[loopback], b"\xff"))
            if number % 16 == 15:  # no more than the socket's buffer holds
                assert b.serve(5)
        assert b.drops() == {
            DropReason.NOT_A_MESSAGE: 4 * 256 - 2,
            DropReason.NOT_AUTHENTIC: 1,
            DropReason.UNKNOWN_INDEX: 1,
        }
        a.say(b, b"still there?")
        assert b.serve(5)
        assert b.heard() == [b"hello", b"still there?"]


@LOOPBACKS
@pytest.mark.parametrize("count", [1, 2, 5])
def test_packets_as_long_as_a_datagram_can_hold_arrive(loopback: str, count: int) -> None:
    """Seen in ours: two that waited for one peer were laid where there is room for one."""
    room = LARGEST[loopback] - 32
    with joined(loopback, mtu=65535) as (a, b):
        for length in (room, room + 1):  # the second has no room in a datagram
            a.say(b, *(bytes([number]) * (length - 28) for number in range(count)))
        assert b.serve(5)
        a.say(b, b"still there?")
        assert b.serve(5)
        lengths = [len(content) for content in b.heard()]
        assert lengths == [5, *[room - 28] * count, len(b"still there?")]
        assert a.drops() == {DropReason.SEND_FAILED: count}


@LOOPBACKS
def test_the_most_that_one_receive_can_bring_is_dropped_and_reception_goes_on(
    loopback: str,
) -> None:
    """The same, where the kernel joins: as many and as long as any sender can have them joined."""
    family = socket.AF_INET6 if ":" in loopback else socket.AF_INET
    with joined(loopback) as (a, b), socket.socket(family, socket.SOCK_DGRAM) as stranger:
        stranger.connect((loopback, b.sockets.port))
        for kind, size, count in product(range(6), (1, 32, 148, 511, 1023, 32000), (2, 64, 128)):
            laid = (bytes([kind, 0, 0, 0]).ljust(size, b"\xff")[:size] * count)[: LARGEST[loopback]]
            segment = (socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size))
            try:
                stranger.sendmsg([laid], [segment])
            except OSError as error:  # more than 64 are for kernels from 6.10 on
                if (count, error.errno) == (128, errno.EINVAL):
                    continue
                raise
            assert b.serve(5)
        a.say(b, b"still there?")
        assert b.serve(5)
        assert b.heard() == [b"hello", b"still there?"]


# -- what does not leave ----------------------------------------------------------------------


class FailingSocket(socket.socket):
    """Refuses some sends, as a full queue does, with ENOBUFS."""

    refuses: dict[int, int]
    """The error by the place of the send, from 0; it counts down what is still to come."""
    sends: int

    def __init__(self, other: socket.socket) -> None:
        super().__init__(fileno=other.detach())
        self.refuse({})

    def refuse(self, errors: dict[int, int]) -> None:
        """Count from here: these of the sends to come will fail."""
        self.refuses, self.sends = errors, 0

    def sendmsg(self, *arguments: Any) -> int:
        place, self.sends = self.sends, self.sends + 1
        if (error := self.refuses.get(place)) is not None:
            raise OSError(error, os.strerror(error))
        return super().sendmsg(*arguments)


def failing(*without: Offload) -> tuple[FailingSocket, UdpSockets, Counter[int]]:
    """Sockets of which the one for IPv4 fails at will, and the errors they count."""
    bound = BoundSockets.bind(0, 0)
    each = {bound_socket.family: bound_socket for bound_socket in bound.sockets}
    each[socket.AF_INET6].close()
    fails = FailingSocket(each[socket.AF_INET])
    errors: Counter[int] = Counter()
    return fails, UdpSockets(BoundSockets((fails,), None), errors, without), errors


MESSAGES = [bytes([number]) * 64 for number in range(5)]
LAID = memoryview(b"".join(MESSAGES))
SUBSETS = [
    frozenset(place for place in range(5) if bits >> place & 1)
    for bits in range(1 << len(MESSAGES))
]


def expect(receiver: socket.socket, messages: Sequence[bytes]) -> None:
    """Assert that these have come, and no others."""
    assert [receiver.recv(100) for _ in messages] == list(messages)
    assert not select.select([receiver], [], [], 0)[0]


def test_of_many_datagrams_each_that_can_leave_does_and_the_others_are_told() -> None:
    """Seen in gotatun: when sendmmsg took only some, those behind were lost and nobody knew."""
    sender, sockets, errors = failing(Offload.UDP_GSO)
    with closing(sockets), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        path = forwarding.Path(Endpoint(IPv4Address("127.0.0.1"), receiver.getsockname()[1]))
        for refused in SUBSETS:
            errors.clear()
            sender.refuse(dict.fromkeys(refused, errno.ENOBUFS))
            assert list(sockets.send_laid(LAID, 64, path)) == sorted(refused)
            assert errors == ({errno.ENOBUFS: len(refused)} if refused else {})
            expect(receiver, [m for place, m in enumerate(MESSAGES) if place not in refused])


@pytest.mark.parametrize(
    "error", [errno.EIO, errno.EINVAL, errno.EMSGSIZE, errno.EOPNOTSUPP], ids=errno.errorcode.get
)
def test_joined_datagrams_that_are_refused_leave_singly_and_none_is_lost(error: int) -> None:
    """The same, where the kernel cuts: what refuses them together takes them one by one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        path = forwarding.Path(Endpoint(IPv4Address("127.0.0.1"), receiver.getsockname()[1]))
        for also_refused in SUBSETS:
            sender, sockets, _ = failing()
            sender.refuse({0: error, **{place + 1: errno.ENOBUFS for place in also_refused}})
            with closing(sockets):
                assert list(sockets.send_laid(LAID, 64, path)) == sorted(also_refused)
            expect(receiver, [m for place, m in enumerate(MESSAGES) if place not in also_refused])


@pytest.mark.parametrize("refused", SUBSETS[1::3], ids=lambda refused: f"without {[*refused]}")
def test_what_did_not_leave_is_counted_as_lost_and_not_as_sent(refused: frozenset[int]) -> None:
    """Seen in gotatun: the same, where the session and its counters are concerned."""
    sender, sockets, _ = failing(Offload.UDP_GSO)
    with joined("127.0.0.1", left=sockets) as (a, b):
        (before,) = a.tunnel.device.state().peers
        sender.refuse(dict.fromkeys(refused, errno.ENOBUFS))
        a.say(b, *MESSAGES)
        left = [m for place, m in enumerate(MESSAGES) if place not in refused]
        (after,) = a.tunnel.device.state().peers
        assert after.tx_bytes - before.tx_bytes == len(left) * (28 + 64 + 4 + 32)
        assert a.drops().get(DropReason.SEND_FAILED, 0) == len(refused)
        a.say(b, b"last")
        assert b.serve(5)
        assert b.heard() == [b"hello", *left, b"last"]
        assert b.drops() == {}  # no nonce came twice


# -- two addresses ----------------------------------------------------------------------------

ADDRESSES = {4: ("198.51.100.1", "198.51.100.2"), 6: ("2001:db8::1", "2001:db8::2")}
CE, ECT_0 = 3, 2


@pytest.fixture
def two_addresses() -> Iterator[None]:
    """A network of its own, whose loopback has these addresses."""
    with private_namespaces():
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for address in (*ADDRESSES[4], *ADDRESSES[6]):
            length = 128 if ":" in address else 32
            add = ["ip", "address", "add", f"{address}/{length}", "dev", "lo"]
            subprocess.run([*add, "nodad"] if length == 128 else add, check=True)
        yield


def shapes(family: int) -> list[tuple[IPAddress, int, int]]:
    """Our address, the mark and how many datagrams, of batches that follow each other at once."""
    one, other = map(ip_address, ADDRESSES[family])
    return [(one, 0, 5), (other, CE, 5), (other, 0, 1), (one, 0, 1), (one, ECT_0, 7), (other, 0, 3)]


@pytest.mark.root
@pytest.mark.usefixtures("two_addresses")
@pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("without", [(), (Offload.UDP_GRO,)], ids=["joined", "singly"])
def test_each_datagram_of_a_batch_is_known_by_the_address_that_it_was_sent_to(
    family: int, without: Sequence[Offload]
) -> None:
    """Seen in amneziawg-go PR #144: control messages were shared, freed, or only the first's.

    And what was told of one batch stays as it was when the next one has come.
    """
    source = ip_address(ADDRESSES[family][0])  # of all, so that the sender tells nothing apart
    expected: list[tuple[IPAddress | None, int]] = []
    told: list[tuple[forwarding.Path, int]] = []
    with opened() as client, opened(*without) as server:
        for batches in (shapes(family), shapes(family)[::-1]):
            for address, mark, count in batches:
                path = forwarding.Path(Endpoint(address, server.port), source)
                assert not client.send_laid(memoryview(bytes(100 * count)), 100, path, mark)
                expected += [(address, mark)] * count
            while len(told) < len(expected):
                assert select.select(server.descriptors, [], [], 5)[0]
                for received in server.receive(RECEIVES):
                    count = -(-received.length // received.segment_size)
                    told += [(received.path, received.ecn)] * count
        assert [(path.source, ecn) for path, ecn in told] == expected
        for path in dict.fromkeys(path for path, _ in told):
            assert not server.send_laid(memoryview(bytes(300)), 100, path)
            assert select.select(client.descriptors, [], [], 5)[0]
            answers = client.receive(RECEIVES)
            assert {answer.path.endpoint.address for answer in answers} == {path.source}


@pytest.mark.root
@pytest.mark.usefixtures("two_addresses")
@pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
def test_a_peer_is_answered_from_the_address_that_it_wrote_to_last(family: int) -> None:
    """Seen in amneziawg-go PR #144: with one of another datagram of the same batch."""
    one, other = ADDRESSES[family]
    with joined(one) as (a, b):
        for last in (other, one, other):
            for address in (one, other, last):
                a.add_peer(b, address)
                a.say(b, *[address.encode()] * 5)
            assert b.serve(5)
            b.say(a, b"which of you?")
            assert a.serve(5)
            (peer,) = a.tunnel.device.state().peers
            assert peer.endpoint == Endpoint(ip_address(last), b.sockets.port)
        assert len(b.heard()) == 1 + 3 * 3 * 5


# -- how long each of the joined ones is --------------------------------------------------------

SENDER = (
    struct.pack("=H", socket.AF_INET) + struct.pack("!H4s", 4711, bytes([192, 0, 2, 7]))
).ljust(28, b"\0")


def gro_size(data: bytes) -> bytes:
    """Return the control message SOL_UDP, UDP_GRO with that in it (cmsg(3))."""
    length = struct.calcsize("@Nii") + len(data)
    return struct.pack("@Nii", length, socket.IPPROTO_UDP, 104) + data + bytes(-length % 8)


def test_the_length_of_joined_datagrams_is_an_int_and_nothing_shorter() -> None:
    """Seen in tailscale, 16e90dcb2: it was taken for 16 bits (udp(7): the kernel gives an int)."""
    for size in (1, 255, 256, 1452, 32768, 65507):
        as_int = struct.pack("=i", size)
        assert read_origin(SENDER, gro_size(as_int))[1] == size
        assert read_origin(SENDER, gro_size(as_int + b"\xff" * 4))[1] == size
        for length in range(4):
            assert read_origin(SENDER, gro_size(as_int[:length]))[1] == 0


def test_a_control_message_that_was_cut_off_or_is_not_there_says_nothing() -> None:
    """Seen in tailscale, 16e90dcb2: what follows is then read from somewhere else."""
    whole = gro_size(struct.pack("=i", 1452))
    other = struct.pack("@Nii", 17, socket.IPPROTO_IP, socket.IP_TOS) + bytes([CE]) + bytes(7)
    end = struct.calcsize("@Nii") + 4
    for before, after in product((b"", other), (b"", other)):
        for length in range(len(whole) + 1):
            control = before + whole[:length] + (after if length == len(whole) else b"")
            _, size, ecn = read_origin(SENDER, control)
            assert size == (1452 if length >= end else 0)
            assert ecn == (CE if before or (after and length == len(whole)) else 0)


@LOOPBACKS
@pytest.mark.parametrize("size", [1, 255, 256, 257, 1452, 32500])
def test_joined_datagrams_are_cut_where_the_sender_had_them_cut(loopback: str, size: int) -> None:
    """Seen in tailscale, 16e90dcb2; here the kernel itself has the word."""
    with opened() as sender, opened() as receiver:
        path = forwarding.Path(Endpoint(ip_address(loopback), receiver.port))
        assert not sender.send_laid(memoryview(bytes(2 * size)), size, path)
        assert select.select(receiver.descriptors, [], [], 5)[0]
        (received,) = receiver.receive(RECEIVES)
        assert (received.length, received.segment_size) == (2 * size, size)


# -- which sockets there are --------------------------------------------------------------------


@pytest.mark.root
def test_a_random_port_that_ipv6_cannot_have_is_given_up_for_another() -> None:
    """Seen in gotatun 0.5.1: a port was drawn for IPv4, and that IPv6 had none was the end."""
    with private_namespaces():
        Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("40000 40001")
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
            other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            other.bind(("::", 40000))
            for _ in range(40):  # each time IPv4 is as likely to draw the one as the other
                bound = BoundSockets.bind(0, 0)
                ports = [each.getsockname()[1] for each in bound.sockets]
                bound.close()
                assert ports == [40001, 40001]
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as another:
                another.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                another.bind(("::", 40001))
                with pytest.raises(OSError, match="no port is free") as raised:
                    BoundSockets.bind(0, 0)
            assert raised.value.errno == errno.EADDRINUSE
            BoundSockets.bind(0, 0).close()  # and those of the tries were let go


WITHOUT_IPV6 = (sys.executable, "-IS", str(Path(__file__).with_name("without_ipv6.py")))
REFUSED = Engine("ours, refused IPv6 sockets", (*WITHOUT_IPV6, NETSTART_WGD))


def disable_ipv6(host: Host) -> None:
    host.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
    host.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")


@pytest.mark.root
@pytest.mark.parametrize("engine", [OURS, REFUSED], ids=["disable_ipv6=1", "EAFNOSUPPORT"])
def test_an_engine_does_without_ipv6_where_the_host_has_none(
    new_host: HostMaker, engine: Engine
) -> None:
    """Seen in mullvadvpn-app #10654: without IPv6 it did not start."""
    left, right = new_host("left"), new_host("right")
    cable = link(left, right)
    if engine is OURS:
        disable_ipv6(left)
    keys, other_keys = new_key_pair(), new_key_pair()
    running = engine.start(left, "wg0")
    OURS.start(right, "wg0")
    for host, number in ((left, 1), (right, 2)):
        host.run("ip", "address", "add", f"10.77.0.{number}/24", "dev", "wg0")
        host.run("ip", "link", "set", "wg0", "up")
    to_right = PeerSection(
        public_key=other_keys.public,
        allowed_ips=("10.77.0.2/32", "fd77::2/128"),
        endpoint=endpoint(cable.address(right, 4), PORT),
    )
    to_left = PeerSection(public_key=keys.public, allowed_ips=("10.77.0.1/32",))
    setconf(right, "wg0", configuration(other_keys.private, PORT, to_left))
    setconf(left, "wg0", configuration(keys.private, PORT, to_right))
    assert ping(left, "10.77.0.2", count=1).lost == 0
    # an endpoint of IPv6 is out of reach, and no more than that
    there = endpoint(cable.address(right, 6), PORT)
    left.run("wg", "set", "wg0", "peer", other_keys.public, "endpoint", there)
    assert ping(left, "10.77.0.2", count=1, wait=0.2).lost == 1
    assert ping(right, "10.77.0.1", count=1).lost == 0
    assert ping(left, "10.77.0.2", count=1).lost == 0
    assert running.is_running
    assert "Traceback" not in running.output(), running.output()


@pytest.mark.root
@pytest.mark.parametrize("command", [(), WITHOUT_IPV6], ids=["disable_ipv6=1", "EAFNOSUPPORT"])
def test_a_hostname_file_is_carried_out_where_the_host_has_no_ipv6(
    new_host: HostMaker, tmp_path: Path, command: Sequence[str]
) -> None:
    """Seen in mullvadvpn-app #10654: what starts the engine does without IPv6 as well."""
    host = new_host("host")
    if not command:
        disable_ipv6(host)
    keys, other_keys = new_key_pair(), new_key_pair()
    file = tmp_path / "hostname.wg0"
    file.touch(mode=0o600)
    file.write_text(
        f"wgkey {keys.private} wgport {PORT}\ninet 10.77.0.1/24\n"
        + PeerSection(public_key=other_keys.public, allowed_ips=("10.77.0.2/32",)).hostname_line()
    )
    for what in ("it starts", "it finds nothing to do"):
        run = host.attempt(*command, NETSTART_WG, "-C", str(tmp_path), "wg0")
        assert run.returncode == 0, (what, run.stderr)
    shown = show(host, "wg0")
    assert shown.listen_port == PORT
    assert [*shown.peers] == [other_keys.public]
