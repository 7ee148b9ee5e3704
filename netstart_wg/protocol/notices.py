"""What an interface with `debug` says, in the words of wg(4) on OpenBSD.

The texts are OpenBSD's (sys/net/if_wg.c), so that whoever has learnt to read
them reads these.  A peer is called by its number, which counts from 0 for the
life of the interface, and by the address of its endpoint.  No text says more
than that of anybody, and none says a key.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from netstart_wg.model.address import IPAddress


class Level(enum.Enum):
    """How much it matters, by the names of syslog(3)."""

    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line."""

    level: Level
    text: str


@dataclass(slots=True)
class Notices:
    """What there is to say."""

    is_wanted: bool = False
    """Whether the interface has IFF_DEBUG; otherwise nothing is kept."""
    _waiting: list[Notice] = field(default_factory=list)

    def warning(self, text: str) -> None:
        """Note what should not have come."""
        self._note(Level.WARNING, text)

    def info(self, text: str) -> None:
        """Note a step of a handshake."""
        self._note(Level.INFO, text)

    def debug(self, text: str) -> None:
        """Note a small thing."""
        self._note(Level.DEBUG, text)

    def _note(self, level: Level, text: str) -> None:
        if self.is_wanted:
            self._waiting.append(Notice(level, text))

    @property
    def is_waiting(self) -> bool:
        """Whether there is anything to say."""
        return bool(self._waiting)

    def take(self) -> list[Notice]:
        """Return what was noted, once, in order."""
        waiting, self._waiting = self._waiting, []
        return waiting


def peer_name(number: int, address: IPAddress | None) -> str:
    """Name a peer as the texts do."""
    return f"peer {number} ({address or 'no endpoint'})"
