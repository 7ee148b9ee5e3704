"""Destination unreachable: what the sender hears of a packet that no peer takes (pure).

ICMP host unreachable (RFC 792, RFC 1812 §4.3.2) or ICMPv6 address unreachable
(RFC 4443 §2.4, §3.1), as the Linux driver says: a program learns at once what it
would else wait minutes for.

The message is written back into the TUN, and it comes from the very address that
cannot be reached.  One of the host's own addresses, from which the Linux driver
speaks, would not do: what comes in by an interface and claims to be from the host
itself is a martian, and dropped.  The unreachable address is routed to this
interface, so that it passes every reverse-path filter, in whatever network
namespace the interface is; nothing but the host that sent the packet, or
forwarded it, takes the message in.
"""

from __future__ import annotations

import struct

from netstart_wg.datapath.base import Buffer
from netstart_wg.datapath.checksum import complement, words_sum
from netstart_wg.model.now import NANOSECONDS_PER_SECOND

MESSAGES_PER_SECOND = 1000
BURST_MESSAGES = 50
"""As Linux's icmp_msgs_per_sec and icmp_msgs_burst (ip-sysctl)."""

IPV4_MAX_LENGTH = 576
"""The whole message, octets (RFC 1812 §4.3.2.3)."""
IPV6_MAX_LENGTH = 1280
"""The whole message, octets: the least MTU of IPv6 (RFC 4443 §2.4 c)."""

_MESSAGE_COST_NS = NANOSECONDS_PER_SECOND // MESSAGES_PER_SECOND
_FULL_NS = BURST_MESSAGES * _MESSAGE_COST_NS

_ICMP = 1
_ICMPV6 = 58
_ICMP_HEADER_LENGTH = 8
_HOST_UNREACHABLE = 3, 1
_ADDRESS_UNREACHABLE = 1, 3
_ICMP_QUERIES = frozenset((0, 8, *range(13, 19)))
"""Echo, timestamp, information, address mask; any other type counts as an error."""
_ICMPV6_FIRST_INFORMATIONAL = 128
_ICMPV6_REDIRECT = 137

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION_OPTIONS = 0, 43, 44, 51, 60
_EXTENSION_HEADERS = frozenset(
    (_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION_OPTIONS)
)

_HOP_LIMIT = 64
_INTERNETWORK_CONTROL = 0xC0
_TOS_WITHOUT_ECN = 0x1C
"""RFC 1812 §4.3.2.5: precedence 6, and the type of service that the packet had."""
_DONT_FRAGMENT = 0x4000

_IPV4_HEADER = struct.Struct("!BBHHHBB2x4s4s")
_IPV6_HEADER = struct.Struct("!IHBB16s16s")
_IPV6_PSEUDO_HEADER = struct.Struct("!16s16sI3xB")


class UnreachableMessages:
    """The messages of one interface, so many a second and no more: a flood finds no echo."""

    __slots__ = ("_asked_ns", "_filled_ns")

    def __init__(self) -> None:
        self._filled_ns = _FULL_NS
        """A token bucket measured as time, for that is what fills it."""
        self._asked_ns = 0

    def about(self, packet: memoryview, now_ns: int) -> bytes | None:
        """Return the message to the sender of `packet`, or None if there shall be none.

        `packet` is IPv4 of 20 octets or more, or IPv6 of 40 or more; a super-packet
        counts as one.
        """
        self._filled_ns = min(_FULL_NS, self._filled_ns + now_ns - self._asked_ns)
        self._asked_ns = now_ns
        if self._filled_ns < _MESSAGE_COST_NS:
            return None
        message = _about_ipv4(packet) if packet[0] >> 4 == 4 else _about_ipv6(packet)
        if message is not None:
            self._filled_ns -= _MESSAGE_COST_NS
        return message


def _about_ipv4(packet: memoryview) -> bytes | None:
    payload_at = (packet[0] & 0xF) * 4
    is_first_fragment = not packet[6] & 0x1F and not packet[7]
    if payload_at < 20 or not is_first_fragment:
        return None
    if not (_is_ipv4_host(packet[12]) and _is_ipv4_host(packet[16])):
        return None
    if packet[9] == _ICMP and not (
        payload_at < len(packet) and packet[payload_at] in _ICMP_QUERIES
    ):
        return None
    quotation = packet[: IPV4_MAX_LENGTH - _IPV4_HEADER.size - _ICMP_HEADER_LENGTH]
    message = _icmp(_HOST_UNREACHABLE, quotation, b"")
    header = bytearray(
        _IPV4_HEADER.pack(
            0x45,
            _INTERNETWORK_CONTROL | packet[1] & _TOS_WITHOUT_ECN,
            _IPV4_HEADER.size + len(message),
            0,
            _DONT_FRAGMENT,
            _HOP_LIMIT,
            _ICMP,
            bytes(packet[16:20]),
            bytes(packet[12:16]),
        )
    )
    header[10:12] = complement(words_sum(header))
    return bytes(header + message)


def _is_ipv4_host(first_octet: int) -> bool:
    """Whether it is neither zero, loopback, multicast, reserved nor broadcast (RFC 1122 §3.2.2)."""
    return 0 < first_octet < 224 and first_octet != 127


def _about_ipv6(packet: memoryview) -> bytes | None:
    source, destination = bytes(packet[8:24]), bytes(packet[24:40])
    if not (_is_ipv6_host(source) and _is_ipv6_host(destination)):
        return None
    upper_layer = _upper_layer(packet)
    if upper_layer is None:
        return None
    protocol, at = upper_layer
    if protocol == _ICMPV6 and not (at < len(packet) and _is_icmpv6_query(packet[at])):
        return None
    quotation = packet[: IPV6_MAX_LENGTH - _IPV6_HEADER.size - _ICMP_HEADER_LENGTH]
    length = _ICMP_HEADER_LENGTH + len(quotation)
    pseudo = _IPV6_PSEUDO_HEADER.pack(destination, source, length, _ICMPV6)
    header = _IPV6_HEADER.pack(6 << 28, length, _ICMPV6, _HOP_LIMIT, destination, source)
    return header + _icmp(_ADDRESS_UNREACHABLE, quotation, pseudo)


def _is_ipv6_host(address: bytes) -> bool:
    """Whether it is neither multicast, unspecified nor loopback."""
    return address[0] != 0xFF and int.from_bytes(address, "big") > 1


def _is_icmpv6_query(kind: int) -> bool:
    return kind >= _ICMPV6_FIRST_INFORMATIONAL and kind != _ICMPV6_REDIRECT


def _upper_layer(packet: memoryview) -> tuple[int, int] | None:
    """Return the upper layer's protocol and place; None if later fragments or nobody have it."""
    protocol, at = packet[6], 40
    while protocol in _EXTENSION_HEADERS:
        if at + 8 > len(packet):
            return None
        next_protocol, length = packet[at], (packet[at + 1] + 1) * 8
        if protocol == _FRAGMENT:
            if packet[at + 2] or packet[at + 3] & 0xF8:
                return None
            length = 8
        elif protocol == _AUTHENTICATION:
            length = (packet[at + 1] + 2) * 4
        protocol, at = next_protocol, at + length
    return protocol, at


def _icmp(kind_and_code: tuple[int, int], quotation: Buffer, pseudo_header: bytes) -> bytearray:
    message = bytearray((*kind_and_code, *bytes(_ICMP_HEADER_LENGTH - 2)))
    message += quotation
    message[2:4] = complement(words_sum(pseudo_header) + words_sum(message))
    return message
