"""`!` commands of a hostname file on real interfaces: run once, told of, and never by `-n`."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.netns.engines import new_preshared_key
from tests.netns.hosts import HostMaker
from tests.netns.test_netstart import Machine

ADDRESS = "inet 10.0.0.1/24"


@pytest.fixture
def machine(new_host: HostMaker, tmp_path: Path) -> Machine:
    machine = Machine(new_host("machine"), tmp_path / "etc")
    machine.write(ADDRESS)
    machine.netstart_well()
    return machine


def test_what_a_command_prints_and_how_it_failed_is_told(machine: Machine) -> None:
    secret = new_preshared_key()
    machine.write(ADDRESS, f"!echo {secret}; echo two >&2; kill -USR1 $$")
    ended = machine.netstart()
    assert ended.returncode == 3
    assert ended.stdout == "wg0: 1 command run\n"
    assert ended.stderr.splitlines() == [
        "wg0: command: (hidden)",
        "wg0: command: two",
        "wg0: warning: command failed: killed by SIGUSR1:"
        " !echo (hidden); echo two >&2; kill -USR1 $$",
    ]
    assert machine.netstart_well() == ""


def test_a_command_that_left_the_file_is_told_of_once(machine: Machine, tmp_path: Path) -> None:
    secret = new_preshared_key()
    command = f"!echo {secret} --password hunter2 >> {tmp_path}/ran"
    shown = f"!echo (hidden) --password (hidden) >> {tmp_path}/ran"
    machine.write(ADDRESS, command)
    machine.netstart_well()
    record = machine.host.run("cat", "/run/netstart-wg/wg0.json")
    assert secret not in record
    assert "hunter2" not in record
    machine.write(ADDRESS)
    plan = machine.netstart("-n")
    assert (plan.returncode, plan.stderr) == (2, "")
    assert plan.stdout == f"wg0: - {shown} (has run; cannot be undone)\n"
    ended = machine.netstart()
    assert (ended.returncode, ended.stdout) == (0, "")
    assert ended.stderr == f"wg0: warning: cannot be undone, has run: {shown}\n"
    assert machine.netstart_well() == ""
    machine.write(ADDRESS, command)
    machine.netstart_well()
    assert (tmp_path / "ran").read_text().count("\n") == 2, "it is new again"


def test_a_plan_runs_no_command(machine: Machine, tmp_path: Path) -> None:
    machine.write(ADDRESS, f"!touch {tmp_path}/ran")
    plan = machine.netstart("-n")
    assert (plan.returncode, plan.stdout) == (2, f"wg0: + !touch {tmp_path}/ran  # line 3\n")
    assert not (tmp_path / "ran").exists()


def test_a_command_in_which_the_run_was_killed_runs_again_and_those_before_it_do_not(
    machine: Machine, tmp_path: Path
) -> None:
    before, during = tmp_path / "before", tmp_path / "during"
    machine.write(
        ADDRESS,
        f"!echo ran >> {before}",
        f"!echo ran >> {during}; test $(wc -l < {during}) -gt 1 || kill -KILL $PPID",
    )
    assert machine.netstart().returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert machine.netstart_well() == "wg0: 1 command run\n"
    assert machine.netstart_well() == ""
    assert (before.read_text(), during.read_text()) == ("ran\n", "ran\n" * 2)
