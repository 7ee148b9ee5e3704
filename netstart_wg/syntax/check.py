"""Everything there is to say about one file, errors and warnings alike, in file order.

`parse` and `lower` stop at what is wrong, because nothing may be done with such
a file; whoever only wants to know is told the rest, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netstart_wg.model.source import Diagnostic
from netstart_wg.syntax.address_values import ServicePort, no_service
from netstart_wg.syntax.findings import in_file_order
from netstart_wg.syntax.fold_wireguard import DerivePublicKey
from netstart_wg.syntax.lower import lower_with_findings
from netstart_wg.syntax.parse import parse_with_findings
from netstart_wg.syntax.source import SourceText
from netstart_wg.syntax.statements import HostnameFile

Look = Callable[[HostnameFile, str], Sequence[Diagnostic]]
"""Looks for something in a file without errors, given with the interface's name."""


def check(
    source: SourceText,
    interface: str,
    derive_public_key: DerivePublicKey,
    further: Sequence[Look] = (),
    service_port: ServicePort = no_service,
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a file, or odd about it.

    What the values mean together, and what `further` finds, is looked at only if
    each value is right.  Raise ConfigError if `interface` is no name.
    """
    file, findings = parse_with_findings(source, interface, service_port)
    if findings.errors:
        return in_file_order(findings.errors + findings.warnings)
    _, oddities = lower_with_findings(file, interface, derive_public_key)
    found = [*findings.warnings, *oddities.errors, *oddities.warnings]
    if not oddities.errors:
        found += [diagnostic for look in further for diagnostic in look(file, interface)]
    return in_file_order(found)
