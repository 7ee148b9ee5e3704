"""The two ends of a file transfer over TCP, run inside hosts; standard library only.

`receive ADDRESS PORT SECONDS` takes one connection and prints the SHA-256 of all that came.
`send ADDRESS PORT SECONDS` reads hexadecimal digits and sends the bytes they stand for.
Neither waits longer than SECONDS for the other.
"""

from __future__ import annotations

import hashlib
import socket
import sys


def receive(address: str, port: int, patience: float) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    digest = hashlib.sha256()
    with socket.create_server((address, port), family=family) as listener:
        listener.settimeout(patience)
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(patience)
            while octets := connection.recv(1 << 16):
                digest.update(octets)
    print(digest.hexdigest())


def send(address: str, port: int, patience: float) -> None:
    octets = bytes.fromhex(sys.stdin.read())
    with socket.create_connection((address, port), timeout=patience) as connection:
        connection.sendall(octets)
        connection.shutdown(socket.SHUT_WR)
        # The end of the other side's stream says that it has read everything.
        connection.recv(1)


if __name__ == "__main__":
    {"receive": receive, "send": send}[sys.argv[1]](
        sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    )
