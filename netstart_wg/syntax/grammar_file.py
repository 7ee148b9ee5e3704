"""Where the grammar lies: the one place that knows.

Installed, the repository's folder `grammar` is the package `netstart_wg.grammar`;
in a bare checkout that nobody installed it is still a folder beside `netstart_wg`.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def grammar_text(name: str) -> str:
    """Return the text of a grammar, such as `hostname.lark`."""
    try:
        folder = resources.files("netstart_wg.grammar")
    except ModuleNotFoundError:
        return (Path(__file__).parents[2] / "grammar" / name).read_text(encoding="utf-8")
    return folder.joinpath(name).read_text(encoding="utf-8")
