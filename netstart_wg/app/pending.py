"""Which interfaces wait for a confirmation, and how long yet: what their keeper notes."""

from __future__ import annotations

import json

from netstart_wg.app.system import Machine
from netstart_wg.errors import BusyError
from netstart_wg.model.confirmation import Pending, ProcessIdentity
from netstart_wg.system.notes import Note

VERSION = 1
"""Of the format; a note of another one counts as none."""


def read_pending(interface: str, machine: Machine) -> Pending | None:
    """Return what an interface waits for; None, too, if nobody is left to take it back."""
    text = machine.system.read_note(interface, Note.PENDING)
    try:
        pending = None if text is None else _decode(text)
    except (ValueError, RecursionError):
        return None
    if pending is None or not machine.system.is_running(pending.keeper):
        return None
    return pending


def write_pending(pending: Pending, machine: Machine) -> None:
    """Note it for each of its interfaces; raise BackendError."""
    text = json.dumps(
        {
            "version": VERSION,
            "interfaces": pending.interfaces,
            "deadline_boot_ns": pending.deadline_ns,
            "keeper": [pending.keeper.number, pending.keeper.start_ticks],
        }
    )
    for interface in pending.interfaces:
        machine.system.write_note(interface, Note.PENDING, text)


def refuse_if_pending(interface: str, machine: Machine) -> None:
    """Raise BusyError if the interface waits: what goes back would take along what is done now."""
    pending = read_pending(interface, machine)
    if pending is None:
        return
    left_ns = max(0, pending.deadline_ns - machine.system.boot_time_ns())
    raise BusyError(
        f"{interface}: its last change waits for confirmation, for another {duration(left_ns)}"
        f"\n    hint: netstart-wg confirm {interface}, or netstart-wg confirm --revert {interface}"
    )


def duration(nanoseconds: int) -> str:
    """Return a time as people say it: `4 minutes 30 seconds`; a part of a second is one."""
    seconds = -(-nanoseconds // 1_000_000_000)
    parts = []
    for unit, length in (("hour", 3600), ("minute", 60), ("second", 1)):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}{'' if count == 1 else 's'}")
    return " ".join(parts) or "0 seconds"


def _decode(text: str) -> Pending:
    """Read what `write_pending` wrote; raise ValueError for anything else."""
    match json.loads(text):
        case {
            "version": 1,
            "interfaces": list(interfaces),
            "deadline_boot_ns": int(deadline_ns),
            "keeper": [int(number), int(start_ticks)],
        }:
            return Pending(
                interfaces=tuple(map(str, interfaces)),
                deadline_ns=deadline_ns,
                keeper=ProcessIdentity(number=number, start_ticks=start_ticks),
            )
        case _:
            raise ValueError(f"no note of version {VERSION}")
