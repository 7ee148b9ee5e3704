"""What goes over a cable: WireGuard's messages as tcpdump(8) saw them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tests.netns.hosts import Host
from tests.netns.waiting import eventually

FILE_HEADER_OCTETS = 24
RECORD_HEADER_OCTETS = 16
ETHERNET_OCTETS = 14
IPV6_HEADER_OCTETS = 40
UDP_OCTETS = 8


@dataclass(frozen=True, slots=True)
class Message:
    """One datagram; or several, end to end, that crossed the cable as a super-packet."""

    time: float
    """When it crossed the cable, in seconds since 1970."""
    source: str
    """Numeric address of the outer packet."""
    source_port: int
    octets: bytes

    @property
    def type(self) -> int:
        """1 initiation, 2 response, 3 cookie reply, 4 transport data (paper §5.4)."""
        return self.octets[0]

    @property
    def receiver_index(self) -> int:
        """Of transport data (paper §5.4.6)."""
        (index,) = struct.unpack_from("<I", self.octets, 4)
        return int(index)


class Capture:
    """Runs until the host ends; tcpdump writes each datagram a moment after it passed."""

    def __init__(self, host: Host, interface: str, folder: Path, only: str = "udp") -> None:
        """Begin; `only` says in the words of pcap-filter(7) what is kept."""
        self._file = folder / f"{host.name}.{interface}.pcap"
        tcpdump = host.start(
            *("tcpdump", "-i", interface, "-n", "-U", "--immediate-mode", "-Z", "root"),
            *("-w", str(self._file), only),
        )
        eventually(lambda: "listening on" in tcpdump.output(), what="tcpdump")
        eventually(self._file.exists)

    def messages(self, source: str | None = None) -> list[Message]:
        """Return what was seen so far, in order; of one sender, if `source` is given."""
        messages = _parse(self._file.read_bytes())
        return [message for message in messages if source in (None, message.source)]


def _parse(octets: bytes) -> list[Message]:
    """Read a capture file (libpcap's, microseconds, this machine's byte order) of Ethernet.

    It may end within a record, if tcpdump is writing just now.
    """
    if len(octets) < FILE_HEADER_OCTETS:
        return []
    magic, *_, link_type = struct.unpack_from("=IHHiIII", octets)
    assert (magic, link_type) == (0xA1B2C3D4, 1)
    found = []
    offset = FILE_HEADER_OCTETS
    while offset + RECORD_HEADER_OCTETS <= len(octets):
        seconds, microseconds, length = struct.unpack_from("=III", octets, offset)
        offset += RECORD_HEADER_OCTETS
        if offset + length <= len(octets):
            time = seconds + microseconds / 1e6
            found.append(_message(time, octets[offset : offset + length]))
        offset += length
    return found


def _message(time: float, frame: bytes) -> Message:
    packet = frame[ETHERNET_OCTETS:]
    if packet[0] >> 4 == 4:
        source, datagram = packet[12:16], packet[4 * (packet[0] & 0x0F) :]
    else:
        source, datagram = packet[8:24], packet[IPV6_HEADER_OCTETS:]
    (source_port,) = struct.unpack_from(">H", datagram)
    return Message(time, str(ip_address(source)), source_port, datagram[UDP_OCTETS:])
