"""Small files about an interface in the run directory, besides its record.

They are gone after a reboot, hold no secrets, and are replaced whole or not at all.
"""

from __future__ import annotations

import enum
from pathlib import Path

from netstart_wg.system.paths import RUN_DIRECTORY
from netstart_wg.system.records import read_text, replace_text
from netstart_wg.system.refusal import refusal


class Note(enum.Enum):
    """What it is about; the value ends the file's name."""

    PENDING = "pending"
    """Its last change waits for a confirmation."""
    NAMES = "names"
    """Its peers whose endpoints are names."""
    HELD = "held"
    """Its file is not to be applied again as it is."""
    KERNEL = "kernel"
    """The kernel's WireGuard is behind it, and this is what it has no place for."""


def note_path(interface: str, note: Note) -> Path:
    """Return the file."""
    return RUN_DIRECTORY / f"{interface}.{note.value}"


def read_note(interface: str, note: Note) -> str | None:
    """Return what was noted, or None if there is nothing to be had."""
    return read_text(note_path(interface, note))


def write_note(interface: str, note: Note, text: str) -> None:
    """Note it, in place of what was noted; raise BackendError."""
    replace_text("write a note", interface, note_path(interface, note), text)


def remove_note(interface: str, note: Note) -> None:
    """Forget it; raise BackendError."""
    path = note_path(interface, note)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise refusal("remove a note", interface, error, path) from error


def noted_interfaces(note: Note) -> tuple[str, ...]:
    """Return the interfaces with such a note, sorted."""
    try:
        return tuple(sorted(path.stem for path in RUN_DIRECTORY.glob(f"[!.]*.{note.value}")))
    except OSError:
        return ()
