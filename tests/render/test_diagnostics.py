"""Messages about files in their three formats."""

from __future__ import annotations

import json

from netstart_wg.model.source import Diagnostic, Severity, Span
from netstart_wg.render.diagnostics import render_errorformat, render_json, render_text

ERROR = Diagnostic(
    file="hostname.wg0",
    span=Span(3, 5, 2),
    message='size "\u00fc1" is not a decimal number',
    hint="mtu takes 1 to 9000",
    line_text="mtu \u00fc1",
)
WARNING = Diagnostic(
    severity=Severity.WARNING, file="hostname.wg0", span=Span(4, 1), message="odd", line_text="up"
)
WHOLE = Diagnostic(file="hostname.wg1", span=None, message="no such file")


def test_a_person_sees_the_line_and_the_hint() -> None:
    assert render_text([ERROR, WARNING, WHOLE]) == (
        'hostname.wg0:3:5: size "\u00fc1" is not a decimal number\n'
        "    mtu \u00fc1\n"
        "        ^^\n"
        "    hint: mtu takes 1 to 9000\n"
        "hostname.wg0:4:1: warning: odd\n"
        "    up\n"
        "    ^\n"
        "hostname.wg1: no such file"
    )


def test_an_editor_gets_one_line_each_and_always_a_place() -> None:
    assert render_errorformat([ERROR, WARNING, WHOLE]) == (
        'hostname.wg0:3:5: error: size "\u00fc1" is not a decimal number\n'
        "hostname.wg0:4:1: warning: odd\n"
        "hostname.wg1:1:1: error: no such file"
    )


def test_no_message_is_no_text() -> None:
    assert render_text([]) == ""
    assert render_errorformat([]) == ""


def test_a_program_gets_one_versioned_object() -> None:
    assert json.loads(render_json(["hostname.wg0", "hostname.wg1"], [ERROR, WHOLE])) == {
        "schema": "netstart-wg/check/1",
        "files": ["hostname.wg0", "hostname.wg1"],
        "diagnostics": [
            {
                "file": "hostname.wg0",
                "line": 3,
                "column": 5,
                "length": 2,
                "severity": "error",
                "message": 'size "\u00fc1" is not a decimal number',
                "hint": "mtu takes 1 to 9000",
            },
            {
                "file": "hostname.wg1",
                "line": None,
                "column": None,
                "length": None,
                "severity": "error",
                "message": "no such file",
                "hint": None,
            },
        ],
    }
