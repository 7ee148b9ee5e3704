"""Everything there is to say about one file, errors and warnings alike, in file order.

`parse` and `lower` stop at what is wrong, because nothing may be done with such
a file; whoever only wants to know is told the rest, too.
"""

from __future__ import annotations

from netstart_wg.model.source import Diagnostic
from netstart_wg.syntax.findings import in_file_order
from netstart_wg.syntax.fold_wireguard import DerivePublicKey
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.parse import parse_with_findings
from netstart_wg.syntax.source import SourceText


def check(
    source: SourceText, interface: str, derive_public_key: DerivePublicKey
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a file, or odd about it.

    What the values mean together is looked at only if each of them is right.
    Raise ConfigError if `interface` is no name.
    """
    file, findings = parse_with_findings(source)
    if findings.errors:
        return in_file_order(findings.errors + findings.warnings)
    return in_file_order(lower(file, interface, derive_public_key).warnings)
