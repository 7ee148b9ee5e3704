"""What was applied to each interface: numbered texts in a folder of root's, the last few of them.

They outlive a reboot.  What is in them is not our business here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netstart_wg.errors import BackendError
from netstart_wg.system.paths import HISTORY_DIRECTORY
from netstart_wg.system.refusal import refusal

LIMIT = 10
"""So many texts are kept of each interface."""

_NUMBER_DIGITS = 9


class History:
    """Satisfies `netstart_wg.app.system.History`."""

    def __init__(self, folder: Path = HISTORY_DIRECTORY) -> None:
        """Take where it is kept."""
        self._folder = folder

    def interfaces(self) -> tuple[str, ...]:
        """Return those that have any, sorted."""
        try:
            return tuple(sorted(path.name for path in self._folder.iterdir()))
        except OSError:
            return ()

    def numbers(self, interface: str) -> tuple[int, ...]:
        """Return the numbers of an interface's texts, from the oldest to the newest."""
        try:
            names = [path.name for path in (self._folder / interface).iterdir()]
        except OSError:
            return ()
        return tuple(
            sorted(
                int(name)
                for name in names
                if name.isascii() and name.isdigit() and len(name) <= _NUMBER_DIGITS
            )
        )

    def read(self, interface: str, number: int) -> str | None:
        """Return a text, or None if there is none to be had."""
        try:
            return self._path(interface, number).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def write(self, interface: str, number: int, text: str) -> None:
        """Put a text there, whole or not at all, and remove the oldest; raise BackendError."""
        path = self._path(interface, number)
        with _refusals(interface, path):
            for folder in (self._folder.parent, self._folder, path.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            draft = path.with_name(f".{number}.{os.getpid()}")
            try:
                draft.touch(mode=0o600)
                with draft.open("w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
            for old in self.numbers(interface)[:-LIMIT]:
                self._path(interface, old).unlink(missing_ok=True)

    def _path(self, interface: str, number: int) -> Path:
        return self._folder / interface / str(number)


@contextmanager
def _refusals(interface: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raised: BackendError = refusal("write the history", interface, error, path)
        raise raised from error
