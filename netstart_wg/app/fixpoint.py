"""What a run remembers of having found nothing to do, so that the next one need not find it again.

A plan is a function of the file and netstart-wg.toml, the record, what runs, and
the program that makes it; and when it is empty nothing but these has to be
compared.  A fixpoint is their digests.  While they are the same the files are not
parsed and the engine's peers are not read, whatever their number.  It claims
nothing of what is there now, so one that is out of date is merely of no use:
whatever differs, a run looks at everything.

What a plan depends on besides has no fixpoint: names of hosts that have yet to
be looked up, names of services, routes that two files declare in different ways.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from netstart_wg.app.observe import observe_link, with_routing
from netstart_wg.app.outer_paths import OuterPath
from netstart_wg.app.system import Machine
from netstart_wg.errors import NetstartError
from netstart_wg.model.state import InterfaceState
from netstart_wg.system.hostname_files import HostnamePath
from netstart_wg.system.notes import Note
from netstart_wg.system.paths import SETTINGS_NAME
from netstart_wg.system.program import program_identity

if TYPE_CHECKING:
    from netstart_wg.app.prepare import Situation

_IFF_UP_AND_DEBUG = 0x1 | 0x4
"""netdevice(7): the flags that plans are about; others come and go."""


_KEY = "key "
_PLACE = "rdomain "
"""What the further lines of a fixpoint begin with."""

NO_FILE = "-"
"""In place of the digest of a file that does not exist."""


def is_at_fixpoint(file: HostnamePath, machine: Machine) -> bool:
    """Say whether all is as when there was last nothing to do; when in doubt, no."""
    name = file.interface
    try:
        known = machine.system.read_fixpoint(name)
        if known is None or machine.system.is_insecure(file.path):
            return False
        has_names = machine.system.read_note(name, Note.NAMES) is not None
        if has_names and not machine.system.is_watching_names():
            return False
        first, *further = known.split("\n")
        given, found, *places = first.split()
        paths = [OuterPath.decode(name, place) for place in places if "|" in place]
        rdomains = [int(place) for place in places if "|" not in place]
        texts = digest_of_texts(
            _digest_of_file(file.path),
            _digest_of_settings(file, machine),
            _digest_of_key(further, machine),
        )
        if given != _digest_of_given(name, texts, machine) or not _are_places(further, machine):
            return False
        is_as_wide = all(path.look(machine) == path for path in paths)
        return is_as_wide and found == _look(name, rdomains, machine)
    except (NetstartError, OSError, ValueError):
        return False


def remember_fixpoint(situation: Situation, machine: Machine) -> None:
    """Remember a situation whose plan is empty, and whose record is written.

    What cannot be remembered only takes longer the next time.
    """
    from netstart_wg.app.rdomains import places_needed

    running = situation.running
    if situation.file_digest is None or running is None:
        return
    found = _digest_of_running(running)
    if found is None:
        return
    name = running.name
    given = _digest_of_given(name, situation.file_digest, machine)
    paths = (path.encode() for path in situation.outer_paths)
    text = " ".join([given, found, *map(str, sorted(situation.rdomains)), *paths])
    if situation.key_path is not None:
        text += f"\n{_KEY}{situation.key_path}"
    for rdomain, place in places_needed(situation.desired, situation.settings).items():
        text += f"\n{_PLACE}{rdomain} {place.name}"
    with suppress(NetstartError):
        if text != machine.system.read_fixpoint(name):
            machine.system.write_fixpoint(name, text)


def digest_of_text(text: str) -> str:
    """Return the digest of a file that says this."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of_texts(*digests: str) -> str:
    """Return the digest of several texts, given theirs."""
    return digest_of_text(" ".join(digests))


def _digest_of_settings(file: HostnamePath, machine: Machine) -> str:
    """Return the digest of netstart-wg.toml; raise OSError, ValueError if it is to be looked at."""
    path = file.path.with_name(SETTINGS_NAME)
    try:
        if machine.system.is_insecure(path, may_be_read=True):
            raise ValueError("others may change it")
        return _digest_of_file(path)
    except FileNotFoundError:
        return NO_FILE


def _digest_of_key(lines: Sequence[str], machine: Machine) -> str:
    """Return the digest of the file with the key; raise OSError, ValueError if others may read it.

    Which one that is netstart-wg.toml says, and a line of the fixpoint.
    """
    paths = [Path(line.removeprefix(_KEY)) for line in lines if line.startswith(_KEY)]
    if not paths:
        return NO_FILE
    if machine.system.is_insecure(paths[0]):
        raise ValueError("others may read it")
    return _digest_of_file(paths[0])


def _are_places(lines: Sequence[str], machine: Machine) -> bool:
    """Say whether each rdomain that a line gives a place is still there."""
    places = [line.removeprefix(_PLACE) for line in lines if line.startswith(_PLACE)]
    pairs = (place.partition(" ") for place in places)
    return all(machine.system.is_rdomain_called(int(number), name) for number, _, name in pairs)


def _digest_of_file(path: Path) -> str:
    """Return the digest of a regular file; raise OSError, ValueError for one of another kind."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("no regular file")
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of_given(interface: str, file_digest: str, machine: Machine) -> str:
    """Return the digest of what a plan comes from besides what runs."""
    record = machine.system.read_record(interface)
    return _digest_of((program_identity(), interface, file_digest, record))


def _look(interface: str, rdomains: Collection[int], machine: Machine) -> str | None:
    """Return the digest of what runs; None if there is no interface of ours."""
    engine = machine.backend.glance(interface)
    link = observe_link(interface, engine, machine)
    if engine is None or link is None:
        return None
    return _digest_of_running(with_routing(replace(link, wireguard=engine), rdomains, machine))


def _digest_of_running(running: InterfaceState) -> str | None:
    """Return the digest of what a plan can depend on; None if the engine gave none for itself."""
    fingerprint = running.wireguard.fingerprint if running.wireguard else None
    if fingerprint is None:
        return None
    link = replace(running, wireguard=None, flags=running.flags & _IFF_UP_AND_DEBUG)
    return _digest_of((fingerprint, link))


def _digest_of(values: tuple[object, ...]) -> str:
    return digest_of_text(repr(values))
