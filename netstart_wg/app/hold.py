"""A file whose change went back is not applied again by the next run that comes along.

Else whatever runs us every half hour would do at once what somebody has just had
undone.  The hold is about one text: a file that says anything else is applied.
"""

from __future__ import annotations

import json

from netstart_wg.app.fixpoint import digest_of_text
from netstart_wg.app.output import Output
from netstart_wg.app.prepare import Situation
from netstart_wg.app.system import Machine
from netstart_wg.model.confirmation import Hold, HoldReason
from netstart_wg.model.guard import Guard
from netstart_wg.system.notes import Note

VERSION = 1
"""Of the format; a note of another one counts as none."""


def read_hold(interface: str, machine: Machine) -> Hold | None:
    """Return what holds the interface, or None."""
    text = machine.system.read_note(interface, Note.HELD)
    try:
        return None if text is None else _decode(text)
    except (ValueError, RecursionError):
        return None


def write_hold(interface: str, hold: Hold | None, machine: Machine) -> None:
    """Hold the interface, or no longer; raise BackendError."""
    if hold is not None:
        machine.system.write_note(interface, Note.HELD, _encode(hold))
    elif machine.system.read_note(interface, Note.HELD) is not None:
        machine.system.remove_note(interface, Note.HELD)


def digest_of_file(situation: Situation) -> str | None:
    """Return what a hold knows the interface's file by; None if there is no file."""
    return None if situation.text is None else digest_of_text(situation.text)


def is_held(
    situation: Situation, allowed: frozenset[Guard], machine: Machine, output: Output
) -> bool:
    """Say whether the file is to be left alone, and tell why."""
    interface = situation.desired.name
    hold = read_hold(interface, machine)
    if hold is None or Guard.HELD in allowed or hold.file_digest != digest_of_file(situation):
        return False
    output.warn(
        f"{interface}: warning: left as it is: what its file says was {hold.reason.value}"
        f"\n    hint: edit the file, or do it again with `netstart-wg --confirm 5m {interface}`"
        f" or `netstart-wg --allow held {interface}`"
    )
    return True


def _encode(hold: Hold) -> str:
    return json.dumps(
        {
            "version": VERSION,
            "file": hold.file_digest,
            "reason": hold.reason.value,
            "since_ns": hold.since_ns,
        }
    )


def _decode(text: str) -> Hold:
    """Read what `_encode` wrote; raise ValueError for anything else."""
    match json.loads(text):
        case {
            "version": 1,
            "file": str(digest),
            "reason": str(reason),
            "since_ns": int(since_ns),
        }:
            return Hold(file_digest=digest, reason=HoldReason(reason), since_ns=since_ns)
        case _:
            raise ValueError(f"no note of version {VERSION}")
