"""From folder and names to configurations: find the hostname files, see to them, read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from netstart_wg.app.fixpoint import NO_FILE, digest_of_text, digest_of_texts
from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.output import Output, for_each, worst
from netstart_wg.app.system import Machine
from netstart_wg.errors import ConfigError, ExitStatus, PermissionDeniedError
from netstart_wg.model.source import Diagnostic
from netstart_wg.system.hostname_files import (
    HostnamePath,
    find,
    name_files,
)

if TYPE_CHECKING:
    from netstart_wg.app.permissions import SecureFile
    from netstart_wg.app.settings import SettingsReading
    from netstart_wg.model.config import InterfaceConfig
    from netstart_wg.model.guard import Guard
    from netstart_wg.model.route import Route, RouteKey
    from netstart_wg.model.settings import InterfaceSettings
    from netstart_wg.model.source import Span, Subject
    from netstart_wg.syntax.source import SourceText
    from netstart_wg.syntax.statements import HostnameFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A good file: what it asks for, and what it says that its author may not have meant."""

    config: InterfaceConfig
    settings: InterfaceSettings
    warnings: tuple[Diagnostic, ...] = ()
    digest: str | None = None
    """Of the texts that say what it asks for, if nothing else had a say in it."""
    key_path: Path | None = None
    """The file with the private key, if it is in one of its own."""
    file: HostnameFile | None = field(default=None, compare=False, repr=False)
    """Its statements; None of what is no file's."""

    def places(self) -> Mapping[Subject, Span]:
        """Return where the file says what; worked out at each call."""
        if self.file is None:
            return {}
        from netstart_wg.syntax.places import places

        return places(self.file, self.config.name, derive_public_key)


def choose_files(
    folder: Path, interfaces: Sequence[str], machine: Machine
) -> tuple[HostnamePath, ...]:
    """Return the files of the interfaces named, or of every wgN if none is.

    Raise UsageError for a name that is none or comes twice; without root
    PermissionDeniedError, before anything is read: even a plan needs to know
    what runs, and only root may ask.  Raise ConfigError for a folder that
    cannot be read.
    """
    named = name_files(folder, interfaces)
    if not machine.system.is_root():
        raise PermissionDeniedError("netstart-wg: need root privileges")
    if named:
        return named
    try:
        return find(folder)
    except OSError as error:
        message = str(error.strerror).lower()
        raise ConfigError([Diagnostic(file=str(folder), span=None, message=message)]) from error


def read_files(
    files: Sequence[HostnamePath],
    settings: SettingsReading,
    allowed: frozenset[Guard],
    secure: SecureFile,
    machine: Machine,
    output: Output,
) -> tuple[tuple[Reading, ...], ExitStatus]:
    """Return what the good files ask for, and how it went; say what is wrong with the others."""
    readings: list[Reading] = []

    def read(file: HostnamePath) -> ExitStatus:
        secure(file.path, machine, output)
        readings.append(_read_file(file, settings, allowed, machine))
        return ExitStatus.OK

    status = for_each(files, read, output)
    settled, doubles = _settle_routes(readings, output)
    return settled, worst((status, doubles))


def _settle_routes(
    readings: Sequence[Reading], output: Output
) -> tuple[tuple[Reading, ...], ExitStatus]:
    """Leave a route that several files declare in different ways to the first of them.

    They would take it from each other at every run.
    """
    first: dict[RouteKey, tuple[str, Route]] = {}
    settled: list[Reading] = []
    status = ExitStatus.OK
    for reading in readings:
        name, kept = reading.config.name, []
        for route in reading.config.routes:
            owner, declared = first.setdefault(route.key, (name, route))
            if declared == route:
                kept.append(route)
                continue
            output.warn(
                f"{name}: warning: the route to {route.key.destination} is another one in the"
                f" file of {owner}: left out"
            )
            status = ExitStatus.WARNINGS
        config = replace(reading.config, routes=tuple(kept))
        is_whole = len(kept) == len(reading.config.routes)
        digest = reading.digest if is_whole else None
        settled.append(replace(reading, config=config, digest=digest))
    return tuple(settled), status


def _read_file(
    file: HostnamePath, settings: SettingsReading, allowed: frozenset[Guard], machine: Machine
) -> Reading:
    from netstart_wg.syntax.source import SourceText

    return read_source(SourceText.read(file.path), file.interface, settings, allowed, machine)


def read_source(
    source: SourceText,
    interface: str,
    settings: SettingsReading,
    allowed: frozenset[Guard],
    machine: Machine,
) -> Reading:
    """Return what a text asks for; raise ConfigError."""
    from netstart_wg.syntax.lower import lower
    from netstart_wg.syntax.parse import parse
    from netstart_wg.system.names import service_port

    services: list[str] = []

    def look_up(name: str) -> int | None:
        services.append(name)
        return service_port(name)

    statements = parse(source, interface, look_up)
    lowered = lower(statements, interface, derive_public_key)
    texts = digest_of_text(source.text()), settings.digest
    reading = Reading(
        config=lowered.config,
        settings=settings.settings.of(interface),
        warnings=lowered.warnings,
        digest=None if services else digest_of_texts(*texts, NO_FILE),
        file=statements,
    )
    if not reading.settings.names_key or not reading.config.exists:
        return reading

    from netstart_wg.app.private_key import read_private_key, with_private_key
    from netstart_wg.syntax.lower import refuse_key

    key = read_private_key(interface, settings, allowed, machine)
    refuse_key(statements, key.place)
    return replace(
        reading,
        config=with_private_key(reading.config, key.key),
        digest=None if services or key.digest is None else digest_of_texts(*texts, key.digest),
        key_path=key.path,
    )
