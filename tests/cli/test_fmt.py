"""`netstart-wg fmt` as it is called."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netstart_wg.cli.netstart_wg import main

ROOT = Path(__file__).parent.parent.parent

UNTIDY = "\n  mtu\t1400  # small\r\n\n\n!echo   $if\nup"
TIDY = "\nmtu 1400 # small\n\n!echo $if\nup\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "untidy").write_bytes(UNTIDY.encode())
    (tmp_path / "tidy").write_text(TIDY)
    (tmp_path / "wrong").write_text("  mtu x\n")
    (tmp_path / "empty").write_text("")
    return tmp_path


def test_files_are_printed_and_left_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", "untidy", "empty", "tidy"]) == 0
    assert capsys.readouterr() == (TIDY + TIDY, "")
    assert (folder / "untidy").read_bytes() == UNTIDY.encode()


def test_a_file_is_rewritten_only_if_something_changes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "untidy").chmod(0o640)
    before = (folder / "tidy").stat()
    assert main(["fmt", "-w", "untidy", "tidy", "empty"]) == 0
    assert capsys.readouterr() == ("", "")
    assert (folder / "untidy").read_bytes() == TIDY.encode()
    assert stat.S_IMODE((folder / "untidy").stat().st_mode) == 0o640
    after = (folder / "tidy").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_files_that_would_change_are_named_and_that_is_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fmt", "--check", "tidy", "untidy", "empty"]) == 2
    assert capsys.readouterr() == ("untidy\n", "")
    assert (folder / "untidy").read_bytes() == UNTIDY.encode()
    assert main(["fmt", "--check", "tidy", "empty"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("option", [[], ["-w"], ["--check"]])
def test_a_file_with_errors_is_left_alone_and_does_not_concern_the_others(
    option: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fmt", *option, "wrong", "missing", "untidy"]) == 65
    captured = capsys.readouterr()
    assert 'wrong:1:7: size "x" is not a decimal number\n' in captured.err
    assert "missing: no such file\n" in captured.err
    assert "wrong" not in captured.out
    assert captured.out == {"": TIDY, "-w": "", "--check": "untidy\n"}["".join(option)]
    assert (folder / "wrong").read_text() == "  mtu x\n"
    assert ((folder / "untidy").read_text() == TIDY) == (option == ["-w"])


def test_a_dangling_link_is_not_written_through(folder: Path) -> None:
    (folder / "link").symlink_to("nowhere")
    assert main(["fmt", "-w", "link"]) == 65
    assert not (folder / "nowhere").exists()


def test_a_folder_that_nobody_may_write_in_is_77(capsys: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to others
        path = Path(name) / "untidy"
        path.write_bytes(UNTIDY.encode())
        path.chmod(0o644)
        Path(name).chmod(0o555)
        with as_nobody():
            status = main(["fmt", "-w", str(path)])
        Path(name).chmod(0o755)
        assert status == 77
        assert capsys.readouterr().err == f"{path}: not rewritten: permission denied\n"
        assert path.read_bytes() == UNTIDY.encode()


@contextmanager
def as_nobody() -> Iterator[None]:
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "fmt: no file named"),
        (["-w"], "fmt: no file named"),
        (["-w", "--check", "tidy"], "argument --check: not allowed with argument -w"),
        (["-n", "tidy"], "unrecognized arguments: -n"),
    ],
)
def test_wrong_usage_is_64(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fmt", *arguments]) == 64
    assert capsys.readouterr().err.startswith(f"netstart-wg: {message}")


def test_neither_netlink_nor_cryptography_is_loaded(folder: Path) -> None:
    script = (
        "import sys; from netstart_wg.cli.netstart_wg import main\n"
        f"status = main(['fmt', '--check', {str(folder / 'tidy')!r}])\n"
        "heavy = {'pyroute2', 'cryptography', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else status)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr
