"""`make deb`, and what is in the package."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from shutil import which

import pytest

from netstart_wg import VERSION

ROOT = Path(__file__).parents[1]
SCRIPTS = ("postinst", "postrm", "prerm")

pytestmark = pytest.mark.skipif(which("dpkg-deb") is None, reason="no dpkg-deb: it is no Debian")


def run(*command: str | Path) -> str:
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return ran.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree") / "netstart-wg"
    without = shutil.ignore_patterns(".*", "__pycache__", "build", "*.egg-info")
    shutil.copytree(ROOT, tree, ignore=without)
    built = run("make", "--no-print-directory", "-C", tree, "deb").strip()
    return tree / built


def test_it_is_named_and_numbered_as_the_program(package: Path) -> None:
    assert package.name == f"netstart-wg_{VERSION}_all.deb"
    assert run("dpkg-deb", "--field", package, "Version").strip() == VERSION


def test_it_has_what_make_install_installs(package: Path, tmp_path: Path) -> None:
    install = (ROOT / "contrib/install", str(tmp_path), "/usr", "/usr/bin/python3")
    installed = {Path(file).name for file in run(*install).splitlines()}
    packed = {
        Path(words[-1]).name.removesuffix(".gz")
        for words in map(str.split, run("dpkg-deb", "--contents", package).splitlines())
        if words[0].startswith("-")
    }
    assert packed == (installed - {"LICENSE"}) | {"copyright"}


def test_everything_in_it_is_roots(package: Path) -> None:
    for line in run("dpkg-deb", "--contents", package).splitlines():
        mode, owner, *_ = line.split()
        assert owner == "root/root"
        assert mode in ("drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"), line


def test_it_leaves_no_traces_in_the_tree(package: Path) -> None:
    assert [path.name for path in package.parent.iterdir()] == [package.name]


@pytest.mark.skipif(which("shellcheck") is None, reason="no shellcheck")
def test_shellcheck_has_nothing_to_say_of_its_scripts() -> None:
    scripts = [ROOT / "contrib/debian" / name for name in SCRIPTS]
    scripts += [ROOT / "contrib/deb", ROOT / "contrib/install", ROOT / "contrib/uninstall"]
    run("shellcheck", *scripts)
