"""Refuse what looks like a mistake, before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.app.output import Output
from netstart_wg.app.prepare import Situation
from netstart_wg.errors import RefusedError
from netstart_wg.model.action import Plan
from netstart_wg.model.guard import Guard
from netstart_wg.reconcile.guards import Refusal, refusals


def refuse(situation: Situation, plan: Plan, allowed: frozenset[Guard]) -> None:
    """Raise RefusedError if the plan does something that nobody has allowed."""
    refused = _refused(situation, plan, allowed)
    if refused:
        raise RefusedError(_describe(plan.interface, refused))


def point_out(situation: Situation, plan: Plan, allowed: frozenset[Guard], output: Output) -> None:
    """Say what `refuse` would refuse, and refuse nothing."""
    refused = _refused(situation, plan, allowed)
    if refused:
        output.warn(_describe(plan.interface, refused))


def _refused(situation: Situation, plan: Plan, allowed: frozenset[Guard]) -> Sequence[Refusal]:
    return [each for each in refusals(plan, situation.running) if each.guard not in allowed]


def _describe(interface: str, refused: Sequence[Refusal]) -> str:
    """Say what would happen, one paragraph for each, and one hint for all."""
    lines = [f"{interface}: refused: it {each.reason}" for each in refused]
    words = ",".join(each.guard.value for each in refused)
    lines.append(f"    hint: `netstart-wg --allow {words} {interface}` does it, if it is meant")
    return "\n".join(lines)
