"""Inner packets made by the book: every field set by hand, checksums by a plain loop."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

from tests.datapath.test_checksum import sum_by_the_book

FIN, SYN, PSH, ACK, CWR = 0x01, 0x02, 0x08, 0x10, 0x80


def checksum(data: bytes) -> int:
    return ~sum_by_the_book(data) & 0xFFFF


def ip_packet(
    source: str,
    destination: str,
    protocol: int,
    content: bytes,
    *,
    identification: int = 0x1234,
    dont_fragment: bool = True,
    tos: int = 0,
    ttl: int = 64,
) -> bytes:
    a, b = ip_address(source), ip_address(destination)
    if isinstance(a, IPv4Address):
        head = struct.pack(
            "!BBHHHBBH4s4s",
            0x45,
            tos,
            20 + len(content),
            identification,
            0x4000 if dont_fragment else 0,
            ttl,
            protocol,
            0,
            a.packed,
            b.packed,
        )
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + content
    return (
        struct.pack("!IHBB", 6 << 28 | tos << 20, len(content), protocol, ttl)
        + a.packed
        + b.packed
        + content
    )


def pseudo_header(source: str, destination: str, protocol: int, length: int) -> bytes:
    a, b = ip_address(source), ip_address(destination)
    if isinstance(a, IPv6Address):
        return a.packed + b.packed + struct.pack("!II", length, protocol)
    return a.packed + b.packed + struct.pack("!HH", protocol, length)


def tcp_segment(
    source: str,
    destination: str,
    payload: bytes,
    *,
    sequence: int = 1000,
    flags: int = ACK,
    options: bytes = b"",
    ports: tuple[int, int] = (5201, 40000),
    acknowledgement: int = 77,
    window: int = 512,
    partial_checksum: bool = False,
    identification: int = 0x1234,
    dont_fragment: bool = True,
    tos: int = 0,
) -> bytes:
    assert len(options) % 4 == 0
    head = struct.pack(
        "!HHIIBBHHH",
        *ports,
        sequence & 0xFFFFFFFF,
        acknowledgement,
        (5 + len(options) // 4) << 4,
        flags,
        window,
        0,
        0,
    )
    tcp = head + options + payload
    pseudo = pseudo_header(source, destination, 6, len(tcp))
    value = sum_by_the_book(pseudo) if partial_checksum else checksum(pseudo + tcp)
    tcp = tcp[:16] + struct.pack("!H", value) + tcp[18:]
    return ip_packet(
        source,
        destination,
        6,
        tcp,
        identification=identification,
        dont_fragment=dont_fragment,
        tos=tos,
    )


def udp_datagram(
    source: str,
    destination: str,
    payload: bytes,
    *,
    ports: tuple[int, int] = (53, 4000),
    identification: int = 0x1234,
    dont_fragment: bool = True,
    tos: int = 0,
) -> bytes:
    udp = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    value = checksum(pseudo_header(source, destination, 17, len(udp)) + udp) or 0xFFFF
    return ip_packet(
        source,
        destination,
        17,
        udp[:6] + struct.pack("!H", value) + udp[8:],
        identification=identification,
        dont_fragment=dont_fragment,
        tos=tos,
    )
