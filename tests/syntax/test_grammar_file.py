"""The grammar is found from a bare checkout and from an installed package alike."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from netstart_wg.syntax.grammar_file import grammar_text

ROOT = Path(__file__).parents[2]
GRAMMAR = (ROOT / "grammar" / "hostname.lark").read_text(encoding="utf-8")

PRINT_IT = """
import sys
sys.path.insert(0, sys.argv[1])
from netstart_wg.syntax.grammar_file import grammar_text
sys.stdout.write(grammar_text("hostname.lark"))
"""


def text_seen_from(folder: Path) -> str:
    """Ask a Python that knows no installed packages (-S), so none that is installed here."""
    command = [sys.executable, "-I", "-S", "-c", PRINT_IT, str(folder)]
    return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout


def test_the_grammar_is_found_here() -> None:
    assert grammar_text("hostname.lark") == GRAMMAR


def test_the_grammar_is_found_in_a_bare_checkout() -> None:
    assert text_seen_from(ROOT) == GRAMMAR


def test_the_grammar_is_found_as_a_package_as_in_a_wheel(tmp_path: Path) -> None:
    only_sources = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "netstart_wg", tmp_path / "netstart_wg", ignore=only_sources)
    shutil.copytree(ROOT / "grammar", tmp_path / "netstart_wg" / "grammar", ignore=only_sources)
    assert text_seen_from(tmp_path) == GRAMMAR
