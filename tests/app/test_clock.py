"""A clock that is wrong at boot is told of, once, when interfaces are made."""

from __future__ import annotations

from pathlib import Path

from netstart_wg.app.clock import SLACK_NS
from netstart_wg.errors import ExitStatus
from tests.app.machine_in_memory import NOW_NS, Lines, MachineInMemory
from tests.app.test_netstart import HUB, run, write

DAY_NS = 86_400_000_000_000


def test_a_file_of_a_later_date_is_told_of_once(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    path = write(folder, HUB)
    here.system.written_ns[path] = NOW_NS + DAY_NS
    assert run(here, folder, lines) is ExitStatus.OK
    (warning,) = lines.warnings
    assert warning.startswith(
        f"netstart-wg: warning: the clock says 2023-11-14 22:13 UTC, but {path} was written"
        " 2023-11-15 22:13 UTC"
    )
    path.write_text(HUB.replace("wgpka 25", "wgpka 26"))
    run(here, folder, lines)
    assert len(lines.warnings) == 1


def test_a_clock_that_is_a_little_behind_is_not(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    path = write(folder, HUB)
    here.system.written_ns[path] = NOW_NS + SLACK_NS
    run(here, folder, lines)
    assert lines.warnings == []
