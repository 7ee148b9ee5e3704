"""Changes by somebody who is there by way of the tunnel that is changed."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from netstart_wg.app.netstart import netstart
from netstart_wg.app.options import Options
from netstart_wg.app.rollback import Rollback
from netstart_wg.errors import ExitStatus
from netstart_wg.model.connection import Connection
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_confirm import OTHER, let_the_time_pass
from tests.app.test_netstart import HUB, run, write

THROUGH = Connection(client=ip_address("10.0.0.2"), server=ip_address("10.0.0.1"))
ELSEWHERE = Connection(client=ip_address("198.51.100.2"), server=ip_address("192.0.2.1"))
GUARDED = Options(guards_connection=True)
OTHER_PORT = HUB.replace("51820", "51999", 1)
RENAMED = HUB.replace("wgdescr laptop", "wgdescr tablet")


@pytest.fixture
def file(here: MachineInMemory, folder: Path) -> Path:
    path = write(folder, HUB)
    assert run(here, folder, Lines()) is ExitStatus.OK
    here.system.connection = THROUGH
    return path


def port(here: MachineInMemory) -> int:
    engine = here.engines.state("wg0")
    assert engine is not None
    return engine.listen_port


def test_who_may_cut_themselves_off_has_to_confirm(
    file: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    file.write_text(OTHER_PORT)
    write(folder, OTHER.replace("10.0.0.9", "10.9.0.9"), "wg1")
    assert netstart(folder, [], GUARDED, here.machine, lines) is ExitStatus.OK
    (said,) = lines.warnings
    start = "wg0: this may cut your SSH connection from 10.0.0.2: it will go back in 5 minutes"
    assert said.startswith(start)
    assert lines.said == [
        "wg0: goes back in 5 minutes, unless you confirm: netstart-wg confirm wg0"
    ]
    assert port(here) == 51999
    let_the_time_pass(here)
    assert port(here) == 51820
    assert "wg1" in here.links.states, "it was none of their concern"


@pytest.mark.parametrize(
    ("text", "connection", "options"),
    [
        (RENAMED, THROUGH, GUARDED),
        (OTHER_PORT, ELSEWHERE, GUARDED),
        (OTHER_PORT, None, GUARDED),
        (OTHER_PORT, THROUGH, Options()),
    ],
    ids=["a mild change", "another way", "nobody there", "--no-confirm"],
)
def test_nobody_else_has_to(
    file: Path,
    here: MachineInMemory,
    folder: Path,
    lines: Lines,
    text: str,
    connection: Connection | None,
    options: Options,
) -> None:
    here.system.connection = connection
    file.write_text(text)
    assert netstart(folder, [], options, here.machine, lines) is ExitStatus.OK
    assert here.system.keepers == {}
    assert lines.warnings == lines.said == []


def test_a_new_interface_that_would_draw_the_connection_in_has_to_be_confirmed(
    file: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    here.system.connection = ELSEWHERE
    write(folder, OTHER + "inet alias 198.51.100.1/24\n", "wg1")
    assert netstart(folder, [], GUARDED, here.machine, lines) is ExitStatus.OK
    let_the_time_pass(here)
    assert "wg1" not in here.links.states


def test_what_is_held_stays_held(
    file: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    file.write_text(OTHER_PORT)
    netstart(folder, [], GUARDED, here.machine, Lines())
    let_the_time_pass(here)
    assert netstart(folder, [], GUARDED, here.machine, lines) is ExitStatus.WARNINGS
    assert port(here) == 51820
    assert here.system.keepers == {}


def test_a_rollback_is_no_safer(
    file: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    file.write_text(OTHER_PORT)
    assert run(here, folder, Lines()) is ExitStatus.OK
    Rollback(folder, [], None, here.machine, lines).carry_out(GUARDED)
    assert port(here) == 51820
    let_the_time_pass(here)
    assert port(here) == 51999
