"""`netstart-wg [-nv] [-C DIR] [interface ...]`, and its commands.

The words that are commands cannot be interfaces, whose names end in a digit.
Nothing heavy is imported before it is known to be needed.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from getopt import GetoptError, getopt
from pathlib import Path
from typing import NoReturn

from netstart_wg import VERSION
from netstart_wg.app.options import Options
from netstart_wg.app.output import worst
from netstart_wg.cli.argument_area import show_arguments
from netstart_wg.cli.durations import read_window
from netstart_wg.cli.terminal import Terminal, fill_standard_descriptors
from netstart_wg.cli.usage import HELP, PROGRAM, USAGE
from netstart_wg.errors import ExitStatus, InternalError, NetstartError, UsageError
from netstart_wg.model.guard import Guard

DEBUG_VARIABLE = "NETSTART_WG_DEBUG"

_ETC = Path("/etc")

INTERRUPTED = 130
"""128 and SIGINT: what a shell says of a program that was interrupted."""


class _ArgumentParser(argparse.ArgumentParser):
    """Exit status 2 means "differences": wrong usage has another."""

    def __init__(self) -> None:
        super().__init__(prog=PROGRAM, add_help=False, allow_abbrev=False)
        self.add_argument("-h", "--help", action="store_true")

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit status; the only place where an unforeseen exception ends."""
    gc.disable()  # a run is short, and with thousands of peers collecting takes half of it
    fill_standard_descriptors()
    terminal = Terminal()
    try:
        status = _run(_own_arguments() if arguments is None else arguments, terminal)
    except KeyboardInterrupt:
        return INTERRUPTED
    except UsageError as error:
        terminal.warn(f"{PROGRAM}: {error}\n{USAGE}")
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


def _own_arguments() -> Sequence[str]:
    """Return what the process was given; the words of ifconfig, which may be keys, ps shall not."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["ifconfig"]:
        show_arguments([PROGRAM, *arguments[:2]])
    return arguments


def _run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    if arguments and arguments[0] in COMMANDS:
        return COMMANDS[arguments[0]](arguments[1:], terminal)
    return _netstart(arguments, terminal)


def _netstart(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    parser.add_argument("-n", dest="is_preview", action="store_true")
    parser.add_argument("-v", dest="is_verbose", action="store_true")
    parser.add_argument("-C", dest="folder", metavar="directory", type=Path, default=_ETC)
    parser.add_argument("--json", dest="is_json", action="store_true")
    parser.add_argument("--confirm", dest="window", metavar="time")
    parser.add_argument("--no-confirm", dest="is_final", action="store_true")
    parser.add_argument("--allow", metavar="what", action="append", default=[])
    parser.add_argument("--version", action="store_true")
    parser.add_argument("interfaces", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(HELP)
        return ExitStatus.OK
    if options.version:
        terminal.say(f"{PROGRAM} {VERSION}")
        return ExitStatus.OK

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.netstart import netstart, preview

    how = replace(
        _read_confirmation(options.window, is_final=options.is_final),
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


def _read_confirmation(window: str | None, *, is_final: bool) -> Options:
    """Return whether a change has to be confirmed; raise UsageError."""
    if window is None:
        return Options(guards_connection=not is_final)
    if is_final:
        raise UsageError("--confirm and --no-confirm contradict each other")
    return Options(window_ns=read_window(window))


def _confirm(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    parser.add_argument("--revert", dest="is_revert", action="store_true")
    parser.add_argument("interfaces", metavar="interface", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(HELP)
        return ExitStatus.OK

    from netstart_wg.app.confirm import confirm, revert
    from netstart_wg.app.machine import this_machine

    work = revert if options.is_revert else confirm
    with this_machine() as machine:
        return work(options.interfaces, machine, terminal)


def _stop(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    parser.add_argument("-v", dest="is_verbose", action="store_true")
    parser.add_argument("interfaces", metavar="interface", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(HELP)
        return ExitStatus.OK

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.stop import stop

    if options.is_verbose:
        terminal.show_each_step()
    with this_machine() as machine:
        return stop(options.interfaces, machine, terminal)


def _history(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    parser.add_argument("--show", dest="number", metavar="number", type=_number)
    parser.add_argument("interfaces", metavar="interface", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(HELP)
        return ExitStatus.OK
    if options.number is not None and len(options.interfaces) != 1:
        raise UsageError("history: --show takes one interface")

    from netstart_wg.app.history import print_applied, print_history
    from netstart_wg.app.machine import this_machine

    with this_machine() as machine:
        if options.number is not None:
            return print_applied(options.interfaces[0], options.number, machine, terminal)
        return print_history(options.interfaces, machine, terminal)


def _rollback(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    parser.add_argument("-n", dest="is_preview", action="store_true")
    parser.add_argument("-v", dest="is_verbose", action="store_true")
    parser.add_argument("-C", dest="folder", metavar="directory", type=Path, default=_ETC)
    parser.add_argument("--to", dest="number", metavar="number", type=_number)
    parser.add_argument("--confirm", dest="window", metavar="time")
    parser.add_argument("--no-confirm", dest="is_final", action="store_true")
    parser.add_argument("interfaces", metavar="interface", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(HELP)
        return ExitStatus.OK

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.rollback import Rollback

    how = _read_confirmation(options.window, is_final=options.is_final)
    if options.is_verbose:
        terminal.show_each_step()
    with this_machine() as machine:
        work = Rollback(options.folder, options.interfaces, options.number, machine, terminal)
        return work.show() if options.is_preview else work.carry_out(how)


def _number(text: str) -> int:
    """Read the number of a state; raise ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f'"{text}" is no number of a state')
    return int(text)


def _status(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    parser.add_argument("--json", dest="is_json", action="store_true")
    parser.add_argument("interface", nargs="?")
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(HELP)
        return ExitStatus.OK

    from netstart_wg.app.machine import this_machine
    from netstart_wg.app.status import print_status, print_status_json

    work = print_status_json if options.is_json else print_status
    with this_machine() as machine:
        return work(options.interface, machine, terminal)


def _debug(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Follow until a signal says that it is enough, which is a good end."""
    parser = _ArgumentParser()
    parser.add_argument("interfaces", metavar="interface", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(HELP)
        return ExitStatus.OK
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


def _ifconfig(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Take ifconfig's exit status for wrong usage, too."""
    try:
        options, words = _leading_options("ifconfig", arguments, "aAh")
        if options.keys() & {"-a", "-A"} and words:
            raise UsageError("ifconfig: -a and -A take no interface")
    except UsageError as error:
        terminal.warn(f"{PROGRAM}: {error}\n{USAGE}")
        return ExitStatus.FAILED
    if options.keys() & {"-h", "--help"}:
        terminal.say(HELP)
        return ExitStatus.OK

    from netstart_wg.app import ifconfig
    from netstart_wg.app.machine import this_machine

    with this_machine() as machine:
        if "-A" in options:
            return ifconfig.show_interfaces_with_peers(machine, terminal)
        if not words:
            return ifconfig.show_interfaces(machine, terminal)
        name, *rest = words
        if not rest:
            return ifconfig.show_interface(name, machine, terminal)
        return ifconfig.change_interface(_ETC, name, rest, machine, terminal)


def _exec(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    options, command = _leading_options("exec", arguments, "T:h")
    if options.keys() & {"-h", "--help"}:
        terminal.say(HELP)
        return ExitStatus.OK
    if "-T" not in options:
        raise UsageError("exec: no rdomain given: -T")
    if not command:
        raise UsageError("exec: no command given")

    from netstart_wg.app.exec import exec_command

    return exec_command(options["-T"], command, terminal)


def _leading_options(
    command: str, arguments: Sequence[str], letters: str
) -> tuple[dict[str, str], Sequence[str]]:
    """Return the options in front, and what follows: words that may begin with a hyphen, too."""
    try:
        options, words = getopt(list(arguments), letters, ["help"])
    except GetoptError as error:
        raise UsageError(f"{command}: {error}") from None
    return dict(options), words


def _check(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    if "--live" in arguments:
        return _check_live(arguments, terminal)
    parser = _ArgumentParser()
    formats = ("text", "json", "errorformat")
    parser.add_argument("--openbsd", dest="is_for_openbsd", action="store_true")
    parser.add_argument("--format", choices=formats, default=formats[0])
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(HELP)
        return ExitStatus.OK
    if not options.files:
        raise UsageError("check: no file named")

    from netstart_wg.app.check import FORMATS, check_file, check_file_for_openbsd, print_check

    look = check_file_for_openbsd if options.is_for_openbsd else check_file
    return print_check(options.files, look, FORMATS[options.format], terminal)


def _check_live(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--json", dest="is_json", action="store_true")
    parser.add_argument("-C", dest="folder", metavar="directory", type=Path, default=_ETC)
    parser.add_argument("interfaces", nargs="*")
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(HELP)
        return ExitStatus.OK

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


def _fmt(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    parser = _ArgumentParser()
    group = parser.add_mutually_exclusive_group()
    group.add_argument("-w", dest="is_rewrite", action="store_true")
    group.add_argument("--check", dest="is_check", action="store_true")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_intermixed_args(arguments)
    if options.help:
        terminal.say(HELP)
        return ExitStatus.OK
    if not options.files:
        raise UsageError("fmt: no file named")

    from netstart_wg.app.fmt import list_unformatted, print_formatted, rewrite

    if options.is_rewrite:
        return rewrite(options.files, terminal)
    work = list_unformatted if options.is_check else print_formatted
    return work(options.files, terminal)


COMMANDS: dict[str, Callable[[Sequence[str], Terminal], ExitStatus]] = {
    "check": _check,
    "confirm": _confirm,
    "debug": _debug,
    "exec": _exec,
    "fmt": _fmt,
    "history": _history,
    "ifconfig": _ifconfig,
    "rollback": _rollback,
    "status": _status,
    "stop": _stop,
}


def _describe_bug(error: Exception) -> str:
    """Say what happened and where, but not the exception's text: it might hold a secret."""
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    text = f"{PROGRAM}: internal error: {type(error).__name__} at {place}; please report it"
    if os.environ.get(DEBUG_VARIABLE):
        return text + "\n" + "".join(traceback.format_exception(error)).rstrip()
    return f"{text}\n    hint: {DEBUG_VARIABLE}=1 in the environment shows more"


if __name__ == "__main__":
    sys.exit(main())
