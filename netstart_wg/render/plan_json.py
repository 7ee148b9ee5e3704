"""What a run found and did, for programs: one versioned JSON object.

`plan.schema.json`, beside this file, describes it.  A field may be added under the same
schema name; one that goes away or changes its meaning takes the next number.  No
secret is in it.
"""

from __future__ import annotations

import json

from netstart_wg.model.difference import Difference
from netstart_wg.model.report import InterfaceReport, RunReport

SCHEMA = "netstart-wg/plan/1"

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def render_plan_json(report: RunReport) -> str:
    """Return the object as text."""
    document: Json = {
        "schema": SCHEMA,
        "mode": report.mode.value,
        "exit_status": report.exit_status,
        "interfaces": [_interface(each) for each in report.interfaces],
        "messages": list(report.messages),
    }
    return json.dumps(document, indent=2)


def _interface(report: InterfaceReport) -> Json:
    return {
        "name": report.name,
        "file": report.file,
        "outcome": report.outcome.value,
        "differences": [_difference(each) for each in report.differences],
    }


def _difference(difference: Difference) -> Json:
    return {
        "what": difference.what,
        "subject": list(difference.subject),
        "peer": difference.peer,
        "before": difference.before,
        "after": difference.after,
        "effect": difference.effect.value,
        "lost_sessions": list(difference.lost),
        "reason": difference.reason.value,
        "place": _place(difference),
    }


def _place(difference: Difference) -> Json:
    if difference.place is None:
        return None
    file, span = difference.place
    return {"file": file, "line": span.line, "column": span.column, "length": span.length}
