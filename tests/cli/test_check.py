"""`netstart-wg check` as it is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstart_wg.cli.netstart_wg import main

ROOT = Path(__file__).parent.parent.parent

PEER = "wgpeer NW5l2q2MArV5ZXpVXSZwBOyqhohOf8ImDgUB+jPtJps="
SECRET = "8FVyT2dO0bXrZ1o9bq3XlZl0m4q3o2c5o0m3x1p9QmE="


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good").write_text(f"wgkey {SECRET}\n{PEER} wgaip 10.0.0.0/8\nup\n")
    (tmp_path / "odd").write_text(f"{PEER} wgaip 10.0.0.2/8\n")
    (tmp_path / "wrong").write_text(f"mtu x\nwgkey {SECRET}x\n")
    return tmp_path


@pytest.mark.parametrize("how", ["text", "errorformat"])
@pytest.mark.usefixtures("folder")
def test_nothing_is_said_of_a_good_file(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--format", how, "good"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("folder")
def test_messages_are_data_and_warnings_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "odd"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.startswith('odd:1:59: warning: "10.0.0.2/8" has bits beyond its prefix\n')
    assert captured.out.endswith("\n    hint: it means 10.0.0.0/8\n")


@pytest.mark.usefixtures("folder")
def test_an_error_in_one_file_is_65_and_the_others_are_told_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "wrong", "good", "missing", "odd", "--format", "errorformat"]) == 65
    assert capsys.readouterr() == (
        'wrong:1:5: error: size "x" is not a decimal number\n'
        "wrong:2:7: error: wgkey: a key has 44 base64 characters, not 45\n"
        "missing:1:1: error: no such file\n"
        'odd:1:59: warning: "10.0.0.2/8" has bits beyond its prefix\n',
        "",
    )


@pytest.mark.usefixtures("folder")
def test_json_is_one_object_also_without_messages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--format=json", "good"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"schema": "netstart-wg/check/1", "files": ["good"], "diagnostics": []}


@pytest.mark.usefixtures("folder")
def test_what_openbsd_reads_differently_is_told_on_demand(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "ours").write_text(f"{PEER} wgaip 10.0.0.2/8\ninet 10.0.0.1/24 # office\nup")
    warning = 'ours:1:59: warning: "10.0.0.2/8" has bits beyond its prefix\n'
    assert main(["check", "--format=errorformat", "ours"]) == 0
    assert capsys.readouterr().out == warning
    assert main(["check", "--format=errorformat", "--openbsd", "ours"]) == 0
    assert capsys.readouterr().out == (
        f"{warning}"
        "ours:2:18: warning: OpenBSD takes this comment for the netmask\n"
        "ours:3:1: warning: OpenBSD ignores this line: no newline ends it\n"
    )
    assert main(["check", "--openbsd", "wrong"]) == 65


@pytest.mark.parametrize("how", ["text", "json", "errorformat"])
@pytest.mark.usefixtures("folder")
def test_no_format_shows_a_key(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--format", how, "wrong", "good"]) == 65
    assert SECRET not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "check: no file named"),
        (["--format", "xml", "good"], "argument --format: invalid choice"),
        (["-n", "good"], "unrecognized arguments: -n"),
    ],
)
def test_wrong_usage_is_64(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *arguments]) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"netstart-wg: {message}")


def test_a_long_name_of_no_interface_is_taken_for_wg0(folder: Path) -> None:
    for name in ("hostname.wg12345678901234", "hostname.wg0.bak", "hostname.", "hostname.wg7"):
        (folder / name).write_text("!echo $if\n")
        assert main(["check", name]) == 0


@pytest.mark.parametrize("name", ["netstart-wg.toml", "netstart-wg.toml.new"])
def test_settings_are_known_by_their_name(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_text('engine = "embedded"\n')
    assert main(["check", name, "good"]) == 0
    assert capsys.readouterr() == ("", "")
    (folder / name).write_text(f'engine = "{SECRET}"\n')
    assert main(["check", name, "--format", "errorformat"]) == 65
    said, _ = capsys.readouterr()
    assert said.startswith(f"{name}:1:10: error: engine knows no ")
    assert SECRET not in said


@pytest.fixture
def forbidden(folder: Path) -> Iterator[str]:
    """Make a file that nobody may read, and let the test be somebody whom that keeps out."""
    (folder / "forbidden").touch(mode=0)
    if os.geteuid() != 0:
        yield "forbidden"
        return
    folder.chmod(0o755)
    os.seteuid(65534)
    try:
        yield str(folder / "forbidden")
    finally:
        os.seteuid(0)


def test_a_file_that_takes_root_is_77(forbidden: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["check", forbidden])
    captured = capsys.readouterr()
    assert status == 77
    assert captured.out == ""
    assert "permission denied" in captured.err


def test_neither_netlink_nor_without_a_private_key_cryptography_is_loaded(folder: Path) -> None:
    (folder / "keyless").write_text(f"{PEER} wgaip 10.0.0.0/8\n")
    script = (
        "import sys; from netstart_wg.cli.netstart_wg import main\n"
        f"status = main(['check', {str(folder / 'keyless')!r}])\n"
        "heavy = {'pyroute2', 'cryptography', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else status)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr
