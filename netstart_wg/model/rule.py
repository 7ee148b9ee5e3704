"""Rules of policy routing (ip-rule(8)): by them a default route through a tunnel spares the tunnel.

What the engine sends carries a mark; the rules take everything without it to a
routing table of the interface's own.  Mark and table have the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from netstart_wg.model.source import Subject

TABLES: Final = range(0x770000, 0x780000)
"""The numbers that ours have; 0x77 is 119, the protocol number of our routes."""

MARK_MASK: Final = 0xFFFF0000
"""The bits of a mark that the rules look at: all engines' packets pass all interfaces' rules by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """One rule of ours: who has not this mark looks in that table."""

    rdomain: int
    version: int
    """Of IP: 4 or 6."""
    priority: int
    """The lower, the earlier; the kernel's own table lookups are at 0, 32766 and 32767."""
    unless_mark: int
    """One of `TABLES`: whose interface the rule is; compared under `MARK_MASK`."""
    table: int | None = None
    """None: the main one."""
    ignores_default: bool = False
    """Whether a default route found there counts as none (suppress_prefixlength 0)."""

    @property
    def subject(self) -> Subject:
        """Return what a difference calls it."""
        where = "main" if self.table is None else str(self.table)
        how = ("non-default",) if self.ignores_default else ()
        mark = f"{self.unless_mark:#x}"
        words = (str(self.rdomain), str(self.version), str(self.priority), mark, where)
        return "rule", *words, *how
