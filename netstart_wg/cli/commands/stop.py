"""`netstart-wg stop`: what netstart-wg has made goes."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.cli.arguments import ArgumentParser
from netstart_wg.cli.terminal import Terminal
from netstart_wg.errors import ExitStatus


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Take interfaces away."""
    parser = ArgumentParser()
    parser.add_argument("-v", dest="is_verbose", action="store_true")
    parser.add_interfaces()
    options = parser.parse_intermixed_args(arguments)

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.stop import stop

    if options.is_verbose:
        terminal.show_each_step()
    with this_machine() as machine:
        return stop(options.interfaces, machine, terminal)
