from __future__ import annotations

import os
import select
import signal
from pathlib import Path

import pytest

from netstart_wg.system.commands import CommandResult, run_command


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
