from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netstart_wg import VERSION
from netstart_wg.cli.netstart_wg import main
from netstart_wg.cli.usage import COMMANDS
from netstart_wg.errors import ExitStatus
from netstart_wg.syntax.convert import RDOMAIN_MAX

COMMAND = [sys.executable, "-m", "netstart_wg.cli.netstart_wg"]
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def as_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["-n", "-h"], ["wg0", "--help"]])
def test_help_is_data_and_fits_a_screen(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("usage: netstart-wg [-nv] [-C directory]")
    assert len(captured.out.splitlines()) <= 36
    assert all(len(line) <= 88 for line in captured.out.splitlines())
    assert [f"  {command} " in captured.out for command in COMMANDS] == [True] * len(COMMANDS)
    assert captured.err == ""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_a_command_says_what_it_takes_and_nothing_of_others(
    command: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, option]) == 0
    captured = capsys.readouterr()
    usage, _, description = captured.out.partition("\n\n")
    assert usage.startswith(f"usage: netstart-wg {command} ")
    assert set(re.findall(r"^.{7}netstart-wg (\w+)", usage, re.M)) == {command}
    assert len(description.splitlines()) in range(1, 16)
    assert captured.err == ""


@pytest.mark.parametrize("command", [(), *[(word,) for word in COMMANDS], ("check", "--live")])
@pytest.mark.parametrize("wrong", [("--no-such-option",), ("-C",), ("--json=x",)])
def test_wrong_usage_never_looks_like_a_difference(
    command: tuple[str, ...], wrong: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """Argparse would exit with 2; ifconfig(8) has a status of its own for it."""
    expected = ExitStatus.FAILED if command == ("ifconfig",) else ExitStatus.USAGE
    assert main([*command, *wrong]) == expected
    assert capsys.readouterr().out == ""


def test_the_version_is_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"netstart-wg {VERSION}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-x"], "unrecognized arguments: -x"),
        (["--hel"], "unrecognized arguments: --hel"),
        (["-C"], "argument -C: expected one argument"),
        (["stauts"], '"stauts" is neither a command nor an interface'),
        (["wg0.bak"], '"wg0.bak" is neither a command nor an interface'),
        (["../wg0"], '"../wg0" is neither a command nor an interface'),
        ([""], '"" is neither a command nor an interface'),
        (["wg0", "wg1", "wg0"], 'duplicate interface "wg0"'),
        (["wg0", "-n", "wg0"], 'duplicate interface "wg0"'),
        (["status", "-n"], "unrecognized arguments: -n"),
        (["status", "wg0", "wg1"], "unrecognized arguments: wg1"),
        (["debug"], "debug: it takes one interface"),
        (["debug", "wg0", "wg1"], "debug: it takes one interface"),
        (["exec"], "exec: no rdomain given: -T"),
        (["exec", "true"], "exec: no rdomain given: -T"),
        (["exec", "-T"], "exec: option -T requires argument"),
        (["exec", "-T", "1"], "exec: no command given"),
        (["exec", "-x", "true"], "exec: option -x not recognized"),
    ],
)
def test_wrong_usage_is_64_and_shows_the_usage(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    expected = arguments[0] if arguments[0] in COMMANDS else "[-nv]"
    assert captured.err.startswith(f"netstart-wg: {message}\nusage: netstart-wg {expected}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-x"], "option -x not recognized"),
        (["-a", "wg0"], "-a and -A take no interface"),
        (["-A", "wg0", "up"], "-a and -A take no interface"),
    ],
)
def test_wrong_usage_of_ifconfig_is_1_as_everything_that_is_wrong_there(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ifconfig", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(
        f"netstart-wg: ifconfig: {message}\nusage: netstart-wg ifconfig [-aA]"
    )


@pytest.mark.parametrize(
    ("rdomain", "message"),
    [
        ("one", "invalid"),
        ("", "invalid"),
        ("1 ", "invalid"),
        ("\u0661", "invalid"),
        ("-1", "too small"),
        ("-" + "9" * 5000, "too small"),
        (str(RDOMAIN_MAX + 1), "too large"),
        ("9" * 5000, "too large"),
    ],
)
def test_a_wrong_rdomain_is_told_as_route_does(
    rdomain: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["exec", "-T", rdomain, "true"]) == 1
    assert capsys.readouterr() == ("", f"route: invalid table id: {message}\n")


def test_the_last_rdomain_is_as_in_a_hostname_file() -> None:
    command = [*COMMAND, "exec", "-T", f"+0{RDOMAIN_MAX}", "true"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 1
    message = f"route: routing table {RDOMAIN_MAX}: no such file or directory\n"
    assert result.stderr.startswith(message)


@pytest.mark.parametrize("rdomain", ["0", "-0", "+0", "000"])
def test_in_rdomain_0_a_command_takes_the_place_of_the_process(rdomain: str) -> None:
    script = 'echo "$$ $0 $*"'
    command = [*COMMAND, "exec", "-T", rdomain, "sh", "-c", script, "-x", "--help", "a b"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        said, _ = process.communicate(timeout=20)
    assert (process.returncode, said) == (0, f"{process.pid} -x --help a b\n")


def test_a_command_that_is_not_there_is_127() -> None:
    command = [*COMMAND, "exec", "-T0", "no-such-command"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (result.returncode, result.stdout) == (127, "")
    assert result.stderr == "route: no-such-command: no such file or directory\n"


@pytest.mark.parametrize("arguments", [[], ["-n"], ["-nv", "wg0"], ["-C", "/nowhere"]])
@pytest.mark.usefixtures("as_nobody")
def test_without_root_it_is_77_before_anything_else(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hostname.wg0").write_text("nonsense\n")
    assert main(["-C", str(tmp_path), *arguments]) == 77
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "netstart-wg: need root privileges\n")


@pytest.mark.usefixtures("as_nobody")
def test_status_needs_no_root(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "lo"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("lo: flags=")
    assert "\tindex 1\n" in out
    assert "groups" not in out


def test_status_of_an_unknown_interface_is_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "nosuchwg9"]) == 1
    assert capsys.readouterr() == ("", "nosuchwg9: no such interface\n")


def test_an_interruption_is_quiet_and_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    monkeypatch.setattr(os, "geteuid", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in a shell's background
    try:
        assert main([]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr() == ("", "")


class TestBug:
    @pytest.fixture(autouse=True)
    def bug(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail() -> int:
            raise ZeroDivisionError("the-secret")

        monkeypatch.setattr(os, "geteuid", fail)
        monkeypatch.delenv("NETSTART_WG_DEBUG", raising=False)

    def test_it_is_told_without_its_text_which_might_hold_a_secret(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([]) == 70
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("netstart-wg: internal error: ZeroDivisionError at ")
        assert "please report" in captured.err
        assert "Traceback" not in captured.err
        assert "the-secret" not in captured.err

    def test_its_traceback_is_shown_to_who_asks(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NETSTART_WG_DEBUG", "1")
        assert main([]) == 70
        assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["-x"], ["wg0", "wg0"], ["exec", "-T0", "no-such-command"]],
)
def test_what_needs_no_netlink_no_grammar_and_no_cryptography_loads_none(
    arguments: list[str],
) -> None:
    script = (
        "import sys; from netstart_wg.cli.netstart_wg import main\n"
        f"main({arguments!r})\n"
        "heavy = {'pyroute2', 'lark', 'cryptography', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert result.returncode == 0, result.stderr


def test_a_reader_who_has_left_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        result = subprocess.run(
            [*COMMAND, "--help"], stdout=pipe, stderr=subprocess.PIPE, check=False, cwd=ROOT
        )
    assert (result.returncode, result.stderr) == (0, b"")


def test_a_full_disk_is_an_error() -> None:
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(
            [*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, check=False, cwd=ROOT
        )
    assert result.returncode == 1
    assert result.stderr == b"netstart-wg: standard output: no space left on device\n"


def test_closed_standard_streams_are_no_bug() -> None:
    closed = 'exec "$0" "$@" <&- >&- 2>&-'
    for arguments, status in ((["--help"], 0), (["-x"], 64), (["status", "nosuchwg9"], 1)):
        command = ["sh", "-c", closed, *COMMAND, *arguments]
        assert subprocess.run(command, check=False, cwd=ROOT).returncode == status


def test_what_the_terminal_cannot_write_is_escaped() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    script = "from netstart_wg.cli.terminal import Terminal\nTerminal().say('\\u00fc\\udcff')\n"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env=environment, check=False, cwd=ROOT
    )
    assert (result.stdout, result.stderr) == (b"\\xfc\\udcff\n", b"")
