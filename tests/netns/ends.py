"""One end of a tunnel: an engine in a host, its interface there or in another, wg(8) beside it.

An interface may be moved away from its engine; the sockets stay where the
engine is.  That is how a tunnel is built whose outside nothing inside can reach.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any, Self

from tests.netns.engines import (
    Engine,
    KeyPair,
    PeerSection,
    ShownInterface,
    ShownPeer,
    configuration,
    new_key_pair,
    setconf,
    show,
)
from tests.netns.hosts import Background, Host
from tests.netns.traffic import IPERF3_PORT, ping, wait_for_listener


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    outside: Host
    """Where the engine runs and its sockets are."""
    inside: Host
    """Where the interface is."""
    interface: str
    port: int
    keys: KeyPair
    process: Background

    @classmethod
    def start(
        cls, engine: Engine, interface: str, port: int, outside: Host, inside: Host | None = None
    ) -> Self:
        """Start an engine, and move its interface if it shall be elsewhere; it is down."""
        process = engine.start(outside, interface)
        if inside is not None:
            move(interface, outside, inside)
        return cls(
            outside=outside,
            inside=inside or outside,
            interface=interface,
            port=port,
            keys=new_key_pair(),
            process=process,
        )

    def up(self, *addresses: str, mtu: int = 1420) -> None:
        """Give the interface these addresses, each with its prefix length, and no others."""
        self.inside.run("ip", "address", "flush", "dev", self.interface, "scope", "global")
        self.inside.run("ip", "link", "set", self.interface, "mtu", str(mtu), "up")
        for address in addresses:
            self.inside.run("ip", "address", "add", address, "dev", self.interface)

    def configure(self, *peers: PeerSection) -> None:
        """Forget every session and counter; these are the peers."""
        setconf(self.outside, self.interface, configuration(self.keys.private, self.port, *peers))

    def set(self, *words: str, text: str | None = None) -> None:
        """Run `wg set` on it; `text` is what /dev/stdin among the words holds."""
        self.outside.run("wg", "set", self.interface, *words, text=text)

    def set_peer(self, other: Self, *words: str) -> None:
        self.set("peer", other.keys.public, *words)

    def show(self) -> ShownInterface:
        return show(self.outside, self.interface)

    def peer(self, other: Self) -> ShownPeer:
        """Return what wg(8) shows of the other end."""
        return self.show().peers[other.keys.public]

    def reaches(self, *addresses: str, size: int = 56) -> bool:
        """Tell whether an echo request to each is answered."""
        results = [ping(self.inside, each, count=1, size=size, wait=1.5) for each in addresses]
        return all(result.lost == 0 for result in results)

    def floods(self, address: str, count: int = 10) -> bool:
        """Tell whether each of so many echo requests is answered, of which none waits for another.

        That is not `ping -f`, which at its end has no patience for a reply that is late.
        """
        return ping(self.inside, address, count=count, wait=1.5).lost == 0


def move(interface: str, source: Host, target: Host) -> None:
    """Move an interface from one host to another, which takes it down."""
    # iproute2 takes a process for a namespace by its number as our own namespace knows it.
    subprocess.run(
        [
            *("nsenter", f"--target={source.pid}", "--net", "--"),
            *("ip", "link", "set", interface, "netns", str(target.pid)),
        ],
        check=True,
    )


def load(client: Host, server: Host, address: str, *options: str) -> int:
    """Run iperf3 to the server's `address` with bounded `options`; return the octets received."""
    serving = server.start("iperf3", "-s", "-1", "-B", address, "-p", str(IPERF3_PORT))
    wait_for_listener(server, IPERF3_PORT)
    command = ("iperf3", "-J", "-c", address, "-p", str(IPERF3_PORT), *options)
    try:
        report: Any = json.loads(client.run(*command))
        serving.wait()  # it ends its connections in order
    finally:
        serving.stop()
    received = report["end"].get("sum_received") or report["end"]["sum"]
    return int(received["bytes"])
