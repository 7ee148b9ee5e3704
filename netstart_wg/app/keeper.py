"""What a keeper holds, and what it does when it is told, or when nobody has told it in time.

It is one process with one thread, and answers one question after the other: a
confirmation comes before the deadline or after it, and never both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from netstart_wg.app.go_back import go_back
from netstart_wg.app.history import mark_as_gone_back
from netstart_wg.app.hold import write_hold
from netstart_wg.app.names import restore_names
from netstart_wg.app.output import Output
from netstart_wg.app.pending import write_pending
from netstart_wg.app.prepare import Situation
from netstart_wg.app.system import Machine
from netstart_wg.errors import BusyError, NetstartError
from netstart_wg.model.action import Plan
from netstart_wg.model.confirmation import (
    Hold,
    HoldReason,
    Outcome,
    Pending,
    ProcessIdentity,
    Verdict,
)
from netstart_wg.system.notes import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Ward:
    """One interface in a keeper's care."""

    before: Situation
    """As it is to be again."""
    plan: Plan
    """What was going to be done to it."""
    file_digest: str | None = None
    """Of the file that a revert is to hold; None: what held it before holds it again."""
    hold: Hold | None = None
    """What held it before."""
    names: str | None = None
    """The note on its names."""
    last_applied: int = 0
    """The number of the newest entry in its history."""

    @property
    def interface(self) -> str:
        """Return its name."""
        return self.plan.interface


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """All that a keeper is told when it starts."""

    wards: tuple[Ward, ...]
    window_ns: int
    """How long a confirmation may take."""
    caller: int
    """The process that is going to make the change."""


@dataclass(slots=True)
class Keeper:
    """Satisfies what `netstart_wg.cli.keeper` runs."""

    charge: Charge
    process: ProcessIdentity
    machine: Machine
    output: Output
    end_caller: Callable[[], None]
    """Kill whoever makes the change, if that is still at work."""
    deadline_ns: int = 0
    """Boot time."""
    _wards: dict[str, Ward] = field(init=False)
    _is_applied: bool = False

    def __post_init__(self) -> None:
        """Take every ward into care."""
        self._wards = {ward.interface: ward for ward in self.charge.wards}

    @property
    def has_wards(self) -> bool:
        """Whether anything waits yet."""
        return bool(self._wards)

    def begin(self) -> None:
        """Let the time run, from now; raise BackendError."""
        self.deadline_ns = self.machine.system.boot_time_ns() + self.charge.window_ns
        write_pending(
            Pending(
                interfaces=tuple(self._wards), deadline_ns=self.deadline_ns, keeper=self.process
            ),
            self.machine,
        )

    def expire(self) -> None:
        """Go back with all that is left: the time is over, or we are to end."""
        self._go_back(tuple(self._wards), HoldReason.NOT_CONFIRMED)

    def answer(self, question: str) -> str:
        """Do what is asked, and return what became of each interface named."""
        verdict, interfaces = decode_question(question)
        outcomes = dict.fromkeys(interfaces, Outcome.UNKNOWN)
        outcomes |= self._decide(verdict, [name for name in outcomes if name in self._wards])
        return encode_outcomes(outcomes)

    def _decide(self, verdict: Verdict, interfaces: Iterable[str]) -> Mapping[str, Outcome]:
        match verdict:
            case Verdict.CONFIRM:
                return {name: self._confirm(name) for name in interfaces}
            case Verdict.REVERT:
                return self._go_back(interfaces, HoldReason.REVERTED)
            case Verdict.APPLIED:
                self._is_applied = True
                self.begin()
                return dict.fromkeys(interfaces, Outcome.PENDING)
            case Verdict.RELEASE:
                return {name: self._release(name) for name in interfaces}

    def _confirm(self, interface: str) -> Outcome:
        """Let it stay; a file that was held is so no longer."""
        if self._wards[interface].file_digest is not None:
            self._told(lambda: write_hold(interface, None, self.machine))
        self._release(interface)
        self.output.warn(f"{interface}: its change is confirmed")
        return Outcome.CONFIRMED

    def _release(self, interface: str) -> Outcome:
        self._wards.pop(interface, None)
        self._told(lambda: self.machine.system.remove_note(interface, Note.PENDING))
        return Outcome.RELEASED

    def _go_back(self, interfaces: Iterable[str], reason: HoldReason) -> Mapping[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        left = list(interfaces)
        while left:
            interface = left.pop(0)
            self.output.warn(f"{interface}: its change goes back: {reason.value}")
            outcome = self._revert(interface, reason)
            if outcome is None:
                left.append(interface)  # nobody waits for whoever is at work on another one
            else:
                outcomes[interface] = outcome
        return outcomes

    def _revert(self, interface: str, reason: HoldReason) -> Outcome | None:
        """Go back; return None if somebody is at work on the interface, and for long."""
        try:
            with self.machine.system.lock(interface):
                return self._restore(self._wards[interface], reason)
        except BusyError as error:
            self.output.warn(str(error))
            if not self._is_applied:
                self.end_caller()
            return None
        except Exception as error:  # noqa: BLE001 - the other interfaces go back all the same
            why = str(error) if isinstance(error, NetstartError) else type(error).__name__
            self.output.warn(f"{interface}: its change could not go back: {why}")
            self._release(interface)
            return Outcome.NOT_RESTORED

    def _restore(self, ward: Ward, reason: HoldReason) -> Outcome:
        """Go back, and leave word of it."""
        is_restored = go_back(ward.before, ward.plan, self.machine, self.output)
        self._told(lambda: self._hold(ward, reason))
        restore_names(ward.interface, ward.names, self.machine)
        self._told(lambda: mark_as_gone_back(ward.interface, ward.last_applied, self.machine))
        self._release(ward.interface)
        return Outcome.REVERTED if is_restored else Outcome.NOT_RESTORED

    def _hold(self, ward: Ward, reason: HoldReason) -> None:
        """Let the next run not do it again."""
        hold = ward.hold
        if ward.file_digest is not None:
            since_ns = self.machine.system.realtime_ns()
            hold = Hold(file_digest=ward.file_digest, reason=reason, since_ns=since_ns)
        write_hold(ward.interface, hold, self.machine)

    def _told(self, work: Callable[[], None]) -> None:
        """Do what must not hold up anything else; tell if it fails."""
        try:
            work()
        except NetstartError as error:
            self.output.warn(str(error))


def encode_question(verdict: Verdict, interfaces: Iterable[str]) -> str:
    """Return what a keeper is asked, as text."""
    return json.dumps([verdict.value, *interfaces])


def decode_question(text: str) -> tuple[Verdict, tuple[str, ...]]:
    """Read what `encode_question` wrote; raise ValueError for anything else."""
    match json.loads(text):
        case [str(verdict), *interfaces]:
            return Verdict(verdict), tuple(map(str, interfaces))
        case _:
            raise ValueError("no question")


def encode_outcomes(outcomes: Mapping[str, Outcome]) -> str:
    """Return a keeper's answer as text."""
    return json.dumps({interface: outcome.value for interface, outcome in outcomes.items()})


def decode_outcomes(text: str) -> dict[str, Outcome]:
    """Read what `encode_outcomes` wrote; raise ValueError for anything else."""
    match json.loads(text):
        case dict(outcomes):
            return {str(name): Outcome(value) for name, value in outcomes.items()}
        case _:
            raise ValueError("no answer")
