"""Which rules of policy routing come and go.

Those that go do so before anything else, since without them everything goes the
way it would without the tunnel, and a mark must not go before its rule.  Those
that come do so last, when the table they lead to is complete.  A rule is wholly
what tells it from others: none is ever changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from netstart_wg.model.action import AddRule, RemoveRule
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.state import InterfaceState


def withdraw_rules(desired: InterfaceConfig, before: InterfaceState) -> Iterator[RemoveRule]:
    """Yield the steps that remove what is not wanted, in the reverse order of their addition."""
    wanted = frozenset(desired.rules) if desired.exists else frozenset()
    surplus = [rule for rule in before.rules if rule not in wanted]
    for rule in sorted(surplus, key=lambda rule: -rule.priority):
        yield RemoveRule(desired.name, rule)


def plan_rules(desired: InterfaceConfig, before: InterfaceState) -> Iterator[AddRule]:
    """Yield the steps that add what is missing."""
    for rule in desired.rules:
        if rule not in before.rules:
            yield AddRule(desired.name, rule)
