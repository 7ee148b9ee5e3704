"""`make install` into a folder, and what is there then; `make uninstall`, and what is not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from netstart_wg import VERSION
from netstart_wg.system.wireguard_links import MARK

ROOT = Path(__file__).parents[1]
NETWORK_MANAGER = "/etc/NetworkManager/conf.d/netstart-wg.conf"


def run(*command: str) -> list[str]:
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return ran.stdout.splitlines()


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Install below a folder; return it, and what was said to be there."""
    folder = tmp_path_factory.mktemp("destination")
    made = run(
        *("make", "--no-print-directory", "-C", str(ROOT), "install"),
        *(f"DESTDIR={folder}", "PREFIX=/opt/wg", f"SYSTEM_PYTHON={sys.executable}"),
    )
    return folder, made


def test_it_prints_what_it_installs_and_installs_nothing_else(
    printed: tuple[Path, list[str]],
) -> None:
    folder, files = printed
    there = {f"/{path.relative_to(folder)}" for path in folder.rglob("*") if path.is_file()}
    assert set(files) == there
    elsewhere = {file for file in files if not file.startswith("/opt/wg/")}
    assert elsewhere == {NETWORK_MANAGER}, "it looks nowhere below another prefix than /usr"


def test_no_module_is_missing(printed: tuple[Path, list[str]]) -> None:
    _, files = printed
    modules = {
        f"/opt/wg/lib/netstart-wg/{path.relative_to(ROOT)}"
        for path in (ROOT / "netstart_wg").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert modules <= set(files)
    assert "/opt/wg/lib/netstart-wg/netstart_wg/grammar/hostname.lark" in files


@pytest.mark.parametrize("program", ["netstart-wg", "netstart-wgd"])
def test_a_program_runs_from_wherever_it_was_put(
    printed: tuple[Path, list[str]], program: str
) -> None:
    path = printed[0] / "opt/wg/sbin" / program
    ran = subprocess.run(
        [path, "--version"], check=True, capture_output=True, text=True, timeout=20, cwd="/"
    )
    assert ran.stdout == f"netstart-wg {VERSION}\n"


def test_it_uses_what_was_installed_and_not_what_lies_about(
    printed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    (tmp_path / "netstart_wg").mkdir()
    (tmp_path / "netstart_wg/__init__.py").write_text("raise SystemExit('the wrong one')\n")
    file = tmp_path / "hostname.wg0"
    file.write_text("inet 10.0.0.1/24\nfrobnicate\n")
    checked = subprocess.run(
        [printed[0] / "opt/wg/sbin/netstart-wg", "check", file],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert checked.returncode == 65
    assert "frobnicate" in checked.stdout + checked.stderr


def test_the_units_name_programs_that_are_there(printed: tuple[Path, list[str]]) -> None:
    folder, files = printed
    units = [file for file in files if file.endswith(".service")]
    assert units
    for unit in units:
        text = (folder / unit[1:]).read_text()
        assert not re.search("@[A-Z]+@", text)
        for line in text.splitlines():
            if line.startswith("Exec"):
                assert line.partition("=")[2].split()[0] in files


def test_files_are_for_everybody_to_read_and_for_the_owner_to_write(
    printed: tuple[Path, list[str]],
) -> None:
    folder, files = printed
    for file in files:
        mode = (folder / file[1:]).stat().st_mode & 0o777
        is_program = "/sbin/" in file or file.endswith("/netstart-wg-names")
        assert mode == (0o755 if is_program else 0o644), file


def test_shells_and_those_who_manage_networks_find_their_part(
    printed: tuple[Path, list[str]],
) -> None:
    folder, _ = printed
    completion = "contrib/completion/netstart-wg.bash"
    for name, source in {
        "/opt/wg/lib/systemd/network/00-netstart-wg.network": "etc/networkd.network",
        "/opt/wg/lib/systemd/network/00-netstart-wg-kernel.network": "etc/networkd-kernel.network",
        NETWORK_MANAGER: "etc/NetworkManager.conf",
        "/opt/wg/lib/sysusers.d/netstart-wg.conf": "etc/sysusers.conf",
        "/opt/wg/share/bash-completion/completions/netstart-wg": completion,
        "/opt/wg/share/zsh/site-functions/_netstart-wg": "contrib/completion/_netstart-wg",
    }.items():
        assert (folder / name[1:]).read_text() == (ROOT / source).read_text()


def test_networkd_knows_what_is_ours_by_what_we_name_it() -> None:
    assert f"\nName={MARK}*\n" in (ROOT / "etc/networkd-kernel.network").read_text()


def test_uninstall_removes_all_that_was_installed_and_nothing_else(tmp_path: Path) -> None:
    make = ("make", "--no-print-directory", "-C", str(ROOT), f"DESTDIR={tmp_path}", "PREFIX=/usr")
    others = tmp_path / "usr/sbin/other"
    others.parent.mkdir(parents=True)
    others.touch()
    installed = run(*make, "install")
    compiled = tmp_path / "usr/lib/netstart-wg/netstart_wg/__pycache__/errors.cpython-311.pyc"
    compiled.parent.mkdir()
    compiled.touch()
    assert "/usr/lib/NetworkManager/conf.d/netstart-wg.conf" in installed
    assert run(*make, "uninstall") == installed
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [others]
    left = {path.name for path in tmp_path.rglob("*netstart*")}
    assert left == set()
    assert run(*make, "uninstall") == []
