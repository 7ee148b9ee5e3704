"""Text to statements.

All independent mistakes of a file are found in one go.  What follows a mistake
on the same line is often a consequence of it, and then it is not mentioned.
"""

from __future__ import annotations

from netstart_wg.syntax.address_values import ServicePort, no_service
from netstart_wg.syntax.continuation import look_at_comment
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.line_reader import IfconfigReader
from netstart_wg.syntax.shell_command import ShellReader, read_unknown
from netstart_wg.syntax.source import LogicalLine, SourceText
from netstart_wg.syntax.statements import Blank, Comment, HostnameFile, Line

_BLANKS = " \t"
_BLANK = Blank()


def parse(
    source: SourceText, interface: str | None = None, service_port: ServicePort = no_service
) -> HostnameFile:
    """Read a hostname file; raise ConfigError with every mistake in it.

    `!ifconfig` and `!route` are understood where they are about `interface`;
    without it they are commands like any other.
    """
    file, findings = parse_with_findings(source, interface, service_port)
    findings.raise_errors()
    return file


def parse_with_findings(
    source: SourceText, interface: str | None = None, service_port: ServicePort = no_service
) -> tuple[HostnameFile, Findings]:
    """Read a hostname file, and say what was found; after a mistake the file is not whole."""
    findings = Findings(source)
    reader = IfconfigReader(findings, service_port)
    shell_reader = ShellReader(interface, reader, findings) if interface is not None else None
    lines = []
    rest = source.lines()
    for line in rest:
        lines.append(_line(line, reader, shell_reader, findings))
        if reader.is_broken_off:
            next(rest, None)
        if not findings.has_room:
            break
    return HostnameFile(source=source, lines=tuple(lines), warnings=findings.warnings), findings


def _line(
    line: LogicalLine,
    reader: IfconfigReader,
    shell_reader: ShellReader | None,
    findings: Findings,
) -> Line:
    text = line.text.strip(_BLANKS)
    if not text:
        return _BLANK
    if text.startswith("#"):
        look_at_comment(line, line.text.index("#"), findings)
        return Comment(text)
    if text.startswith("!"):
        reader.forget_last_command()
        return read_unknown(line) if shell_reader is None else shell_reader.read(line)
    return reader.read(line)
