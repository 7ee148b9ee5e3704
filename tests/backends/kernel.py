"""Whether there is a WireGuard in the kernel: only then there are tests of it."""

from __future__ import annotations

from contextlib import closing
from functools import cache

from netstart_wg.system.wireguard_netlink import WireGuardNetlink


@cache
def kernel_has_wireguard() -> bool:
    with closing(WireGuardNetlink()) as netlink:
        return netlink.is_supported()
