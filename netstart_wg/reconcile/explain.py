"""A plan in differences: what is, what shall be, what it costs, whose doing it is, and where.

Every step of a plan is in a difference, and one subject is in one: what a plan
does to it in several steps is told as what comes out in the end.  Equal things are
in none.  All is looked up by key: time is linear in what differs, and in the peers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from netstart_wg.model.action import (
    Action,
    AddAddress,
    AddRoute,
    AddRule,
    BringDown,
    BringUp,
    ConfigureDevice,
    CreateInterface,
    DestroyInterface,
    ForgetCommand,
    Plan,
    RemoveAddress,
    RemoveRoute,
    RemoveRule,
    RemoveStranger,
    RunCommand,
    SetDebug,
    SetDescription,
    SetMtu,
    SetRdomain,
    describe_route,
    describe_rule,
)
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.difference import Difference, Effect, Reason, comes_again
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.source import Span, Subject
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.reconcile.applied_items import address_subject
from netstart_wg.reconcile.apply import DerivePublicKey, apply_change
from netstart_wg.reconcile.contrast import Contrast, sessions_of
from netstart_wg.reconcile.contrast_engine import contrast_engines, contrast_peer
from netstart_wg.reconcile.reasons import Reasons

_RDOMAIN: Subject = ("rdomain",)

STRANGER = "the interface of that name which is not ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The three states that a plan comes from, and where the first of them is written."""

    desired: InterfaceConfig
    running: InterfaceState | None
    applied: AppliedRecord | None
    file: str | None = None
    """Name of the file that asks for what is desired."""
    places: Mapping[Subject, Span] = field(default_factory=dict)
    """Where it does."""


def explain(plan: Plan, sides: Sides, derive_public_key: DerivePublicKey) -> tuple[Difference, ...]:
    """Return the differences that a plan ends, in its order."""
    reasons = Reasons(sides.desired, sides.applied)
    contrasts = _contrasts(plan, sides.running, derive_public_key)
    moves = any(each.subject == _RDOMAIN for each in contrasts)

    def reason(contrast: Contrast) -> Reason:
        """Return the reason; of what only the move takes away it is that of the move."""
        is_moved = moves and comes_again(contrast.before, contrast.after)
        return reasons.of(_RDOMAIN if is_moved else contrast.subject)

    return tuple([_difference(plan.interface, each, reason(each), sides) for each in contrasts])


def foreign_differences(plan: Plan, sides: Sides) -> tuple[Difference, ...]:
    """Return the peers and addresses that stay though nobody here has put them there.

    They are as they shall be, so that nothing is done about them: `before` is `after`.
    """
    reasons = Reasons(sides.desired, sides.applied)
    return tuple(
        [
            _difference(plan.interface, contrast, Reason.FOREIGN, sides)
            for contrast in _left_alone(plan, sides.running)
            if not reasons.knows(contrast.subject)
        ]
    )


def _difference(interface: str, contrast: Contrast, reason: Reason, sides: Sides) -> Difference:
    return Difference(
        interface=interface,
        subject=contrast.subject,
        before=contrast.before,
        after=contrast.after,
        peer=contrast.peer,
        effect=contrast.effect,
        lost=contrast.lost,
        reason=reason,
        place=_place(contrast.subject, sides),
    )


def _place(subject: Subject, sides: Sides) -> tuple[str, Span] | None:
    """Return where something is asked for; what a peer lacks, where the peer is."""
    if sides.file is None:
        return None
    span = sides.places.get(subject)
    if span is None and subject[0].startswith("wg") and len(subject) > 1:
        span = sides.places.get(("wgpeer", subject[1]))
    return None if span is None else (sides.file, span)


def _left_alone(plan: Plan, running: InterfaceState | None) -> Iterator[Contrast]:
    """Yield the peers and addresses that run and are in no step of the plan."""
    if running is None or any(isinstance(each, DestroyInterface) for each in plan.actions):
        return
    removed = {each.address for each in plan.actions if isinstance(each, RemoveAddress)}
    changes = [each.change for each in plan.actions if isinstance(each, ConfigureDevice)]
    gone = {peer.public_key for change in changes for peer in change.peers if peer.remove}
    for peer in running.wireguard.peers if running.wireguard else ():
        if peer.public_key not in gone:
            yield contrast_peer(peer)
    for address in running.addresses:
        if address not in removed:
            subject = address_subject(address)
            yield _of_line(subject, " ".join(subject), " ".join(subject), Effect.NONE)


# ---- from steps to subjects ----


def _contrasts(
    plan: Plan, running: InterfaceState | None, derive_public_key: DerivePublicKey
) -> list[Contrast]:
    """Return one contrast for each subject, where the plan does first something about it."""
    found: dict[Subject, Contrast] = {}
    walk = _Walk(running, derive_public_key)
    for action in plan.actions:
        for contrast in walk.contrasts(action):
            former = found.get(contrast.subject)
            found[contrast.subject] = former.followed_by(contrast) if former else contrast
    return [each for each in found.values() if each.before is not None or each.after is not None]


class _Walk:
    """A walk along a plan, with what is there before each step."""

    def __init__(self, running: InterfaceState | None, derive: DerivePublicKey) -> None:
        self._derive_public_key = derive
        self._is_new = running is None
        self._engine = (running.wireguard if running else None) or WireGuardState()
        self._was_up = running is not None and running.is_up
        self._addresses = frozenset(running.addresses if running else ())
        self._routes = {route.key: route for route in running.routes} if running else {}

    def contrasts(self, action: Action) -> Iterator[Contrast]:
        """Yield what a step makes of its subjects; on a new interface there is nothing before."""
        if isinstance(action, CreateInterface):
            self._is_new, self._engine = True, WireGuardState(kind=action.engine)
        for contrast in self._contrasts(action):
            new = replace(contrast, before=None, effect=Effect.REBUILD)
            yield new if self._is_new and contrast.before != STRANGER else contrast

    def _contrasts(self, action: Action) -> Iterator[Contrast]:
        match action:
            case ConfigureDevice(_, change):
                before = self._engine
                self._engine = apply_change(before, change, self._derive_public_key)
                yield from contrast_engines(change, before, self._engine)
            case AddRoute() | RemoveRoute() | AddRule() | RemoveRule():
                yield self._of_routing(action)
            case AddAddress() | RemoveAddress():
                yield self._of_address(action)
            case SetRdomain() | SetMtu() | SetDescription() | SetDebug() | BringUp() | BringDown():
                yield self._of_setting(action)
            case CreateInterface() | RemoveStranger() | DestroyInterface():
                yield self._of_life(action)
            case RunCommand(_, command):
                yield _of_line(("!", command.shown), None, f"!{command.shown}")
            case ForgetCommand(_, command):
                subject = ("!", command.name.removeprefix("!"))
                yield _of_line(subject, command.name, None, Effect.NONE)
            case _:
                assert_never(action)

    def _of_routing(self, action: AddRoute | RemoveRoute | AddRule | RemoveRule) -> Contrast:
        """Contrast a route or a rule; a route takes the place of one that has its key."""
        match action:
            case AddRoute(_, route):
                former = self._routes.get(route.key)
                before = f"!{describe_route(former)}" if former else None
                return _of_line(route.key.subject, before, f"!{describe_route(route)}")
            case RemoveRoute(_, route):
                self._routes.pop(route.key, None)
                return _of_line(route.key.subject, f"!{describe_route(route)}", None)
            case AddRule(_, rule):
                return _of_line(rule.subject, None, describe_rule(rule))
            case RemoveRule(_, rule):
                return _of_line(rule.subject, describe_rule(rule), None)
            case _:
                assert_never(action)

    def _of_address(self, action: AddAddress | RemoveAddress) -> Contrast:
        """Contrast an address; one that a move to another rdomain takes away is there before."""
        subject = address_subject(action.address)
        line = " ".join(subject)
        was_there = action.address in self._addresses
        is_there = isinstance(action, AddAddress)
        before = line if was_there or not is_there else None
        return _of_line(subject, before, line if is_there else None)

    def _of_setting(
        self, action: SetRdomain | SetMtu | SetDescription | SetDebug | BringUp | BringDown
    ) -> Contrast:
        match action:
            case SetRdomain(_, before, after):
                return _of_values("rdomain", before or None, after or None)
            case SetMtu(_, before, after):
                return _of_values("mtu", before, after)
            case SetDescription(_, old, new):
                return replace(_of_values("description", old, new), effect=Effect.NONE)
            case SetDebug(_, is_on):
                before_line, after_line = (None, "debug") if is_on else ("debug", None)
                return _of_line(("debug",), before_line, after_line, Effect.NONE)
            case BringUp():
                return _of_line(("up",), "up" if self._was_up else "down", "up")
            case BringDown():
                return replace(_of_line(("up",), "up", "down"), lost=sessions_of(self._engine))
            case _:
                assert_never(action)

    def _of_life(self, action: CreateInterface | RemoveStranger | DestroyInterface) -> Contrast:
        match action:
            case CreateInterface():
                (line,) = action.describe()
                return _of_line(("create",), None, line.removeprefix("+ "), Effect.REBUILD)
            case RemoveStranger():
                return _of_line(("stranger",), STRANGER, None, Effect.REBUILD)
            case DestroyInterface():
                ended = _of_line(("destroy",), None, "destroy", Effect.REBUILD)
                return replace(ended, lost=sessions_of(self._engine))
            case _:
                assert_never(action)


def _of_line(
    subject: Subject, before: str | None, after: str | None, effect: Effect = Effect.IN_PLACE
) -> Contrast:
    return Contrast(subject=subject, before=before, after=after, effect=effect)


def _of_values(word: str, before: object, after: object) -> Contrast:
    """Contrast the values of one word; None is no value."""
    before_line = None if before is None else f"{word} {before}"
    after_line = None if after is None else f"{word} {after}"
    return _of_line((word,), before_line, after_line)
