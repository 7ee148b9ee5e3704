"""One ifconfig(8) command that came as the arguments of a process, its words already parted.

Messages about it show the command as somebody would have typed it.
"""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.syntax.address_values import ServicePort, no_service
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.format import quote
from netstart_wg.syntax.line_reader import IfconfigReader
from netstart_wg.syntax.source import SourceText
from netstart_wg.syntax.statements import HostnameFile, Ifconfig
from netstart_wg.syntax.words import Word

PROGRAM = "ifconfig"
"""What messages call the file."""


def parse_words(
    words: Sequence[str], interface: str, service_port: ServicePort = no_service
) -> HostnameFile:
    """Read what follows the name of the interface, at least one word, as a file of one line.

    Raise ConfigError with every mistake in it.
    """
    text = f"{PROGRAM} {interface}"
    read_words: list[Word] = []
    for value in words:
        raw = quote(value).replace("\n", " ")
        read_words.append(Word(raw, value, len(text) + 1))
        text += f" {raw}"
    source = SourceText.from_text(PROGRAM, text)
    findings = Findings(source)
    statements = IfconfigReader(findings, service_port).read_words(source.line_at(1), read_words)
    findings.raise_errors()
    return HostnameFile(source=source, lines=(Ifconfig(statements),), warnings=findings.warnings)
