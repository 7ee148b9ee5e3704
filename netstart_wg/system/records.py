"""The files that remember what was last applied; the text in them is not our business here.

A record is replaced whole or not at all.  One that cannot be read is as good
as none: it only ever makes the next run more careful.
"""

from __future__ import annotations

import os

from netstart_wg.system.paths import RUN_DIRECTORY, make_run_directory, record_path
from netstart_wg.system.refusal import refusal

SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes; a bigger file is no record of ours."""


def read_record(interface: str) -> str | None:
    """Return the text last written for the interface, or None if there is none to be had."""
    try:
        with record_path(interface).open("rb") as file:
            octets = file.read(SIZE_LIMIT + 1)
        return octets.decode("utf-8") if len(octets) <= SIZE_LIMIT else None
    except (OSError, UnicodeDecodeError):
        return None


def write_record(interface: str, text: str) -> None:
    """Replace the interface's record by `text`; raise BackendError, the old one then stays."""
    path = record_path(interface)
    draft = RUN_DIRECTORY / f".{path.name}.{os.getpid()}"
    try:
        make_run_directory()
        try:
            draft.touch(mode=0o600)
            draft.write_text(text, encoding="utf-8")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise refusal("write the record", interface, error, path) from error


def remove_record(interface: str) -> None:
    """Forget what was applied to an interface that is no more."""
    path = record_path(interface)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise refusal("remove the record", interface, error, path) from error
