"""What goes over a cable: WireGuard's messages as tcpdump(8) saw them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from tests.netns.hosts import Host
from tests.netns.waiting import eventually

ETHERNET_OCTETS = 14
UDP_OCTETS = 8


@dataclass(frozen=True, slots=True)
class Message:
    """One datagram over IPv4."""

    source: str
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
    """Runs until `messages` is asked for."""

    def __init__(self, host: Host, interface: str, folder: Path) -> None:
        self._file = folder / f"{host.name}.{interface}.pcap"
        self._tcpdump = host.start(
            *(
                "tcpdump",
                "-i",
                interface,
                "-n",
                "-U",
                "--immediate-mode",
                "-Z",
                "root",
                "-w",
                str(self._file),
            ),
            *("ip", "and", "udp"),
        )
        eventually(lambda: "listening on" in self._tcpdump.output(), what="tcpdump")

    def messages(self) -> list[Message]:
        """End the capture and return what was seen, in order."""
        self._tcpdump.stop()
        return _parse(self._file.read_bytes())


def _parse(octets: bytes) -> list[Message]:
    """Read a capture file (libpcap's, microseconds, this machine's byte order) of Ethernet."""
    magic, *_, link_type = struct.unpack_from("=IHHiIII", octets)
    assert (magic, link_type) == (0xA1B2C3D4, 1)
    found = []
    offset = 24
    while offset < len(octets):
        (length,) = struct.unpack_from("=I", octets, offset + 8)
        found.append(_message(octets[offset + 16 : offset + 16 + length]))
        offset += 16 + length
    return found


def _message(frame: bytes) -> Message:
    packet = frame[ETHERNET_OCTETS:]
    header_octets = 4 * (packet[0] & 0x0F)
    source = ".".join(str(octet) for octet in packet[12:16])
    return Message(source, packet[header_octets + UDP_OCTETS :])
