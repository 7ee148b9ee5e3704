"""Which WireGuard can stand behind an interface."""

from __future__ import annotations

import enum


class EngineKind(enum.Enum):
    """The value is the word for it in netstart-wg.toml, and what people are told."""

    EMBEDDED = "embedded"
    """Ours, netstart-wgd, a process for each interface."""
    KERNEL = "kernel"
    """Linux's own."""
