"""`netstart-wg [-nv] [-C DIR] [interface ...]`, and its commands.

The words that are commands cannot be interfaces, whose names end in a digit.
Nothing heavy is imported before it is known to be needed.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from netstart_wg.app.output import worst
from netstart_wg.cli.argument_area import show_arguments
from netstart_wg.cli.arguments import HelpAsked
from netstart_wg.cli.terminal import Terminal, fill_standard_descriptors
from netstart_wg.cli.usage import COMMANDS, PROGRAM, help_of, usage_of
from netstart_wg.errors import ExitStatus, InternalError, NetstartError, UsageError

DEBUG_VARIABLE = "NETSTART_WG_DEBUG"

INTERRUPTED = 130
"""128 and SIGINT: what a shell says of a program that was interrupted."""

Run = Callable[[Sequence[str], Terminal], ExitStatus]
"""What each module of netstart_wg/cli/commands/ has."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and return the exit status; the only place where an unforeseen exception ends."""
    gc.disable()  # a run is short, and with thousands of peers collecting takes half of it
    fill_standard_descriptors()
    terminal = Terminal()
    try:
        status = _run(_own_arguments() if arguments is None else arguments, terminal)
    except KeyboardInterrupt:
        return INTERRUPTED
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
    command = arguments[0] if arguments and arguments[0] in COMMANDS else ""
    module = import_module(f"netstart_wg.cli.commands.{command or 'netstart'}")
    run: Run = module.run
    try:
        return run(arguments[1:] if command else arguments, terminal)
    except HelpAsked:
        terminal.say(help_of(command))
        return ExitStatus.OK
    except UsageError as error:
        terminal.warn(f"{PROGRAM}: {error}\n{usage_of(command)}")
        return error.exit_status


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
