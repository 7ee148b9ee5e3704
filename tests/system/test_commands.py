from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest

from netstart_wg.system import commands
from netstart_wg.system.commands import (
    SEARCH_PATH,
    TIME_LIMIT_SECONDS,
    CommandResult,
    run_command,
)
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


def run(
    text: str, rdomain: int = 0, limit_seconds: float = TIME_LIMIT_SECONDS
) -> tuple[CommandResult, list[str]]:
    """Return how a command ended, and the lines that it printed."""
    lines: list[str] = []
    return run_command(text, rdomain, lines.append, limit_seconds), lines


def test_a_command_that_succeeds_has_no_failure() -> None:
    result, lines = run("true")
    assert result == CommandResult(status=0)
    assert result.failure is None
    assert lines == []


def test_the_exit_status_is_returned() -> None:
    result, _ = run("exit 7")
    assert result == CommandResult(status=7)
    assert result.failure == "exit status 7"


def test_a_signal_that_ends_the_shell_is_named() -> None:
    result, _ = run("kill -TERM $$")
    assert result.status == 128 + signal.SIGTERM
    assert result.failure == "killed by SIGTERM"


def test_a_signal_that_ends_what_the_shell_has_run_is_named() -> None:
    result, _ = run("sh -c 'kill -KILL $$'; exit $?")
    assert result.failure == "exit status 137 (SIGKILL)"


@pytest.mark.parametrize(
    ("status", "words"),
    [(128, "exit status 128"), (255, "exit status 255"), (163, "exit status 163 (signal 35)")],
)
def test_a_status_that_is_no_signal_of_a_name_is_a_number(status: int, words: str) -> None:
    assert run(f"exit {status}")[0].failure == words


def test_both_outputs_are_told_line_by_line_and_in_order() -> None:
    assert run("echo one; echo two >&2; printf 'three\\r\\n\\nfour'")[1] == [
        "one",
        "two",
        "three",
        "",
        "four",
    ]


def test_a_line_is_told_while_the_command_runs(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    lines: list[str] = []

    def tell(line: str) -> None:
        lines.append(line)
        if line == "ready":
            fifo.write_text("go\n")

    result = run_command(f"echo ready; read x <{fifo}; echo $x", 0, tell, 20)
    assert (result.failure, lines) == (None, ["ready", "go"])


def test_nothing_goes_to_our_own_output(capfd: pytest.CaptureFixture[str]) -> None:
    run("echo one; echo two >&2")
    assert tuple(capfd.readouterr()) == ("", "")


def test_the_text_is_not_among_the_arguments_that_everybody_sees() -> None:
    result, (shown,) = run(": topsecret; tr '\\0' ' ' < /proc/$$/cmdline")
    assert result.failure is None
    assert shown.startswith("/bin/sh ")
    assert "topsecret" not in shown


def test_a_command_finds_the_surroundings_of_the_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD_TEST", "leak")
    before = os.umask(0o077)
    try:
        _, lines = run("pwd; umask; env -u PWD -u OLDPWD -u SHLVL -u _ | sort")
    finally:
        os.umask(before)
    assert lines == ["/", "0022", "HOME=/", f"PATH={SEARCH_PATH}"]


def test_a_command_that_reads_finds_the_end_at_once() -> None:
    result, lines = run("readlink /proc/self/fd/0; cat; read x || echo end", limit_seconds=20)
    assert (result.failure, lines) == (None, ["/dev/null", "end"])


def test_a_command_has_no_terminal() -> None:
    result, lines = run("(: </dev/tty) 2>/dev/null || echo none; test -t 1 || echo pipe")
    assert lines == ["none", "pipe"], result


def test_a_command_has_none_of_our_descriptors() -> None:
    reader, writer = os.pipe()
    try:
        os.set_inheritable(writer, True)
        _, lines = run("ls /proc/self/fd & wait; ls /proc/self/fd")
    finally:
        os.close(reader)
        os.close(writer)
    assert lines == ["0", "1", "2", "3"] * 2, "3 is the folder that ls reads"


def test_what_a_command_says_of_itself_is_not_mixed_up_with_ours() -> None:
    result, lines = run("if then")
    assert result.status == 2
    assert any("yntax error" in line for line in lines)


def test_a_command_that_is_not_there_is_127() -> None:
    result, lines = run("/nonexistent/command")
    assert result.status == 127
    assert any("/nonexistent/command" in line for line in lines)


def test_a_command_over_the_limit_is_killed_with_its_children() -> None:
    result, pids = run("sleep 60 & echo $!; echo $$; wait", limit_seconds=0.3)
    assert result.failure == "took longer than 0.3 seconds and was killed"
    assert len(pids) == 2
    for pid in map(int, pids):
        assert ends(pid)


def test_a_command_over_the_limit_may_tidy_up() -> None:
    result, lines = run("trap 'echo tidy; exit 0' TERM; sleep 60 & wait", limit_seconds=0.3)
    assert result.limit_seconds == 0.3
    assert lines == ["tidy"]


def test_a_command_that_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "GRACE_SECONDS", 0.3)
    began = time.monotonic()
    result, (shell, child) = run(
        "trap '' TERM; sleep 60 & echo $$; echo $!; wait", limit_seconds=0.3
    )
    assert result.limit_seconds == 0.3
    assert 0.6 <= time.monotonic() - began < 10
    assert ends(int(shell))
    assert ends(int(child))


def test_a_child_that_ignores_sigterm_is_killed_though_the_shell_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands, "GRACE_SECONDS", 0.3)
    text = "(trap '' TERM; echo ready; exec sleep 60) & echo $!; wait"
    _, lines = run(text, limit_seconds=0.5)
    assert "ready" in lines
    (child,) = (int(line) for line in lines if line != "ready")
    assert ends(child)


def test_a_child_in_a_session_of_its_own_is_not_chased() -> None:
    result, (child,) = run("setsid sleep 60 & echo $!; wait", limit_seconds=0.5)
    pid = int(child)
    try:
        assert result.limit_seconds == 0.5
        assert os.getsid(pid) == pid
    finally:
        os.kill(pid, signal.SIGKILL)


def test_a_grandchild_that_keeps_the_pipe_open_is_not_waited_for() -> None:
    result, (child, *rest) = run("(sleep 60 & echo $!); echo done", limit_seconds=20)
    try:
        assert (result.failure, rest) == (None, ["done"])
    finally:
        os.kill(int(child), signal.SIGKILL)


def test_a_grandchild_that_goes_on_printing_is_not_listened_to() -> None:
    result, (child, *_) = run("yes flood & echo $!", limit_seconds=20)
    assert result.failure is None
    assert ends(int(child)), "nobody reads what it prints"


def test_a_flood_holds_up_nothing_and_takes_no_memory() -> None:
    tracemalloc.start()
    try:
        result, lines = run("yes 0123456 | head -c 100000000; echo last; exit 3")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert result.status == 3
    assert lines[:100] == ["0123456"] * 100
    assert lines[100] == f"({100_000_000 // 8 - 100 - 19} lines left out)"
    assert lines[101:] == ["0123456"] * 19 + ["last"]
    assert peak < 2**20


def test_a_flood_without_an_end_meets_the_limit() -> None:
    result, lines = run("yes", limit_seconds=0.3)
    assert result.limit_seconds == 0.3
    assert len(lines) == 121


def test_an_interruption_ends_the_group_and_is_passed_on() -> None:
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        if len(pids) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_command("sleep 60 & echo $!; echo $$; wait", 0, interrupt)
    for pid in pids:
        assert ends(pid)


def test_no_descriptor_stays_open() -> None:
    before = own_descriptors()
    for text in ("true", "exit 1", "if then", "kill -KILL $$"):
        run(text)
    run("sleep 60", limit_seconds=0.1)
    assert own_descriptors() == before


def test_a_command_has_a_session_of_its_own() -> None:
    _, (shell, ids) = run("echo $$; ps -o sid= -o pgid= -p $$")
    assert ids.split() == [shell, shell]
    assert int(shell) != os.getsid(0)


@pytest.mark.root
@pytest.mark.usefixtures("private")
def test_a_command_in_an_rdomain_has_its_network_and_this_process_keeps_its_own() -> None:
    make_rdomain(3)
    before = own_namespace()
    _, lines = run("readlink /proc/self/ns/net", rdomain=3)
    assert lines == [f"net:[{rdomain_path(3).stat().st_ino}]"]
    assert own_namespace() == before
    assert rdomain_of(before) == 0


@pytest.mark.root
@pytest.mark.usefixtures("private")
def test_a_command_in_an_rdomain_has_the_same_limit() -> None:
    make_rdomain(3)
    result, (pid,) = run("echo $$; sleep 60", rdomain=3, limit_seconds=0.5)
    assert result.limit_seconds == 0.5
    assert ends(int(pid))


@pytest.mark.root
@pytest.mark.usefixtures("private")
def test_a_command_in_an_rdomain_that_is_not_there_fails_as_with_route() -> None:
    result, _ = run("true", rdomain=3)
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


def own_descriptors() -> list[str]:
    return sorted(entry.name for entry in Path("/proc/self/fd").iterdir())


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
