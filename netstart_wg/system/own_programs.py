"""Starting programs of ours: the engine, the keeper of a change, who looks after names.

Each returns when it is ready, and goes on in the background.  Where systemd is the service
manager, what would be killed with its caller's session gets a scope of its own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from netstart_wg.errors import BackendError
from netstart_wg.system import service_manager
from netstart_wg.system.program import OWN_ENVIRONMENT, own_command
from netstart_wg.system.refusal import refusal

START_SECONDS: Final = 30.0


def start_own(
    operation: str,
    interface: str,
    module: str,
    *words: str,
    given: bytes = b"",
    scope: str | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a module of ours until it is ready, in a session of its own; return how that went.

    `given` is what it reads from its standard input; `scope` is what systemd shall call
    it, without `.scope`.  Raise BackendError, whose words begin with `operation`, if it
    cannot be run, or is not ready in time.
    """
    command = own_command(module, *words)
    if scope is not None and service_manager.is_in_charge():
        command = [*service_manager.in_scope(scope), *command]
    try:
        return subprocess.run(
            command,
            input=given,
            capture_output=True,
            env=OWN_ENVIRONMENT,
            timeout=START_SECONDS,
            start_new_session=True,
            cwd="/",
            check=False,
        )
    except subprocess.TimeoutExpired:
        reason = f"not ready after {START_SECONDS:.0f} seconds"
        raise BackendError(operation, interface, reason) from None
    except OSError as error:
        raise refusal(operation, interface, error, Path(sys.executable)) from error


def complaint(ended: subprocess.CompletedProcess[bytes]) -> str:
    """Return what a program that was not ready has said of it."""
    return ended.stderr.decode(errors="replace").strip() or f"exit status {ended.returncode}"
