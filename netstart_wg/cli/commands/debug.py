"""`netstart-wg debug`: what the engine of an interface does."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from netstart_wg.cli.arguments import ArgumentParser
from netstart_wg.cli.terminal import Terminal
from netstart_wg.errors import ExitStatus, UsageError


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Follow until a signal says that it is enough, which is a good end."""
    parser = ArgumentParser()
    parser.add_interfaces()
    options = parser.parse_intermixed_args(arguments)
    if len(options.interfaces) != 1:
        raise UsageError("debug: it takes one interface")

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from netstart_wg.app.debug import follow
        from netstart_wg.app.machine import this_machine

        with this_machine() as machine:
            return follow(options.interfaces[0], machine, terminal)
    except KeyboardInterrupt:
        return ExitStatus.OK
