"""Packets to and from a TUN device, with as much offload as the kernel grants.

Linux, Documentation/networking/tuntap.rst and include/uapi/linux/if_tun.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Sequence

from netstart_wg.datapath.base import Buffer, VirtioNetHeader
from netstart_wg.engine.tun_device import TunDevice, TunGoneError

_TUNSETOFFLOAD = 0x400454D0

_TUN_F_CSUM = 0x01
_TUN_F_TSO = 0x02 | 0x04 | 0x08
"""TSO4, TSO6, TSO_ECN."""
_TUN_F_USO = 0x20 | 0x40
"""USO4, USO6: Linux 6.2 and newer."""

_VIRTIO_NET_HEADER = struct.Struct("=BBHHHH")
_READ_SIZE = _VIRTIO_NET_HEADER.size + 65535 + 40
_PLAIN = VirtioNetHeader()


class Tun:
    """The packets of an open TUN device.  A `TunEnd`."""

    def __init__(self, device: TunDevice) -> None:
        """Take a device, which stays its maker's to close."""
        self.descriptor = device.descriptor
        self._has_header = device.has_header
        self._granted = self._negotiate()
        self.takes_tcp_super_packets = "tun-tso" in self._granted
        self.takes_udp_super_packets = "tun-uso" in self._granted
        self._header = bytearray(_VIRTIO_NET_HEADER.size)
        self._buffer = bytearray(_READ_SIZE)
        self._view = memoryview(self._buffer)

    def _negotiate(self) -> tuple[str, ...]:
        """Ask for as much offload as the kernel has; return what it granted, by name."""
        if not self._has_header:
            return ()
        for bits, names in (
            (_TUN_F_CSUM | _TUN_F_TSO | _TUN_F_USO, ("tun-csum", "tun-tso", "tun-uso")),
            (_TUN_F_CSUM | _TUN_F_TSO, ("tun-csum", "tun-tso")),
            (_TUN_F_CSUM, ("tun-csum",)),
        ):
            try:
                fcntl.ioctl(self.descriptor, _TUNSETOFFLOAD, bits)
            except OSError:
                continue
            return names
        return ()

    @property
    def offloads(self) -> tuple[str, ...]:
        """What the kernel granted and has not refused since, by name."""
        refused = {
            name
            for name, takes in (
                ("tun-tso", self.takes_tcp_super_packets),
                ("tun-uso", self.takes_udp_super_packets),
            )
            if not takes
        }
        return tuple(name for name in self._granted if name not in refused)

    def read(self) -> tuple[VirtioNetHeader, memoryview] | None:
        """See `TunEnd`; raise TunGoneError when the interface is gone."""
        try:
            if not self._has_header:
                length = os.readv(self.descriptor, [self._buffer])
                return _PLAIN, self._view[:length]
            length = os.readv(self.descriptor, [self._header, self._buffer])
        except OSError as error:
            if error.errno == errno.EBADFD:
                raise TunGoneError from None
            return None
        header = VirtioNetHeader._make(_VIRTIO_NET_HEADER.unpack(self._header))
        return header, self._view[: max(0, length - len(self._header))]

    def write(self, header: VirtioNetHeader, parts: Sequence[Buffer]) -> None:
        """See `TunEnd`; raise TunGoneError when the interface is gone."""
        try:
            if self._has_header:
                os.writev(self.descriptor, [_VIRTIO_NET_HEADER.pack(*header), *parts])
            else:
                os.writev(self.descriptor, parts)
        except OSError as error:
            if error.errno == errno.EBADFD:
                raise TunGoneError from None
            raise
