from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netstart_wg.errors import BackendError, BusyError, ExitStatus
from netstart_wg.system.locks import interface_lock, rdomains_lock, remove_lock
from netstart_wg.system.paths import RUN_DIRECTORY, lock_path
from tests.netns.waiting import eventually

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]


def test_a_lock_that_somebody_holds_is_busy_after_a_bounded_wait() -> None:
    with (
        interface_lock("wg0"),
        pytest.raises(BusyError, match="wg0: another run") as caught,
        interface_lock("wg0", wait_seconds=0.1),
    ):
        pass
    assert caught.value.exit_status is ExitStatus.BUSY


def test_a_lock_let_go_of_can_be_had_again() -> None:
    for _ in range(2):
        with interface_lock("wg0", wait_seconds=0):
            pass


def test_interfaces_are_locked_apart() -> None:
    with interface_lock("wg0"), interface_lock("wg1", wait_seconds=0):
        assert lock_path("wg0").exists()
        assert lock_path("wg1").exists()


def test_who_waits_for_a_lock_that_is_removed_holds_the_one_that_has_its_name() -> None:
    script = (
        "import sys\n"
        "from netstart_wg.system.locks import interface_lock\n"
        "with interface_lock('wg0'):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read(1)\n"
    )
    command = [sys.executable, "-c", script]
    with interface_lock("wg0"):
        waiter = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        blocked = f"-> FLOCK  ADVISORY  WRITE {waiter.pid} "
        eventually(Path("/proc/locks").read_text, lambda locks: blocked in locks)
        remove_lock("wg0")
    with waiter:
        assert waiter.stdin is not None
        assert waiter.stdout is not None
        assert waiter.stdout.readline() == b"held\n"
        assert lock_path("wg0").exists()
        with pytest.raises(BusyError), interface_lock("wg0", wait_seconds=0):
            pass
        waiter.stdin.close()


def test_a_lock_is_waited_for() -> None:
    script = (
        "import sys\n"
        "from netstart_wg.system.locks import interface_lock\n"
        "with interface_lock('wg0'):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read(1)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BusyError), interface_lock("wg0", wait_seconds=0):
            pass
        holder.stdin.close()
        with interface_lock("wg0", wait_seconds=10):
            pass


def test_whoever_gives_up_waiting_is_not_woken_later() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with interface_lock("wg0"):
        for _ in range(2):
            with pytest.raises(BusyError), interface_lock("wg0", wait_seconds=0.05):
                pass
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_the_folder_is_roots_alone_whatever_it_was() -> None:
    RUN_DIRECTORY.mkdir(mode=0o755)
    with interface_lock("wg0"):
        assert RUN_DIRECTORY.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else_is_refused_and_left_as_it_is() -> None:
    RUN_DIRECTORY.mkdir(mode=0o755)
    os.chown(RUN_DIRECTORY, 65534, 65534)
    with pytest.raises(
        BackendError, match=r"wg0: lock: /run/netstart-wg: it belongs to another user"
    ):
        interface_lock("wg0").__enter__()
    assert list(RUN_DIRECTORY.iterdir()) == []
    assert RUN_DIRECTORY.stat().st_mode & 0o777 == 0o755


def test_a_folder_that_is_a_link_is_refused() -> None:
    Path("/run/elsewhere").mkdir(mode=0o755)
    RUN_DIRECTORY.symlink_to("/run/elsewhere")
    with pytest.raises(BackendError, match=r"wg0: lock: /run/netstart-wg: it is a link"):
        interface_lock("wg0").__enter__()
    assert Path("/run/elsewhere").stat().st_mode & 0o777 == 0o755
    assert list(Path("/run/elsewhere").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error_with_its_place() -> None:
    Path(RUN_DIRECTORY).touch()
    with pytest.raises(BackendError, match=r"wg0: lock: /run/netstart-wg: .* no folder"):
        interface_lock("wg0").__enter__()


def test_those_who_use_rdomains_do_not_wait_for_each_other_but_keep_a_remover_away() -> None:
    with rdomains_lock(is_exclusive=False) as one, rdomains_lock(is_exclusive=False) as other:
        assert one
        assert other
        with rdomains_lock(is_exclusive=True) as is_held:
            assert not is_held
    with rdomains_lock(is_exclusive=True) as is_held:
        assert is_held
