"""Compare WireGuard engines: one TCP stream, the round trip, the memory.

    make bench
    make bench BENCH='--runs 5 ours go=/usr/local/bin/wireguard-go'

Two hosts out of namespaces are joined by a veth pair; the same engine runs in
both and is set up by wg(8).  Both ends, and iperf3 too, share this machine's
processors, so that a figure says what an engine costs, not how fast a network
is.  Super-packets cross a veth pair whole, if an engine makes any; behind a
network card the kernel or the card would cut them.

An engine is `ours`, `wireguard-go`, or NAME=COMMAND, where COMMAND takes `-f`
and the interface's name and serves the usual configuration socket.  The last
one is what the others are compared with.  The engines take turns, so that the
moods of the machine meet them all; a ratio is of two figures of the same turn.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.netns.engines import (
    OURS,
    WIREGUARD_GO,
    Engine,
    KeyPair,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
)
from tests.netns.hosts import Background, Host, hosts, link
from tests.netns.traffic import pings, round_trip_milliseconds, transfer

PORT = 51820
MTU = 1420
PINGS = 300
KNOWN = {engine.name: engine for engine in (OURS, WIREGUARD_GO)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One engine's turn."""

    gigabits_per_second: float
    round_trip_microseconds: float
    """Median."""
    resident_mebibytes: float
    """Peak, of the greedier end."""


def main() -> int:
    options = parse(sys.argv[1:])
    turns: list[dict[str, Figures]] = []
    for turn in range(options.runs):
        figures = {}
        for engine in options.engines:
            print(f"turn {turn + 1} of {options.runs}: {engine.name}", file=sys.stderr, flush=True)
            figures[engine.name] = measure(engine, options.seconds)
        turns.append(figures)
    print(table(turns, options.seconds))
    return 0


def parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="engines.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="turns of each engine (3)")
    parser.add_argument("--seconds", type=int, default=5, help="length of a TCP stream (5)")
    parser.add_argument("engines", nargs="*", type=named_engine, metavar="ENGINE")
    options = parser.parse_args(words)
    options.engines = options.engines or [OURS, WIREGUARD_GO]
    if os.geteuid() != 0:
        parser.error("it takes root")
    return options


def named_engine(word: str) -> Engine:
    if word in KNOWN:
        return KNOWN[word]
    name, equals, command = word.partition("=")
    if not equals or not command:
        raise argparse.ArgumentTypeError(
            f"'{word}' is neither {' nor '.join(KNOWN)} nor NAME=COMMAND"
        )
    return Engine(name, tuple(shlex.split(command)))


def measure(engine: Engine, seconds: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder, hosts(Path(folder)) as new_host:
        left, right = new_host("left"), new_host("right")
        cable = link(left, right)
        keys = new_key_pair(), new_key_pair()
        running = [
            set_up(engine, left, 1, keys[0], keys[1].public, cable.address(right, 4)),
            set_up(engine, right, 2, keys[1], keys[0].public, cable.address(left, 4)),
        ]
        if not pings(left, "10.77.0.2"):
            raise SystemExit(f"{engine.name}: no way through the tunnel: {running[0].output()}")
        round_trip = round_trip_milliseconds(left, "10.77.0.2", count=PINGS)
        stream = transfer(left, right, "10.77.0.2", "-t", str(seconds))
        return Figures(
            gigabits_per_second=stream.bits_per_second / 1e9,
            round_trip_microseconds=round_trip * 1e3,
            resident_mebibytes=max(peak_resident_mebibytes(end) for end in running),
        )


def set_up(
    engine: Engine, host: Host, number: int, keys: KeyPair, peer: str, address: str
) -> Background:
    running = engine.start(host, "wg0")
    other = PeerSection(
        public_key=peer,
        allowed_ips=(f"10.77.0.{3 - number}/32",),
        endpoint=endpoint(address, PORT),
    )
    setconf(host, "wg0", configuration(keys.private, PORT, other))
    host.run("ip", "address", "add", f"10.77.0.{number}/24", "dev", "wg0")
    host.run("ip", "link", "set", "wg0", "mtu", str(MTU), "up")
    return running


def peak_resident_mebibytes(running: Background) -> float:
    status = Path(f"/proc/{running.pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def table(turns: Sequence[dict[str, Figures]], seconds: int) -> str:
    *_, baseline = turns[0]
    head = ("engine", "TCP, Gbit/s", f"times {baseline}", "round trip, µs", "peak RSS, MiB")
    lines = [
        f"One TCP stream of {seconds} s, {len(turns)} turns, minimum / median / maximum;"
        f" {os.cpu_count()} processors, Linux {platform.release()}, {platform.machine()}.",
        "",
        f"| {' | '.join(head)} |",
        f"|---|{'---:|' * (len(head) - 1)}",
    ]
    for name in turns[0]:
        ratios = [
            turn[name].gigabits_per_second / turn[baseline].gigabits_per_second for turn in turns
        ]
        cells = (
            name,
            spread(turns, name, lambda figures: figures.gigabits_per_second, 2),
            f"{median(ratios):.1f}",
            spread(turns, name, lambda figures: figures.round_trip_microseconds, 0),
            spread(turns, name, lambda figures: figures.resident_mebibytes, 0),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(
    turns: Sequence[dict[str, Figures]], name: str, of: Callable[[Figures], float], digits: int
) -> str:
    values = sorted(of(turn[name]) for turn in turns)
    shown = (values[0], median(values), values[-1])
    return " / ".join(f"{value:.{digits}f}" for value in shown)


if __name__ == "__main__":
    sys.exit(main())
