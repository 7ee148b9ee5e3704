"""Two hosts on a cable, an engine in each, and a tunnel between them that is made anew at will.

    left ───────── eth1: 192.0.2.x, 2001:db8::/32 ───────── right
     wg0: 10.77.0.1, fd77::1        wg0: 10.77.0.2, fd77::2

Only one of them is told where the other is: nobody else can have begun the handshake.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, replace
from typing import Self

from tests.netns.ends import End
from tests.netns.engines import Engine, PeerSection, endpoint
from tests.netns.hosts import HostMaker, Link, link

PORT = 51820
MTU = 1420


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both ends, up and with addresses; `configure` makes the tunnel."""

    left: End
    right: End
    cable: Link
    engines: tuple[Engine, Engine]
    """The left one and the right one."""

    @classmethod
    def start(cls, left: Engine, right: Engine, new_host: HostMaker, name: str = "") -> Self:
        """Start both; `name` begins the hosts' names, to tell pairs apart."""
        left_host, right_host = new_host(f"{name}left"), new_host(f"{name}right")
        pair = cls(
            cable=link(left_host, right_host),
            left=End.start(left, "wg0", PORT, left_host),
            right=End.start(right, "wg0", PORT, right_host),
            engines=(left, right),
        )
        pair.bring_up(pair.left)
        pair.bring_up(pair.right)
        return pair

    def bring_up(self, end: End) -> None:
        end.up(f"{self.inner(end, 4)}/24", f"{self.inner(end, 6)}/64", mtu=MTU)

    def restart_right(self) -> Self:
        """Kill the right engine and start it again; it has its keys, but no peer yet."""
        self.right.process.send_signal(signal.SIGKILL)
        self.right.process.wait()
        process = self.engines[1].start(self.right.outside, self.right.interface)
        again = replace(self, right=replace(self.right, process=process))
        again.bring_up(again.right)
        return again

    def other(self, end: End) -> End:
        return self.right if end is self.left else self.left

    def inner(self, end: End, family: int) -> str:
        """Return an end's address in the tunnel; `family` is 4 or 6."""
        number = 1 if end is self.left else 2
        return f"10.77.0.{number}" if family == 4 else f"fd77::{number}"

    def where(self, end: End, family: int) -> str:
        """Return the endpoint that an end has on the cable."""
        return endpoint(self.cable.address(end.outside, family), PORT)

    def section(self, end: End, family: int | None, preshared_key: str | None) -> PeerSection:
        """Return what the other end is told of this one; where it is only if `family` is given."""
        return PeerSection(
            public_key=end.keys.public,
            allowed_ips=(f"{self.inner(end, 4)}/32", f"{self.inner(end, 6)}/128"),
            endpoint=None if family is None else self.where(end, family),
            preshared_key=preshared_key,
        )

    def configure(self, *, initiator: End, outer: int, preshared_key: str | None = None) -> End:
        """Forget all sessions; tell only the initiator where the other is.  Return the other."""
        responder = self.other(initiator)
        responder.configure(self.section(initiator, None, preshared_key))
        initiator.configure(self.section(responder, outer, preshared_key))
        return responder
