"""Datagrams for a WireGuard port, as many as the line takes; run inside a host as root.

    flood.py ADDRESS PORT COUNT random
    flood.py ADDRESS PORT COUNT stranger PUBLICKEY   initiations with a valid mac1
    flood.py ADDRESS PORT COUNT cookie               cookie replies
    flood.py ADDRESS PORT COUNT replay HEX           one message, again and again

COUNT@RATE sends no more than RATE of them a second.  Each datagram has a source
address of its own out of 198.18.0.0/15, which is set aside for such tests
(RFC 2544).  Standard library only; chance has a fixed seed.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import random
import socket
import struct
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address

CHANCE = random.Random(2544)
SOURCES = int(IPv4Address("198.18.0.0"))
IPV4_HEADER = struct.Struct(">BBHHHBBHII")
UDP_HEADER = struct.Struct(">HHHH")


def randomness() -> Iterator[bytes]:
    while True:
        yield CHANCE.randbytes(CHANCE.randrange(32, 200))


def strangers(public_key: bytes) -> Iterator[bytes]:
    mac1_key = hashlib.blake2s(b"mac1----" + public_key).digest()
    while True:
        content = struct.pack("<I", 1) + CHANCE.randbytes(112)
        mac1 = hashlib.blake2s(content, digest_size=16, key=mac1_key).digest()
        yield content + mac1 + bytes(16)


def cookies() -> Iterator[bytes]:
    while True:
        yield struct.pack("<I", 3) + CHANCE.randbytes(60)


def flood(address: str, port: int, rate: float, messages: Iterator[bytes]) -> None:
    destination = int(IPv4Address(address))
    begin = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        for number, message in enumerate(messages):
            source = SOURCES + 1 + number * 7919 % 0x1FFFE
            udp = UDP_HEADER.pack(1024 + number % 60000, port, 8 + len(message), 0)
            ipv4 = IPV4_HEADER.pack(0x45, 0, 0, 0, 0, 64, 17, 0, source, destination)
            sender.sendto(ipv4 + udp + message, (address, 0))
            if (early := begin + number / rate - time.monotonic()) > 0:
                time.sleep(early)


def main(address: str, port: str, count: str, kind: str, *details: str) -> None:
    match kind:
        case "random":
            messages = randomness()
        case "stranger":
            messages = strangers(base64.b64decode(details[0]))
        case "cookie":
            messages = cookies()
        case "replay":
            messages = itertools.repeat(bytes.fromhex(details[0]))
        case _:
            sys.exit(__doc__)
    total, _, rate = count.partition("@")
    flood(address, int(port), float(rate or "inf"), itertools.islice(messages, int(total)))


if __name__ == "__main__":
    main(*sys.argv[1:])
