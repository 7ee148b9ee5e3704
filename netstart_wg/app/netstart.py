"""The use case: make interfaces what their hostname files say.

Mostly there is nothing to do, at boot's second call or from a timer, and that is
known without reading the files (`app/fixpoint.py`).  Only what is needed to know it is
loaded here at once: to load the rest takes longer than to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from netstart_wg.app.files import choose_files
from netstart_wg.app.fixpoint import is_at_fixpoint
from netstart_wg.app.options import Options
from netstart_wg.app.output import Output
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus

if TYPE_CHECKING:
    from netstart_wg.app.report import Report


def netstart(
    folder: Path,
    interfaces: Sequence[str],
    options: Options,
    machine: Machine,
    output: Output,
    report: Report | None = None,
) -> ExitStatus:
    """Make the interfaces named, or every wgN that has a file, what their files say."""
    files = choose_files(folder, interfaces, machine)
    if report is not None:
        report.begin(files)
    if all(is_at_fixpoint(file, machine) for file in files):
        if report is not None:
            report.leave()
        return ExitStatus.OK

    from netstart_wg.app.bring_about import bring_about

    return bring_about(folder, files, options, machine, output, report)


def preview(
    folder: Path,
    interfaces: Sequence[str],
    options: Options,
    machine: Machine,
    output: Output,
    report: Report | None = None,
) -> ExitStatus:
    """Print what `netstart` would change, and change nothing."""
    from netstart_wg.app.bring_about import show_plans

    files = choose_files(folder, interfaces, machine)
    if report is not None:
        report.begin(files)
    return show_plans(folder, files, options, machine, output, report)


def check_live(
    folder: Path,
    interfaces: Sequence[str],
    machine: Machine,
    output: Output,
    report: Report | None = None,
) -> ExitStatus:
    """Say what differs from the files and why, and change nothing; say nothing of what is equal."""
    files = choose_files(folder, interfaces, machine)
    if report is not None:
        report.begin(files)
    elif all(is_at_fixpoint(file, machine) for file in files):
        return ExitStatus.OK

    from netstart_wg.app.check_live import look_at_all

    return look_at_all(folder, files, machine, output, report)
