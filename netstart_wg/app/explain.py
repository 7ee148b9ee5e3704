"""The differences of one situation, with the places in its file."""

from __future__ import annotations

from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.prepare import Situation
from netstart_wg.model.action import Plan
from netstart_wg.model.difference import Difference
from netstart_wg.model.settings import ForeignPolicy
from netstart_wg.reconcile.explain import Sides, explain, foreign_differences
from netstart_wg.reconcile.plan import leaves_engine_to_commands


def differences_of(situation: Situation, plan: Plan) -> tuple[Difference, ...]:
    """Return what the plan ends, and then what is foreign and stays."""
    keeps = situation.settings.foreign is ForeignPolicy.KEEP
    keeps = keeps and not leaves_engine_to_commands(situation.desired)
    if plan.is_empty and not keeps:
        return ()
    file = situation.file
    sides = Sides(
        desired=situation.desired,
        running=situation.running,
        applied=situation.applied,
        file=None if file is None else file.source.name,
        places=situation.reading.places(),
    )
    differences = explain(plan, sides, derive_public_key)
    if not keeps:
        return differences
    told = {each.subject for each in differences}
    foreign = [each for each in foreign_differences(plan, sides) if each.subject not in told]
    return (*differences, *foreign)
