"""`foreign = "keep"`: what others have put on an interface stays, on a machine in memory."""

from __future__ import annotations

from ipaddress import ip_interface
from pathlib import Path

import pytest

from netstart_wg.app.fixpoint import is_at_fixpoint
from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.netstart import check_live, netstart, preview
from netstart_wg.app.options import Options
from netstart_wg.errors import ExitStatus
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.keys import PrivateKey
from netstart_wg.system.hostname_files import HostnamePath
from tests.app.machine_in_memory import Lines, MachineInMemory

OURS, OTHER, THEIRS = (derive_public_key(PrivateKey(bytes([n]) * 32)) for n in (1, 2, 3))
BOTH = (
    f"wgpeer {OURS.to_base64()}\nwgpeer {OTHER.to_base64()}\n"
    "inet 10.0.0.1/24\ninet alias 10.0.0.2/24\n"
)
ONE = f"wgpeer {OURS.to_base64()}\ninet 10.0.0.1/24\n"
THEIR_ADDRESS = ip_interface("10.9.0.1/24")


@pytest.fixture
def file(here: MachineInMemory, folder: Path) -> HostnamePath:
    """An interface of a file, with a peer and an address that somebody has added."""
    (folder / "netstart-wg.toml").write_text('[interface.wg0]\nforeign = "keep"\n')
    file = write(folder, BOTH)
    assert run(here, folder, Lines()) is ExitStatus.OK
    here.engines.configure("wg0", DeviceChange(peers=(PeerChange(public_key=THEIRS),)))
    here.system.links().add_address("wg0", THEIR_ADDRESS)
    here.journal.writes.clear()
    return file


def write(folder: Path, text: str) -> HostnamePath:
    path = folder / "hostname.wg0"
    path.write_text(text)
    path.chmod(0o600)
    return HostnamePath("wg0", path)


def run(here: MachineInMemory, folder: Path, lines: Lines) -> ExitStatus:
    return netstart(folder, (), Options(), here.machine, lines)


def present(here: MachineInMemory) -> tuple[set[object], set[str]]:
    engine, link = here.engines.state("wg0"), here.system.links().observe("wg0")
    assert engine is not None
    assert link is not None
    return {peer.public_key for peer in engine.peers}, {str(each) for each in link.addresses}


def test_a_run_without_anything_else_to_do_has_nothing_to_do(
    here: MachineInMemory, folder: Path, file: HostnamePath, lines: Lines
) -> None:
    assert preview(folder, (), Options(), here.machine, lines) is ExitStatus.OK
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert here.journal.writes == []
    assert is_at_fixpoint(file, here.machine)


def test_what_leaves_the_file_goes_and_what_is_foreign_stays(
    here: MachineInMemory, folder: Path, file: HostnamePath, lines: Lines
) -> None:
    write(folder, ONE)
    assert run(here, folder, lines) is ExitStatus.OK
    assert present(here) == ({OURS, THEIRS}, {"10.0.0.1/24", "10.9.0.1/24"})
    assert run(here, folder, Lines()) is ExitStatus.OK
    assert present(here) == ({OURS, THEIRS}, {"10.0.0.1/24", "10.9.0.1/24"}), "and never is ours"


def test_without_the_setting_it_goes(
    here: MachineInMemory, folder: Path, file: HostnamePath, lines: Lines
) -> None:
    (folder / "netstart-wg.toml").unlink()
    assert run(here, folder, lines) is ExitStatus.OK
    assert present(here) == ({OURS, OTHER}, {"10.0.0.1/24", "10.0.0.2/24"})


def test_a_file_of_commands_alone_leaves_the_engine_to_them(
    here: MachineInMemory, folder: Path, file: HostnamePath, lines: Lines
) -> None:
    before = present(here)[0]
    write(folder, "!wg setconf wg0 elsewhere\ninet 10.0.0.1/24\n")
    assert run(here, folder, lines) is ExitStatus.OK
    assert present(here)[0] == before


def test_what_is_foreign_is_told_of_and_is_no_difference(
    file: HostnamePath, here: MachineInMemory, folder: Path, lines: Lines
) -> None:
    assert preview(folder, (), Options(), here.machine, lines) is ExitStatus.OK
    assert lines.said == [
        f"wg0: = wgpeer {THEIRS.to_base64()}  # foreign",
        f"wg0: {f'= inet {THEIR_ADDRESS}':40}  # foreign",
    ]
    quiet = Lines()
    assert check_live(folder, (), here.machine, quiet) is ExitStatus.OK
    assert (quiet.said, quiet.warnings) == ([], [])
