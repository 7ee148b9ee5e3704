"""Refuse what looks like a mistake, before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.app.files import Reading
from netstart_wg.app.output import Output
from netstart_wg.app.prepare import Situation
from netstart_wg.errors import RefusedError
from netstart_wg.model.action import Plan
from netstart_wg.model.guard import Guard
from netstart_wg.reconcile.applied_items import is_key_applied
from netstart_wg.reconcile.guards import Refusal, refusals


def refuse(situation: Situation, plan: Plan, allowed: frozenset[Guard]) -> None:
    """Raise RefusedError if the plan does something that nobody has allowed."""
    refused = _refused(situation, plan, allowed)
    if refused:
        raise RefusedError(_describe(situation.reading, plan.interface, refused))


def point_out(situation: Situation, plan: Plan, allowed: frozenset[Guard], output: Output) -> None:
    """Say what `refuse` would refuse, and refuse nothing."""
    refused = _refused(situation, plan, allowed)
    if refused:
        output.warn(_describe(situation.reading, plan.interface, refused))


def _refused(situation: Situation, plan: Plan, allowed: frozenset[Guard]) -> Sequence[Refusal]:
    gives_back = is_key_applied(situation.desired, situation.applied)
    found = refusals(plan, situation.running, gives_key_back=gives_back)
    return [each for each in found if each.guard not in allowed]


def _describe(reading: Reading, interface: str, refused: Sequence[Refusal]) -> str:
    """Say what would happen and where that is asked for, and give one hint for all."""
    lines = [_describe_one(reading, interface, each) for each in refused]
    words = ",".join(each.guard.value for each in refused)
    lines.append(f"    hint: `netstart-wg --allow {words} {interface}` does it, if it is meant")
    return "\n".join(lines)


def _describe_one(reading: Reading, interface: str, refusal: Refusal) -> str:
    span = reading.places().get(refusal.subject) if refusal.subject else None
    if reading.file is None or span is None:
        return f"{interface}: refused: it {refusal.reason}"

    from netstart_wg.syntax.places import point_at

    return point_at(reading.file, span, f"refused: {interface} {refusal.reason}").format()
