"""One plan carried out and checked; or undone, as far as that can be."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from netstart_wg.app.execute import execute, run_command
from netstart_wg.app.observe import observe
from netstart_wg.app.output import Output, worst
from netstart_wg.app.prepare import Resolved, Situation
from netstart_wg.app.system import Machine
from netstart_wg.errors import BackendError, ExitStatus, NetstartError, NotRestoredError
from netstart_wg.model.action import Action, CreateInterface, Plan, RunCommand
from netstart_wg.model.record import AppliedRecord, CommandDigest
from netstart_wg.reconcile.record import digest_of, encode_record


def change(
    plan: Plan, before: Situation, resolved: Resolved, machine: Machine, output: Output
) -> AppliedRecord:
    """Execute all but the commands, look whether the interface is as it shall be, and remember it.

    The commands come after that look: what they make of the interface is
    their author's wish.  Return the record as it will be when they have run.
    """
    done: list[Action] = []
    with _undone_on_failure(plan, done, machine, output):
        for action in plan.actions:
            if not isinstance(action, RunCommand):
                execute(action, machine)
                done.append(action)
                _tell(action, output)
        record = _verify(replace(before, running=observe(plan.interface, machine)), resolved)
        _remember(record, _digests(plan), machine)
    return record


def run_commands(plan: Plan, record: AppliedRecord, machine: Machine, output: Output) -> ExitStatus:
    """Run the plan's commands; return WARNINGS if one fails, which holds up nothing.

    The record is kept up to date after each: a run that is killed runs none twice.
    """
    statuses: list[ExitStatus] = []
    pending = _digests(plan)
    for action in plan.actions:
        if isinstance(action, RunCommand):
            statuses.append(run_command(action, machine, output))
            _tell(action, output)
            pending.discard(digest_of(action.command))
            _remember(record, pending, machine)
    return worst(statuses)


def _verify(after: Situation, resolved: Resolved) -> AppliedRecord:
    """Return the record of an interface that is as it shall be; raise BackendError if it is not."""
    interface = after.desired.name
    record = after.record(resolved)
    rest = replace(after, applied=record).plan(resolved)
    if record is None or not rest.is_empty:
        lines = "".join(f"\n    {line}" for line in rest.describe())
        raise BackendError("verify", interface, f"it still differs from its file:{lines}")
    return record


def _digests(plan: Plan) -> set[CommandDigest]:
    return {digest_of(action.command) for action in plan.actions if isinstance(action, RunCommand)}


def _remember(record: AppliedRecord, pending: Collection[CommandDigest], machine: Machine) -> None:
    """Write the record without the commands that have not run yet."""
    have_run = tuple(digest for digest in record.commands if digest not in pending)
    text = encode_record(replace(record, commands=have_run))
    machine.system.write_record(record.interface, text)


def _tell(action: Action, output: Output) -> None:
    for line in action.describe():
        output.step(f"{action.interface}: {line}")


@contextmanager
def _undone_on_failure(
    plan: Plan, done: Sequence[Action], machine: Machine, output: Output
) -> Iterator[None]:
    """If something fails, leave the interface as it was, or say that it is not.

    An interface that this run created goes again, also when we are interrupted.
    Of one that was there, tell what was changed and what was not; the failure
    becomes a NotRestoredError.
    """
    try:
        yield
    except BaseException as error:
        if any(isinstance(action, CreateInterface) for action in done):
            _remove(plan.interface, machine, output)
        elif done:
            _tell_half(plan, done, output)
            if isinstance(error, NetstartError):
                raise _not_restored(plan.interface, error) from error
        raise


def _remove(interface: str, machine: Machine, output: Output) -> None:
    """Remove what this run created; raise NotRestoredError if even that fails."""
    try:
        machine.backend.destroy(interface)
        machine.system.remove_record(interface)
    except NetstartError as error:
        raise _not_restored(interface, error) from error
    output.warn(f"{interface}: not everything could be done; the interface is removed again")


def _tell_half(plan: Plan, done: Sequence[Action], output: Output) -> None:
    for action in plan.actions:
        word = "done" if action in done else "not done"
        for line in action.describe():
            output.warn(f"{plan.interface}: {word}: {line}")


def _not_restored(interface: str, error: NetstartError) -> NotRestoredError:
    if isinstance(error, BackendError):
        return NotRestoredError(error.operation, interface, error.reason, error.errno)
    return NotRestoredError("change", interface, str(error))
