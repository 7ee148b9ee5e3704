"""A bad line between two UDP ports, run inside a host; standard library only.

    relay.py ADDRESS PORT RATE DELAY

What the first stranger sends to PORT of this host is passed on to ADDRESS, PORT,
and what comes back goes to him.  Of all datagrams the share RATE is lost, as
many arrive twice, and as many DELAY seconds later than the others, after those
that were sent behind them.  Chance has a fixed seed.  Prints "ready" at first.
"""

from __future__ import annotations

import heapq
import itertools
import random
import select
import socket
import sys
import time

Address = tuple[str, int]


class BadLine:
    """Decides what becomes of a datagram, and when it is due."""

    def __init__(self, rate: float, delay_seconds: float) -> None:
        self._rate = rate
        self._delay_seconds = delay_seconds
        self._chance = random.Random(2016)
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, bytes, Address]] = []

    def take(self, datagram: bytes, destination: Address, now: float) -> None:
        """Take a datagram in."""
        if self._happens():
            return
        for _ in range(2 if self._happens() else 1):
            late = self._delay_seconds if self._happens() else 0.0
            due = now + late
            heapq.heappush(self._waiting, (due, next(self._order), datagram, destination))

    def due(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what is to go out now."""
        out = []
        while self._waiting and self._waiting[0][0] <= now:
            _, _, datagram, destination = heapq.heappop(self._waiting)
            out.append((datagram, destination))
        return out

    def wait_seconds(self, now: float) -> float | None:
        """Return how long nothing is due, None for as long as nothing comes in."""
        return max(0.0, self._waiting[0][0] - now) if self._waiting else None

    def _happens(self) -> bool:
        return self._chance.random() < self._rate


def relay(server: Address, line: BadLine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        port.bind(("", server[1]))
        print("ready", flush=True)
        client: Address | None = None
        while True:
            readable, _, _ = select.select([port], [], [], line.wait_seconds(time.monotonic()))
            if readable:
                datagram, sender = port.recvfrom(1 << 16)
                if sender != server:
                    client = sender
                destination = client if sender == server else server
                if destination is not None:
                    line.take(datagram, destination, time.monotonic())
            for datagram, destination in line.due(time.monotonic()):
                port.sendto(datagram, destination)


if __name__ == "__main__":
    relay((sys.argv[1], int(sys.argv[2])), BadLine(float(sys.argv[3]), float(sys.argv[4])))
