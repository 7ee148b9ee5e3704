"""Make an interface again what it was when a change began that has ended long since.

As after a failure (`app/restore.py`), but by another process, for which the
change may have ended anywhere: its caller may have been killed.
"""

from __future__ import annotations

from netstart_wg.app.execute import execute
from netstart_wg.app.output import Output
from netstart_wg.app.prepare import Situation, look
from netstart_wg.app.rdomains import remove_left
from netstart_wg.app.restore import restore
from netstart_wg.app.routing import left_behind
from netstart_wg.app.system import Machine
from netstart_wg.errors import NetstartError, NotOursError
from netstart_wg.model.action import ForgetCommand, Plan, RemoveStranger, RunCommand
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.state import NOTHING_LEFT
from netstart_wg.reconcile.restore import routes_of


def go_back(before: Situation, plan: Plan, machine: Machine, output: Output) -> bool:
    """Take back as much of the plan as was carried out; return whether all is as it was.

    The caller holds the interface's lock.  What could not be taken back is told.
    """
    try:
        return _go_back(before, plan, machine, output)
    finally:
        remove_left(plan.interface, before.running, plan.actions, machine, output)


def _go_back(before: Situation, plan: Plan, machine: Machine, output: Output) -> bool:
    interface = plan.interface
    machine.system.place_rdomains(before.settings.rdomains)
    for action in plan.actions:
        if isinstance(action, RunCommand):
            command = action.command.shown
            output.warn(f"{interface}: warning: cannot be undone, if it has run: !{command}")
        elif isinstance(action, RemoveStranger):
            output.warn(f"{interface}: warning: the interface that was not ours is gone")
    if before.running is not None:
        return restore(before, plan.actions, plan.actions, machine, output)
    try:
        _remove(plan, machine)
    except NetstartError as error:
        output.warn(f"{interface}: the interface could not be removed again: {error}")
        return False
    output.warn(f"{interface}: there is again no such interface")
    return True


def _remove(plan: Plan, machine: Machine) -> None:
    """Remove what the plan made, with what leads elsewhere; raise NetstartError."""
    interface, routes = plan.interface, routes_of(plan.actions)
    try:
        running, _ = look(interface, machine, routes)
    except NotOursError:  # ours has ended, and another program has taken its name
        running = None
    made = AppliedRecord(
        interface=interface, index=running.index if running else 0, routes=tuple(routes)
    )
    end = Situation(
        desired=InterfaceConfig(name=interface, exists=False),
        running=running,
        applied=made,
        left_behind=left_behind(made, machine) if running is None else NOTHING_LEFT,
    ).plan({})
    for action in end.actions:
        if not isinstance(action, RunCommand | ForgetCommand):
            execute(action, end.rdomain, machine)
    machine.system.remove_record(interface)
