"""Measure the language: hostname files with many peers, and with one.

    make bench-language
    make bench-language BENCH='--peers 20000 --runs 5'

Each figure comes from a process of its own.  The peer is Lark itself: a plain
LALR parse of the same lines with the same grammar, into a tree and no further;
ours reads the file, checks every value and folds it to the desired state.  The
two take turns; a ratio is of two figures of the same turn.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

from netstart_wg.syntax.grammar import parser
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText

SIZES = (5000, 10000, 20000, 40000)
SMALL_RUNS = 200


def hostname_file(peers: int) -> str:
    """Return a file with one line for each peer; the same for the same number."""
    chance = random.Random(peers)

    def key() -> str:
        return base64.b64encode(chance.randbytes(32)).decode()

    head = f"wgkey {key()} wgport 51820\ninet 10.0.0.1/8\n"
    lines = [
        f"wgpeer {key()} wgendpoint 192.0.2.{number % 250 + 1} 51820"
        f" wgaip 10.{number >> 16}.{number >> 8 & 255}.{number & 255}/32 wgpka 25\n"
        for number in range(peers)
    ]
    return head + "".join(lines)


def read_and_fold(text: str) -> None:
    """Do what netstart-wg does with a file."""
    lower(parse(SourceText.from_text("hostname.wg0", text)), "wg0")


def parse_with_lark(text: str) -> None:
    """Let Lark make a tree of each line."""
    for line in text.splitlines():
        parser().parse(line)


WORKS: dict[str, Callable[[str], None]] = {"ours": read_and_fold, "lark": parse_with_lark}


def measure(work: str, peers: int) -> None:
    """Print seconds and mebibytes of one work as JSON; the grammar is loaded before."""
    gc.disable()  # as netstart-wg does
    read_and_fold(hostname_file(1))
    text = hostname_file(peers)
    before = time.process_time()
    WORKS[work](text)
    seconds = time.process_time() - before
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([seconds, mebibytes]))


def measured(work: str, peers: int) -> tuple[float, float]:
    """Return seconds and mebibytes of one work, in a new process."""
    command = [sys.executable, "-m", "contrib.bench.language", "--work", work]
    ended = subprocess.run(
        [*command, "--peers", str(peers)], stdout=subprocess.PIPE, check=True, timeout=600
    )
    seconds, mebibytes = json.loads(ended.stdout)
    return seconds, mebibytes


def small_file_milliseconds() -> float:
    """Return the median time for a file with one peer, after start-up."""
    text = hostname_file(1)
    read_and_fold(text)
    times = []
    for _ in range(SMALL_RUNS):
        before = time.perf_counter()
        read_and_fold(text)
        times.append(time.perf_counter() - before)
    return median(times) * 1000


def main() -> None:
    """Print a table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--peers", type=int, action="append")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--work", choices=WORKS, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.work:
        measure(chosen.work, chosen.peers[0])
        return
    print("peers    ours       Lark       ratio   memory   per peer")
    for peers in chosen.peers or SIZES:
        turns = [(measured("ours", peers), measured("lark", peers)) for _ in range(chosen.runs)]
        ours = median(seconds for (seconds, _), _ in turns)
        lark = median(seconds for _, (seconds, _) in turns)
        ratio = median(mine / its for (mine, _), (its, _) in turns)
        memory = max(mebibytes for (_, mebibytes), _ in turns)
        print(
            f"{peers:5}  {ours:6.2f} s  {lark:7.2f} s  {ratio:6.2f}  {memory:4.0f} MiB"
            f"  {ours / peers * 1e6:5.1f} µs"
        )
    print(f"one peer, after start-up: {small_file_milliseconds():.2f} ms")


if __name__ == "__main__":
    main()
