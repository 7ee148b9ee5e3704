"""`netstart-wg exec`: a command in an rdomain."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.cli.arguments import leading_options
from netstart_wg.cli.terminal import Terminal
from netstart_wg.errors import ExitStatus, UsageError


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Become the command."""
    options, command = leading_options("exec", arguments, "T:")
    if "-T" not in options:
        raise UsageError("exec: no rdomain given: -T")
    if not command:
        raise UsageError("exec: no command given")

    from netstart_wg.app.exec import exec_command

    return exec_command(options["-T"], command, terminal)
