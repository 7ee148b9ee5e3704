"""Rdomains that netstart-wg.toml gives a place, on a machine in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.app.fixpoint import is_at_fixpoint
from netstart_wg.app.ifconfig import change_interface
from netstart_wg.app.netstart import netstart, preview
from netstart_wg.app.options import Options
from netstart_wg.app.rdomains import places_needed
from netstart_wg.errors import ExitStatus
from netstart_wg.model.config import Command, InterfaceConfig, WireGuardConfig
from netstart_wg.model.settings import InterfaceSettings, RdomainKind, RdomainPlace
from netstart_wg.system.hostname_files import HostnamePath
from tests.app.machine_in_memory import Lines, MachineInMemory

BLUE = RdomainPlace(kind=RdomainKind.NAMESPACE, name="blue")
RED = RdomainPlace(kind=RdomainKind.NAMESPACE, name="red")
MAP = '[rdomain]\n4 = { namespace = "blue" }\n5 = { namespace = "red" }\n'


@pytest.fixture
def file(folder: Path) -> HostnamePath:
    (folder / "netstart-wg.toml").write_text(MAP)
    return write(folder, "rdomain 4\ninet 10.0.0.1/24\n")


def write(folder: Path, text: str) -> HostnamePath:
    path = folder / "hostname.wg0"
    path.write_text(text)
    path.chmod(0o600)
    return HostnamePath("wg0", path)


def run(here: MachineInMemory, folder: Path, lines: Lines) -> ExitStatus:
    return netstart(folder, (), Options(), here.machine, lines)


@pytest.mark.parametrize(
    "config",
    [
        InterfaceConfig(name="wg0", rdomain=4),
        InterfaceConfig(name="wg0", wireguard=WireGuardConfig(wgrtable=4)),
        InterfaceConfig(name="wg0", commands=(Command("true", 4),)),
    ],
)
def test_an_rdomain_is_needed_wherever_a_file_names_it(config: InterfaceConfig) -> None:
    settings = InterfaceSettings(rdomains={4: BLUE, 5: RED})
    assert places_needed(config, settings) == {4: BLUE}


def test_an_interface_that_is_destroyed_needs_none() -> None:
    settings = InterfaceSettings(rdomains={4: BLUE})
    assert places_needed(InterfaceConfig(name="wg0", exists=False, rdomain=4), settings) == {}


def test_a_place_that_is_missing_stops_its_interface_before_anything_is_touched(
    here: MachineInMemory, folder: Path, file: HostnamePath, lines: Lines
) -> None:
    (folder / "hostname.wg1").write_text("inet 10.1.0.1/24\n")
    assert preview(folder, (), Options(), here.machine, lines) is ExitStatus.FAILED
    assert here.journal.writes == []
    told = Lines()
    assert run(here, folder, told) is ExitStatus.FAILED
    assert told.warnings == ['rdomain 4: use: there is no namespace "blue"']
    assert here.system.rdomains() == ()
    assert here.links.states.keys() == {"wg1"}


def test_the_interface_is_there_and_at_its_fixpoint_until_the_namespace_is_another(
    here: MachineInMemory, folder: Path, file: HostnamePath, lines: Lines
) -> None:
    here.system.namespaces.add("blue")
    assert run(here, folder, lines) is ExitStatus.OK
    assert here.system.named == {4: "blue"}
    assert here.links.states["wg0"].rdomain == 4
    assert is_at_fixpoint(file, here.machine)
    here.system.namespaces.clear()
    assert not is_at_fixpoint(file, here.machine)
    assert run(here, folder, Lines()) is ExitStatus.FAILED


def test_ifconfig_knows_the_places_too(
    here: MachineInMemory, folder: Path, file: HostnamePath, lines: Lines
) -> None:
    words = ["create", "rdomain", "5"]
    assert change_interface(folder, "wg0", words, here.machine, lines) is ExitStatus.FAILED
    assert lines.warnings == ['ifconfig: rdomain 5: use: there is no namespace "red"']
    assert here.journal.writes == []
    here.system.namespaces.add("red")
    assert change_interface(folder, "wg0", words, here.machine, Lines()) is ExitStatus.OK
    assert here.system.named == {5: "red"}


def test_ifconfig_says_where_the_settings_are_wrong(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    path = folder / "netstart-wg.toml"
    path.write_text("engine = 1\n")
    assert change_interface(folder, "wg0", ["create"], here.machine, lines) is ExitStatus.FAILED
    assert lines.warnings[0].startswith(f"ifconfig: {path}:1:10: engine is a number\n")


# ---- those that nobody needs any more ----


def test_an_rdomain_of_ours_goes_with_the_last_interface_or_sockets_in_it(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, "rdomain 1\nwgrtable 2\ninet 10.0.0.1/24\n")
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert here.system.rdomains() == (1, 2)
    write(folder, "rdomain 2\nwgrtable 1\ninet 10.0.0.1/24\n")
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert here.system.rdomains() == (1, 2), "each is needed for something else now"
    write(folder, "rdomain 3\ninet 10.0.0.1/24\n")
    assert run(here, folder, lines) is ExitStatus.OK
    assert here.system.rdomains() == (3,)
    assert "wg0: nobody is left in rdomain 1: removed" in lines.steps
    assert change_interface(folder, "wg0", ["destroy"], here.machine, Lines()) is ExitStatus.OK
    assert here.system.rdomains() == ()


def test_an_rdomain_stays_while_another_engine_has_its_sockets_there(
    here: MachineInMemory, folder: Path
) -> None:
    for name in ("wg0", "wg1"):
        write(folder, "wgrtable 2\ninet 10.0.0.1/24\n").path.rename(folder / f"hostname.{name}")
        assert run(here, folder, Lines()) is ExitStatus.OK
    here.system.sockets.add("wg9")
    here.engines.foreign.add("wg9")
    for name, left in (("wg0", (2,)), ("wg1", ())):
        assert change_interface(folder, name, ["wgrtable", "0"], here.machine, Lines()) == 0
        assert here.system.rdomains() == left


def test_what_somebody_else_has_made_stays(here: MachineInMemory, folder: Path) -> None:
    here.links.rdomains.add(5)
    write(folder, "rdomain 5\ninet 10.0.0.1/24\n")
    run(here, folder, Lines())
    write(folder, "inet 10.0.0.1/24\n")
    run(here, folder, Lines())
    assert here.links.states["wg0"].rdomain == 0
    assert here.system.rdomains() == (5,)


def test_a_run_that_fails_leaves_no_rdomain_that_it_made(
    here: MachineInMemory, folder: Path
) -> None:
    write(folder, "inet 10.0.0.1/24\n")
    run(here, folder, Lines())
    write(folder, "rdomain 6\nwgrtable 7\ninet 10.0.0.1/24\n")
    here.journal.fault = "bring up"
    assert run(here, folder, Lines()) in (ExitStatus.FAILED, ExitStatus.NOT_RESTORED)
    assert 7 not in here.system.rdomains()
    here.journal.fault = "configure"
    assert run(here, folder, Lines()) is not ExitStatus.OK
