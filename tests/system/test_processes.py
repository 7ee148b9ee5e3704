from __future__ import annotations

import subprocess
from dataclasses import replace

from netstart_wg.system.processes import identify, is_running, this_process
from tests.netns.waiting import eventually


def test_this_process_is_running() -> None:
    assert is_running(this_process())


def test_a_number_that_is_anothers_by_now_is_not_it() -> None:
    me = this_process()
    assert not is_running(replace(me, start_ticks=me.start_ticks - 1))


def test_one_that_has_ended_is_not_running_even_if_nobody_has_waited_for_it() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        assert child.stdin is not None
        identity = identify(child.pid)
        assert is_running(identity)
        child.stdin.close()
        eventually(lambda: not is_running(identity))
    assert not is_running(identity)
