"""What cutting and joining super-packets have in common (pure).

A TUN with offloads hands out packets of up to 64 KiB that the kernel would have
cut before a network card, and takes such packets in.  Crossing the TUN once for
forty packets is most of what makes an engine fast.
"""

from __future__ import annotations

import struct

from netstart_wg.datapath.base import Buffer, VirtioNetHeader
from netstart_wg.datapath.checksum import words_sum

NEEDS_CSUM = 1
"""VIRTIO_NET_HDR_F_NEEDS_CSUM."""

GSO_NONE = 0
GSO_TCPV4 = 1
GSO_TCPV6 = 4
GSO_UDP_L4 = 5
GSO_ECN = 0x80
"""VIRTIO_NET_HDR_GSO_*."""

PLAIN = VirtioNetHeader()

MAX_PACKET_LENGTH = 65535

TCP = 6
UDP = 17
"""IP protocol numbers."""

_U16 = struct.Struct("!H")
_LITTLE_U16 = struct.Struct("<H")


class MalformedPacketError(ValueError):
    """The header and the packet do not fit together."""


def inner_length(packet: Buffer) -> int:
    """Return how long an IP packet says it is, in octets; 0 if it cannot be one.

    0 is for: neither version 4 nor 6, shorter than its header, or its header
    claiming more than there is.
    """
    available = len(packet)
    if available < 20:
        return 0
    version = packet[0] >> 4
    if version == 4:
        length = packet[2] << 8 | packet[3]
        least = (packet[0] & 0xF) * 4
        return length if least >= 20 and least <= length <= available else 0
    if version == 6 and available >= 40:
        length = 40 + (packet[4] << 8 | packet[5])
        return length if length <= available else 0
    return 0


class IpHeader:
    """The IP header at the front of a template, and the sum of the pseudo-header."""

    __slots__ = ("_at", "_constant", "_identification", "_is_ipv4", "_pseudo", "_template")

    def __init__(self, template: bytearray, transport_at: int, protocol: int) -> None:
        version = template[0] >> 4
        self._template, self._at = template, transport_at
        self._is_ipv4 = version == 4
        self._constant = self._identification = 0
        if version == 4 and transport_at >= 20:
            addresses = template[12:20]
            (self._identification,) = _U16.unpack_from(template, 4)
        elif version == 6 and transport_at >= 40:
            addresses = template[8:40]
        else:
            raise MalformedPacketError
        self._pseudo = words_sum(addresses) + swapped(protocol)

    def fit(self, transport_length: int) -> int:
        """Set the length; return the sum of the pseudo-header."""
        template = self._template
        if self._is_ipv4:
            _U16.pack_into(template, 2, min(MAX_PACKET_LENGTH, self._at + transport_length))
            template[4:6] = template[10:12] = bytes(2)
            self._constant = words_sum(template[: self._at])
        else:
            length = min(MAX_PACKET_LENGTH, self._at - 40 + transport_length)
            _U16.pack_into(template, 4, length)
        return self._pseudo + swapped(transport_length)

    def count(self) -> None:
        """Set the next identification, and the header's checksum; IPv6 has neither."""
        if self._is_ipv4:
            identification = self._identification
            total = self._constant + swapped(identification)
            _U16.pack_into(self._template, 4, identification)
            _LITTLE_U16.pack_into(self._template, 10, 65535 - total % 65535)
            self._identification = (identification + 1) & 0xFFFF


def swapped(number: int) -> int:
    """Return what a big-endian number adds to a sum of little-endian words, modulo 65535.

    Exchanging the octets of a word is multiplying it by 256, modulo 65535.
    """
    return number << 8
