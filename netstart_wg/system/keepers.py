"""Start a keeper: the process that takes a change back unless somebody confirms it.

It is another program than ours and nobody's child, so that it stays whatever
becomes of us.  What it is to go back to holds keys, and is never in a file: it goes
through a pipe.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from netstart_wg.errors import BackendError
from netstart_wg.system.program import OWN_ENVIRONMENT, own_command
from netstart_wg.system.refusal import refusal

START_SECONDS: Final = 30.0

_START = "start the keeper"
_PROGRAM = "netstart_wg.cli.keeper"


def start_keeper(interfaces: Sequence[str], charge: bytes) -> int:
    """Return the keeper's process number when it is ready; raise BackendError.

    `charge` is what it reads from its standard input.  The interfaces are there
    for people who look at the list of processes.
    """
    names = " ".join(interfaces)
    command = own_command(_PROGRAM, *interfaces)
    try:
        ended = subprocess.run(
            command,
            input=charge,
            capture_output=True,
            env=OWN_ENVIRONMENT,
            timeout=START_SECONDS,
            start_new_session=True,
            cwd="/",
            check=False,
        )
    except subprocess.TimeoutExpired:
        reason = f"not ready after {START_SECONDS:.0f} seconds"
        raise BackendError(_START, names, reason) from None
    except OSError as error:
        raise refusal(_START, names, error, Path(sys.executable)) from error
    said = ended.stdout.decode(errors="replace").strip()
    if ended.returncode or not said.isdigit():
        reason = ended.stderr.decode(errors="replace").strip() or f"exit status {ended.returncode}"
        raise BackendError(_START, names, reason)
    return int(said)
