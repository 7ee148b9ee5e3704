"""What a run finds and does, collected, and printed as one JSON object at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netstart_wg.app.explain import differences_of
from netstart_wg.app.output import Output
from netstart_wg.app.prepare import Resolved, Situation
from netstart_wg.errors import ExitStatus, NetstartError, UsageError
from netstart_wg.model.action import Plan
from netstart_wg.model.difference import Difference
from netstart_wg.model.report import InterfaceReport, Mode, Outcome, RunReport
from netstart_wg.render.plan_json import render_plan_json
from netstart_wg.system.hostname_files import HostnamePath

_OUTCOMES = {
    ExitStatus.OK: Outcome.CHANGED,
    ExitStatus.WARNINGS: Outcome.WARNINGS,
    ExitStatus.NOT_RESTORED: Outcome.NOT_RESTORED,
}
"""Of an interface that differed; after every other status it is as it was."""


class Report:
    """Satisfies `Output`: messages still go to a person, and everything else is noted."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._interfaces: dict[str, tuple[Outcome, tuple[Difference, ...]]] = {}
        self._files: Sequence[HostnamePath] = ()
        self._messages: list[str] = []

    @property
    def has_reader(self) -> bool:
        """Whether what is said still arrives."""
        return self._output.has_reader

    def say(self, text: str) -> None:
        """Tell a person: standard output is for the object."""
        self.warn(text)

    def step(self, text: str) -> None:
        """Leave it to the differences to tell."""

    def done(self, text: str) -> None:
        """Leave it to the differences to tell."""

    def warn(self, text: str) -> None:
        """Tell a person, and note it."""
        self._messages.append(text)
        self._output.warn(text)

    def look(self, situation: Situation, plan: Plan) -> None:
        """Note what differs, about which nothing is done."""
        outcome = Outcome.IN_SYNC if plan.is_empty else Outcome.DIFFERENT
        self._interfaces[plan.interface] = outcome, differences_of(situation, plan)

    def change(
        self, situation: Situation, resolved: Resolved, work: Callable[[], ExitStatus]
    ) -> ExitStatus:
        """Do something about an interface, and note what about and how it ended."""
        plan = situation.plan(resolved)
        differences = differences_of(situation, plan)
        outcome = Outcome.FAILED
        try:
            status = work()
            outcome = _OUTCOMES.get(status, Outcome.FAILED)
            if status is ExitStatus.OK and plan.is_empty:
                outcome = Outcome.IN_SYNC
        except NetstartError as error:
            outcome = _OUTCOMES.get(error.exit_status, Outcome.FAILED)
            raise
        finally:
            self._interfaces[plan.interface] = outcome, differences
        return status

    def begin(self, files: Sequence[HostnamePath]) -> None:
        """Note which interfaces the run is about."""
        self._files = files

    def leave(self) -> None:
        """Note that nothing differs anywhere."""
        for file in self._files:
            self._interfaces[file.interface] = Outcome.IN_SYNC, ()

    def value(self, mode: Mode, status: ExitStatus) -> RunReport:
        """Return all that was noted; what could not even be looked at has failed."""
        return RunReport(
            mode=mode,
            exit_status=int(status),
            interfaces=tuple([self._of(file) for file in self._files]),
            messages=tuple(self._messages),
        )

    def _of(self, file: HostnamePath) -> InterfaceReport:
        outcome, differences = self._interfaces.get(file.interface, (Outcome.FAILED, ()))
        return InterfaceReport(
            name=file.interface, file=str(file.path), outcome=outcome, differences=differences
        )


Work = Callable[[Output, Report], ExitStatus]
"""A run, with the report of it as its output, too."""


def print_report(mode: Mode, work: Work, output: Output) -> ExitStatus:
    """Do the work, and print what came of it, whatever that is; raise UsageError."""
    report = Report(output)
    try:
        status = work(report, report)
    except UsageError:
        raise
    except NetstartError as error:
        report.warn(str(error))
        status = error.exit_status
    output.say(render_plan_json(report.value(mode, status)))
    return status
