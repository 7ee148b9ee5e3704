"""Packets written to the TUN, joined where it takes that."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from netstart_wg.datapath.base import Buffer, TunEnd
from netstart_wg.datapath.joining import Coalescer, join
from netstart_wg.datapath.offload import GSO_UDP_L4
from netstart_wg.datapath.refusals import Refusals
from netstart_wg.model.now import Now
from netstart_wg.protocol.forwarding import DropReason, TrafficReport


class Delivery:
    """The way into a TUN, and what it refused lately."""

    __slots__ = ("_refused", "_tun")

    def __init__(self, tun: TunEnd) -> None:
        """Take the TUN, which stays the caller's."""
        self._tun = tun
        self._refused: Refusals[int] = Refusals()
        """Kinds of super-packets, GSO_*, that the TUN did not take."""

    def coalescer(self, now: Now, report: TrafficReport) -> Coalescer:
        """Return what joins packets as the TUN takes them now, and writes them.

        Super-packets that it refused a while ago are tried again.
        """
        if not self._refused.is_empty:
            for gso_type in self._refused.expire(now.boottime_ns):
                self._set_takes(gso_type, takes=True)
        tun = self._tun
        return Coalescer(
            lambda packets, payloads: self.write(packets, payloads, now, report),
            joins_tcp=tun.takes_tcp_super_packets,
            joins_udp=tun.takes_udp_super_packets,
        )

    def write(
        self,
        packets: Sequence[Buffer],
        payloads: Sequence[Buffer],
        now: Now,
        report: TrafficReport,
    ) -> None:
        """Write a run; singly, for a while, if the TUN refuses that kind of super-packet."""
        header, parts = join(packets, payloads)
        try:
            self._tun.write(header, parts)
        except OSError as error:
            if len(packets) == 1 or error.errno != errno.EINVAL:
                report.drops[DropReason.TUN_FAILED] += len(packets)
                return
            self._refused.remember(header.gso_type, now.boottime_ns)
            self._set_takes(header.gso_type, takes=False)
            for packet in packets:
                self.write((packet,), (), now, report)

    def _set_takes(self, gso_type: int, *, takes: bool) -> None:
        if gso_type == GSO_UDP_L4:
            self._tun.takes_udp_super_packets = takes
        else:
            self._tun.takes_tcp_super_packets = takes
