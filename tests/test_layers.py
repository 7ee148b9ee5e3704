"""The import layers of ARCHITECTURE.md, read from the source with `ast` and held."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "netstart_wg"

MAY_IMPORT: dict[str, set[str]] = {
    # L0
    "model": set(),
    "errors": {"model"},
    # L1: they do not import each other, they meet in model; but a file is a file to both readers
    "syntax": {"model", "errors"},
    "settings": {"model", "errors", "syntax"},
    "reconcile": {"model", "errors"},
    "protocol": {"model", "errors"},
    "uapi": {"model", "errors"},
    "render": {"model", "errors"},
    # L2
    "system": {"model", "errors"},
    "datapath": {"model", "errors", "protocol"},
    "engine": {"model", "errors", "protocol", "uapi", "datapath", "system"},
    "backends": {"model", "errors", "protocol", "uapi", "reconcile", "system"},
    # L3
    "app": {
        "model", "errors", "syntax", "settings", "reconcile", "protocol", "uapi", "render",
        "system", "backends",
    },
    # L4
    "cli": {"model", "errors", "app", "engine"},
}  # fmt: skip

CONFINED: dict[str, set[str]] = {
    "lark": {"syntax"},
    "jinja2": {"render"},
    "cryptography": {"protocol/crypto.py"},
    "numpy": {"datapath/vectors.py"},
    "pyroute2": {"system"},
}
"""Third-party package → the packages or files of ours that may import it."""


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def unit(path: Path) -> str:
    """Name the layer unit of a file: `protocol` for protocol/noise.py, `errors` for errors.py."""
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_lower_layers_or_its_own_package(path: Path) -> None:
    me = unit(path)
    if me == "__init__":
        assert not imports(path)
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "netstart_wg" or name in ("netstart_wg", "netstart_wg.VERSION"):
            continue
        assert parts[1] == me or parts[1] in MAY_IMPORT[me], f"{me} must not import {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_library_is_imported_only_where_it_is_confined(path: Path) -> None:
    relative = str(path.relative_to(PACKAGE))
    for name in imports(path):
        places = CONFINED.get(name.split(".")[0])
        if places is not None:
            assert unit(path) in places or relative in places, f"{relative} imports {name}"


def test_the_model_needs_nothing_but_the_standard_library() -> None:
    import sys

    for path in (PACKAGE / "model").rglob("*.py"):
        for name in imports(path):
            top = name.split(".")[0]
            assert top == "netstart_wg" or top in sys.stdlib_module_names, f"{path}: {name}"


@pytest.mark.parametrize("layer", ["protocol", "reconcile", "syntax", "settings", "model"])
def test_the_pure_layers_touch_no_clock_socket_randomness_or_log(layer: str) -> None:
    forbidden = {"time", "socket", "random", "secrets", "logging", "select", "subprocess", "fcntl"}
    for path in (PACKAGE / layer).rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & forbidden, path
        assert "os.urandom" not in path.read_text(), path
