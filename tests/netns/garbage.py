"""Bytes that nobody should send, sent anyway; run inside hosts, standard library only.

    garbage.py udp ADDRESS PORT   datagrams for a WireGuard port
    garbage.py uapi PATH          conversations with a configuration socket
    garbage.py tun INTERFACE      packets for a tunnel, past the kernel's own checks

Always the same bytes: the randomness has a fixed seed.  Prints how many were sent.
"""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import sys
from collections.abc import Iterator

LARGEST_DATAGRAM = 65507
PACKET_VNET_HDR = 15
SOL_PACKET = 263

RANDOM = random.Random(2005)  # it only has to be the same each time


def datagrams() -> Iterator[bytes]:
    """Every length of every type, then chance, then the largest there are."""
    for length in range(201):
        for kind in range(1, 6):
            yield (struct.pack("<I", kind) + RANDOM.randbytes(length))[:length]
    for _ in range(1500):
        yield RANDOM.randbytes(RANDOM.randrange(1600))
    for kind in range(6):
        yield struct.pack("<I", kind) + RANDOM.randbytes(LARGEST_DATAGRAM - 4)
    # Many of the right type and length, so that a full socket buffer does not hide them all.
    for _ in range(50):
        for kind, length in ((1, 148), (2, 92), (3, 64), (4, 32)):
            yield struct.pack("<I", kind) + RANDOM.randbytes(length - 4)


def send_datagrams(address: str, port: int) -> int:
    count = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for octets in datagrams():
            sender.sendto(octets, (address, port))
            count += 1
    return count


def requests() -> Iterator[bytes]:
    """Things that are no request, or no good one, or not a whole one."""
    yield from (b"", b"\n", b"\n\n", b"\0", b"get", b"get=1", b"get=1\n", b"get=2\n\n")
    yield from (b"get=1\nset=1\n\n", b"get=1\nprivate_key=00\n\n", b"set=1", b"set=1\n", b"set\n\n")
    yield from (b"=\n\n", b"set=1\n=\n\n", b"set=1\n\0=\0\n\n", b"set=1\nlisten_port\n\n")
    for key in (
        *("private_key", "listen_port", "fwmark", "replace_peers", "public_key", "remove"),
        *("update_only", "preshared_key", "endpoint", "persistent_keepalive_interval"),
        *("replace_allowed_ips", "allowed_ip", "protocol_version", "unheard_of"),
    ):
        for value in (
            "",
            "x",
            "-1",
            "9" * 400,
            "\u0664",
            "0" * 63,
            "yes",
            "[::1",
            "1.2.3.4:99999",
        ):
            line = f"{key}={value}\n".encode()
            yield b"set=1\n" + line + b"\n"
            yield b"set=1\npublic_key=" + b"ab" * 32 + b"\nremove=true\n" + line + b"\n"
    for size in (1, 100, 4096, 100_000):
        yield RANDOM.randbytes(size)
        yield b"set=1\n" + RANDOM.randbytes(size) + b"\n\n"
    yield b"set=1\nendpoint=" + b"7" * 1_000_000 + b"\n\n"
    yield b"set=1\n" + b"a" * 1_000_000
    yield b"get=1\n\n" * 2000


def send_requests(path: str) -> int:
    count = 0
    for octets in requests():
        for waits_for_reply in (False, True):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(5)
                client.connect(path)
                # To be hung up on is an answer too.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    client.sendall(octets)
                    if waits_for_reply:
                        client.shutdown(socket.SHUT_WR)
                        while client.recv(1 << 16):
                            pass
            count += 1
    return count


def crowd(path: str) -> int:
    """Connect thirty times, say half a word each, and leave."""
    clients = []
    for _ in range(30):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        client.connect(path)
        client.sendall(b"get=")
        clients.append(client)
    for client in clients:
        client.close()
    return len(clients)


def packets() -> Iterator[tuple[int, bytes]]:
    """Pairs of an Ethernet protocol number and a packet that may have little to do with it."""
    for version in range(16):
        for length in range(1, 61):
            octets = bytes([version << 4 | RANDOM.randrange(16)]) + RANDOM.randbytes(length - 1)
            yield RANDOM.choice((0x0800, 0x86DD, 0x1234)), octets
    # Headers that lie about the length of what follows.
    for claim in (0, 1, 19, 20, 21, 1000, 65535):
        yield 0x0800, struct.pack("!BBHHHBBH4s4s", 0x45, 0, claim, 0, 0, 64, 17, 0, *INNER_IPV4)
        yield 0x86DD, struct.pack("!IHBB16s16s", 6 << 28, claim, 17, 64, *INNER_IPV6)


INNER_IPV4 = (bytes([10, 77, 0, 1]), bytes([10, 77, 0, 2]))
INNER_IPV6 = (bytes.fromhex("fd77" + "00" * 13 + "01"), bytes.fromhex("fd77" + "00" * 13 + "02"))


def super_packets() -> Iterator[bytes]:
    """Virtio-net headers with packets behind them that do not suit them.

    The kernel refuses many; what it lets through is for the engine to refuse.
    """
    for gso_type in (0, 1, 3, 4, 5):
        for gso_size in (0, 1, 8, 536, 65535):
            for header_length in (0, 20, 40, 54):
                header = struct.pack("=BBHHHH", 1, gso_type, header_length, gso_size, 20, 16)
                inner = struct.pack(
                    "!BBHHHBBH4s4s", 0x45, 0, 2020, 0, 0, 64, 6, 0, *INNER_IPV4
                ) + RANDOM.randbytes(2000)
                yield header + inner
                yield header + inner[: RANDOM.randrange(20, 60)]


def send_packets(interface: str) -> int:
    count = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) as sender:
        for protocol, octets in packets():
            sender.sendto(octets, (interface, protocol))
            count += 1
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        sender.bind((interface, 0x0800))
        for octets in super_packets():
            with contextlib.suppress(OSError):
                sender.send(octets)
                count += 1
    return count


def main() -> None:
    kind, target, *rest = sys.argv[1:]
    match kind:
        case "udp":
            print(send_datagrams(target, int(rest[0])))
        case "uapi":
            print(send_requests(target) + crowd(target))
        case "tun":
            print(send_packets(target))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
