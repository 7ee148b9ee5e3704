"""A keeper as others see it: somebody to be asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netstart_wg.app.keeper import decode_outcomes, encode_question
from netstart_wg.app.system import Machine
from netstart_wg.model.confirmation import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class RunningKeeper:
    """The process, of which only the number is known."""

    process: int
    machine: Machine

    def ask(self, verdict: Verdict, interfaces: Iterable[str]) -> dict[str, Outcome]:
        """Return what it makes of each; nothing if it is gone."""
        answer = self.machine.system.ask_keeper(self.process, encode_question(verdict, interfaces))
        try:
            return {} if answer is None else decode_outcomes(answer)
        except ValueError:
            return {}
