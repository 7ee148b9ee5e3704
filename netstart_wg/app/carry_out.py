"""One plan carried out and checked; if that fails, everything becomes what it was before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby

from netstart_wg.app.execute import execute, run_command
from netstart_wg.app.fixpoint import remember_fixpoint
from netstart_wg.app.guards import refuse
from netstart_wg.app.history import remember_applied
from netstart_wg.app.observe import ElsewhereError
from netstart_wg.app.output import Output, worst
from netstart_wg.app.prepare import Resolved, Situation, survey_again
from netstart_wg.app.rdomains import lead_to_places, remove_left
from netstart_wg.app.records import read_record
from netstart_wg.app.summary import summarize
from netstart_wg.app.system import Machine
from netstart_wg.errors import (
    BackendError,
    ExitStatus,
    NetstartError,
    NotOursError,
    NotRestoredError,
)
from netstart_wg.model.action import (
    Action,
    AddRoute,
    AddRule,
    CreateInterface,
    ForgetCommand,
    Plan,
    RemoveStranger,
    RunCommand,
    SetRdomain,
)
from netstart_wg.model.guard import Guard
from netstart_wg.model.route import RouteKey
from netstart_wg.reconcile.applied_items import item_of
from netstart_wg.reconcile.record import digest_of, encode_record, standing_record

_REMOVED = "the interface is removed again"


def carry_out(
    before: Situation,
    resolved: Resolved,
    machine: Machine,
    output: Output,
    allowed: frozenset[Guard],
) -> ExitStatus:
    """Do the steps in order, look whether the interface is as it shall be, and remember it.

    The caller holds the interface's lock, and has looked since.  The look comes
    after the last step that is declared and before the commands behind it: what
    they make of the interface is their author's wish.  Return WARNINGS if a
    command fails or a route is refused, which holds up nothing; a command that is
    strict fails as any other step does.  Raise RefusedError, and do nothing, if the
    plan does more than is allowed.
    """
    plan = before.plan(resolved)
    refuse(before, plan, allowed)
    lead_to_places(before.desired, before.settings, machine)
    run = _Run(plan, before, resolved, machine, output)
    declared = _up_to_last_declared(plan)
    undoable = len(plan.actions) if before.settings.strict_commands else declared
    try:
        with machine.system.rdomains_in_use(), _undone_on_failure(run):
            run.do_all(plan.actions[:declared])
            run.verify()
            run.do_all(plan.actions[declared:undoable])
    finally:
        remove_left(plan.interface, before.running, run.begun, machine, output)
    run.do_all(plan.actions[undoable:])
    if run.done:
        summary = summarize(replace(plan, actions=tuple(run.done)))
        output.done(summary)
        if before.text is not None:
            remember_applied(plan.interface, before.text, summary, machine, output)
    return worst(run.statuses)


def _up_to_last_declared(plan: Plan) -> int:
    """Return how many steps there are up to the last one that is no command."""
    count = len(plan.actions)
    while count and isinstance(plan.actions[count - 1], RunCommand):
        count -= 1
    return count


class _Run:
    """A plan on its way."""

    def __init__(
        self,
        plan: Plan,
        before: Situation,
        resolved: Resolved,
        machine: Machine,
        output: Output,
    ) -> None:
        self.plan = plan
        self.machine = machine
        self.output = output
        self.before = before
        self.begun: list[Action] = []
        """The steps that may have had an effect."""
        self.done: list[Action] = []
        self.statuses: list[ExitStatus] = []
        self._resolved = resolved
        self._rdomain = plan.rdomain
        self._refused: set[RouteKey] = set()
        self._remembered: str | None = None
        self._pending = Counter(
            digest_of(action.command) for action in plan.actions if isinstance(action, RunCommand)
        )

    def do_all(self, actions: Iterable[Action]) -> None:
        """Do steps in order."""
        for place, some in groupby(actions, _place_of_route):
            if place is None:
                for action in some:
                    self.do(action)
            else:
                self._add_routes(place, [each for each in some if isinstance(each, AddRoute)])

    def do(self, action: Action) -> None:
        """Do one step; raise BackendError if the system or the engine refuses."""
        if isinstance(action, ForgetCommand):  # which the next record does; nothing else changes
            self.warn_of_lasting(action.command.name)
            return
        self.begun.append(action)
        if isinstance(action, RunCommand):
            self._run_command(action)
        elif isinstance(action, SetRdomain):
            self._move(action)
        else:
            execute(action, self._rdomain, self.machine)
        self.done.append(action)
        if isinstance(action, AddRule):
            self._warn_of_filters(action)
        self._tell(action)
        if isinstance(action, RunCommand):
            self._remember(self._situation())

    def _tell(self, action: Action) -> None:
        for line in action.describe():
            self.output.step(f"{action.interface}: {line}")

    def warn_of_lasting(self, command: str) -> None:
        """Say that what a command did stays done."""
        self.output.warn(f"{self.plan.interface}: warning: cannot be undone, has run: {command}")

    def _run_command(self, action: RunCommand) -> None:
        """Run a command and remember that at once: whoever kills us now shall not repeat it."""
        link = self.machine.system.links(self._rdomain).observe(action.interface)
        applied = read_record(action.interface, self.machine)
        before = replace(self.before, running=link, applied=applied)
        failure = run_command(action, self.machine, self.output)
        if failure is not None:
            self._tell_failure(failure)
        self._pending[digest_of(action.command)] -= 1
        if link is not None:
            self._remember(before)

    def _tell_failure(self, failure: str) -> None:
        """Say that a command has failed, which holds up nothing; or raise BackendError."""
        interface = self.plan.interface
        if self.before.settings.strict_commands:
            raise BackendError("strict-commands", interface, failure)
        self.output.warn(f"{interface}: warning: {failure}")
        self.statuses.append(ExitStatus.WARNINGS)

    def _add_routes(self, rdomain: int, actions: Sequence[AddRoute]) -> None:
        """Add routes; a tunnel without one is better than none, and the next run tries again.

        But rules shall not lead to a table that lacks one.
        """
        self.begun += actions
        links = self.machine.system.links(rdomain)
        routes = [action.route for action in actions]
        refused = links.add_routes(self.plan.interface, routes)
        for action in actions:
            if action.route.key not in refused:
                self.done.append(action)
                self._tell(action)
        for key, error in refused.items():
            if key.table is not None:
                raise error
            self.output.warn(f"{self.plan.interface}: warning: {error.operation}: {error.reason}")
            self.statuses.append(ExitStatus.WARNINGS)
            self._refused.add(key)

    def _warn_of_filters(self, action: AddRule) -> None:
        """Say that answers of the peers are dropped where routes back are looked at strictly."""
        rule, links = action.rule, self.machine.system.links(action.rule.rdomain)
        if rule.version == 4 and rule.table and links.filters_strictly(action.interface):
            self.output.warn(
                f"{action.interface}: warning: answers of IPv4 endpoints are dropped by rp_filter"
                "\n    hint: sysctl -w net.ipv4.conf.all.rp_filter=2"
            )
            self.statuses.append(ExitStatus.WARNINGS)

    def _move(self, action: SetRdomain) -> None:
        """Move the interface, and let the record follow: its index may be another there."""
        interface, system = action.interface, self.machine.system
        former = system.links(action.before).observe(interface)
        execute(action, self._rdomain, self.machine)
        self._rdomain = action.after
        moved = system.links(action.after).observe(interface)
        applied = standing_record(read_record(interface, self.machine), former)
        if applied is not None and moved is not None and moved.index != applied.index:
            system.write_record(interface, encode_record(replace(applied, index=moved.index)))

    def verify(self) -> None:
        """Look whether the interface is as it shall be; raise BackendError if it is not.

        If a command of its own file has changed it, that is only a warning.
        """
        interface, after = self.plan.interface, self._situation()
        left = after.rest(self._resolved)
        rest = self._without_refused(left)
        if not rest.is_empty:
            lines = "".join(f"\n    {line}" for line in rest.describe())
            reason = f"it still differs from what it shall be:{lines}"
            if not any(isinstance(action, RunCommand) for action in self.done):
                raise BackendError("verify", interface, reason)
            self.output.warn(f"{interface}: warning: after its commands {reason}")
            self.statuses.append(ExitStatus.WARNINGS)
        self._remember(after)
        is_last = not any(self._pending.values())
        if left.is_empty and is_last and (settled := after.settled(self._resolved)) is not None:
            remember_fixpoint(settled, self.machine)

    def _without_refused(self, plan: Plan) -> Plan:
        """Return a plan without the routes that have been told of."""
        actions = (
            action
            for action in plan.actions
            if not (isinstance(action, AddRoute) and action.route.key in self._refused)
        )
        return replace(plan, actions=tuple(actions))

    def _situation(self) -> Situation:
        """Look again; where one of ours was destroyed, its name may be another's by now."""
        try:
            return survey_again(self.before, self.machine)
        except ElsewhereError:
            raise
        except NotOursError:
            if self.before.desired.exists:
                raise
            return replace(self.before, running=None)

    def _remember(self, situation: Situation) -> None:
        """Write the record without the commands that have not run yet, so that none runs twice."""
        record = situation.record(self._resolved)
        if record is None:
            self.machine.system.remove_record(self.plan.interface)
            return
        have_run = tuple(each for each in record.commands if not self._pending[each.digest])
        refused = {item_of(key.subject) for key in self._refused}
        applied = tuple(item for item in record.items if item[0] not in refused)
        text = encode_record(replace(record, commands=have_run, items=applied))
        if text != self._remembered:
            self.machine.system.write_record(record.interface, text)
            self._remembered = text


def _place_of_route(action: Action) -> int | None:
    """Return the rdomain of a route that is to be added; None for any other step."""
    return action.route.key.rdomain if isinstance(action, AddRoute) else None


@contextmanager
def _undone_on_failure(run: _Run) -> Iterator[None]:
    """If something fails, leave the interface as it was, or say that it is not.

    An interface that this run created goes again, and one that was there goes back
    to what it was, also when we are interrupted.  If it cannot, the failure becomes
    a NotRestoredError; an interruption stays one, so that nothing else is begun.
    """
    try:
        yield
    except BaseException as error:
        is_new = run.before.running is None
        is_begun = any(isinstance(action, CreateInterface) for action in run.begun)
        if is_new and is_begun and _is_there(run):
            _remove(run)
            if (told := _as_one_message(error)) is not None:
                raise told from error
            run.output.warn(f"{run.plan.interface}: {_REMOVED}")
        elif not is_new and run.begun:
            from netstart_wg.app.restore import restore  # most runs have no need of it

            is_restored = restore(run.before, run.begun, run.done, run.machine, run.output)
            if not is_restored and isinstance(error, NetstartError):
                raise _not_restored(run.plan.interface, error) from error
        if any(isinstance(action, RemoveStranger) for action in run.done):
            run.output.warn(f"{run.plan.interface}: the interface that was not ours is gone")
            if isinstance(error, NetstartError):
                raise _not_restored(run.plan.interface, error) from error
        raise


def _is_there(run: _Run) -> bool:
    """Say whether there is an interface of ours, made in whole or interrupted at it."""
    try:
        return run.machine.backend.state(run.plan.interface) is not None
    except NotOursError:
        return False


def _remove(run: _Run) -> None:
    """Remove what this run created; raise NotRestoredError if even that fails."""
    interface, machine = run.plan.interface, run.machine
    for action in run.done:
        if isinstance(action, RunCommand):
            run.warn_of_lasting(f"!{action.command.shown}")
    try:
        for action in reversed(run.done):
            if isinstance(action, AddRule):
                machine.system.links(action.rule.rdomain).remove_rule(interface, action.rule)
        machine.backend.destroy(interface)
        for action in run.done:
            if isinstance(action, AddRoute):
                _remove_route(action, machine)
        machine.system.remove_record(interface)
    except NetstartError as error:
        raise _not_restored(interface, error) from error


def _remove_route(action: AddRoute, machine: Machine) -> None:
    """Remove a route that led elsewhere; one through the interface has gone with it."""
    links = machine.system.links(action.route.key.rdomain)
    if any(route.key == action.route.key for route in links.routes()):
        links.remove_route(action.interface, action.route)


def _as_one_message(error: BaseException) -> BackendError | None:
    """Return a failure that says, too, that nothing is left; None if it has no room for that."""
    if type(error) is not BackendError:
        return None
    reason, newline, hint = error.reason.partition("\n")
    if reason.endswith(":"):  # a list follows
        return None
    reason = f"{reason} ({_REMOVED}){newline}{hint}"
    return BackendError(error.operation, error.interface, reason, error.errno)


def _not_restored(interface: str, error: NetstartError) -> NotRestoredError:
    if isinstance(error, BackendError):
        return NotRestoredError(error.operation, interface, error.reason, error.errno)
    return NotRestoredError("change", interface, str(error))
