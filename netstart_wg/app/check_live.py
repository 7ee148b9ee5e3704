"""`netstart-wg check --live`: what runs, held against what the files say.

For monitoring: it changes nothing, and where nothing differs it says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netstart_wg.app.bring_about import plan_all
from netstart_wg.app.explain import differences_of
from netstart_wg.app.options import Options
from netstart_wg.app.output import Output
from netstart_wg.app.permissions import point_out_permissions
from netstart_wg.app.report import Report
from netstart_wg.app.system import Machine
from netstart_wg.errors import ExitStatus
from netstart_wg.render.differences import render_check
from netstart_wg.system.hostname_files import HostnamePath


def look_at_all(
    folder: Path,
    files: Sequence[HostnamePath],
    machine: Machine,
    output: Output,
    report: Report | None = None,
) -> ExitStatus:
    """Print a line for each difference, or note all of them; DIFFERENT if there is one."""
    planned, status = plan_all(folder, files, Options(), point_out_permissions, machine, output)
    for situation, plan in planned:
        if report is not None:
            report.look(situation, plan)
            continue
        for line in render_check(differences_of(situation, plan)):
            output.say(line)
    return status
