"""The process that looks after names of endpoints; `netstart-wg` starts it when a file has any.

One for the whole machine.  It has no terminal and no parent, says what it does to the
system log, and ends when there is no interface left with a name, or by SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys

from netstart_wg.app.keep_names import keep_names
from netstart_wg.cli.terminal import leave_terminal
from netstart_wg.errors import ExitStatus


def main() -> int:
    """Return when the process is there, one of our own or another's."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it reads the notes after it listens anyway
        os.umask(0o077)
        leave_terminal()
        keep_names(lambda: os.close(writer))
        os._exit(ExitStatus.OK)
    os.close(writer)
    os.read(reader, 1)
    return ExitStatus.OK


if __name__ == "__main__":
    sys.exit(main())
