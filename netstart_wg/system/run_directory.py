"""Clearing the run directory when the last interface has gone.

Locks are files, and whoever takes one looks afterwards whether it is still in its place
(`system/locks.py`); so they can go while others come.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from netstart_wg.system import names_process
from netstart_wg.system.locks import rdomains_lock
from netstart_wg.system.paths import (
    NAMES_LOCK,
    RUN_DIRECTORY,
    interfaces_in_run_directory,
    rdomains_lock_path,
)
from netstart_wg.system.refusal import refusal


def clear() -> None:
    """Remove locks that nobody holds, drafts of runs that were killed, and the folder if empty.

    Nothing is done while an interface is known.  Raise BackendError.
    """
    if not RUN_DIRECTORY.is_dir() or interfaces_in_run_directory():
        return
    try:
        with rdomains_lock(is_exclusive=True) as is_held:
            if is_held:
                rdomains_lock_path().unlink(missing_ok=True)
        if not names_process.is_watching():
            NAMES_LOCK.unlink(missing_ok=True)
        for draft in RUN_DIRECTORY.glob(".*"):
            if not Path("/proc", draft.suffix[1:]).exists():  # `records.replace_text` names them
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise refusal("clear", "netstart-wg", error, RUN_DIRECTORY) from error
    with suppress(OSError):  # somebody has come, or an rdomain is in use
        RUN_DIRECTORY.rmdir()
