from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from pathlib import Path
from netstart_wg.cli.argument_area import show_arguments
show_arguments(sys.argv[1].split())
print(Path("/proc/self/cmdline").read_bytes().rstrip(b"\\0"), sys.argv[2:])
"""


def shown(words: str, *arguments: str) -> str:
    """Return the command line of a process that shows `words` instead of its arguments."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, words, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
        env={"NOBODYS": "business"},
    )
    return result.stdout


def test_other_words_stand_in_place_of_the_arguments() -> None:
    assert shown("netstart-wg ifconfig", "the-secret") == (
        "b'netstart-wg\\x00ifconfig' ['the-secret']\n"
    )


@pytest.mark.parametrize("words", ["x" * 5000, "x " * 2500], ids=["one long word", "many words"])
def test_what_has_no_room_is_cut_off_and_the_environment_is_not_touched(words: str) -> None:
    said = shown(words, "the-secret")
    line, _, arguments = said.rpartition(" ")
    assert line.startswith("b'x")
    assert "secret" not in line
    assert "business" not in line
    assert arguments == "['the-secret']\n"
