"""Measure runs of netstart-wg: the first one, and one that finds nothing to do.

    make bench-runs
    make bench-runs BENCH='--peers 1 --peers 20000 --runs 5'

Each turn takes a host of its own.  Ours is netstart-wg with its own engine; beside
it, in the same turn, wg(8) gives the same peers to today's wireguard-go with `setconf`,
which is compared with the first run, and then again with `syncconf`, which is compared
with the run that finds nothing to do.  All times are wall time from the start of a
process to its end; engines are started before wg(8) is timed, and are part of
what netstart-wg does.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from contrib.bench.language import hostname_file
from tests.netns.engines import CURRENT_WIREGUARD_GO, NETSTART_WG
from tests.netns.hosts import Host, hosts

SIZES = (1, 20000)
REPEATS = 5
"""So many unchanged runs are timed in a turn; the median counts."""
PATIENCE_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Seconds of wall time."""

    first: float
    unchanged: float
    setconf: float
    syncconf: float


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=int, action="append", help="1 and 20000 unless given")
    parser.add_argument("--runs", type=int, default=3, help="turns of each size (3)")
    options = parser.parse_args()
    if (obstacle := CURRENT_WIREGUARD_GO.obstacle()) is not None:
        parser.error(obstacle)
    print("| peers | first run, s | times `wg setconf` | nothing to do, s | times `wg syncconf` |")
    print("|---:|---:|---:|---:|---:|")
    for peers in options.peers or SIZES:
        turns = [measure(peers) for _ in range(options.runs)]
        print(row(peers, turns), flush=True)


def measure(peers: int) -> Turn:
    text = hostname_file(peers)
    with tempfile.TemporaryDirectory() as folder, hosts(Path(folder)) as new_host:
        host = new_host("solo")
        file = Path(folder) / "hostname.wg0"
        file.touch(mode=0o600)
        file.write_text(text)
        for_wg = Path(folder) / "wg1.conf"
        for_wg.touch(mode=0o600)
        for_wg.write_text(configuration(text))
        command = (NETSTART_WG, "-C", folder)
        first = seconds(host, *command)
        host.run(*command, timeout=PATIENCE_SECONDS)  # which remembers that nothing is left to do
        unchanged = median(seconds(host, *command) for _ in range(REPEATS))
        CURRENT_WIREGUARD_GO.start(host, "wg1")
        setconf = seconds(host, "wg", "setconf", "wg1", str(for_wg))
        syncconf = median(seconds(host, "wg", "syncconf", "wg1", str(for_wg)) for _ in range(3))
        return Turn(first=first, unchanged=unchanged, setconf=setconf, syncconf=syncconf)


def seconds(host: Host, *command: str) -> float:
    before = time.perf_counter()
    host.run(*command, timeout=PATIENCE_SECONDS)
    return time.perf_counter() - before


def configuration(text: str) -> str:
    """Return the same key and peers for wg(8); the port is another, for both engines run."""
    head, _, *peers = text.splitlines()
    lines = ["[Interface]", f"PrivateKey = {head.split()[1]}", "ListenPort = 51821"]
    for peer in peers:
        _, key, _, address, port, _, allowed, _, keepalive = peer.split()
        lines += [
            "[Peer]",
            f"PublicKey = {key}",
            f"Endpoint = {address}:{port}",
            f"AllowedIPs = {allowed}",
            f"PersistentKeepalive = {keepalive}",
        ]
    return "\n".join([*lines, ""])


def row(peers: int, turns: Sequence[Turn]) -> str:
    def spread(figure: Callable[[Turn], float]) -> str:
        values = [figure(turn) for turn in turns]
        return f"{min(values):.2f} / {median(values):.2f} / {max(values):.2f}"

    first = median(turn.first / turn.setconf for turn in turns)
    unchanged = median(turn.unchanged / turn.syncconf for turn in turns)
    cells = (
        f"{peers:,}",
        spread(lambda turn: turn.first),
        f"{first:.2f}",
        spread(lambda turn: turn.unchanged),
        f"{unchanged:.2f}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
