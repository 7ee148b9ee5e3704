"""Compare WireGuard engines: a TCP stream, small datagrams, the round trip, the memory.

    make bench
    make bench BENCH='--pin --wire --runs 5'
    make bench BENCH='ours go=/usr/local/bin/wireguard-go'

Two hosts out of namespaces are joined by a veth pair; the same engine runs in
both and is set up by wg(8).  Both ends, and iperf3 too, share this machine's
processors, so that a figure says what an engine costs, not how fast a network
is.  With --pin each host has one processor to itself.  Super-packets cross a
veth pair whole, if an engine makes any; with --wire the kernel cuts them before
the veth and joins what arrives, as it does around a network card.

An engine is one of those that the tests know, or NAME=COMMAND, where COMMAND
takes `-f` and the interface's name and serves the usual configuration socket.
The last one is what the others are compared with.  The engines take turns, so
that the moods of the machine meet them all; a ratio is of two figures of the
same turn, and the one shown is the median.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.netns.engines import (
    CURRENT_WIREGUARD_GO,
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
from tests.netns.traffic import IPERF3_PORT, pings, round_trip_milliseconds, wait_for_listener

PORT = 51820
MTU = 1420
PINGS = 300
DATAGRAM_OCTETS = 64
WITHOUT_NUMPY = Engine("ours-without-numpy", ("env", "WG_NUMPY=0", *OURS.command))
KNOWN = {
    engine.name: engine for engine in (OURS, WITHOUT_NUMPY, WIREGUARD_GO, CURRENT_WIREGUARD_GO)
}

NETWORK_CARD = Path(__file__).with_name("network_card.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One engine's turn."""

    stream: float
    """One TCP stream, Gbit/s."""
    datagrams: float
    """UDP datagrams of 64 octets that arrived, thousands per second."""
    round_trip: float
    """Median of echo requests 10 ms apart, microseconds."""
    memory: float
    """Of the greedier end after all that, MiB: what its processes have, shared pages by halves."""


@dataclass(frozen=True, slots=True)
class Column:
    """How one of the figures is shown."""

    title: str
    digits: int
    is_compared: bool


COLUMNS = {
    "stream": Column("TCP, Gbit/s", 2, True),
    "datagrams": Column("64-octet UDP, thousands/s", 0, True),
    "round_trip": Column("round trip, µs", 0, True),
    "memory": Column("memory, MiB", 0, False),
}


def main() -> int:
    options = parse(sys.argv[1:])
    turns: list[dict[str, Figures]] = []
    for turn in range(options.runs):
        figures = {}
        for engine in options.engines:
            print(f"turn {turn + 1} of {options.runs}: {engine.name}", file=sys.stderr, flush=True)
            figures[engine.name] = measure(engine, options)
        turns.append(figures)
    print(heading(options, len(turns)), table(turns), sep="\n\n")
    return 0


def parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="engines.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="turns of each engine (3)")
    parser.add_argument("--seconds", type=int, default=5, help="length of a TCP stream (5)")
    parser.add_argument("--pin", action="store_true", help="one processor for each host")
    parser.add_argument("--wire", action="store_true", help="no super-packets between the hosts")
    parser.add_argument("engines", nargs="*", type=named_engine, metavar="ENGINE")
    options = parser.parse_args(words)
    options.engines = options.engines or list(KNOWN.values())
    for engine in options.engines:
        if (obstacle := engine.obstacle()) is not None:
            parser.error(obstacle)
    if os.geteuid() != 0:
        parser.error("it takes root")
    if options.pin and len(os.sched_getaffinity(0)) < 2:
        parser.error("--pin takes two processors")
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


def measure(engine: Engine, options: argparse.Namespace) -> Figures:
    with tempfile.TemporaryDirectory() as folder, hosts(Path(folder)) as new_host:
        left, right = new_host("left"), new_host("right")
        cable = link(left, right)
        if options.wire:
            for host in (left, right):
                host.run(sys.executable, "-IS", str(NETWORK_CARD), cable.interface)
        keys = new_key_pair(), new_key_pair()
        with on_processor(0 if options.pin else None):
            near = set_up(engine, left, 1, keys[0], keys[1].public, cable.address(right, 4))
        with on_processor(1 if options.pin else None):
            far = set_up(engine, right, 2, keys[1], keys[0].public, cable.address(left, 4))
            serving = right.start("iperf3", "-s", "-p", str(IPERF3_PORT))
            wait_for_listener(right, IPERF3_PORT)
        with on_processor(0 if options.pin else None):
            if not pings(left, "10.77.0.2"):
                raise SystemExit(f"{engine.name}: no way through the tunnel: {near.output()}")
            figures = Figures(
                round_trip=1e3 * round_trip_milliseconds(left, "10.77.0.2", count=PINGS),
                stream=stream_gigabits(left, options.seconds),
                datagrams=datagrams_per_millisecond(left, options.seconds),
                memory=max(memory_mebibytes(running) for running in (near, far)),
            )
        serving.stop()
        return figures


@contextmanager
def on_processor(number: int | None) -> Iterator[None]:
    """Have what is started meanwhile on one processor; of those we may use, the `number`th."""
    before = os.sched_getaffinity(0)
    if number is not None:
        os.sched_setaffinity(0, {sorted(before)[number]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


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


def stream_gigabits(client: Host, seconds: int) -> float:
    """Return what arrived of one TCP stream, Gbit/s."""
    received = iperf3(client, "-t", str(seconds))["sum_received"]
    return received["bits_per_second"] / 1e9


def datagrams_per_millisecond(client: Host, seconds: int) -> float:
    """Return how many small datagrams arrived of as many as the sender can make."""
    total = iperf3(client, "-t", str(seconds), "-u", "-l", str(DATAGRAM_OCTETS), "-b", "0")["sum"]
    return (total["packets"] - total["lost_packets"]) / total["seconds"] / 1e3


def iperf3(client: Host, *how: str) -> dict[str, dict[str, float]]:
    command = ("iperf3", "-J", "-c", "10.77.0.2", "-p", str(IPERF3_PORT), *how)
    report: dict[str, dict[str, dict[str, float]]] = json.loads(client.run(*command, timeout=60))
    return report["end"]


def memory_mebibytes(engine: Background) -> float:
    """Return the proportional set size of a process and its children (proc(5), smaps_rollup)."""
    children = Path(f"/proc/{engine.pid}/task/{engine.pid}/children").read_text().split()
    total = 0
    for process in (str(engine.pid), *children):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+) kB$", rollup, re.MULTILINE)
        assert found is not None
        total += int(found[1])
    return total / 1024


def heading(options: argparse.Namespace, turns: int) -> str:
    how = [
        f"{turns} turns of {options.seconds} s, minimum / median / maximum",
        "each host pinned to a processor" if options.pin else "",
        "packets cut before the veth" if options.wire else "",
    ]
    where = f"{os.cpu_count()} processors, Linux {platform.release()}, {platform.machine()}"
    return f"{', '.join(filter(None, how))}; {where}"


def table(turns: Sequence[dict[str, Figures]]) -> str:
    *_, baseline = turns[0]
    head = ["engine"]
    for column in COLUMNS.values():
        head += [column.title, f"times {baseline}"] if column.is_compared else [column.title]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    for name in turns[0]:
        cells = [name]
        for field, column in COLUMNS.items():
            cells.append(spread([getattr(turn[name], field) for turn in turns], column.digits))
            if column.is_compared:
                ratios = [
                    getattr(turn[name], field) / getattr(turn[baseline], field) for turn in turns
                ]
                cells.append(f"{median(ratios):.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(values: Sequence[float], digits: int) -> str:
    shown = (min(values), median(values), max(values))
    return " / ".join(f"{value:.{digits}f}" for value in shown)


if __name__ == "__main__":
    sys.exit(main())
