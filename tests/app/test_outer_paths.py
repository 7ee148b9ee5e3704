"""The MTU of an interface whose file names none, on a machine in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from netstart_wg.app.confirm import confirm
from netstart_wg.app.fixpoint import is_at_fixpoint
from netstart_wg.app.netstart import netstart
from netstart_wg.app.options import Options
from netstart_wg.app.rollback import Rollback
from netstart_wg.errors import ExitStatus
from netstart_wg.system.hostname_files import HostnamePath
from tests.app.machine_in_memory import Lines, MachineInMemory
from tests.app.test_netstart import HUB, look, run, write


def mtu(here: MachineInMemory) -> int:
    return here.links.states["wg0"].mtu


def test_it_fits_the_way_to_the_endpoints(here: MachineInMemory, folder: Path) -> None:
    here.links.path_mtus[(0, "192.0.2.1", 0)] = 1400
    write(folder, HUB)
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert mtu(here) == 1320


def test_it_is_the_way_from_where_the_sockets_are(here: MachineInMemory, folder: Path) -> None:
    here.links.path_mtus = {(0, "192.0.2.1", 0): 1300, (2, "192.0.2.1", 0): 1400}
    write(folder, HUB + "wgrtable 2\n")
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert mtu(here) == 1420, "there was no such rdomain yet"
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert mtu(here) == 1320


def test_an_unchanged_run_notices_a_way_that_is_another(
    here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    write(folder, HUB)
    file = HostnamePath("wg0", folder / "hostname.wg0")
    run(here, folder, Lines())
    assert is_at_fixpoint(file, here.machine)
    here.links.path_mtus[(0, "192.0.2.1", 0)] = 1492
    assert not is_at_fixpoint(file, here.machine)
    assert look(here, folder, lines) is ExitStatus.DIFFERENT
    assert lines.said == ["wg0: - mtu 1420", "wg0: + mtu 1412"]
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert mtu(here) == 1412
    assert is_at_fixpoint(file, here.machine)
    here.links.path_mtus[(0, "192.0.2.1", 0)] = 9000
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert mtu(here) == 1420


def test_one_that_the_file_names_stays_whatever_the_way(
    here: MachineInMemory, folder: Path
) -> None:
    here.links.path_mtus[(0, "192.0.2.1", 0)] = 1400
    write(folder, HUB + "mtu 1500\n")
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert mtu(here) == 1500


def test_a_name_counts_once_it_has_an_address(here: MachineInMemory, folder: Path) -> None:
    here.links.path_mtus[(0, "192.0.2.1", 0)] = 1400
    write(folder, HUB.replace("192.0.2.1", "vpn.example.net"))
    assert run(here, folder, Lines()) is ExitStatus.WARNINGS
    assert mtu(here) == 1420
    here.system.hosts["vpn.example.net"] = "192.0.2.1"
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert mtu(here) == 1320
    here.system.fixpoints.clear()
    here.journal.writes.clear()
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert here.journal.writes == [], "nobody looked it up again"


@pytest.mark.parametrize("window_ns", [None, 300_000_000_000])
def test_a_trial_and_a_rollback_work_it_out_too(
    here: MachineInMemory, folder: Path, window_ns: int | None
) -> None:
    here.links.path_mtus[(0, "192.0.2.1", 0)] = 1400
    for text, expected in ((HUB, 1320), (HUB + "mtu 1300\n", 1300)):
        write(folder, text)
        options = Options(window_ns=window_ns)
        assert netstart(folder, (), options, here.machine, Lines()) is ExitStatus.OK
        assert mtu(here) == expected
        if window_ns is not None:
            assert confirm((), here.machine, Lines()) is ExitStatus.OK
    Rollback(folder, ["wg0"], None, here.machine, Lines()).carry_out(Options())
    assert mtu(here) == 1320
