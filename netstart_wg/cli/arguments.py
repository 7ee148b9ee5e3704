"""What the commands of `netstart-wg` have in common: how arguments are read.

Wrong usage is a UsageError, and a wish for help is told to who called: neither
ends the process, and exit status 2, by which argparse would, means "differences".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from getopt import GetoptError, getopt
from pathlib import Path
from typing import Final, NoReturn

from netstart_wg.app.options import Options
from netstart_wg.cli.durations import read_window
from netstart_wg.cli.usage import PROGRAM
from netstart_wg.errors import UsageError

ETC: Final = Path("/etc")


class HelpAsked(Exception):  # noqa: N818 - it is no error
    """`-h` or `--help` was among the arguments."""


class _Help(argparse.Action):
    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise HelpAsked


class ArgumentParser(argparse.ArgumentParser):
    """Reads options and words in any order."""

    def __init__(self) -> None:
        super().__init__(prog=PROGRAM, add_help=False, allow_abbrev=False)
        self.add_argument("-h", "--help", action=_Help, nargs=0)

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message)

    def add_interfaces(self) -> None:
        """Take names of interfaces, none or several."""
        self.add_argument("interfaces", metavar="interface", nargs="*")

    def add_folder(self) -> None:
        """Take `-C`."""
        self.add_argument("-C", dest="folder", metavar="directory", type=Path, default=ETC)

    def add_confirmation(self) -> None:
        """Take `--confirm` and `--no-confirm`, which `read_confirmation` reads."""
        self.add_argument("--confirm", dest="window", metavar="time")
        self.add_argument("--no-confirm", dest="is_final", action="store_true")


def read_confirmation(window: str | None, *, is_final: bool) -> Options:
    """Return whether a change has to be confirmed; raise UsageError."""
    if window is None:
        return Options(guards_connection=not is_final)
    if is_final:
        raise UsageError("--confirm and --no-confirm contradict each other")
    return Options(window_ns=read_window(window))


def read_number(text: str) -> int:
    """Read the number of a state; raise ArgumentTypeError."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise argparse.ArgumentTypeError(f'"{text}" is no number of a state')
    return int(text)


def leading_options(
    command: str, arguments: Sequence[str], letters: str
) -> tuple[dict[str, str], Sequence[str]]:
    """Return the options in front, and what follows: words that may begin with a hyphen, too.

    Raise UsageError, or HelpAsked.
    """
    try:
        options, words = getopt(list(arguments), f"{letters}h", ["help"])
    except GetoptError as error:
        raise UsageError(f"{command}: {error}") from None
    if {"-h", "--help"} & {option for option, _ in options}:
        raise HelpAsked
    return dict(options), words
