"""Private keys in files of their own, on a machine in memory; the files are real."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from netstart_wg.app.fixpoint import is_at_fixpoint
from netstart_wg.app.netstart import netstart, preview
from netstart_wg.app.options import Options
from netstart_wg.errors import ExitStatus
from netstart_wg.model.guard import Guard
from netstart_wg.model.keys import PrivateKey
from netstart_wg.system.hostname_files import HostnamePath
from tests.app.machine_in_memory import Lines, MachineInMemory

KEY = PrivateKey(bytes(range(32)))
OTHER = PrivateKey(bytes(range(1, 33)))
BARE = "wgport 51820\n!first\ninet 10.0.0.1/24\n!second\nmtu 1400\n"


class Folder:
    """A hostname file without a key, the key, and the settings that lead to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key = path / "wg0.key"
        self.settings = path / "netstart-wg.toml"
        self.hostname = HostnamePath("wg0", path / "hostname.wg0")
        self.write_key(KEY.to_base64() + "\n")
        self.settings.write_text(f'[interface.wg0]\nkey_file = "{self.key}"\n')
        self.write_hostname(BARE)

    def write_key(self, text: str) -> None:
        self.key.write_text(text)
        self.key.chmod(0o600)

    def write_hostname(self, text: str) -> None:
        self.hostname.path.write_text(text)
        self.hostname.path.chmod(0o600)


@pytest.fixture
def files(folder: Path) -> Folder:
    return Folder(folder)


def run(
    here: MachineInMemory, files: Folder, lines: Lines, *allowed: Guard, is_preview: bool = False
) -> ExitStatus:
    work = preview if is_preview else netstart
    return work(files.path, (), Options(allowed=frozenset(allowed)), here.machine, lines)


def key_of(here: MachineInMemory) -> PrivateKey | None:
    engine = here.engines.state("wg0")
    return engine.private_key if engine else None


def refused(here: MachineInMemory, files: Folder, lines: Lines) -> str:
    """Return why nothing was done."""
    assert run(here, files, lines) is ExitStatus.CONFIG
    assert here.journal.writes == []
    (message,) = lines.warnings
    return message


def test_an_interface_has_the_key_of_its_file_before_its_first_command(
    here: MachineInMemory, files: Folder, lines: Lines
) -> None:
    assert run(here, files, lines) is ExitStatus.OK
    assert key_of(here) == KEY
    writes = here.journal.writes
    assert writes.index("configure") < writes.index("run first") < writes.index("run second")
    assert [write for write in writes if write == "configure"] == ["configure"]
    assert is_at_fixpoint(files.hostname, here.machine)
    assert KEY.to_base64() not in "".join([*vars(lines).__repr__(), *here.system.records.values()])


def test_a_systemd_credential_is_the_same(
    here: MachineInMemory, files: Folder, lines: Lines
) -> None:
    files.settings.write_text('[interface.wg0]\ncredential = "wg0.key"\n')
    assert refused(here, files, lines).splitlines()[0] == (
        f'{files.settings}:2:1: no credential "wg0.key": there is no $CREDENTIALS_DIRECTORY'
    )
    here.system.credentials = files.path
    assert run(here, files, Lines()) is ExitStatus.OK
    assert key_of(here) == KEY
    assert is_at_fixpoint(files.hostname, here.machine)


def test_another_key_in_the_file_is_noticed(
    here: MachineInMemory, files: Folder, lines: Lines
) -> None:
    run(here, files, lines)
    files.write_key(OTHER.to_base64() + "\n")
    assert not is_at_fixpoint(files.hostname, here.machine)
    assert run(here, files, Lines()) is ExitStatus.FAILED, "it takes --allow key"
    assert run(here, files, Lines(), Guard.KEY) is ExitStatus.OK
    assert key_of(here) == OTHER
    files.key.unlink()
    assert not is_at_fixpoint(files.hostname, here.machine)


def test_a_file_that_others_may_read_is_refused_until_that_is_allowed(
    here: MachineInMemory, files: Folder, lines: Lines
) -> None:
    run(here, files, lines)
    here.system.insecure_files.add(files.key)
    assert not is_at_fixpoint(files.hostname, here.machine)
    for is_preview in (False, True):
        told = Lines()
        assert run(here, files, told, is_preview=is_preview) is ExitStatus.FAILED
        (message,) = told.warnings
        assert "may be read by others" in message
        assert "--allow readable-secret" in message
    assert run(here, files, Lines(), Guard.READABLE) is ExitStatus.OK
    assert not is_at_fixpoint(files.hostname, here.machine), "each run has to be allowed to"


def test_a_key_in_both_files_is_an_error_with_both_places(
    here: MachineInMemory, files: Folder, lines: Lines
) -> None:
    for line in (f"wgkey {OTHER.to_base64()}", f"!ifconfig $if wgkey {OTHER.to_base64()}"):
        files.write_hostname(f"up\n{line}\n")
        told = Lines()
        message = refused(here, files, told)
        assert message.startswith(f"{files.hostname.path}:2:{line.index('wgkey') + 1}: wgkey, and")
        assert f"another private key at {files.settings}:2:1" in message
        assert OTHER.to_base64() not in message


BROKEN = {
    "empty": ("", "the file is empty"),
    "blank": (" \n", "the file is empty"),
    "cut off": (KEY.to_base64()[:20], "44 base64 characters, not 20"),
    "two keys": (f"{KEY.to_base64()}\n{KEY.to_base64()}\n", "not a private key in base64"),
    "hexadecimal": (KEY.to_hex(), "44 base64 characters, not 64"),
    "no base64": ("\u00e9" * 44, "not a private key in base64"),
    "zeros": ("A" * 43 + "=", "a key of zeros is none"),
    "too much": ("A" * 5000, "larger than 4096 bytes"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_file_without_a_key_is_an_error_that_does_not_say_what_is_there(
    text: str, message: str, here: MachineInMemory, files: Folder, lines: Lines
) -> None:
    files.write_key(text)
    said = refused(here, files, lines)
    assert said.startswith(f"{files.key}: ")
    assert message in said
    assert not text.strip() or text.strip()[:10] not in said


def test_a_file_that_cannot_be_read_is_an_error_with_the_place_that_names_it(
    here: MachineInMemory, files: Folder, lines: Lines
) -> None:
    files.key.unlink()
    assert refused(here, files, lines).splitlines() == [
        f"{files.key}: no such file",
        f"    hint: it is to have the private key, says {files.settings}:2:1",
    ]
    os.mkfifo(files.key)
    assert "not a regular file" in refused(here, files, Lines())


def test_one_key_that_is_missing_does_not_concern_other_interfaces(
    here: MachineInMemory, files: Folder, lines: Lines
) -> None:
    files.key.unlink()
    other = files.path / "hostname.wg1"
    other.write_text("inet 10.1.0.1/24\n")
    assert run(here, files, lines) is ExitStatus.CONFIG
    assert here.system.links().observe("wg1") is not None
    assert here.system.links().observe("wg0") is None


def test_an_interface_that_is_destroyed_needs_no_key(
    here: MachineInMemory, files: Folder, lines: Lines
) -> None:
    run(here, files, lines)
    files.key.unlink()
    files.write_hostname("destroy\n")
    assert run(here, files, Lines()) is ExitStatus.OK
    assert key_of(here) is None
