"""After a failure, make an interface what it was before the run.

Look, plan the way back, go it, and look again; what a first try has left is tried
once more.  A step that is refused does not hold up those behind it, unless they
would go to the wrong place: the more is as it was, the better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from netstart_wg.app.execute import execute
from netstart_wg.app.keys import derive_public_key
from netstart_wg.app.observe import ElsewhereError
from netstart_wg.app.output import Output
from netstart_wg.app.prepare import Situation, look
from netstart_wg.app.system import Machine
from netstart_wg.errors import NetstartError
from netstart_wg.model.action import (
    Action,
    CreateInterface,
    ForgetCommand,
    Plan,
    RunCommand,
    SetRdomain,
)
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.route import RouteKey
from netstart_wg.model.state import InterfaceState
from netstart_wg.reconcile.record import encode_record, standing_record
from netstart_wg.reconcile.restore import losses, plan_restore, routes_of, with_roamed_peers
from netstart_wg.reconcile.routes import leaves_through, own_routes

TRIES = 2


def restore(
    before: Situation,
    begun: Sequence[Action],
    done: Sequence[Action],
    machine: Machine,
    output: Output,
) -> bool:
    """Restore an interface that was there; return whether everything declared is as it was.

    `begun` are the steps that may have changed something, and `done` those of them
    that succeeded.  What is not as it was is told, and what cannot be.
    """
    name = before.desired.name
    machine.system.place_rdomains(before.settings.rdomains)
    way_back = _WayBack(before, list(begun), machine, output)
    try:
        now, rest = way_back.go()
    except (NetstartError, OSError) as error:
        output.warn(f"{name}: what it is now cannot be told: {error}")
        return False
    except BaseException:
        output.warn(f"{name}: interrupted on the way back to what it was; the next run goes on")
        raise
    for loss in losses(way_back.goal, [*done, *way_back.done]) if done or way_back.done else ():
        output.warn(f"{name}: warning: cannot be restored: {loss}")
    for line in rest.describe():
        output.warn(f"{line} (not restored)")
    is_restored = way_back.remember(now) and rest.is_empty
    if is_restored and way_back.done:
        output.warn(f"{name}: everything is again as it was")
    return is_restored


@dataclass(slots=True)
class _WayBack:
    """One restoration."""

    before: Situation
    begun: list[Action]
    machine: Machine
    output: Output
    done: list[Action] = field(default_factory=list)

    def go(self) -> tuple[InterfaceState | None, Plan]:
        """Return what is there in the end, and the steps that could not be done."""
        refusals: list[NetstartError] = []
        now = self._look()
        for _ in range(TRIES):
            plan = self._plan(now)
            if plan.is_empty or (now is None and not self.goal.index):
                break
            refusals = self._carry_out(plan)
            now = self._look()
        plan = self._plan(now)
        for refusal in refusals if not plan.is_empty else ():
            self.output.warn(f"{refusal} (on the way back)")
        return now, plan

    @property
    def goal(self) -> InterfaceState:
        """What was there when the run began."""
        state = self.before.running
        if state is None:
            raise ValueError("there was no interface")
        return state

    @property
    def _routes(self) -> frozenset[RouteKey]:
        """Return the routes that lead elsewhere and may have been changed."""
        applied = self.before.applied
        return routes_of(self.begun).union(applied.routes if applied else ())

    def _look(self) -> InterfaceState | None:
        keys = self._routes.union(route.key for route in self.goal.routes)
        try:
            now, _ = look(self.goal.name, self.machine, keys)
        except ElsewhereError as error:
            if self.goal.index:
                raise
            now = error.state  # it was out of sight before, too
        return now

    def _plan(self, now: InterfaceState | None) -> Plan:
        goal = with_roamed_peers(self.goal, now, self.begun)
        return plan_restore(goal, now, self._routes, derive_public_key)

    def _carry_out(self, plan: Plan) -> list[NetstartError]:
        """Do what can be done; return what was refused."""
        refusals: list[NetstartError] = []
        rdomain = plan.rdomain
        for action in plan.actions:
            if isinstance(
                action, RunCommand | ForgetCommand
            ):  # there is none: a state has no commands
                continue
            self.begun.append(action)
            try:
                execute(action, rdomain, self.machine)
            except NetstartError as error:
                refusals.append(error)
                if isinstance(action, CreateInterface | SetRdomain):
                    break
                continue
            self.done.append(action)
            if isinstance(action, SetRdomain):
                rdomain = action.after
        return refusals

    def remember(self, now: InterfaceState | None) -> bool:
        """Let the record say what it said; return whether that could be written."""
        name, system = self.goal.name, self.machine.system
        record = self._record(now)
        text = None if record is None else encode_record(record)
        try:
            if text == system.read_record(name):
                return True
            if text is None:
                system.remove_record(name)
            else:
                system.write_record(name, text)
        except (NetstartError, OSError) as error:
            self.output.warn(str(error))
            return False
        return True

    def _record(self, now: InterfaceState | None) -> AppliedRecord | None:
        """Return what was on record, of the interface as it is now.

        One that moved may have another index.  A route that leads elsewhere and
        could not be removed is named, so that the next run removes it.
        """
        name, applied, former = self.goal.name, self.before.applied, self.goal
        left = self._left_behind(now)
        if left and now is not None and applied is None:
            applied = AppliedRecord(interface=name, index=now.index)
        if applied is None:
            return None
        index = applied.index
        is_the_same = not any(isinstance(action, CreateInterface) for action in self.done)
        if now is not None and is_the_same and standing_record(applied, former) is not None:
            index = now.index
        return replace(applied, index=index, routes=(*applied.routes, *left))

    def _left_behind(self, now: InterfaceState | None) -> tuple[RouteKey, ...]:
        """Return the routes by way of other interfaces that we added and could not remove."""
        if now is None:
            return ()
        known = {route.key for route in self.goal.routes}
        known.update(self.before.applied.routes if self.before.applied else ())
        return tuple(
            route.key
            for route in own_routes(now, routes_of(self.begun))
            if route.key not in known and not leaves_through(route, now.name, now.rdomain)
        )
