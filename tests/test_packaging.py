"""What is installed is whole: a wheel is built, unpacked elsewhere, and used; and an sdist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

USE_IT = """
import sys
sys.path.insert(0, sys.argv[1])
import netstart_wg
assert netstart_wg.__file__.startswith(sys.argv[1]), netstart_wg.__file__
from netstart_wg.render.status import InterfaceStatus, render_status
from netstart_wg.model.state import InterfaceState
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText
config = lower(parse(SourceText.from_text("hostname.wg0", "inet 10.0.0.1/24\\n")), "wg0").config
state = InterfaceState(name=config.name, index=7, flags=1, mtu=config.mtu or 1420)
status = InterfaceStatus(state=state, public_key=None, is_wireguard=True)
sys.stdout.write(render_status(status, 0))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    without = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("netstart_wg", "grammar"):
        shutil.copytree(ROOT / name, tree / name, ignore=without)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir"]
    subprocess.run([*command, str(folder), str(tree)], check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_has_all_modules_and_all_data(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if not name.split("/")[0].endswith("info")}
    expected = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "netstart_wg").rglob("*")
        if path.suffix in (".py", ".j2", ".json") or path.name == "py.typed"
    } | {f"netstart_wg/grammar/{path.name}" for path in (ROOT / "grammar").glob("*.*")}
    assert packed == expected


def test_the_wheel_makes_both_programs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
        made = archive.read(name).decode()
    assert re.findall(r"^(netstart-\S+) = ", made, re.M) == ["netstart-wg", "netstart-wgd"]


def test_an_sdist_has_the_whole_tree(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    folders = ("contrib", "etc", "grammar", "man", "netstart_wg", "tests")
    for name in folders:
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tree / name, ignore=without)
    for path in (*ROOT.glob("[A-Za-z]*.*"), ROOT / "LICENSE", ROOT / "Makefile"):
        if path.is_file():
            shutil.copy(path, tree)
    there = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    command = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir"]
    subprocess.run(
        [*command, str(tmp_path), str(tree)], check=True, capture_output=True, timeout=120
    )
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert there - packed == set()


def test_what_the_wheel_holds_works_from_where_it_is_unpacked(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-I", "-c", USE_IT, str(tmp_path)]
    used = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    assert used.stdout.startswith("wg0: flags=1<UP> mtu 1420\n")
