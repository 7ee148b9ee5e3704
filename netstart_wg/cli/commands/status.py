"""`netstart-wg status`: interfaces as they are."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.cli.arguments import ArgumentParser
from netstart_wg.cli.terminal import Terminal
from netstart_wg.errors import ExitStatus


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Show one interface, or all."""
    parser = ArgumentParser()
    parser.add_argument("--json", dest="is_json", action="store_true")
    parser.add_argument("interface", nargs="?")
    options = parser.parse_intermixed_args(arguments)

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.status import print_status, print_status_json

    work = print_status_json if options.is_json else print_status
    with this_machine() as machine:
        return work(options.interface, machine, terminal)
