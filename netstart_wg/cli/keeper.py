"""The keeper, a process that takes a change back unless it is confirmed in time.

`netstart-wg` starts it before it changes anything, with the names of the
interfaces for ps(1) and all else through standard input, and waits until it is
ready.  From then on it has no terminal, no parent and no session of anybody:
whatever becomes of the caller, it stays.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

from netstart_wg.app.keep import decode_charge, keep
from netstart_wg.app.keeper import Charge
from netstart_wg.cli.terminal import leave_terminal
from netstart_wg.engine.privileges import leave_no_image, lock_memory
from netstart_wg.errors import ExitStatus, NetstartError


def main() -> int:
    """Print the keeper's process number when it is ready, or why it cannot be."""
    leave_no_image()
    lock_memory()
    charge = decode_charge(sys.stdin.buffer.read())
    caller = os.pidfd_open(charge.caller)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        _become_keeper(charge, caller, writer)
    os.close(writer)
    with os.fdopen(reader) as news:
        said = news.read()
    if not said.isdigit():
        print(said or "it ended", file=sys.stderr)
        return ExitStatus.FAILED
    print(said)
    return ExitStatus.OK


def _become_keeper(charge: Charge, caller: int, starter: int) -> NoReturn:
    """Be it, in a process that leads no session and so gets no terminal."""

    def ready() -> None:
        os.write(starter, str(os.getpid()).encode())
        os.close(starter)

    status = ExitStatus.OK
    try:
        os.umask(0o077)
        lock_memory()  # a child has not inherited that
        leave_terminal()
        keep(charge, caller, ready)
    except BaseException as error:  # noqa: BLE001 - whoever waits is told
        status = ExitStatus.INTERNAL
        with contextlib.suppress(OSError):
            os.write(starter, _describe(error).encode())
    os._exit(status)


def _describe(error: BaseException) -> str:
    """Say what happened; the text of what nobody has foreseen might hold a secret."""
    is_foreseen = isinstance(error, NetstartError | OSError)
    return str(error) if is_foreseen else f"internal error: {type(error).__name__}"


if __name__ == "__main__":
    sys.exit(main())
