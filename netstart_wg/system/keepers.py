"""Start a keeper: the process that takes a change back unless somebody confirms it.

It is another program than ours and nobody's child, so that it stays whatever
becomes of us.  What it is to go back to holds keys, and is never in a file: it goes
through a pipe.
"""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.errors import BackendError
from netstart_wg.system.own_programs import complaint, start_own

_START = "start the keeper"
_PROGRAM = "netstart_wg.cli.keeper"


def start_keeper(interfaces: Sequence[str], charge: bytes) -> int:
    """Return the keeper's process number when it is ready; raise BackendError.

    `charge` is what it reads from its standard input.  The interfaces are there
    for people who look at the list of processes.
    """
    names = " ".join(interfaces)
    scope = "-".join(["netstart-wg-keeper", *interfaces])
    ended = start_own(_START, names, _PROGRAM, *interfaces, given=charge, scope=scope)
    said = ended.stdout.decode(errors="replace").strip()
    if ended.returncode or not said.isdigit():
        raise BackendError(_START, names, complaint(ended))
    return int(said)
