from __future__ import annotations

import pytest

from netstart_wg.app.debug import follow
from netstart_wg.errors import BackendError, ExitStatus, NotOursError
from tests.app.machine_in_memory import Lines, MachineInMemory

NOTICES = ["wg0: Peer 0 created", "wg0: Sending handshake initiation to peer 0 (192.0.2.1)"]


@pytest.fixture
def talker(here: MachineInMemory) -> MachineInMemory:
    """A machine with wg0, whose engine has something to say."""
    here.engines.create("wg0")
    here.system.links().set_debug("wg0", is_on=True)
    here.engines.notices = list(NOTICES)
    return here


class Leaving(Lines):
    """A reader who leaves after the first line."""

    def say(self, text: str) -> None:
        super().say(text)
        self.has_reader = False


def test_each_line_is_said_until_the_engine_ends(talker: MachineInMemory, lines: Lines) -> None:
    assert follow("wg0", talker.machine, lines) is ExitStatus.OK
    assert lines.said == NOTICES
    assert lines.warnings == []


def test_a_reader_who_leaves_is_told_no_more(talker: MachineInMemory) -> None:
    lines = Leaving()
    assert follow("wg0", talker.machine, lines) is ExitStatus.OK
    assert lines.said == NOTICES[:1]


def test_without_debug_it_says_how_to_turn_it_on_and_follows_all_the_same(
    talker: MachineInMemory, lines: Lines
) -> None:
    talker.system.links().set_debug("wg0", is_on=False)
    assert follow("wg0", talker.machine, lines) is ExitStatus.OK
    assert lines.said == NOTICES
    assert lines.warnings == [
        "wg0: debug is off, and nothing is told\n"
        "    hint: `netstart-wg ifconfig wg0 debug` turns it on"
    ]


def test_an_engine_that_hangs_up_and_lives_on_is_a_failure(
    talker: MachineInMemory, lines: Lines
) -> None:
    talker.engines.impatient.add("wg0")
    with pytest.raises(BackendError, match="wg0: debug: its engine hung up"):
        follow("wg0", talker.machine, lines)
    assert lines.said == NOTICES


def test_no_engine_is_a_failure_with_a_hint(here: MachineInMemory, lines: Lines) -> None:
    with pytest.raises(BackendError, match="wg7: debug: there is no such interface\n    hint: "):
        follow("wg7", here.machine, lines)


def test_somebody_elses_engine_is_not_asked(here: MachineInMemory, lines: Lines) -> None:
    here.engines.foreign.add("wg0")
    with pytest.raises(NotOursError):
        follow("wg0", here.machine, lines)
