"""netstart-wg.toml of the folder where the hostname files are: seen to, and read.

It is about all of them.  So if anything is wrong with it nothing else is done,
rather than something that it might have forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from netstart_wg.app.fixpoint import NO_FILE, digest_of_text
from netstart_wg.app.output import Output
from netstart_wg.app.permissions import SecureFile
from netstart_wg.app.system import Machine
from netstart_wg.model.settings import Settings
from netstart_wg.system.paths import SETTINGS_NAME

if TYPE_CHECKING:
    from netstart_wg.syntax.source import SourceText


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsReading:
    """What the file asks for; without one, nothing."""

    settings: Settings = field(default_factory=Settings)
    digest: str = NO_FILE
    """Of its text."""
    source: SourceText | None = None

    def place_of_key(self, interface: str) -> str:
        """Return the place that says where an interface's private key is; there is one."""
        from netstart_wg.settings.read import span_of_key

        if self.source is None:
            raise ValueError("there is no file")
        span = span_of_key(self.source, interface)
        return f"{self.source.name}:{span.line}:{span.column}"


def read_settings(
    folder: Path, secure: SecureFile, machine: Machine, output: Output
) -> SettingsReading:
    """Return what is asked for in a folder; raise ConfigError, PermissionDeniedError."""
    path = folder / SETTINGS_NAME
    if not path.exists() and not path.is_symlink():
        return SettingsReading()

    from netstart_wg.settings.read import read_settings as settings_of
    from netstart_wg.syntax.source import SourceText

    secure(path, machine, output, may_be_read=True)
    source = SourceText.read(path)
    digest = digest_of_text(source.text())
    return SettingsReading(settings=settings_of(source), digest=digest, source=source)
