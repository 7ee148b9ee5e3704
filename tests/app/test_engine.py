"""Which engine an interface gets, and what it takes to get another, on a machine in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.app.ifconfig import change_interface
from netstart_wg.errors import ExitStatus
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.guard import Guard
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_netstart import HUB, run, write

REBUILD = frozenset({Guard.REBUILD})


def choose(folder: Path, engine: str) -> None:
    (folder / "netstart-wg.toml").write_text(f'engine = "{engine}"\n')


def kind(here: MachineInMemory) -> EngineKind | None:
    state = here.engines.state("wg0")
    return None if state is None else state.kind


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("embedded", EngineKind.EMBEDDED),
        ("kernel", EngineKind.KERNEL),
        ("auto", EngineKind.KERNEL),
    ],
)
def test_a_new_interface_gets_the_engine_that_is_asked_for(
    here: MachineInMemory, folder: Path, lines: Lines, engine: str, expected: EngineKind
) -> None:
    choose(folder, engine)
    write(folder, HUB)
    assert run(here, folder, lines) is ExitStatus.OK
    assert kind(here) is expected
    here.journal.writes.clear()
    assert run(here, folder, lines) is ExitStatus.OK
    assert here.journal.writes == []


def test_without_the_kernels_there_is_an_error_and_no_other_engine(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    here.engines.kinds = (EngineKind.EMBEDDED,)
    choose(folder, "kernel")
    write(folder, HUB)
    assert run(here, folder, lines) is ExitStatus.FAILED
    assert lines.warnings == ["wg0: create: there is no kernel engine"]
    assert here.journal.writes == []
    choose(folder, "auto")
    assert run(here, folder, lines) is ExitStatus.OK
    assert kind(here) is EngineKind.EMBEDDED


def test_another_engine_is_another_interface_and_takes_somebodys_word(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB)
    assert run(here, folder, lines) is ExitStatus.OK
    choose(folder, "kernel")
    here.journal.writes.clear()
    assert run(here, folder, lines) is ExitStatus.FAILED
    assert here.journal.writes == []
    assert run(here, folder, lines, allowed=REBUILD) is ExitStatus.OK
    assert kind(here) is EngineKind.KERNEL
    choose(folder, "auto")
    here.journal.writes.clear()
    assert run(here, folder, lines) is ExitStatus.OK
    assert here.journal.writes == []


def test_the_kernels_sockets_are_moved_by_making_the_interface_anew(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    choose(folder, "kernel")
    write(folder, HUB)
    assert run(here, folder, lines) is ExitStatus.OK
    write(folder, HUB + "wgrtable 3\n")
    assert run(here, folder, lines) is ExitStatus.FAILED
    assert run(here, folder, lines, allowed=REBUILD) is ExitStatus.OK
    state = here.engines.state("wg0")
    assert state is not None
    assert (state.kind, state.wgrtable) == (EngineKind.KERNEL, 3)


def test_a_rebuild_that_fails_leaves_the_engine_that_was_there(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB)
    assert run(here, folder, lines) is ExitStatus.OK
    before = here.engines.state("wg0")
    choose(folder, "kernel")
    here.journal.faults_at = frozenset({here.journal.attempts + 3})
    assert run(here, folder, lines, allowed=REBUILD) is ExitStatus.FAILED
    assert kind(here) is EngineKind.EMBEDDED
    assert here.engines.state("wg0") == before


def test_a_command_of_ifconfig_leaves_the_engine_alone(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    choose(folder, "kernel")
    write(folder, HUB)
    assert run(here, folder, lines) is ExitStatus.OK
    words = ("description", "x")
    assert change_interface(folder, "wg0", words, here.machine, lines) is ExitStatus.OK
    assert kind(here) is EngineKind.KERNEL
    assert here.links.states["wg0"].description == "x"


def test_what_ifconfig_creates_has_the_engine_that_is_asked_for(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    choose(folder, "kernel")
    assert change_interface(folder, "wg0", ("create",), here.machine, lines) is ExitStatus.OK
    assert kind(here) is EngineKind.KERNEL
