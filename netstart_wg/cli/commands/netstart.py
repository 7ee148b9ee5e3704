"""Without a command: interfaces become what their hostname files say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netstart_wg import VERSION
from netstart_wg.cli.arguments import ArgumentParser, read_confirmation
from netstart_wg.cli.terminal import Terminal
from netstart_wg.cli.usage import PROGRAM
from netstart_wg.errors import ExitStatus, UsageError
from netstart_wg.model.guard import Guard


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Make it so, or show what would change."""
    parser = ArgumentParser()
    parser.add_argument("-n", dest="is_preview", action="store_true")
    parser.add_argument("-v", dest="is_verbose", action="store_true")
    parser.add_folder()
    parser.add_argument("--json", dest="is_json", action="store_true")
    parser.add_confirmation()
    parser.add_argument("--allow", metavar="what", action="append", default=[])
    parser.add_argument("--version", action="store_true")
    parser.add_interfaces()
    options = parser.parse_intermixed_args(arguments)
    if options.version:
        terminal.say(f"{PROGRAM} {VERSION}")
        return ExitStatus.OK

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.netstart import netstart, preview

    how = replace(
        read_confirmation(options.window, is_final=options.is_final),
        allowed=_read_guards(options.allow),
    )
    if options.is_verbose:
        terminal.show_each_step()
    work = preview if options.is_preview else netstart
    folder, interfaces = options.folder, options.interfaces
    with this_machine() as machine:
        if not options.is_json:
            return work(folder, interfaces, how, machine, terminal)

        from netstart_wg.app.report import print_report
        from netstart_wg.model.report import Mode

        return print_report(
            Mode.PREVIEW if options.is_preview else Mode.RUN,
            lambda output, report: work(folder, interfaces, how, machine, output, report),
            terminal,
        )


def _read_guards(lists: Sequence[str]) -> frozenset[Guard]:
    """Return what lists of words allow; raise UsageError for a word that says nothing."""
    words = [word for each in lists for word in each.split(",")]
    known = {guard.value: guard for guard in Guard}
    for word in words:
        if word not in known:
            raise UsageError(f'--allow: "{word}" is none of {", ".join(known)}')
    return frozenset(known[word] for word in words)
