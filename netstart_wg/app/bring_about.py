"""Files to plans, and plans to deeds: all of them are made before the first is carried out.

Then, one interface after the other: lock, look again, execute, and look once
more.  If the second plan is not empty the run has failed.  Where nothing
differs, nothing is written: no netlink, no engine, no lock, no record.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netstart_wg.app.carry_out import carry_out
from netstart_wg.app.clock import point_out_clock
from netstart_wg.app.explain import differences_of
from netstart_wg.app.files import read_files
from netstart_wg.app.fixpoint import remember_fixpoint
from netstart_wg.app.guards import point_out
from netstart_wg.app.hold import is_held, write_hold
from netstart_wg.app.lifeline import has_to_be_confirmed
from netstart_wg.app.names import note_names
from netstart_wg.app.options import Options
from netstart_wg.app.output import Output, for_each, worst
from netstart_wg.app.pending import refuse_if_pending
from netstart_wg.app.permissions import SecureFile, point_out_permissions, repair_permissions
from netstart_wg.app.prepare import (
    Resolved,
    Situation,
    settle,
    survey_again,
    survey_all,
)
from netstart_wg.app.report import Report
from netstart_wg.app.settings import read_settings
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus
from netstart_wg.model.action import Plan
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.render.differences import render_diff
from netstart_wg.system.hostname_files import HostnamePath


def bring_about(
    folder: Path,
    files: Sequence[HostnamePath],
    options: Options,
    machine: Machine,
    output: Output,
    report: Report | None = None,
) -> ExitStatus:
    """Make the interfaces what their files and the settings of their folder say."""
    settings = read_settings(folder, repair_permissions, machine, output)
    readings, read = read_files(
        files, settings, options.allowed, repair_permissions, machine, output
    )
    situations, surveyed = survey_all(readings, machine, output, options.allowed)
    situations, resolved, looked_up = settle(situations, machine, output)

    if any(situation.running is None for situation in situations):
        point_out_clock((file.path for file in files), machine, output)

    to_confirm: list[Situation] = []
    applied: list[InterfaceConfig] = []

    def change(situation: Situation) -> ExitStatus:
        plan = situation.plan(resolved)
        if not plan.is_empty:
            _warn(situation, output)
            if options.window_ns is None and is_held(situation, options.allowed, machine, output):
                if report is not None:
                    report.look(situation, plan)
                return ExitStatus.WARNINGS
            if has_to_be_confirmed(situation, plan, options, machine, output):
                to_confirm.append(situation)
                return ExitStatus.OK
        bring = _settle if plan.is_empty else _change

        def work() -> ExitStatus:
            status = bring(situation, resolved, options, machine, output)
            applied.append(situation.desired)
            return status

        return work() if report is None else report.change(situation, resolved, work)

    changed = for_each(situations, change, output)
    awaited = _change_until_confirmed(
        to_confirm, resolved, options, machine, output, report, applied
    )
    note_names(applied, machine)
    return worst((read, surveyed, looked_up, changed, awaited))


def show_plans(
    folder: Path,
    files: Sequence[HostnamePath],
    options: Options,
    machine: Machine,
    output: Output,
    report: Report | None = None,
) -> ExitStatus:
    """Print what `bring_about` would do, and do nothing."""
    planned, status = plan_all(folder, files, options, point_out_permissions, machine, output)
    for situation, _ in planned:
        _warn(situation, output)
    for situation, plan in planned:
        if report is not None:
            report.look(situation, plan)
        else:
            for line in render_diff(differences_of(situation, plan)):
                output.say(line)
        if not plan.is_empty:
            is_held(situation, options.allowed, machine, output)
        point_out(situation, plan, options.allowed, output)
    return status


def plan_all(
    folder: Path,
    files: Sequence[HostnamePath],
    options: Options,
    secure: SecureFile,
    machine: Machine,
    output: Output,
) -> tuple[Sequence[tuple[Situation, Plan]], ExitStatus]:
    """Look at everything that there is; return the plans, and DIFFERENT if one is not empty."""
    settings = read_settings(folder, secure, machine, output)
    readings, read = read_files(files, settings, options.allowed, secure, machine, output)
    situations, surveyed = survey_all(readings, machine, output, options.allowed)
    situations, resolved, _ = settle(situations, machine, output)
    planned = [(situation, situation.plan(resolved)) for situation in situations]
    differs = [ExitStatus.DIFFERENT for _, plan in planned if not plan.is_empty]
    return planned, worst((read, surveyed, *differs))


def _settle(
    situation: Situation,
    resolved: Resolved,
    options: Options,
    machine: Machine,
    output: Output,
) -> ExitStatus:
    """Remember of one interface that it is what its file says."""
    if situation.applied == situation.record(resolved):
        if (settled := situation.settled(resolved)) is not None:
            remember_fixpoint(settled, machine)
        return ExitStatus.OK
    _warn(situation, output)
    with machine.system.lock(situation.desired.name):
        present = survey_again(situation, machine, options.allowed)
        return carry_out(present, resolved, machine, output, options.allowed)


def _change(
    situation: Situation,
    resolved: Resolved,
    options: Options,
    machine: Machine,
    output: Output,
) -> ExitStatus:
    """Make one interface what its file says, and remember that."""
    interface = situation.desired.name
    with machine.system.lock(interface):
        refuse_if_pending(interface, machine)
        present = survey_again(situation, machine, options.allowed)
        status = carry_out(present, resolved, machine, output, options.allowed)
        write_hold(interface, None, machine)
    return status


def _change_until_confirmed(
    situations: Sequence[Situation],
    resolved: Resolved,
    options: Options,
    machine: Machine,
    output: Output,
    report: Report | None,
    applied: list[InterfaceConfig],
) -> ExitStatus:
    """Make interfaces that differ what their files say, until that is confirmed or goes back.

    Those that are go to the ones `applied`.
    """
    if not situations:
        return ExitStatus.OK
    from netstart_wg.app.trial import change_until_confirmed

    def change(situation: Situation) -> ExitStatus:
        def work() -> ExitStatus:
            status = carry_out(situation, resolved, machine, output, options.allowed)
            applied.append(situation.desired)
            return status

        return work() if report is None else report.change(situation, resolved, work)

    return change_until_confirmed(situations, resolved, options, machine, output, change)


def _warn(situation: Situation, output: Output) -> None:
    """Say what the file's author may not have meant; when nothing changes, not again."""
    for warning in situation.warnings:
        output.warn(warning.format())
