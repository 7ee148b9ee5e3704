"""Where in a hostname file it is said what holds in the end, subject by subject.

The file is folded once more, on demand: a run that has nothing to say about a
place does not pay for it.  As in the fold the last claimant has a subject, and
what the file takes back again has no place.  The subjects, values as they print:

    ("wgkey",) ("wgport",) ("wgrtable",)
    ("wgpeer", KEY) ("wgpsk", KEY) ("wgendpoint", KEY) ("wgpka", KEY) ("wgdescr", KEY)
    ("wgaip", KEY, NETWORK)
    ("inet", ADDRESS/LENGTH) ("inet6", ADDRESS/LENGTH) ("rdomain",) ("mtu",)
    ("up",), also where it says `down` or names an address
    ("description",) ("debug",) ("group", NAME) ("destroy",)
    ("route", RDOMAIN, DESTINATION, PRIORITY) ("!", the line, its secrets hidden)
"""

from __future__ import annotations

from collections.abc import Mapping

from netstart_wg.model.config import InterfaceConfig
from netstart_wg.model.source import Diagnostic, Span, Subject
from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.fold import Fold
from netstart_wg.syntax.fold_wireguard import DerivePublicKey
from netstart_wg.syntax.lower import fold_lines
from netstart_wg.syntax.statements import HostnameFile


def places(
    file: HostnameFile, interface: str, derive_public_key: DerivePublicKey | None = None
) -> Mapping[Subject, Span]:
    """Return where a file without errors says what; see `lower` for the other arguments."""
    fold = Fold(Findings(file.source), derive_public_key, InterfaceConfig(name=interface))
    fold_lines(file, fold)
    return dict(fold.places())


def point_at(file: HostnameFile, span: Span, message: str) -> Diagnostic:
    """Return a message about a place in a file, with the line as it may be shown."""
    line_text = Findings(file.source).line_text(span)
    return Diagnostic(file=file.source.name, span=span, message=message, line_text=line_text)
