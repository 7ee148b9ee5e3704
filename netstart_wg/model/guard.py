"""What a run does not do unless it is told to: mostly the trace of a mistake, and hard to undo."""

from __future__ import annotations

import enum


class Guard(enum.Enum):
    """The words of `--allow`."""

    KEY = "key"
    """An interface that has a key loses it or gets another."""
    PEERS = "peers"
    """More than half of at least four peers go."""
    TAKEOVER = "takeover"
    """An interface of that name belongs to somebody else, and is deleted to make ours."""
    REBUILD = "rebuild"
    """An interface has to be made anew."""
    READABLE = "readable-secret"
    """A file with a secret may be read by others."""
    HELD = "held"
    """What was gone back from is done again, without an edit since."""


ALL_GUARDS = frozenset(Guard)
"""For what a person asks for in so many words."""
