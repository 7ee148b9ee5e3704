"""`netstart-wg confirm`: a change that waits stays, or goes back at once."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.cli.arguments import ArgumentParser
from netstart_wg.cli.terminal import Terminal
from netstart_wg.errors import ExitStatus


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Let changes stay, or go back."""
    parser = ArgumentParser()
    parser.add_argument("--revert", dest="is_revert", action="store_true")
    parser.add_interfaces()
    options = parser.parse_intermixed_args(arguments)

    from netstart_wg.app.confirm import confirm, revert
    from netstart_wg.app.machine import this_machine

    work = revert if options.is_revert else confirm
    with this_machine() as machine:
        return work(options.interfaces, machine, terminal)
