"""Refusals, as a run says them."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.errors import ExitStatus
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.guard import Guard
from netstart_wg.model.keys import PrivateKey
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_netstart import HUB, look, run, write

OTHER = PrivateKey(bytes([9] * 32)).to_base64()


@pytest.fixture
def with_hub(here: MachineInMemory, folder: Path) -> Path:
    path = write(folder, HUB)
    assert run(here, folder, Lines()) is ExitStatus.OK
    here.journal.writes.clear()
    return path


def test_a_refused_file_touches_nothing(
    with_hub: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    with_hub.write_text(f"wgkey {OTHER} wgport 51820\ninet 10.0.0.1/24\n")
    assert run(here, folder, lines) is ExitStatus.FAILED
    assert here.journal.writes == []
    (said,) = lines.warnings
    place = f"{with_hub}:1:1: refused: wg0 would get another key"
    assert said.startswith(place)
    assert f"\n    wgkey {'*' * len(OTHER)} wgport 51820\n    ^^^^" in said
    assert said.endswith("hint: `netstart-wg --allow key wg0` does it, if it is meant")
    assert OTHER not in said


def test_what_is_allowed_is_done(
    with_hub: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    with_hub.write_text(f"wgkey {OTHER} wgport 51820\ninet 10.0.0.1/24\n")
    assert run(here, folder, lines, allowed=frozenset({Guard.KEY})) is ExitStatus.OK
    engine = here.engines.state("wg0")
    assert engine is not None
    assert engine.private_key is not None
    assert engine.private_key.to_base64() == OTHER


def test_allowing_something_else_allows_nothing(
    with_hub: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    with_hub.write_text(f"wgkey {OTHER} wgport 51820\n")
    others = frozenset(Guard) - {Guard.KEY}
    assert run(here, folder, lines, allowed=others) is ExitStatus.FAILED


def test_a_preview_says_what_would_be_refused(
    with_hub: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    with_hub.write_text(f"wgkey {OTHER} wgport 51820\n")
    assert look(here, folder, lines) is ExitStatus.DIFFERENT
    assert any("--allow key wg0" in warning for warning in lines.warnings)


def test_a_strangers_interface_is_left_alone(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB)
    here.links.add("wg0")
    assert run(here, folder, lines) is ExitStatus.FAILED
    assert "--allow takeover" in lines.warnings[0]
    assert here.journal.writes == []


def test_a_strangers_interface_is_displaced_if_allowed(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB)
    here.links.add("wg0")
    here.engines.foreign.add("wg0")
    assert run(here, folder, lines, allowed=frozenset({Guard.TAKEOVER})) is ExitStatus.OK
    assert here.journal.writes[:2] == ["displace", "create"]
    assert here.engines.state("wg0") is not None
    here.journal.writes.clear()
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert here.journal.writes == []


def test_a_stranger_that_is_gone_for_nothing_is_told(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB)
    here.links.add("wg0")
    here.journal.fault = "create"
    allowed = frozenset({Guard.TAKEOVER})
    assert run(here, folder, lines, allowed=allowed) is ExitStatus.NOT_RESTORED
    assert "wg0: the interface that was not ours is gone" in lines.warnings


def test_a_key_that_somebody_has_changed_is_given_back_without_asking(
    with_hub: Path, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    here.engines.configure("wg0", DeviceChange(private_key=PrivateKey.from_base64(OTHER)))
    assert run(here, folder, lines) is ExitStatus.OK
    engine = here.engines.state("wg0")
    assert engine is not None
    assert engine.private_key is not None
    assert engine.private_key.to_base64() in with_hub.read_text()
