"""netstart-wg.toml as a run finds it, on a machine in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.app.netstart import netstart, preview
from netstart_wg.app.options import Options
from netstart_wg.app.permissions import point_out_permissions, repair_permissions
from netstart_wg.app.settings import read_settings
from netstart_wg.errors import ConfigError, ExitStatus
from netstart_wg.model.settings import ForeignPolicy, Settings
from tests.app.machine_in_memory import Lines, MachineInMemory


def write(folder: Path, text: str) -> Path:
    path = folder / "netstart-wg.toml"
    path.write_text(text)
    return path


def test_without_a_file_nothing_is_asked_for(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    reading = read_settings(folder, repair_permissions, here.machine, lines)
    assert reading.settings == Settings()
    assert lines.warnings == []


def test_what_the_file_says_is_read(here: MachineInMemory, folder: Path, lines: Lines) -> None:
    write(folder, '[interface.wg0]\nforeign = "keep"\n')
    reading = read_settings(folder, repair_permissions, here.machine, lines)
    assert reading.settings.of("wg0").foreign is ForeignPolicy.KEEP
    assert reading.settings.of("wg1").foreign is ForeignPolicy.REMOVE


def test_a_broken_one_stops_everything_before_anything_is_touched(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    hostname = folder / "hostname.wg0"
    hostname.write_text("up\n")
    here.system.insecure_files.add(hostname)
    path = write(folder, "engine = kernel\n")
    for work in (netstart, preview):
        with pytest.raises(ConfigError, match=f"{path}:1:10: this is not TOML") as raised:
            work(folder, (), Options(), here.machine, lines)
        assert raised.value.exit_status is ExitStatus.CONFIG
    assert here.journal.writes == []


def test_a_link_to_nowhere_is_a_mistake(here: MachineInMemory, folder: Path, lines: Lines) -> None:
    (folder / "netstart-wg.toml").symlink_to("nowhere")
    with pytest.raises(ConfigError, match="no such file"):
        read_settings(folder, repair_permissions, here.machine, lines)


def test_one_that_others_may_write_is_repaired_with_a_warning_and_used(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    path = write(folder, 'foreign = "keep"\n')
    here.system.insecure_files.add(path)
    read_settings(folder, repair_permissions, here.machine, lines)
    assert lines.warnings == [], "reading it is no secret"
    here.system.writable_files.add(path)
    read_settings(folder, point_out_permissions, here.machine, lines)
    assert lines.warnings == [f"WARNING: {path} is insecure, permissions would be fixed."]
    assert here.journal.writes == []
    read_settings(folder, repair_permissions, here.machine, lines)
    assert lines.warnings[1:] == [f"WARNING: {path} is insecure, fixing permissions."]
    assert here.journal.writes == [f"fix permissions {path}"]
