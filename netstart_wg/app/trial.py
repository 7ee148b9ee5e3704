"""Change interfaces so that they go back by themselves unless somebody confirms it.

All locks are taken first, in one order for everybody, and everything is looked at
once more.  Then the keeper is started (`app/keeper.py`), another process, which has
what was there; and only when it is ready the first interface is touched.  It cannot
go back before we let go of the locks, or are dead.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from netstart_wg.app.history import newest_number
from netstart_wg.app.hold import digest_of_file, read_hold
from netstart_wg.app.keeper import Charge, Ward
from netstart_wg.app.lifeline import WINDOW_NS
from netstart_wg.app.options import Options
from netstart_wg.app.output import Output, for_each, worst
from netstart_wg.app.pending import duration, refuse_if_pending
from netstart_wg.app.prepare import Resolved, Situation, survey_again
from netstart_wg.app.running_keeper import RunningKeeper
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus, NetstartError
from netstart_wg.model.confirmation import Outcome, Verdict
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
                names=machine.system.read_note(situation.desired.name, Note.NAMES),
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
