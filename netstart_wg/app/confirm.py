"""`netstart-wg confirm`: find out who waits for the word, give it, and tell what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netstart_wg.app.history import require_root
from netstart_wg.app.hold import read_hold
from netstart_wg.app.output import Output, worst
from netstart_wg.app.pending import read_pending
from netstart_wg.app.running_keeper import RunningKeeper
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus
from netstart_wg.model.confirmation import HoldReason, Outcome, Verdict
from netstart_wg.system.hostname_files import check_names
from netstart_wg.system.notes import Note


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
