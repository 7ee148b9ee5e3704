"""What cutting and joining super-packets have in common (pure).

A TUN with offloads hands out packets of up to 64 KiB that the kernel would have
cut before a network card, and takes such packets in.  Crossing the TUN once for
forty packets is most of what makes an engine fast.
"""

from __future__ import annotations

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


def pseudo_header_sum(header: Buffer, protocol: int, transport_length: int) -> int:
    """Return the sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1), as `words_sum` does."""
    addresses = header[12:20] if header[0] >> 4 == 4 else header[8:40]
    return words_sum(addresses) + swapped(protocol) + swapped(transport_length)


def swapped(number: int) -> int:
    """Return what a big-endian number adds to a sum of little-endian words, modulo 65535.

    Exchanging the octets of a word is multiplying it by 256, modulo 65535.
    """
    return number << 8
