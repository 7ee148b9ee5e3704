"""`netstart-wg history`: what was applied before."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.cli.arguments import ArgumentParser, read_number
from netstart_wg.cli.terminal import Terminal
from netstart_wg.errors import ExitStatus, UsageError


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """List states, or print one."""
    parser = ArgumentParser()
    parser.add_argument("--show", dest="number", metavar="number", type=read_number)
    parser.add_interfaces()
    options = parser.parse_intermixed_args(arguments)
    if options.number is not None and len(options.interfaces) != 1:
        raise UsageError("history: --show takes one interface")

    from netstart_wg.app.history import print_applied, print_history
    from netstart_wg.app.machine import this_machine

    with this_machine() as machine:
        if options.number is not None:
            return print_applied(options.interfaces[0], options.number, machine, terminal)
        return print_history(options.interfaces, machine, terminal)
