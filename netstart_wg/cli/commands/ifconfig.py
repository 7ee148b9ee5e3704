"""`netstart-wg ifconfig`: one command of ifconfig(8) on an interface as it runs."""

from __future__ import annotations

from collections.abc import Sequence

from netstart_wg.cli.arguments import ETC, leading_options
from netstart_wg.cli.terminal import Terminal
from netstart_wg.cli.usage import PROGRAM, usage_of
from netstart_wg.errors import ExitStatus, UsageError


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Take ifconfig's exit status for wrong usage, too."""
    try:
        options, words = leading_options("ifconfig", arguments, "aA")
        if options.keys() & {"-a", "-A"} and words:
            raise UsageError("ifconfig: -a and -A take no interface")
    except UsageError as error:
        terminal.warn(f"{PROGRAM}: {error}\n{usage_of('ifconfig')}")
        return ExitStatus.FAILED

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
        return ifconfig.change_interface(ETC, name, rest, machine, terminal)
