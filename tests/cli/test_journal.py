"""Messages for the journal, which takes each line for one."""

from __future__ import annotations

import os
import subprocess
import sys

from netstart_wg.cli.journal import journal_line
from netstart_wg.model.source import Diagnostic, Severity, Span


def diagnostic(severity: Severity) -> str:
    return Diagnostic(
        file="/etc/hostname.wg0",
        span=Span(line=3, column=6, length=2),
        message='"10" is no address',
        line_text="inet 10",
        hint="write 10.0.0.1/24",
        severity=severity,
    ).format()


def test_a_mistake_is_one_line_with_its_place_and_hint() -> None:
    assert len(diagnostic(Severity.ERROR).splitlines()) == 4
    assert journal_line(diagnostic(Severity.ERROR)) == (
        '<3>/etc/hostname.wg0:3:6: "10" is no address; hint: write 10.0.0.1/24'
    )


def test_a_warning_has_another_priority() -> None:
    assert journal_line(diagnostic(Severity.WARNING)).startswith(
        "<4>/etc/hostname.wg0:3:6: warning"
    )
    assert journal_line("WARNING: /etc/x is insecure, fixing permissions.").startswith("<4>")


def test_a_list_is_one_line() -> None:
    assert journal_line("wg0: it still differs:\n    + up\n    - debug") == (
        "<3>wg0: it still differs; + up; - debug"
    )


def test_only_where_standard_error_is_the_journal() -> None:
    reader, writer = os.pipe()
    status = os.fstat(writer)
    program = "from netstart_wg.cli.terminal import Terminal; Terminal().warn('a\\n    hint: b')"
    for stream, expected in (
        (f"{status.st_dev}:{status.st_ino}", b"<3>a; hint: b\n"),
        ("8:1", b"a\n    hint: b\n"),
    ):
        environment = {**os.environ, "JOURNAL_STREAM": stream}
        subprocess.run([sys.executable, "-c", program], stderr=writer, env=environment, check=True)
        assert os.read(reader, 100) == expected
    os.close(reader)
    os.close(writer)
