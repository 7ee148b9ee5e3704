"""What runs, held against the files: told in text and as an object, and nothing is done."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from netstart_wg.app.netstart import check_live, netstart, preview
from netstart_wg.app.options import Options
from netstart_wg.app.report import Work, print_report
from netstart_wg.errors import ExitStatus
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.report import Mode
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_netstart import HUB, run, write


@pytest.fixture
def running(here: MachineInMemory, folder: Path) -> Path:
    path = write(folder, HUB)
    assert run(here, folder, Lines()) is ExitStatus.OK
    here.journal.writes.clear()
    return path


def check(here: MachineInMemory, folder: Path, lines: Lines) -> ExitStatus:
    return check_live(folder, (), here.machine, lines)


def told(here: MachineInMemory, mode: Mode, folder: Path) -> Any:
    """Do what the mode is for, and return the object, which is as the schema says."""
    lines = Lines()
    works: dict[Mode, Work] = {
        Mode.CHECK: lambda output, report: check_live(folder, (), here.machine, output, report),
        Mode.PREVIEW: lambda output, report: preview(
            folder, (), Options(), here.machine, output, report
        ),
        Mode.RUN: lambda output, report: netstart(
            folder, (), Options(), here.machine, output, report
        ),
    }
    status = print_report(mode, works[mode], lines)
    (text,) = lines.said
    document = json.loads(text)
    schema = json.loads((files("netstart_wg.render") / "plan.schema.json").read_text())
    jsonschema.validate(document, schema)
    assert document["exit_status"] == status
    assert document["mode"] == mode.value
    assert document["messages"] == lines.warnings
    assert (lines.steps, lines.summaries) == ([], [])
    return document


def outcomes(document: Any) -> dict[str, str]:
    return {each["name"]: each["outcome"] for each in document["interfaces"]}


def test_in_sync_nothing_is_said_and_nothing_done(
    running: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    assert check(here, folder, lines) is ExitStatus.OK
    assert (lines.said, lines.warnings, here.journal.writes) == ([], [], [])
    assert outcomes(told(here, Mode.CHECK, folder)) == {"wg0": "in sync"}
    assert outcomes(told(here, Mode.RUN, folder)) == {"wg0": "in sync"}
    assert here.journal.writes == []


def test_what_somebody_has_done_is_drift_and_stays(
    running: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    here.engines.configure("wg0", DeviceChange(listen_port=7))
    here.journal.writes.clear()
    assert check(here, folder, lines) is ExitStatus.DIFFERENT
    assert lines.said == ["wg0: drift: wgport 7 instead of wgport 51820 (line 1)"]
    assert here.journal.writes == []


def test_what_the_file_says_anew_is_pending(
    running: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    running.write_text(running.read_text() + "description office\n")
    assert check(here, folder, lines) is ExitStatus.DIFFERENT
    (line,) = lines.said
    assert line.startswith("wg0: pending: missing: description office (line ")


def test_what_was_done_is_told_with_how_it_ended(
    running: Path, here: MachineInMemory, folder: Path
) -> None:
    running.write_text(running.read_text() + "description office\n")
    looked, done = told(here, Mode.PREVIEW, folder), told(here, Mode.RUN, folder)
    assert (outcomes(looked), outcomes(done)) == ({"wg0": "different"}, {"wg0": "changed"})
    differences = [each["interfaces"][0]["differences"] for each in (looked, done)]
    assert differences[0] == differences[1]
    assert [each["what"] for each in differences[0]] == ["description"]


def test_what_was_refused_by_the_system_has_failed_and_is_as_it_was(
    running: Path, here: MachineInMemory, folder: Path
) -> None:
    running.write_text(running.read_text() + "mtu 1300\n")
    here.journal.fault = "set mtu"
    document = told(here, Mode.RUN, folder)
    assert outcomes(document) == {"wg0": "failed"}
    assert document["exit_status"] == ExitStatus.FAILED
    assert document["messages"]


def test_what_was_refused_as_a_mistake_has_failed(
    running: Path, here: MachineInMemory, folder: Path
) -> None:
    running.write_text("inet 10.0.0.1/24\n")
    assert outcomes(told(here, Mode.RUN, folder)) == {"wg0": "failed"}


def test_a_wrong_file_does_not_keep_the_others_from_being_told_of(
    running: Path, here: MachineInMemory, folder: Path
) -> None:
    write(folder, "mtu many\n", "wg1")
    document = told(here, Mode.CHECK, folder)
    assert outcomes(document) == {"wg0": "in sync", "wg1": "failed"}
    assert document["exit_status"] == ExitStatus.CONFIG


def test_a_folder_that_is_not_there_is_told_of_in_an_object(
    here: MachineInMemory, folder: Path
) -> None:
    document = told(here, Mode.CHECK, folder / "none")
    assert document["interfaces"] == []
    assert document["exit_status"] == ExitStatus.CONFIG
