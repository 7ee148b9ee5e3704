"""What was applied to an interface, and when: written when a run has changed something.

Secrets are not in it: in their places are references, by which whoever has them
can be asked for them (`syntax/references.py`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from netstart_wg.app.output import Output
from netstart_wg.app.system import Machine
from netstart_wg.errors import BackendError, ExitStatus, NetstartError, PermissionDeniedError
from netstart_wg.model.applied import AppliedState
from netstart_wg.system.hostname_files import check_names

VERSION = 1
"""Of the format; an entry of another one is passed over."""

_NANOSECONDS = 1_000_000_000


def remember_applied(
    interface: str, text: str, summary: str, machine: Machine, output: Output
) -> None:
    """Write what was applied, unless it is what the newest entry says; no failure but a warning."""
    from netstart_wg.syntax.references import with_references

    try:
        hidden = with_references(text)
        newest = next(iter(read_history(interface, machine)), None)
        if newest is not None and newest.text == hidden and not newest.went_back:
            return
        numbers = machine.system.history().numbers(interface)
        state = AppliedState(
            number=1 + max(numbers, default=0),
            at_ns=machine.system.realtime_ns(),
            summary=summary.removeprefix(f"{interface}: "),
            text=hidden,
        )
        _write(interface, state, machine)
    except BackendError as error:
        output.warn(f"{interface}: warning: {error.operation}: {error.reason}")


def mark_as_gone_back(interface: str, after: int, machine: Machine) -> None:
    """Say of every entry newer than that number that it was not confirmed; raise BackendError."""
    for state in read_history(interface, machine):
        if state.number > after and not state.went_back:
            _write(interface, replace(state, went_back=True), machine)


def newest_number(interface: str, machine: Machine) -> int:
    """Return the number of the newest entry; 0 if there is none."""
    return max(machine.system.history().numbers(interface), default=0)


def read_history(interface: str, machine: Machine) -> Iterable[AppliedState]:
    """Yield the entries, from the newest to the oldest; what cannot be read is passed over."""
    history = machine.system.history()
    for number in reversed(history.numbers(interface)):
        text = history.read(interface, number)
        try:
            if text is not None:
                yield _decode(text, number)
        except (ValueError, RecursionError):
            continue


def find_applied(interface: str, number: int, machine: Machine) -> AppliedState:
    """Return the entry of that number; raise NetstartError if there is none."""
    for state in read_history(interface, machine):
        if state.number == number:
            return state
    raise NetstartError(f"{interface}: no state {number} in the history{_hint(interface, machine)}")


def print_history(interfaces: Sequence[str], machine: Machine, output: Output) -> ExitStatus:
    """Print a line for each entry of the interfaces named, or of all, the newest first."""
    check_names(interfaces)
    require_root(machine)
    status = ExitStatus.OK
    for interface in interfaces or machine.system.history().interfaces():
        states = list(read_history(interface, machine))
        if not states:
            output.warn(f"{interface}: no history: nothing was applied yet")
            status = ExitStatus.FAILED
        for state in states:
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(state.at_ns // _NANOSECONDS))
            fate = " (went back)" if state.went_back else ""
            output.say(f"{interface}: {state.number}  {at}  {state.summary}{fate}")
    return status


def print_applied(interface: str, number: int, machine: Machine, output: Output) -> ExitStatus:
    """Print what the file said, with references in place of secrets."""
    check_names([interface])
    require_root(machine)
    output.say(find_applied(interface, number, machine).text.rstrip("\n"))
    return ExitStatus.OK


def require_root(machine: Machine) -> None:
    """Raise PermissionDeniedError unless we are root."""
    if not machine.system.is_root():
        raise PermissionDeniedError("netstart-wg: need root privileges")


def _hint(interface: str, machine: Machine) -> str:
    numbers = [str(number) for number in machine.system.history().numbers(interface)]
    return f"\n    hint: there is {', '.join(numbers)}" if numbers else ""


def _write(interface: str, state: AppliedState, machine: Machine) -> None:
    text = json.dumps(
        {
            "version": VERSION,
            "at_ns": state.at_ns,
            "summary": state.summary,
            "went_back": state.went_back,
            "text": state.text,
        }
    )
    machine.system.history().write(interface, state.number, text)


def _decode(text: str, number: int) -> AppliedState:
    """Read what `_write` wrote; raise ValueError for anything else."""
    match json.loads(text):
        case {
            "version": 1,
            "at_ns": int(at_ns),
            "summary": str(summary),
            "went_back": bool(went_back),
            "text": str(said),
        }:
            return AppliedState(
                number=number, at_ns=at_ns, summary=summary, text=said, went_back=went_back
            )
        case _:
            raise ValueError(f"no entry of version {VERSION}")
