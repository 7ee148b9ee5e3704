"""`netstart-wg stop`: take away what netstart-wg has put there, and nothing else.

Each interface that netstart-wg has ever been at work on since the machine was started has
files in the run directory.  So one whose hostname file is gone is found, too, and so is what
an engine that was killed has left.  Hostname files, the history and where names were last
found stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.app.carry_out import carry_out
from netstart_wg.app.history import require_root
from netstart_wg.app.names import restore_names
from netstart_wg.app.observe import ElsewhereError
from netstart_wg.app.output import Output, for_each, worst
from netstart_wg.app.pending import read_pending
from netstart_wg.app.prepare import Situation, look
from netstart_wg.app.rdomains import remove_unused
from netstart_wg.app.records import read_record
from netstart_wg.app.routing import left_behind
from netstart_wg.app.running_keeper import RunningKeeper
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus, NetstartError, NotOursError
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.confirmation import Verdict
from netstart_wg.model.guard import ALL_GUARDS
from netstart_wg.model.state import NOTHING_LEFT, InterfaceState
from netstart_wg.system.hostname_files import check_names
from netstart_wg.system.notes import Note


def stop(interfaces: Sequence[str], machine: Machine, output: Output) -> ExitStatus:
    """Take away the interfaces named, or all, the last one first; again does nothing."""
    check_names(interfaces)
    require_root(machine)
    chosen = interfaces or sorted(machine.system.known_interfaces(), reverse=True)
    status = for_each(chosen, lambda name: _take_away(name, machine, output), output)
    return worst((status, remove_unused(machine, output), _sweep(machine, output)))


def _take_away(interface: str, machine: Machine, output: Output) -> ExitStatus:
    """End one interface, and forget it."""
    system = machine.system
    with system.lock(interface):
        _release(interface, machine)
        status = _destroy(interface, machine, output)
        restore_names(interface, None, machine)
        for note in (Note.PENDING, Note.HELD):
            system.remove_note(interface, note)
        system.remove_record(interface)
        system.remove_lock(interface)
    return status


def _release(interface: str, machine: Machine) -> None:
    """Tell the keeper of a change that nobody has confirmed that there is nothing to go back to."""
    if (pending := read_pending(interface, machine)) is not None:
        RunningKeeper(pending.keeper.number, machine).ask(Verdict.RELEASE, [interface])


def _destroy(interface: str, machine: Machine, output: Output) -> ExitStatus:
    """Remove the interface with all that is its own; when the machine shuts down, others do, too.

    Raise NetstartError.
    """
    before = _situation(interface, machine)
    try:
        return _carry_out(before, machine, output)
    except NetstartError:
        after = _situation(interface, machine)
        if after.running is not None:
            raise
        return _carry_out(after, machine, output)


def _carry_out(situation: Situation, machine: Machine, output: Output) -> ExitStatus:
    if situation.plan({}).is_empty:
        return ExitStatus.OK
    return carry_out(situation, {}, machine, output, ALL_GUARDS)


def _situation(interface: str, machine: Machine) -> Situation:
    """Look at an interface that shall not be; raise NotOursError unless it ever was ours."""
    applied = read_record(interface, machine)
    running: InterfaceState | None
    try:
        running, _ = look(interface, machine)
    except ElsewhereError as error:
        running = error.state
    except NotOursError:
        if applied is None:
            raise
        running = None  # its name is another's by now
    return Situation(
        desired=InterfaceConfig(name=interface, exists=False),
        running=running,
        applied=applied,
        is_incremental=True,
        left_behind=left_behind(applied, machine) if running is None else NOTHING_LEFT,
    )


def _sweep(machine: Machine, output: Output) -> ExitStatus:
    """Remove what is nobody's in the run directory; what is left is told, and no failure."""
    try:
        machine.system.clear_run_directory()
    except NetstartError as error:
        output.warn(f"warning: {error}")
        return ExitStatus.WARNINGS
    return ExitStatus.OK
