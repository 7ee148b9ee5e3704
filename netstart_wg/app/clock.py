"""Notice at boot that the clock is wrong, which peers will take amiss.

A peer takes no initiation that is dated earlier than one it has had (WireGuard paper §5.1),
so a machine whose clock lost its battery gets no answer until somebody has set it.  No file
can have been written in the future: one that seems so tells of that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from netstart_wg.app.output import Output
from netstart_wg.app.system import Machine

_SECOND: Final = 1_000_000_000
SLACK_NS: Final = 60 * _SECOND
"""A file may come from a machine whose clock is a little ahead."""


def point_out_clock(paths: Iterable[Path], machine: Machine, output: Output) -> None:
    """Warn if one of these, or what we wrote ourselves, is of a later date than it is now."""
    now_ns = machine.system.realtime_ns()
    newest = machine.system.newest_file(paths)
    if newest is None:
        return
    path, written_ns = newest
    if written_ns > now_ns + SLACK_NS:
        output.warn(
            f"netstart-wg: warning: the clock says {_date(now_ns)}, but {path} was written"
            f" {_date(written_ns)}"
            "\n    hint: peers that have heard of a later date do not answer until the clock is set"
        )


def _date(realtime_ns: int) -> str:
    return datetime.fromtimestamp(realtime_ns // _SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")
