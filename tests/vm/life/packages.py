"""Debian packages of the tree, as `make deb` builds them: this version, and a later one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from netstart_wg import VERSION
from tests.vm.cargo import ROOT, tree

NEXT_VERSION = f"{VERSION}.1"


def build(folder: Path) -> tuple[Path, Path]:
    """Build both in a copy of the tree."""
    copy = folder / "tree"
    for path in tree():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, copy / path)
    present = _make_deb(copy)
    names_it = copy / "netstart_wg" / "__init__.py"
    text = names_it.read_text()
    names_it.write_text(text.replace(f'"{VERSION}"', f'"{NEXT_VERSION}"'))
    return present, _make_deb(copy)


def _make_deb(copy: Path) -> Path:
    made = subprocess.run(
        ["make", "--no-print-directory", "-C", copy, "deb"],
        check=True,
        capture_output=True,
        text=True,
    )
    return copy / made.stdout.strip()
