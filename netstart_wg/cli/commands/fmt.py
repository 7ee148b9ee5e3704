"""`netstart-wg fmt`: hostname files in canonical layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from netstart_wg.cli.arguments import ArgumentParser
from netstart_wg.cli.terminal import Terminal
from netstart_wg.errors import ExitStatus, UsageError


def run(arguments: Sequence[str], terminal: Terminal) -> ExitStatus:
    """Print files, write them back, or name those that would change."""
    parser = ArgumentParser()
    group = parser.add_mutually_exclusive_group()
    group.add_argument("-w", dest="is_rewrite", action="store_true")
    group.add_argument("--check", dest="is_check", action="store_true")
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_intermixed_args(arguments)
    if not options.files:
        raise UsageError("fmt: no file named")

    from netstart_wg.app.fmt import list_unformatted, print_formatted, rewrite

    if options.is_rewrite:
        return rewrite(options.files, terminal)
    work = list_unformatted if options.is_check else print_formatted
    return work(options.files, terminal)
