"""Make interfaces what an earlier hostname file said, by the same plans as any file.

The file that is there now stays as it is, and is held: the next run would else undo
the rollback.  The secrets come from wherever they still are: the present file, and
the engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netstart_wg.app.carry_out import carry_out
from netstart_wg.app.files import Reading, read_source
from netstart_wg.app.fixpoint import digest_of_text
from netstart_wg.app.history import find_applied, read_history, require_root
from netstart_wg.app.hold import write_hold
from netstart_wg.app.lifeline import has_to_be_confirmed
from netstart_wg.app.names import note_names
from netstart_wg.app.options import Options
from netstart_wg.app.output import Output, for_each, worst
from netstart_wg.app.pending import refuse_if_pending
from netstart_wg.app.permissions import point_out_permissions
from netstart_wg.app.prepare import Resolved, Situation, settle, survey_again, survey_all
from netstart_wg.app.settings import read_settings
from netstart_wg.app.system import Machine
from netstart_wg.errors import ConfigError, ExitStatus, NetstartError, UsageError
from netstart_wg.model.applied import AppliedState
from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.confirmation import Hold, HoldReason
from netstart_wg.model.guard import ALL_GUARDS, Guard
from netstart_wg.system.hostname_files import check_names

if TYPE_CHECKING:
    from netstart_wg.model.keys import Key
    from netstart_wg.syntax.source import SourceText

ALLOWED = ALL_GUARDS - {Guard.TAKEOVER, Guard.READABLE}
"""Who asks for an earlier state by its number means whatever is in it."""


class Rollback:
    """One run; what it is about is found out first, and nothing is changed by that."""

    def __init__(
        self,
        folder: Path,
        interfaces: Sequence[str],
        number: int | None,
        machine: Machine,
        output: Output,
    ) -> None:
        """Take which state, by default the one before the present one.

        Raise UsageError, PermissionDeniedError or ConfigError.
        """
        require_root(machine)
        self._folder = folder
        self._machine = machine
        self._output = output
        self._settings = read_settings(folder, point_out_permissions, machine, output)
        self._chosen: dict[str, AppliedState] = {}
        self._applied: list[InterfaceConfig] = []
        readings: list[Reading] = []

        def read(interface: str) -> ExitStatus:
            state = self._choose(interface, number)
            readings.append(self._read(interface, state))
            self._chosen[interface] = state
            return ExitStatus.OK

        status = for_each(_names(interfaces, machine), read, output)
        situations, surveyed = survey_all(readings, machine, output, ALLOWED)
        self._situations: Sequence[Situation]
        self._resolved: Resolved
        self._situations, self._resolved, looked_up = settle(situations, machine, output)
        self._status = worst((status, surveyed, looked_up))

    def show(self) -> ExitStatus:
        """Print what would be changed."""
        from netstart_wg.app.explain import differences_of
        from netstart_wg.render.differences import render_diff

        plans = [(situation, situation.plan(self._resolved)) for situation in self._situations]
        for situation, plan in plans:
            for line in render_diff(differences_of(situation, plan)):
                self._output.say(line)
        differs = [ExitStatus.DIFFERENT for _, plan in plans if not plan.is_empty]
        return worst((self._status, *differs))

    def carry_out(self, options: Options) -> ExitStatus:
        """Change it, perhaps until it is confirmed."""
        to_confirm: list[Situation] = []

        def change(situation: Situation) -> ExitStatus:
            plan = situation.plan(self._resolved)
            if plan.is_empty:
                self._applied.append(situation.desired)
                self._hold(situation)
                self._say_is_there(situation)
                return ExitStatus.OK
            if has_to_be_confirmed(situation, plan, options, self._machine, self._output):
                to_confirm.append(situation)
                return ExitStatus.OK
            return self._lock_and_change(situation)

        changed = for_each(self._situations, change, self._output)
        awaited = self._change_until_confirmed(to_confirm, options)
        note_names(self._applied, self._machine)
        return worst((self._status, changed, awaited))

    def _choose(self, interface: str, number: int | None) -> AppliedState:
        if number is not None:
            return find_applied(interface, number, self._machine)
        there = [each for each in read_history(interface, self._machine) if not each.went_back]
        if len(there) < 2:
            raise NetstartError(f"{interface}: no earlier state in the history")
        return there[1]

    def _read(self, interface: str, state: AppliedState) -> Reading:
        """Read its text, with the secrets that it had; raise NetstartError if one is lost."""
        from netstart_wg.syntax.references import with_secrets
        from netstart_wg.syntax.source import SourceText

        known, keys = self._known_secrets(interface), self._known_keys(interface)
        text, missing = with_secrets(state.text, known, keys)
        if missing:
            lines = "".join(f"\n    {each.line}: {each.shown}" for each in missing)
            raise NetstartError(
                f"{interface}: state {state.number} has a secret that is known nowhere any more,"
                f" neither in its hostname file nor to its engine:{lines}"
            )
        source = SourceText.from_text(f"{interface}, state {state.number}", text)
        return read_source(source, interface, self._settings, ALLOWED, self._machine)

    def _known_secrets(self, interface: str) -> Iterator[str]:
        from netstart_wg.syntax.references import secrets_of

        source = self._present_file(interface)
        return iter(()) if source is None else secrets_of(source.text())

    def _known_keys(self, interface: str) -> Iterator[Key]:
        """Yield what its engine knows; public keys, too, since in a comment one may be any key."""
        engine = self._machine.backend.state(interface)
        if engine is None:
            return
        if engine.private_key is not None:
            yield engine.private_key
        for peer in engine.peers:
            yield peer.public_key
            if peer.preshared_key is not None:
                yield peer.preshared_key

    def _present_file(self, interface: str) -> SourceText | None:
        from netstart_wg.syntax.source import SourceText

        try:
            return SourceText.read(self._folder / f"hostname.{interface}")
        except ConfigError:
            return None

    def _lock_and_change(self, situation: Situation) -> ExitStatus:
        interface = situation.desired.name
        with self._machine.system.lock(interface):
            refuse_if_pending(interface, self._machine)
            return self._change(survey_again(situation, self._machine, ALLOWED))

    def _change_until_confirmed(
        self, situations: Sequence[Situation], options: Options
    ) -> ExitStatus:
        if not situations:
            return ExitStatus.OK
        from netstart_wg.app.trial import change_until_confirmed

        return change_until_confirmed(
            situations,
            self._resolved,
            options,
            self._machine,
            self._output,
            self._change,
            lambda _: None,  # going back from it lets the file be held or not, as before
        )

    def _change(self, present: Situation) -> ExitStatus:
        """Change one whose lock is held, and hold its file."""
        status = carry_out(present, self._resolved, self._machine, self._output, ALLOWED)
        self._applied.append(present.desired)
        self._hold(present)
        self._say_is_there(present)
        return status

    def _hold(self, situation: Situation) -> None:
        """Let the next run not undo it, if the file says otherwise."""
        source = self._present_file(situation.desired.name)
        hold = None
        if source is not None and source.text() != situation.text:
            hold = Hold(
                file_digest=digest_of_text(source.text()),
                reason=HoldReason.ROLLED_BACK,
                since_ns=self._machine.system.realtime_ns(),
            )
        write_hold(situation.desired.name, hold, self._machine)

    def _say_is_there(self, situation: Situation) -> None:
        interface = situation.desired.name
        number, source = self._chosen[interface].number, self._present_file(interface)
        self._output.say(f"{interface}: is what state {number} says")
        if source is not None and source.text() != situation.text:
            self._output.warn(
                f"{interface}: its hostname file says otherwise, and is left alone"
                " until it is edited"
            )


def _names(interfaces: Sequence[str], machine: Machine) -> Sequence[str]:
    """Return the interfaces named, or the only one that there is; raise UsageError."""
    check_names(interfaces)
    known = machine.system.history().interfaces()
    if not interfaces and len(known) > 1:
        raise UsageError(f"rollback: name the interface: {', '.join(known)}")
    if not interfaces and not known:
        raise UsageError("rollback: there is no history")
    return interfaces or known
