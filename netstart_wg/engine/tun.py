"""Packets to and from a TUN device, with as much offload as the kernel grants.

Linux, Documentation/networking/tuntap.rst and include/uapi/linux/if_tun.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Collection, Sequence

from netstart_wg.datapath.base import Buffer, VirtioNetHeader
from netstart_wg.engine.tun_device import TunDevice, TunGoneError
from netstart_wg.model.offload import Offload

_TUNSETOFFLOAD = 0x400454D0

_FLAGS = {
    Offload.TUN_CSUM: 0x01,
    Offload.TUN_TSO: 0x02 | 0x04 | 0x08,
    Offload.TUN_USO: 0x20 | 0x40,
}
"""TUN_F_CSUM; TSO4, TSO6, TSO_ECN; USO4, USO6.  A kernel that refuses is without the last."""

_VIRTIO_NET_HEADER = struct.Struct("=BBHHHH")
_READ_SIZE = _VIRTIO_NET_HEADER.size + 65535 + 40
_PLAIN = VirtioNetHeader()


class Tun:
    """The packets of an open TUN device.  A `TunEnd`."""

    def __init__(self, device: TunDevice, without: Collection[Offload] = ()) -> None:
        """Take a device, which stays its maker's to close, and what to do without."""
        self.descriptor = device.descriptor
        self._has_header = device.has_header
        self._granted = self._negotiate(without) if device.has_header else ()
        self.takes_tcp_super_packets = Offload.TUN_TSO in self._granted
        self.takes_udp_super_packets = Offload.TUN_USO in self._granted
        self._header = bytearray(_VIRTIO_NET_HEADER.size)
        self._buffer = bytearray(_READ_SIZE)
        self._view = memoryview(self._buffer)

    def _negotiate(self, without: Collection[Offload]) -> tuple[Offload, ...]:
        """Ask for as much offload as the kernel has; return what it granted."""
        wanted = [] if Offload.TUN_CSUM in without else [*_FLAGS]
        wanted = [each for each in wanted if each not in without]
        while True:
            try:
                fcntl.ioctl(self.descriptor, _TUNSETOFFLOAD, sum(_FLAGS[each] for each in wanted))
            except OSError:
                if not wanted:
                    return ()
                wanted.pop()
            else:
                return tuple(wanted)

    @property
    def offloads(self) -> tuple[Offload, ...]:
        """What the kernel granted and has not refused since."""
        refused = {
            offload
            for offload, takes in (
                (Offload.TUN_TSO, self.takes_tcp_super_packets),
                (Offload.TUN_USO, self.takes_udp_super_packets),
            )
            if not takes
        }
        return tuple(each for each in self._granted if each not in refused)

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
