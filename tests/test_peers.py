"""contrib/peers, with toolchains that do little; and the README's table of what it builds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import pytest

from tests.netns.interoperation import OTHERS

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "contrib" / "peers"
TOOLS = (
    "cat",
    "chmod",
    "date",
    "dirname",
    "mkdir",
    "mv",
    "rm",
    "sed",
    "sh",
    "tail",
    "timeout",
    "xargs",
)
BUILT = {"wireguard-go of today": "WIREGUARD_GO", "boringtun-cli": "BORINGTUN"}

GO = 'echo call >>"$0.calls"; echo program >"$GOBIN/wireguard"; chmod +x "$GOBIN/wireguard"'
CARGO = 'echo "error: no answer from the mirror" >&2; exit 101'


@dataclass(frozen=True, slots=True)
class Tree:
    """A copy of the script, and a PATH with nothing but what it takes."""

    root: Path

    @property
    def tools(self) -> Path:
        return self.root / "tools"

    @property
    def peers(self) -> Path:
        return self.root / ".peers"

    def add_tool(self, name: str, script: str) -> None:
        (self.tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.tools / name).chmod(0o755)

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / "contrib" / "peers")],
            env={**os.environ, "PATH": str(self.tools)},
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )

    def reason(self, engine: str) -> str:
        return (self.peers / f"{engine}.missing").read_text().strip()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    (tmp_path / "contrib").mkdir()
    shutil.copy(PEERS, tmp_path / "contrib")
    tree.tools.mkdir()
    for tool in TOOLS:
        path = which(tool)
        assert path is not None
        (tree.tools / tool).symlink_to(path)
    return tree


def version(variable: str) -> str:
    found = re.search(rf"^{variable}=(\S+)$", PEERS.read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def test_without_a_toolchain_the_reason_is_kept(tree: Tree) -> None:
    said = tree.run().stderr
    for engine, tool in (("wireguard-go-current", "go"), ("boringtun-cli", "cargo")):
        assert tree.reason(engine).endswith(f"could not be built: there is no {tool}")
        assert f"contrib/peers: no {engine} " in said


def test_what_is_built_is_not_built_again(tree: Tree) -> None:
    tree.add_tool("go", GO)
    tree.run()
    again = tree.run().stdout
    assert (tree.peers / "bin" / "wireguard-go-current").read_text() == "program\n"
    assert (tree.tools / "go.calls").read_text() == "call\n"
    assert "wireguard-go-current" not in again


def test_what_has_gone_is_built_again(tree: Tree) -> None:
    tree.add_tool("go", GO)
    tree.run()
    (tree.peers / "bin" / "wireguard-go-current").unlink()
    tree.run()
    assert (tree.peers / "bin" / "wireguard-go-current").exists()


def test_the_last_words_of_a_toolchain_are_the_reason(tree: Tree) -> None:
    tree.add_tool("cargo", CARGO)
    tree.run()
    assert tree.reason("boringtun-cli").endswith("cargo: error: no answer from the mirror")


def test_a_reason_is_forgotten_when_the_engine_is_there(tree: Tree) -> None:
    tree.run()
    tree.add_tool("go", GO)
    tree.run()
    assert not (tree.peers / "wireguard-go-current.missing").exists()


@pytest.mark.parametrize(("name", "variable"), BUILT.items(), ids=BUILT)
def test_the_readme_names_the_version_that_is_built(name: str, variable: str) -> None:
    assert readme_rows()[name][0] == version(variable)


def test_the_readme_has_a_row_for_each_engine() -> None:
    assert len(readme_rows()) == len(OTHERS)


def readme_rows() -> dict[str, list[str]]:
    """Return the other columns by the peer's name."""
    text = (ROOT / "README.md").read_text()
    table = re.search(r"^\| peer \| version \|.*\n\|-.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert table is not None
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in table[1].splitlines()]
    return {name: rest for name, *rest in rows}


@pytest.mark.skipif(which("shellcheck") is None, reason="no shellcheck")
def test_shellcheck_has_nothing_to_say() -> None:
    result = subprocess.run(
        ["shellcheck", str(PEERS)], capture_output=True, text=True, check=False, timeout=30
    )
    assert result.returncode == 0, result.stdout
