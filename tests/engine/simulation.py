"""Two or more whole tunnels on a clock of their own, joined by a link that can lose and be cut.

Real `Device`, real `PythonDataPath`, real `Tunnel`; only the two ends are in
memory, and time passes when the simulation says so.  Equal seeds give equal runs.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_network

from netstart_wg.datapath.base import Buffer, Datagrams, VirtioNetHeader
from netstart_wg.datapath.offload import PLAIN
from netstart_wg.datapath.python import PythonDataPath
from netstart_wg.datapath.rows import Rows
from netstart_wg.engine.tunnel import Tunnel
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.now import Now
from netstart_wg.model.saved import SavedDevice
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.protocol.device import Device
from netstart_wg.protocol.forwarding import Path
from netstart_wg.uapi.saved import decode_saved, decode_sessions, encode_saved, encode_sessions
from tests.datapath.packets import udp_datagram

SECOND = 1_000_000_000
PORT = 51820
EPOCH = 1_700_000_000 * SECOND


@dataclass(frozen=True)
class Sent:
    """A datagram that a host put on the wire."""

    at_ns: int
    message: bytes

    @property
    def kind(self) -> int:
        """1 initiation, 2 response, 3 cookie reply, 4 data."""
        return self.message[0]

    @property
    def is_keepalive(self) -> bool:
        return self.kind == 4 and len(self.message) == 32


class MemoryTun:
    """A TUN end: `outgoing` is what programs sent, `arrived` what the tunnel brought."""

    def __init__(self) -> None:
        self.takes_tcp_super_packets = True
        self.takes_udp_super_packets = True
        self.outgoing: deque[tuple[VirtioNetHeader, bytes]] = deque()
        self.arrived: list[tuple[VirtioNetHeader, bytes]] = []

    def read(self) -> tuple[VirtioNetHeader, memoryview] | None:
        if not self.outgoing:
            return None
        header, packet = self.outgoing.popleft()
        return header, memoryview(bytearray(packet))

    def write(self, header: VirtioNetHeader, parts: Sequence[Buffer]) -> None:
        self.arrived.append((header, b"".join(bytes(part) for part in parts)))


def datagrams_of(octets: bytes, size: int, path: Path, ecn: int = 0) -> Datagrams:
    """Return datagrams of `size` octets, but that the last may be shorter, laid end to end."""
    return Datagrams(Rows(memoryview(bytearray(octets))), len(octets), size, path, ecn)


class MemoryUdp:
    """A UDP end: hands every datagram to `transmit`."""

    def __init__(self, transmit: Callable[[bytes, Path], bool]) -> None:
        self._transmit = transmit
        self.inbox: deque[tuple[bytes, Path]] = deque()
        self.traffic_classes: list[int] = []
        """Of everything that was sent, in order."""

    def receive(self, limit: int = 1) -> Sequence[Datagrams]:
        taken = [self.inbox.popleft() for _ in range(min(limit, len(self.inbox)))]
        return [datagrams_of(message, max(1, len(message)), path) for message, path in taken]

    def send(self, message: bytes, path: Path, traffic_class: int = 0) -> bool:
        self.traffic_classes.append(traffic_class)
        return self._transmit(message, path)

    def send_laid(
        self, messages: memoryview, size: int, path: Path, traffic_class: int = 0
    ) -> Collection[int]:
        starts = range(0, len(messages), size)
        singly = [bytes(messages[start : start + size]) for start in starts]
        has_left = [self.send(message, path, traffic_class) for message in singly]
        return [place for place, left in enumerate(has_left) if not left]


class Host:
    """One end: a tunnel, its outer address, and what it sent and got."""

    def __init__(self, simulation: Simulation, outer: str, inner: str) -> None:
        self._simulation = simulation
        self._random = random.Random(f"{simulation.seed} {outer}")
        self.endpoint = Endpoint(IPv4Address(outer), PORT)
        self.inner = inner
        self.private_key = PrivateKey(self._random.randbytes(32))
        self.public_key: PublicKey = public_key_of(self.private_key)
        self.clock_error_ns = 0
        self.sent: list[Sent] = []
        self.is_connected = True
        self.is_suspended = False
        """True: time passes and nothing runs, as in a laptop that is shut."""
        self.can_send = True
        """False: the socket refuses every datagram."""
        self.start()

    def start(self) -> None:
        """Begin with nothing, as after a reboot."""
        self.tun = MemoryTun()
        self.udp = MemoryUdp(self._transmit)
        self.tunnel = Tunnel(
            Device(self._random.randbytes), PythonDataPath(self.tun, self.udp, 1420)
        )
        self.tunnel.configure(DeviceChange(private_key=self.private_key), self.now)
        self.tunnel.bring_up(self.now)

    def succeed(self, *, in_order: bool) -> None:
        """End, and let another process go on with what is left of this one, as text.

        In order there are the sessions, too; else it has died, and they are lost.
        """
        device = self.tunnel.device
        saved = SavedDevice(state=device.own_state(), peers=tuple(device.save_peers()))
        state = encode_saved(saved)
        sessions = "".join(encode_sessions(device.save_sessions()))
        self.udp = MemoryUdp(self._transmit)
        self.tunnel = Tunnel(
            Device(self._random.randbytes), PythonDataPath(self.tun, self.udp, 1420)
        )
        self.tunnel.device.restore(decode_saved(state), self.now)
        if in_order:
            self.tunnel.device.restore_sessions(decode_sessions(sessions), self.now)
        self.tunnel.bring_up(self.now)

    @property
    def now(self) -> Now:
        clock_ns = self._simulation.clock_ns
        return Now(boottime_ns=clock_ns, realtime_ns=EPOCH + clock_ns + self.clock_error_ns)

    @property
    def device(self) -> Device:
        return self.tunnel.device

    def add_peer(
        self,
        other: Host,
        *,
        knows_endpoint: bool = True,
        preshared_key: PresharedKey | None = None,
        persistent_keepalive: int = 0,
    ) -> None:
        change = PeerChange(
            public_key=other.public_key,
            preshared_key=preshared_key,
            add_allowed_ips=(ip_network(other.inner),),
            persistent_keepalive=persistent_keepalive,
        )
        if knows_endpoint:
            with_endpoint = PeerChange(public_key=other.public_key, endpoint=other.endpoint)
            self.configure(with_endpoint)
        self.configure(change)

    def configure(self, *peers: PeerChange) -> None:
        self.tunnel.configure(DeviceChange(peers=peers), self.now)

    def say(self, other: Host, content: bytes) -> None:
        """Let a program on this host send a datagram to the other's inner address."""
        self.send(udp_datagram(self.inner, other.inner, content))

    def send(self, packet: bytes) -> None:
        """Let a program on this host send a whole packet."""
        self.tun.outgoing.append((PLAIN, packet))
        while self.tunnel.tun_is_readable(self.now):
            pass

    def heard(self) -> list[bytes]:
        """The contents of all datagrams that came out of the tunnel, in order."""
        return [packet[28:] for _, packet in self.tun.arrived]

    def count(self, kind: int, since_ns: int = 0) -> int:
        """How many messages of a kind it has sent."""
        return sum(sent.kind == kind and sent.at_ns >= since_ns for sent in self.sent)

    def arrives(self, message: bytes, path: Path) -> None:
        self.udp.inbox.append((message, path))
        while self.tunnel.udp_is_readable(self.now):
            pass

    def _transmit(self, message: bytes, path: Path) -> bool:
        if not self.can_send:
            return False
        self.sent.append(Sent(self._simulation.clock_ns, message))
        self._simulation.carry(self, message, path.endpoint)
        return True


class Simulation:
    """The clock, the link, and the order of events."""

    def __init__(self, *, seed: int = 1, loss: float = 0.0, latency_ns: int = 20_000_000) -> None:
        self.seed = seed
        self.clock_ns = 1000 * SECOND
        self.loss = loss
        self.latency_ns = latency_ns
        self._random = random.Random(seed)
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._hosts: dict[Endpoint, Host] = {}

    def host(self, outer: str, inner: str) -> Host:
        host = Host(self, outer, inner)
        self._hosts[host.endpoint] = host
        return host

    def move(self, host: Host, outer: str) -> None:
        """Give a host another outer address, as when a laptop changes networks."""
        del self._hosts[host.endpoint]
        host.endpoint = Endpoint(IPv4Address(outer), PORT)
        self._hosts[host.endpoint] = host

    def carry(self, sender: Host, message: bytes, destination: Endpoint) -> None:
        receiver = self._hosts.get(destination)
        if receiver is None or not sender.is_connected or self._random.random() < self.loss:
            return
        came_from = Path(sender.endpoint)

        def arrive() -> None:
            if receiver.is_connected and not receiver.is_suspended:
                receiver.arrives(message, came_from)

        self.after(self.latency_ns, arrive)

    def after(self, delay_ns: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.clock_ns + delay_ns, next(self._order), action))

    def every(self, interval_ns: int, until_ns: int, action: Callable[[], None]) -> None:
        """Do something now and then again, as long as the clock is before `until_ns`."""

        def again() -> None:
            action()
            if self.clock_ns + interval_ns < until_ns:
                self.after(interval_ns, again)

        self.after(0, again)

    def run(self, duration_ns: int) -> None:
        """Let so much time pass."""
        end_ns = self.clock_ns + duration_ns
        while (moment := self._next_moment()) is not None and moment <= end_ns:
            self.clock_ns = max(self.clock_ns, moment)
            while self._events and self._events[0][0] <= self.clock_ns:
                heapq.heappop(self._events)[2]()
            for host in self._awake():
                deadline = host.device.next_deadline()
                if deadline is not None and deadline <= self.clock_ns:
                    host.tunnel.advance(host.now)
        self.clock_ns = end_ns

    def _awake(self) -> Iterator[Host]:
        return (host for host in self._hosts.values() if not host.is_suspended)

    def _next_moment(self) -> int | None:
        moments = [self._events[0][0]] if self._events else []
        for host in self._awake():
            if (deadline := host.device.next_deadline()) is not None:
                moments.append(deadline)
        return min(moments, default=None)
