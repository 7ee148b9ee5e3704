"""`netstart-wg fmt`: hostname files in their canonical layout.

A file with errors is left alone.  What is printed is the file, with the keys
that are in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from netstart_wg.app.output import Output, for_each
from netstart_wg.errors import ExitStatus, NetstartError, PermissionDeniedError
from netstart_wg.syntax.format import format_file
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText
from netstart_wg.system.names import service_port
from netstart_wg.system.text_file import replace_text


class NotRewrittenError(NetstartError):
    """The file is as it was."""


@dataclass(frozen=True, slots=True)
class _Formatted:
    text: str
    is_new: bool
    """Whether the file says anything else now."""


def print_formatted(paths: Sequence[Path], output: Output) -> ExitStatus:
    """Print each file in canonical layout."""

    def show(path: Path) -> ExitStatus:
        if text := _format(path).text:
            output.say(text.removesuffix("\n"))
        return ExitStatus.OK

    return for_each(paths, show, output)


def rewrite(paths: Sequence[Path], output: Output) -> ExitStatus:
    """Bring each file into canonical layout; one that has it is not touched."""

    def work(path: Path) -> ExitStatus:
        formatted = _format(path)
        if formatted.is_new:
            _replace(path, formatted.text)
        return ExitStatus.OK

    return for_each(paths, work, output)


def list_unformatted(paths: Sequence[Path], output: Output) -> ExitStatus:
    """Print the names of the files that `rewrite` would change; DIFFERENT if there are any."""

    def look(path: Path) -> ExitStatus:
        if not _format(path).is_new:
            return ExitStatus.OK
        output.say(str(path))
        return ExitStatus.DIFFERENT

    return for_each(paths, look, output)


def _format(path: Path) -> _Formatted:
    source = SourceText.read(path)
    text = format_file(parse(source, service_port=service_port))
    return _Formatted(text, is_new=text != source.text())


def _replace(path: Path, text: str) -> None:
    try:
        replace_text(path, text)
    except PermissionError as error:
        raise PermissionDeniedError(f"{path}: not rewritten: permission denied") from error
    except OSError as error:
        reason = str(error.strerror).lower()
        raise NotRewrittenError(f"{path}: not rewritten: {reason}") from error
