from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import netstart_wg
from netstart_wg.system.program import program_identity


def test_the_same_program_is_the_same() -> None:
    assert program_identity() == program_identity()


def test_an_edit_anywhere_makes_another_program_and_compiled_code_does_not(tmp_path: Path) -> None:
    package = Path(netstart_wg.__file__).parent
    left_out = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, tmp_path / "netstart_wg", ignore=left_out)
    shutil.copytree(package.parent / "grammar", tmp_path / "grammar", ignore=left_out)
    first = _identity(tmp_path)
    assert _identity(tmp_path) == first
    for name in ("netstart_wg/syntax/fold.py", "grammar/hostname.lark"):
        os.utime(tmp_path / name, (1, 1))
        edited = _identity(tmp_path)
        assert edited != first
        first = edited


def _identity(folder: Path) -> str:
    program = "from netstart_wg.system.program import program_identity; print(program_identity())"
    return subprocess.run(
        [sys.executable, "-P", "-c", program],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
