from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netstart_wg.system.commands import CommandResult, run_command
from netstart_wg.system.namespaces import make_rdomain, rdomain_of, rdomain_path

REPLACE = """
import sys
from netstart_wg.errors import NetstartError
from netstart_wg.system.commands import replace_process
try:
    replace_process(int(sys.argv[1]), sys.argv[2:])
except NetstartError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_status)
"""


def test_a_command_that_succeeds_has_no_failure() -> None:
    assert run_command("true") == CommandResult(status=0)
    assert run_command("true").failure is None


def test_the_exit_status_is_returned() -> None:
    result = run_command("exit 7")
    assert result == CommandResult(status=7)
    assert result.failure == "exit status 7"


def test_a_signal_counts_as_in_the_shell() -> None:
    assert run_command("kill -TERM $$").status == 128 + signal.SIGTERM


def test_output_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    run_command("echo one; echo two >&2")
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == "one\ntwo\n"


def test_the_text_is_not_among_the_arguments_that_everybody_sees(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert run_command(": topsecret; tr '\\0' ' ' < /proc/$$/cmdline").failure is None
    shown = capfd.readouterr().err
    assert shown.startswith("/bin/sh ")
    assert "topsecret" not in shown


def test_a_command_finds_the_surroundings_of_the_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_PRELOAD_TEST", "leak")
    run_command(f"{{ pwd; echo $HOME; echo $LD_PRELOAD_TEST; read x || echo eof; }} >{tmp_path}/o")
    assert (tmp_path / "o").read_text() == "/\n/\n\neof\n"


def test_a_command_that_is_not_there_is_127() -> None:
    assert run_command("/nonexistent/command 2>/dev/null").status == 127


def test_a_command_over_the_limit_is_killed_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    result = run_command(f"sleep 60 & echo $! $$ >{pids}; wait", limit_seconds=0.3)
    assert result.timed_out
    assert result.failure == "took too long and was killed"
    for pid in map(int, pids.read_text().split()):
        assert ends(pid)


def test_a_command_has_a_session_of_its_own(tmp_path: Path) -> None:
    run_command(f"ps -o sid= -p $$ >{tmp_path}/sid; echo $$ >{tmp_path}/pid")
    session = int((tmp_path / "sid").read_text())
    assert session == int((tmp_path / "pid").read_text())
    assert session != os.getsid(0)


@pytest.mark.root
@pytest.mark.usefixtures("private")
def test_a_command_in_an_rdomain_has_its_network_and_this_process_keeps_its_own(
    tmp_path: Path,
) -> None:
    make_rdomain(3)
    before = own_namespace()
    assert run_command(f"readlink /proc/self/ns/net >{tmp_path}/o", rdomain=3).failure is None
    assert (tmp_path / "o").read_text() == f"net:[{rdomain_path(3).stat().st_ino}]\n"
    assert own_namespace() == before
    assert rdomain_of(before) == 0


@pytest.mark.root
@pytest.mark.usefixtures("private")
def test_a_command_in_an_rdomain_has_the_same_limit(tmp_path: Path) -> None:
    make_rdomain(3)
    result = run_command(f"echo $$ >{tmp_path}/pid; sleep 60", rdomain=3, limit_seconds=0.5)
    assert result.timed_out
    assert ends(int((tmp_path / "pid").read_text()))


@pytest.mark.root
@pytest.mark.usefixtures("private")
def test_a_command_in_an_rdomain_that_is_not_there_fails_as_with_route() -> None:
    result = run_command("true", rdomain=3)
    assert (result.status, result.failure) == (1, "rdomain 3 does not exist")
    assert not rdomain_path(3).exists()


def replace_process(rdomain: int, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", REPLACE, str(rdomain), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_process_becomes_the_program_with_its_arguments_and_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GREETING", "hello")
    monkeypatch.chdir(tmp_path)
    ended = replace_process(0, "sh", "-c", 'echo "$GREETING $1"; pwd; exit 7', "sh", "a  b")
    assert (ended.stdout, ended.returncode) == (f"hello a  b\n{tmp_path}\n", 7)


def test_the_program_finds_the_signals_that_python_ignores_as_they_were() -> None:
    status = replace_process(0, "grep", "SigIgn", "/proc/self/status").stdout
    ignored = int(status.split()[1], 16)
    assert not ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)


def test_a_program_that_is_not_there_is_127_and_one_that_cannot_be_run_126(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As openbsd's route(8) has it: ENOENT is 127, all else 126."""
    (tmp_path / "text").write_text("no program\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{tmp_path}/text:{os.environ['PATH']}")
    missing = replace_process(0, "no-such-program")
    assert (missing.returncode, missing.stdout) == (127, "")
    assert missing.stderr.startswith("no-such-program: ")
    nowhere = replace_process(0, f"{tmp_path}/nothing")
    assert (nowhere.returncode, nowhere.stderr) == (
        127,
        f"{tmp_path}/nothing: no such file or directory\n",
    )
    for name in ("text", f"{tmp_path}/text", f"{tmp_path}/text/below", str(tmp_path)):
        assert replace_process(0, name).returncode == 126


@pytest.mark.root
@pytest.mark.usefixtures("private")
def test_the_program_is_in_the_rdomain() -> None:
    make_rdomain(3)
    ended = replace_process(3, "readlink", "/proc/self/ns/net")
    assert ended.stdout == f"net:[{rdomain_path(3).stat().st_ino}]\n"
    without = replace_process(4, "true")
    assert (without.returncode, without.stderr) == (1, "rdomain 4 does not exist\n")


def own_namespace() -> int:
    return Path("/proc/thread-self/ns/net").stat().st_ino


def ends(pid: int) -> bool:
    """Wait a bounded time for a process that is nobody's child of ours."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)
