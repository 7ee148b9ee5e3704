"""What former runs have written down, as values."""

from __future__ import annotations

from netstart_wg.app.system import Machine
from netstart_wg.model.record import AppliedRecord
from netstart_wg.reconcile.record import decode_record


def read_record(interface: str, machine: Machine) -> AppliedRecord | None:
    """Return what the last run wrote; what is damaged or of another version is none."""
    text = machine.system.read_record(interface)
    try:
        return None if text is None else decode_record(text)
    except ValueError:
        return None


def records_of_others(interface: str, machine: Machine) -> tuple[AppliedRecord, ...]:
    """Return those of all other interfaces that have an engine."""
    others = (name for name in machine.system.engine_names() if name != interface)
    records = (read_record(name, machine) for name in others)
    return tuple(record for record in records if record)
