"""`netstart-wg [-nv] [-C DIR] [interface ...]`, and its commands `status`, `check` and `fmt`.

The words that are commands cannot be interfaces, whose names end in a digit.
Nothing heavy is imported before it is known to be needed.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from netstart_wg import VERSION
from netstart_wg.app.output import worst
from netstart_wg.cli.terminal import Terminal, fill_standard_descriptors
from netstart_wg.errors import ExitStatus, InternalError, NetstartError, UsageError

PROGRAM = "netstart-wg"
DEBUG_VARIABLE = "NETSTART_WG_DEBUG"

_ETC = Path("/etc")

INTERRUPTED = 130
"""128 and SIGINT: what a shell says of a program that was interrupted."""

_USAGE = f"""\
usage: {PROGRAM} [-nv] [-C directory] [interface ...]
       {PROGRAM} status [--json] [interface]
       {PROGRAM} check [--openbsd] [--format text|json|errorformat] file ...
       {PROGRAM} fmt [-w | --check] file ..."""

_HELP = f"""\
{_USAGE}

Make WireGuard interfaces what their hostname files say: those named, or every
wgN that has a file.

  -n            change nothing; print what would change, exit 2 if anything would
  -v            print each change as it is made, instead of a summary
  -C directory  read the hostname files there instead of in /etc
  --version     print the version
  -h, --help    print this

status prints interfaces in the layout of OpenBSD's ifconfig:

  --json        one JSON object instead, with everything there is to know

check prints what is wrong with hostname files, or odd about them; it takes no
root and changes nothing. Exit 65 if there is an error.

  --openbsd     also warn of what OpenBSD's netstart would read differently
  --format how  text (the default), json, or errorformat: one line each, for editors

fmt prints hostname files in canonical layout, with the keys that are in them:

  -w            write them back instead, where anything changes
  --check       print the names of those that would change instead, exit 2 if any

See netstart-wg(8) and hostname.wg(5)."""


class _ArgumentParser(argparse.ArgumentParser):
    """Exit status 2 means "differences": wrong usage has another."""

    def __init__(self) -> None:
        super().__init__(prog=PROGRAM, add_help=False, allow_abbrev=False)
        self.add_argument("-h", "--help", action="store_true")

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit status; the only place where an unforeseen exception ends."""
    fill_standard_descriptors()
    terminal = Terminal()
    try:
        status = _run(sys.argv[1:] if arguments is None else arguments, terminal)
    except KeyboardInterrupt:
        return INTERRUPTED
    except UsageError as error:
        terminal.warn(f"{PROGRAM}: {error}\n{_USAGE}")
        return error.exit_status
    except NetstartError as error:
        terminal.warn(str(error))
        return error.exit_status
    except Exception as error:  # noqa: BLE001 - our own bug, and the last place to say so
        terminal.warn(_describe_bug(error))
        return InternalError.exit_status
    if terminal.error is not None:
        terminal.warn(f"{PROGRAM}: standard output: {str(terminal.error.strerror).lower()}")
        return worst((status, ExitStatus.FAILED))
    return status


def _run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    if arguments and arguments[0] in _COMMANDS:
        return _COMMANDS[arguments[0]](arguments[1:], terminal)
    return _netstart(arguments, terminal)


def _netstart(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    parser.add_argument("-n", dest="is_preview", action="store_true")
    parser.add_argument("-v", dest="is_verbose", action="store_true")
    parser.add_argument("-C", dest="folder", metavar="directory", type=Path, default=_ETC)
    parser.add_argument("--version", action="store_true")
    parser.add_argument("interfaces", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(_HELP)
        return ExitStatus.OK
    if options.version:
        terminal.say(f"{PROGRAM} {VERSION}")
        return ExitStatus.OK

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.netstart import netstart, preview

    if options.is_verbose:
        terminal.show_each_step()
    work = preview if options.is_preview else netstart
    with this_machine() as machine:
        return work(options.folder, options.interfaces, machine, terminal)


def _status(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    parser.add_argument("--json", dest="is_json", action="store_true")
    parser.add_argument("interface", nargs="?")
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(_HELP)
        return ExitStatus.OK

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.status import print_status, print_status_json

    work = print_status_json if options.is_json else print_status
    with this_machine() as machine:
        return work(options.interface, machine, terminal)


def _check(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    formats = ("text", "json", "errorformat")
    parser.add_argument("--openbsd", dest="is_for_openbsd", action="store_true")
    parser.add_argument("--format", choices=formats, default=formats[0])
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(_HELP)
        return ExitStatus.OK
    if not options.files:
        raise UsageError("check: no file named")

    from netstart_wg.app.check import FORMATS, check_file, check_file_for_openbsd, print_check

    look = check_file_for_openbsd if options.is_for_openbsd else check_file
    return print_check(options.files, look, FORMATS[options.format], terminal)


def _fmt(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    group = parser.add_mutually_exclusive_group()
    group.add_argument("-w", dest="is_rewrite", action="store_true")
    group.add_argument("--check", dest="is_check", action="store_true")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(_HELP)
        return ExitStatus.OK
    if not options.files:
        raise UsageError("fmt: no file named")

    from netstart_wg.app.fmt import list_unformatted, print_formatted, rewrite

    if options.is_rewrite:
        return rewrite(options.files, terminal)
    work = list_unformatted if options.is_check else print_formatted
    return work(options.files, terminal)


_COMMANDS: dict[str, Callable[[Sequence[str], Terminal], ExitStatus]] = {
    "check": _check,
    "fmt": _fmt,
    "status": _status,
}


def _describe_bug(error: Exception) -> str:
    """Say what happened and where, but not the exception's text: it might hold a secret."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    text = f"{PROGRAM}: internal error: {type(error).__name__} at {place}; please report it"
    if os.environ.get(DEBUG_VARIABLE):
        return text + "\n" + "".join(traceback.format_exception(error)).rstrip()
    return f"{text}\n    hint: {DEBUG_VARIABLE}=1 in the environment shows more"


if __name__ == "__main__":
    sys.exit(main())
