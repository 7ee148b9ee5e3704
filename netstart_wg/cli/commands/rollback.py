"""`netstart-wg rollback`: an interface becomes what it was in an earlier state."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.cli.arguments import ArgumentParser, read_confirmation, read_number
from netstart_wg.cli.terminal import Terminal
from netstart_wg.errors import ExitStatus


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Go back, or show what that would change."""
    parser = ArgumentParser()
    parser.add_argument("-n", dest="is_preview", action="store_true")
    parser.add_argument("-v", dest="is_verbose", action="store_true")
    parser.add_folder()
    parser.add_argument("--to", dest="number", metavar="number", type=read_number)
    parser.add_confirmation()
    parser.add_interfaces()
    options = parser.parse_intermixed_args(arguments)

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.rollback import Rollback

    how = read_confirmation(options.window, is_final=options.is_final)
    if options.is_verbose:
        terminal.show_each_step()
    with this_machine() as machine:
        work = Rollback(options.folder, options.interfaces, options.number, machine, terminal)
        return work.show() if options.is_preview else work.carry_out(how)
