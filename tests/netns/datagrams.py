"""Single datagrams of UDP: who sent them and what they said."""

from __future__ import annotations

import sys

from tests.netns.hosts import Host
from tests.netns.waiting import eventually

LISTEN = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.socket(family, socket.SOCK_DGRAM)
listener.bind((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    print(listener.recv(65536).hex(), flush=True)
"""

SAY = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
socket.socket(family, socket.SOCK_DGRAM).sendto(
    bytes.fromhex(sys.argv[3]), (sys.argv[1], int(sys.argv[2]))
)
"""


class Listener:
    """Hears what comes to an address and a port of a host, until the host ends."""

    def __init__(self, host: Host, address: str, port: int) -> None:
        self._process = host.start(sys.executable, "-IS", "-c", LISTEN, address, str(port))
        eventually(lambda: "ready" in self._process.output(), what="a listener")

    def heard(self) -> list[bytes]:
        """Return the datagrams so far, in order of arrival."""
        # What lies behind the last line break may be half a line.
        _, *lines = self._process.output().split("\n")[:-1]
        return [bytes.fromhex(line) for line in lines]


def say(host: Host, address: str, port: int, octets: bytes) -> None:
    """Send one datagram."""
    host.run(sys.executable, "-IS", "-c", SAY, address, str(port), octets.hex())
