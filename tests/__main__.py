"""All tests: `python -m tests`.

Those in namespaces mostly wait for packets, the others mostly compute: so they run side by
side, and of the former two halves do.  What the first half prints comes as it runs, and what
the rest prints when it has ended.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PYTEST = (sys.executable, "-m", "pytest", "--quiet")
IN_NAMESPACES = Path("tests/netns")


def main() -> int:
    """Return 0 if none has failed."""
    first, second = halves(sorted(IN_NAMESPACES.glob("test_*.py")))
    with (
        tempfile.TemporaryFile("w+") as others,
        tempfile.TemporaryFile("w+") as rest,
        _started([f"--ignore={IN_NAMESPACES}"], others) as computing,
        _started(map(str, second), rest) as waiting,
    ):
        failures = [subprocess.run([*PYTEST, *map(str, first)], check=False).returncode]
        for process, output in ((computing, others), (waiting, rest)):
            failures.append(process.wait())
            output.seek(0)
            print(output.read(), end="", flush=True)
    return max(failures, key=abs)


def halves(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Share files out so that both take about as long: a file with more to read has more to do."""
    shares: tuple[list[Path], list[Path]] = ([], [])
    sizes = [0, 0]
    for file in sorted(files, key=lambda each: (-each.stat().st_size, each)):
        smaller = sizes.index(min(sizes))
        shares[smaller].append(file)
        sizes[smaller] += file.stat().st_size
    return shares


@contextmanager
def _started(words: Iterable[str], output: IO[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run tests in the background, as long as we are there."""
    process = subprocess.Popen([*PYTEST, *words], stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
