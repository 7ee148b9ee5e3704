"""The files that remember what was last applied; the text in them is not our business here.

A record is replaced whole or not at all.  One that cannot be read is as good
as none: it only ever makes the next run more careful.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from netstart_wg.system.paths import (
    RUN_DIRECTORY,
    fixpoint_path,
    make_run_directory,
    open_run_directory,
    record_path,
)
from netstart_wg.system.refusal import refusal

SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes; a bigger file is no record of ours."""


def read_record(interface: str) -> str | None:
    """Return the text last written for the interface, or None if there is none to be had."""
    return read_text(record_path(interface))


def write_record(interface: str, text: str) -> None:
    """Replace the interface's record by `text`; raise BackendError, the old one then stays."""
    replace_text("write the record", interface, record_path(interface), text)


def remove_record(interface: str) -> None:
    """Forget what was applied to an interface that is no more."""
    for path in (record_path(interface), fixpoint_path(interface)):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise refusal("remove the record", interface, error, path) from error


def read_fixpoint(interface: str) -> str | None:
    """Return what the interface was when there was nothing to do, or None."""
    return read_text(fixpoint_path(interface))


def write_fixpoint(interface: str, text: str) -> None:
    """Remember what the interface is when there is nothing to do; raise BackendError."""
    replace_text("write the fixpoint", interface, fixpoint_path(interface), text)


def read_text(path: Path) -> str | None:
    """Return what a file of the run directory says, or None if that cannot be had."""
    try:
        octets = _read(path)
        return octets.decode("utf-8") if len(octets) <= SIZE_LIMIT else None
    except (OSError, UnicodeDecodeError):
        return None


def _read(path: Path) -> bytes:
    """Return what a regular file says; follow no link, wait for no writer; raise OSError."""
    folder = open_run_directory()
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
        descriptor = os.open(path.name, flags, dir_fd=folder)
    finally:
        os.close(folder)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return file.read(SIZE_LIMIT + 1)


def replace_text(operation: str, interface: str, path: Path, text: str) -> None:
    """Put a text into a file of the run directory, whole; raise BackendError."""
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
        raise refusal(operation, interface, error, path) from error
