"""`make deb`, and what is in the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from shutil import which

import pytest

from netstart_wg import VERSION

ROOT = Path(__file__).parents[1]
SCRIPTS = ("postinst", "postrm", "prerm")

pytestmark = pytest.mark.skipif(which("dpkg-deb") is None, reason="no dpkg-deb: it is no Debian")


def run(*command: str | Path, environment: dict[str, str] | None = None) -> str:
    ran = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=60, env=environment
    )
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
    of_debian = {"copyright", "changelog"}  # and an override for lintian, named as the package
    assert packed == (installed - {"LICENSE"}) | of_debian


def test_everything_in_it_is_roots(package: Path) -> None:
    for line in run("dpkg-deb", "--contents", package).splitlines():
        mode, owner, *_ = line.split()
        assert owner == "root/root"
        assert mode in ("drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x"), line


def test_the_same_tree_makes_the_same_package(package: Path, tmp_path: Path) -> None:
    tree = tmp_path / "copy"
    shutil.copytree(package.parents[1], tree, ignore=shutil.ignore_patterns("build"))
    dated = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    made = []
    for _ in range(2):
        (tree / "README.md").touch()
        built = (
            tree / run("make", "--no-print-directory", "-C", tree, "deb", environment=dated)[:-1]
        )
        made.append(built.read_bytes())
    assert made[0] == made[1]


def test_it_has_no_configuration_files_and_a_sum_of_every_file(
    package: Path, tmp_path: Path
) -> None:
    run("dpkg-deb", "--raw-extract", package, tmp_path)
    control = {path.name for path in (tmp_path / "DEBIAN").iterdir()}
    assert control == {"control", "md5sums", *SCRIPTS}
    sums = (tmp_path / "DEBIAN/md5sums").read_text().splitlines()
    packed = {str(path.relative_to(tmp_path)) for path in (tmp_path / "usr").rglob("*.*")}
    packed = {name for name in packed if (tmp_path / name).is_file()}
    assert packed <= {line.split("  ")[1] for line in sums}
    run("sh", "-c", f"cd {tmp_path} && md5sum --check --quiet DEBIAN/md5sums")


def test_it_depends_on_the_versions_that_the_python_package_asks_for(package: Path) -> None:
    depends = run("dpkg-deb", "--field", package, "Depends").strip().split(", ")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [f"python3-{each.replace('>=', ' (>= ')})" for each in project["dependencies"]]
    assert depends == [f"python3 (>= {project['requires-python'].removeprefix('>=')})", *asked]


@pytest.mark.skipif(which("lintian") is None, reason="no lintian")
def test_lintian_finds_no_error_in_it(package: Path) -> None:
    """Each release has its own opinions beside those."""
    said = run("lintian", "--allow-root", "--fail-on", "none", package)
    assert [line for line in said.splitlines() if line.startswith("E:")] == []


def test_it_leaves_no_traces_in_the_tree(package: Path) -> None:
    assert [path.name for path in package.parent.iterdir()] == [package.name]


@pytest.mark.skipif(which("shellcheck") is None, reason="no shellcheck")
def test_shellcheck_has_nothing_to_say_of_its_scripts() -> None:
    scripts = [ROOT / "contrib/debian" / name for name in SCRIPTS]
    scripts += [ROOT / "contrib/deb", ROOT / "contrib/install", ROOT / "contrib/uninstall"]
    run("shellcheck", *scripts)
