"""What a backslash at the end of a line does to the next one: it joins lines before all else."""

from __future__ import annotations

from netstart_wg.syntax.findings import Findings
from netstart_wg.syntax.keywords import KEYWORDS
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.source import LogicalLine

_BLANKS = " \t"


def look_at_comment(line: LogicalLine, start: int, findings: Findings) -> None:
    """Warn of a line that the comment from there on has swallowed, if it was not meant to go, too.

    A command that was commented out takes its further lines with it.
    """
    if not line.text[:start].strip(_BLANKS) and _is_command(line.text[start:]):
        return
    for index, join in enumerate(line.joins, 1):
        first, last = line.stretch(index)
        text = line.text[first:last]
        if join > start and text.strip() and not text.lstrip().startswith("#"):
            findings.add(Message.COMMENT_GOES_ON, line.span(first, last))
            return


def begins_physical_line(line: LogicalLine, place: int) -> int | None:
    """Return the number of the line whose backslash puts a place where it is.

    None if it does not stand at the beginning of a further physical line.
    """
    for number, join in enumerate(line.joins, line.number):
        if join <= place and not line.text[join:place].strip(_BLANKS):
            return number
    return None


def _is_command(comment: str) -> bool:
    words = comment.lstrip("#" + _BLANKS).split(maxsplit=1)
    return bool(words) and (words[0] in KEYWORDS or words[0].startswith("!"))
