"""Device and data path, put together: what arrives, what follows from it, what is due.

No descriptor and no clock is in here either, so that tests run two whole
tunnels against each other, with ends in memory, on a clock of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from netstart_wg.datapath.base import DataPath
from netstart_wg.engine.readiness import BATCH
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.now import Now
from netstart_wg.protocol.device import Device
from netstart_wg.protocol.effects import Effect, SendMessage, SendPackets
from netstart_wg.protocol.forwarding import Path


class Tunnel:
    """One interface's engine without its descriptors."""

    def __init__(self, device: Device, datapath: DataPath) -> None:
        self.device = device
        self.datapath = datapath

    def tun_is_readable(self, now: Now, budget: int = BATCH) -> bool:
        """Move packets out, `budget` reads at most; return whether there may be more."""
        report = self.datapath.outbound(budget, now)
        self.device.traffic(report, now)
        self._settle(now)
        return not report.is_exhausted

    def udp_is_readable(self, now: Now, budget: int = BATCH) -> bool:
        """Move packets in, `budget` receives at most; return whether there may be more."""
        report = self.datapath.inbound(budget, now)
        self.device.traffic(report, now)
        self._settle(now)
        return not report.is_exhausted

    def configure(self, change: DeviceChange, now: Now) -> None:
        """Apply a change and send what follows from it."""
        self.device.configure(change, now)
        self._settle(now)

    def bring_up(self, now: Now) -> None:
        """Start: the UDP end is open."""
        self.device.bring_up(now)
        self._settle(now)

    def bring_down(self, now: Now) -> None:
        """End all sessions."""
        self.device.bring_down()
        self._settle(now)

    def release_sources(self, is_wrong: Callable[[Path], bool], now: Now) -> None:
        """See `Device.release_sources`."""
        self.device.release_sources(is_wrong)
        self._settle(now)

    def advance(self, now: Now) -> None:
        """Carry out the timers that are due."""
        self.device.advance(now)
        self._settle(now)

    def _settle(self, now: Now) -> None:
        """Carry out what the device wants, and what follows from that, until it wants no more."""
        while True:
            if (update := self.device.take_update()) is not None:
                self.datapath.install(update)
            effects = self.device.take_effects()
            if not effects:
                return
            for effect in effects:
                self._carry_out(effect, now)

    def _carry_out(self, effect: Effect, now: Now) -> None:
        match effect:
            case SendMessage(message, path, peer):
                if self.datapath.send_message(message, path):
                    self.device.message_sent(peer, len(message))
            case SendPackets(peer, packets):
                self.device.traffic(self.datapath.send_packets(peer, packets, now), now)
            case _:
                assert_never(effect)
