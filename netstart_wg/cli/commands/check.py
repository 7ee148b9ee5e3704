"""`netstart-wg check`: what is wrong with files, and with `--live` what differs from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netstart_wg.cli.arguments import ArgumentParser
from netstart_wg.cli.terminal import Terminal
from netstart_wg.errors import ExitStatus, UsageError


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Look at files, or at what runs."""
    if "--live" in arguments:
        return _check_live(arguments, terminal)
    parser = ArgumentParser()
    formats = ("text", "json", "errorformat")
    parser.add_argument("--openbsd", dest="is_for_openbsd", action="store_true")
    parser.add_argument("--format", choices=formats, default=formats[0])
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_intermixed_args(arguments)
    if not options.files:
        raise UsageError("check: no file named")

    from netstart_wg.app.check import FORMATS, check_file, check_file_for_openbsd, print_check

    look = check_file_for_openbsd if options.is_for_openbsd else check_file
    return print_check(options.files, look, FORMATS[options.format], terminal)


def _check_live(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = ArgumentParser()
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--json", dest="is_json", action="store_true")
    parser.add_folder()
    parser.add_interfaces()
    options = parser.parse_intermixed_args(arguments)

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.netstart import check_live

    folder, interfaces = options.folder, options.interfaces
    with this_machine() as machine:
        if not options.is_json:
            return check_live(folder, interfaces, machine, terminal)

        from netstart_wg.app.report import print_report
        from netstart_wg.model.report import Mode

        return print_report(
            Mode.CHECK,
            lambda output, report: check_live(folder, interfaces, machine, output, report),
            terminal,
        )
