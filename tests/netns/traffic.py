"""Traffic through a network, and what became of it: ping, iperf3, a file with a checksum."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from tests.netns.hosts import Host
from tests.netns.waiting import eventually

IPERF3_PORT = 5201
FILE_PORT = 5300
FILE_SCRIPT = Path(__file__).with_name("tcp_file.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class PingResult:
    """The last lines of ping(8)."""

    sent: int
    received: int

    @property
    def lost(self) -> int:
        return self.sent - self.received


def ping(
    host: Host, address: str, *, count: int = 3, size: int = 56, wait: float = 2.0
) -> PingResult:
    """Send `count` echo requests of `size` bytes at once, and count the replies.

    After the first reply ping(8) waits no longer than its interval for the
    others, whatever -W says: that is why all go out at once (-l) and the
    interval is the time to wait.
    """
    result = host.attempt(
        *("ping", "-n", "-c", str(count), "-l", str(count), "-s", str(size)),
        *("-i", str(wait), "-W", str(wait), address),
    )
    counts = re.search(r"(\d+) packets transmitted, (\d+) received", result.stdout)
    assert counts is not None, f"{host.name}: ping {address}: {result.stdout}{result.stderr}"
    return PingResult(sent=int(counts[1]), received=int(counts[2]))


def pings(host: Host, address: str) -> bool:
    """Tell whether every echo request was answered."""
    return ping(host, address).lost == 0


def round_trip_milliseconds(host: Host, address: str, *, count: int) -> float:
    """Return the median time of echo requests, one every 10 ms."""
    output = host.run("ping", "-n", "-c", str(count), "-i", "0.01", address, timeout=60)
    return median(float(time) for time in re.findall(r"time=([\d.]+)", output))


class Flood:
    """Echo requests that go on in the background until `stop`; at most 30000 of them."""

    def __init__(self, host: Host, address: str, *, interval: float = 0.002) -> None:
        """Begin; return when replies come in."""
        self._ping = host.start("ping", "-n", "-i", str(interval), "-c", "30000", address)
        eventually(lambda: len(self.replies()) > 10, what=f"replies from {address}")

    def replies(self) -> list[int]:
        """Return the numbers of the requests answered so far, in order of arrival."""
        return [int(number) for number in re.findall(r"icmp_seq=(\d+) ttl=", self._ping.output())]

    def stop(self) -> list[int]:
        """End it; return the numbers of the requests lost.

        Those after the last reply count as under way, not as lost.
        """
        seen = len(self.replies())
        eventually(lambda: len(self.replies()) > seen + 10, what="replies to the end")
        self._ping.stop()
        answered = set(self.replies())
        return [number for number in range(1, max(answered)) if number not in answered]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferResult:
    """What iperf3's receiving end saw."""

    received_bytes: int
    bits_per_second: float


def transfer(
    client: Host,
    server: Host,
    address: str,
    *limit: str,
    is_reversed: bool = False,
) -> TransferResult:
    """Run one TCP stream to the server's `address`, or from there if reversed.

    `limit` is iperf3's: ("-n", "4M") or ("-t", "5").
    """
    serving = server.start("iperf3", "-s", "-1", "-p", str(IPERF3_PORT))
    wait_for_listener(server, IPERF3_PORT)
    direction = ("-R",) if is_reversed else ()
    client_command = ("iperf3", "-J", "-c", address, "-p", str(IPERF3_PORT), *limit, *direction)
    try:
        report = json.loads(client.run(*client_command, timeout=60))
    finally:
        serving.stop()
    received = report["end"]["sum_received"]
    return TransferResult(
        received_bytes=received["bytes"], bits_per_second=received["bits_per_second"]
    )


def file_arrives_intact(
    sender: Host, receiver: Host, address: str, *, size: int, patience: float = 15.0
) -> bool:
    """Send `size` random bytes over TCP to the receiver's `address`; compare checksums.

    Fail when one end hears nothing of the other for `patience` seconds.
    """
    octets = os.urandom(size)
    script = sys.executable, "-IS", str(FILE_SCRIPT)
    where = address, str(FILE_PORT), str(patience)
    receiving = receiver.start(*script, "receive", *where)
    wait_for_listener(receiver, FILE_PORT)
    sender.run(*script, "send", *where, text=octets.hex(), timeout=2 * patience)
    assert receiving.wait(patience) == 0, receiving.output()
    return receiving.output().strip() == hashlib.sha256(octets).hexdigest()


def wait_for_listener(host: Host, port: int) -> None:
    """Return once something listens on the TCP port."""
    listeners = partial(host.run, "ss", "-Hltn", f"sport = :{port}")
    eventually(listeners, what=f"{host.name}: a listener on port {port}")
