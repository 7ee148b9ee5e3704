"""ICMP unreachable messages, octet by octet and case by case."""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.datapath.unreachable import UnreachableMessages
from tests.datapath.packets import (
    checksum,
    ip_packet,
    pseudo_header,
    tcp_segment,
    udp_datagram,
)
from tests.datapath.test_checksum import sum_by_the_book

V4 = ("10.0.0.1", "10.0.0.2")
V6 = ("fd00::1", "fd00::2")
families = pytest.mark.parametrize("ends", [V4, V6], ids=["IPv4", "IPv6"])
MILLISECOND = 1_000_000
SECOND = 1000 * MILLISECOND


def about(packet: bytes) -> bytes | None:
    return UnreachableMessages().about(memoryview(packet), SECOND)


def message_by_the_book(ends: tuple[str, str], quotation: bytes, tos: int = 0xC0) -> bytes:
    """RFC 792 page 4 and RFC 4443 §3.1, from the packet's destination to its source."""
    source, destination = ends
    if ends is V4:
        icmp = struct.pack("!BBHI", 3, 1, 0, 0) + quotation
        value = checksum(icmp)
        protocol = 1
    else:
        icmp = struct.pack("!BBHI", 1, 3, 0, 0) + quotation
        value = checksum(pseudo_header(destination, source, 58, len(icmp)) + icmp)
        protocol, tos = 58, 0
    icmp = icmp[:2] + struct.pack("!H", value) + icmp[4:]
    return ip_packet(destination, source, protocol, icmp, identification=0, tos=tos)


@families
def test_the_sender_gets_the_whole_of_a_small_packet_back(ends: tuple[str, str]) -> None:
    packet = udp_datagram(*ends, b"is anybody there?")
    assert about(packet) == message_by_the_book(ends, packet)


@pytest.mark.parametrize(("ends", "limit"), [(V4, 576), (V6, 1280)], ids=["IPv4", "IPv6"])
@pytest.mark.parametrize("size", [3000, 60000])
def test_of_a_big_packet_as_much_as_the_rfc_allows(
    ends: tuple[str, str], limit: int, size: int
) -> None:
    packet = tcp_segment(*ends, bytes(size), partial_checksum=True)
    message = about(packet)
    assert message is not None
    assert len(message) == limit
    header = 20 if ends is V4 else 40
    assert message == message_by_the_book(ends, packet[: limit - header - 8])


def test_the_type_of_service_is_kept_and_its_ecn_bits_are_not() -> None:
    packet = ip_packet(*V4, 17, bytes(8), tos=0b101_110_11)
    assert about(packet) == message_by_the_book(V4, packet, tos=0b110_110_00)


@families
def test_its_checksums_are_right(ends: tuple[str, str]) -> None:
    for size in range(40):
        message = about(udp_datagram(*ends, bytes(range(size))))
        assert message is not None
        if ends is V4:
            assert sum_by_the_book(message[:20]) == 0xFFFF
            assert sum_by_the_book(message[20:]) == 0xFFFF
        else:
            pseudo = pseudo_header(ends[1], ends[0], 58, len(message) - 40)
            assert sum_by_the_book(pseudo + message[40:]) == 0xFFFF


def icmp(ends: tuple[str, str], kind: int) -> bytes:
    return ip_packet(*ends, 1 if ends is V4 else 58, bytes([kind, *bytes(15)]))


def test_no_icmp_error_is_answered_with_another() -> None:
    # https://www.iana.org/assignments/icmp-parameters: those that ask or answer
    queries = {0, 8, 13, 14, 15, 16, 17, 18}
    assert {kind for kind in range(256) if about(icmp(V4, kind))} == queries


def test_no_icmpv6_error_nor_redirect_is_answered_with_another() -> None:
    answered = {kind for kind in range(256) if about(icmp(V6, kind))}
    assert answered == set(range(128, 256)) - {137}


@families
def test_icmp_without_a_type_is_not_answered(ends: tuple[str, str]) -> None:
    assert about(ip_packet(*ends, 1 if ends is V4 else 58, b"")) is None


NOT_A_HOST = ["0.0.0.0", "127.0.0.1", "224.0.0.251", "239.1.2.3", "240.0.0.1", "255.255.255.255"]
NOT_A_HOST_6 = ["::", "::1", "ff02::1", "ff0e::1234"]


@pytest.mark.parametrize("address", NOT_A_HOST + NOT_A_HOST_6)
def test_who_is_not_one_host_neither_gets_nor_causes_a_message(address: str) -> None:
    one = V4[0] if ip_address(address).version == 4 else V6[0]
    assert about(udp_datagram(address, one, b"")) is None
    assert about(udp_datagram(one, address, b"")) is None


def ipv4_fragment(offset: int, *, more: bool) -> bytes:
    packet = bytearray(udp_datagram(*V4, bytes(16)))
    struct.pack_into("!H", packet, 6, (0x2000 if more else 0) | offset)
    return bytes(packet)


def ipv6_fragment(offset: int, *, more: bool) -> bytes:
    header = struct.pack("!BxHI", 17, offset << 3 | more, 1)
    return ip_packet(*V6, 44, header + bytes(16))


@pytest.mark.parametrize("fragment", [ipv4_fragment, ipv6_fragment])
def test_only_the_first_fragment_is_answered(fragment: Callable[..., bytes]) -> None:
    assert about(fragment(0, more=True))
    assert about(fragment(1, more=True)) is None
    assert about(fragment(0x100, more=True)) is None
    assert about(fragment(185, more=False)) is None


def test_an_error_behind_extension_headers_is_found() -> None:
    hop_by_hop = bytes([60, 0, *bytes(6)])
    options = bytes([43, 1, *bytes(14)])
    routing = bytes([51, 0, *bytes(6)])
    authentication = bytes([58, 4, *bytes(22)])
    chain = hop_by_hop + options + routing + authentication
    assert about(ip_packet(*V6, 0, chain + bytes([1, 3, *bytes(14)]))) is None
    assert about(ip_packet(*V6, 0, chain + bytes([128, 0, *bytes(14)])))


def test_a_cut_chain_of_extension_headers_is_not_answered() -> None:
    assert about(ip_packet(*V6, 0, bytes([60, 200, *bytes(6)]))) is None
    assert about(ip_packet(*V6, 60, bytes([58, 0]))) is None


def test_a_header_shorter_than_a_header_is_not_answered() -> None:
    assert about(b"\x44" + udp_datagram(*V4, b"")[1:]) is None


@given(st.sampled_from([0x45, 0x4F, 0x60]), st.binary(min_size=39, max_size=120))
def test_whatever_the_packet_nothing_is_raised(first: int, rest: bytes) -> None:
    about(bytes([first]) + rest)


def test_so_many_a_second_and_no_more() -> None:
    messages = UnreachableMessages()
    packet = memoryview(udp_datagram(*V4, b"flood"))
    at_once = [messages.about(packet, SECOND) for _ in range(1000)]
    assert sum(message is not None for message in at_once) == 50
    later = [messages.about(packet, 2 * SECOND + n * MILLISECOND // 10) for n in range(10_000)]
    assert 1000 <= sum(message is not None for message in later) <= 1050


def test_what_is_not_answered_uses_nothing_up() -> None:
    messages = UnreachableMessages()
    for _ in range(1000):
        assert messages.about(memoryview(icmp(V4, 3)), SECOND) is None
    assert messages.about(memoryview(udp_datagram(*V4, b"")), SECOND)
