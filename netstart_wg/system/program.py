"""Which program this is, and how another one of the same copy is started.

Another version may read the same file in another way, so a run knows an upgrade when it
comes after one; and what a run starts is of its own copy, from whichever folder it is
called, and finds nothing of its caller's environment.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import netstart_wg

_FOLDER = Path(netstart_wg.__file__).parent

OWN_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PYTHONPATH": str(_FOLDER.parent),
}
"""For a program of ours."""


def own_command(module: str, *words: str) -> list[str]:
    """Return how a module of ours is run as a program.

    -P keeps the current folder out of the module search: root may stand anywhere.
    """
    return [sys.executable, "-P", "-m", module, *words]


def program_identity() -> str:
    """Return a text that is another one after an upgrade, or an edit of any of our sources.

    A version number alone would do for whoever installs releases.
    """
    return repr((netstart_wg.VERSION, *sorted(_sources(_FOLDER)), *sorted(_grammar())))


def _grammar() -> Iterator[tuple[str, int, int]]:
    """Yield the grammar's files: beside the package if nobody has installed it."""
    for folder in (_FOLDER / "grammar", _FOLDER.parent / "grammar"):
        if folder.is_dir():
            yield from _sources(folder)


def _sources(folder: Path | str) -> Iterator[tuple[str, int, int]]:
    """Yield path, time of change and size of every file from which code comes."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".py", ".lark")):
                status = entry.stat()
                yield entry.path, status.st_mtime_ns, status.st_size
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _sources(entry.path)
