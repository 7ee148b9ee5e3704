"""What the virtual machine is given on a second disk: the tree as it is, and files beside it."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[2]


def tree() -> list[str]:
    """Return the paths of all files that are, or could be, committed."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    # one that was deleted is listed until that is committed
    return [path for path in listed.split("\0") if path and (ROOT / path).is_file()]


def pack(archive: Path, beside: Iterable[Path] = ()) -> Path:
    """Write the tree, and files beside it, into an archive that serves as a disk."""
    with tarfile.open(archive, "w") as tar:
        for path in tree():
            tar.add(ROOT / path, f"tree/{path}")
        for file in beside:
            tar.add(file, file.name)
    return archive
