"""Change interfaces so that they go back by themselves unless somebody confirms it.

All locks are taken first, in one order for everybody, and everything is looked at
once more.  Then the keeper is started (`app/keeper.py`), another process, which has
what was there; and only when it is ready the first interface is touched.  It cannot
go back before we let go of the locks, or are dead.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from netstart_wg.app.history import newest_number, require_root
from netstart_wg.app.hold import digest_of_file, read_hold
from netstart_wg.app.keeper import (
    Charge,
    Ward,
    decode_outcomes,
    encode_question,
)
from netstart_wg.app.lifeline import WINDOW_NS
from netstart_wg.app.options import Options
from netstart_wg.app.output import Output, for_each, worst
from netstart_wg.app.pending import duration, read_pending, refuse_if_pending
from netstart_wg.app.prepare import Resolved, Situation, survey_again
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus, NetstartError
from netstart_wg.model.confirmation import HoldReason, Outcome, Verdict
from netstart_wg.system.hostname_files import check_names
from netstart_wg.system.notes import Note

CarryOut = Callable[[Situation], ExitStatus]
"""Change one interface whose lock is held; whatever fails is restored, and a NetstartError."""


def change_until_confirmed(
    situations: Sequence[Situation],
    resolved: Resolved,
    options: Options,
    machine: Machine,
    output: Output,
    carry_out: CarryOut,
    file_digest_of: Callable[[Situation], str | None] = digest_of_file,
) -> ExitStatus:
    """Change the interfaces, of which each differs from what it shall be; return how it went.

    They stay changed for as long as `options` say, or five minutes, and longer if
    somebody confirms that.
    `file_digest_of` tells which file is to be held if nobody does (`Ward`).
    """
    window_ns = WINDOW_NS if options.window_ns is None else options.window_ns
    with ExitStack() as locks:
        taken: list[Situation] = []

        def take(situation: Situation) -> ExitStatus:
            locks.enter_context(machine.system.lock(situation.desired.name))
            refuse_if_pending(situation.desired.name, machine)
            taken.append(survey_again(situation, machine, options.allowed))
            return ExitStatus.OK

        in_order = sorted(situations, key=lambda each: each.desired.name)
        status = for_each(in_order, take, output)
        wards = [
            Ward(
                before=situation,
                plan=plan,
                file_digest=file_digest_of(situation),
                hold=read_hold(situation.desired.name, machine),
                last_applied=newest_number(situation.desired.name, machine),
            )
            for situation in taken
            if not (plan := situation.plan(resolved)).is_empty
        ]
        if not wards:
            return status
        keeper = _start_keeper(wards, window_ns, machine)
        restored: list[str] = []
        interfaces = [ward.interface for ward in wards]
        try:
            changed = _change(wards, restored, carry_out, output)
        except BaseException:
            locks.close()
            keeper.ask(Verdict.REVERT, interfaces)
            raise
    # only now: a keeper whose time is over waits for the locks, and answers nobody
    keeper.ask(Verdict.RELEASE, restored)
    waiting = [interface for interface in interfaces if interface not in restored]
    return worst((status, changed, _let_the_time_run(waiting, keeper, window_ns, output)))


@dataclass(frozen=True, slots=True)
class RunningKeeper:
    """A keeper as we see it from outside."""

    process: int
    machine: Machine

    def ask(self, verdict: Verdict, interfaces: Iterable[str]) -> dict[str, Outcome]:
        """Return what it makes of each; nothing if it is gone."""
        answer = self.machine.system.ask_keeper(self.process, encode_question(verdict, interfaces))
        try:
            return {} if answer is None else decode_outcomes(answer)
        except ValueError:
            return {}


def _start_keeper(wards: Sequence[Ward], window_ns: int, machine: Machine) -> RunningKeeper:
    without_files = tuple(
        replace(ward, before=replace(ward.before, file=None, warnings=())) for ward in wards
    )
    charge = Charge(wards=without_files, window_ns=window_ns, caller=os.getpid())
    interfaces = [ward.interface for ward in wards]
    return RunningKeeper(machine.system.start_keeper(interfaces, pickle.dumps(charge)), machine)


def _change(
    wards: Sequence[Ward], restored: list[str], carry_out: CarryOut, output: Output
) -> ExitStatus:
    """Change one after the other; add to `restored` what failed and is as it was."""

    def change(ward: Ward) -> ExitStatus:
        try:
            return carry_out(ward.before)
        except NetstartError as error:
            if error.exit_status is not ExitStatus.NOT_RESTORED:
                restored.append(ward.interface)
            raise

    return for_each(wards, change, output)


def _let_the_time_run(
    interfaces: Sequence[str], keeper: RunningKeeper, window_ns: int, output: Output
) -> ExitStatus:
    """Say what waits now; return how it is with what does not."""
    if not interfaces:
        return ExitStatus.OK
    outcomes = keeper.ask(Verdict.APPLIED, interfaces)
    status = ExitStatus.OK
    for interface in interfaces:
        if outcomes.get(interface) is Outcome.PENDING:
            output.say(
                f"{interface}: goes back in {duration(window_ns)},"
                f" unless you confirm: netstart-wg confirm {interface}"
            )
        else:
            output.warn(
                f"{interface}: went back already, or was confirmed, or its keeper was killed:"
                " see the system log"
            )
            status = ExitStatus.WARNINGS
    return status


def confirm(interfaces: Sequence[str], machine: Machine, output: Output) -> ExitStatus:
    """Let changes stay: of the interfaces named, or all that wait.

    Return FAILED if there is nothing to confirm, or it comes too late.
    """
    return _decide(Verdict.CONFIRM, interfaces, machine, output)


def revert(interfaces: Sequence[str], machine: Machine, output: Output) -> ExitStatus:
    """Let changes go back at once, and wait until that is done; else as `confirm`."""
    return _decide(Verdict.REVERT, interfaces, machine, output)


def _decide(
    verdict: Verdict, interfaces: Sequence[str], machine: Machine, output: Output
) -> ExitStatus:
    check_names(interfaces)
    require_root(machine)
    keepers = _keepers(interfaces or machine.system.noted_interfaces(Note.PENDING), machine)
    chosen = interfaces or [name for names in keepers.values() for name in names]
    if not chosen:
        held = machine.system.noted_interfaces(Note.HELD)
        chosen = [name for name in held if _is_overdue(name, machine)]
    if not chosen:
        output.warn("netstart-wg: no change waits for confirmation")
        return ExitStatus.FAILED
    outcomes = dict.fromkeys(chosen, Outcome.UNKNOWN)
    for process, names in keepers.items():
        outcomes |= RunningKeeper(process, machine).ask(verdict, names)
    return worst([_tell(name, outcome, machine, output) for name, outcome in outcomes.items()])


def _keepers(interfaces: Iterable[str], machine: Machine) -> dict[int, list[str]]:
    """Return whom to ask about which of the interfaces; about some nobody."""
    keepers: dict[int, list[str]] = {}
    for interface in interfaces:
        if (pending := read_pending(interface, machine)) is not None:
            keepers.setdefault(pending.keeper.number, []).append(interface)
    return keepers


def _is_overdue(interface: str, machine: Machine) -> bool:
    hold = read_hold(interface, machine)
    return hold is not None and hold.reason is HoldReason.NOT_CONFIRMED


def _tell(interface: str, outcome: Outcome, machine: Machine, output: Output) -> ExitStatus:
    match outcome:
        case Outcome.CONFIRMED:
            output.say(f"{interface}: confirmed")
            return ExitStatus.OK
        case Outcome.REVERTED:
            output.say(f"{interface}: is again as it was")
            return ExitStatus.OK
        case Outcome.NOT_RESTORED:
            output.warn(f"{interface}: went back, but not the whole way: see the system log")
            return ExitStatus.NOT_RESTORED
        case Outcome.PENDING | Outcome.RELEASED | Outcome.UNKNOWN:
            if _is_overdue(interface, machine):
                output.warn(f"{interface}: too late: it went back, not confirmed in time")
            elif machine.system.read_note(interface, Note.PENDING) is not None:
                machine.system.remove_note(interface, Note.PENDING)
                output.warn(f"{interface}: its keeper was killed: its change stays")
            else:
                output.warn(f"{interface}: no change of it waits for confirmation")
            return ExitStatus.FAILED
