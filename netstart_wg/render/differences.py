"""Differences for people: as a diff, and as one line each for a monitoring system.

The lines of the diff are lines of a hostname file, and so are the remarks behind
them: comments.  `-` is what runs, `+` what is wanted, `=` what stays though the file
does not have it; `!` in front of either: a session is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netstart_wg.model.difference import Difference, Effect, Reason

NAMED_AT_MOST: Final = 10
"""So many peers are told of by name."""

_REMARK_COLUMN: Final = 40
"""Where remarks stand, behind lines that are not longer."""

_WHOLE: Final = {
    ("create",): "the interface is not there",
    ("destroy",): "the interface is there",
}
"""Besides these nothing needs saying, and what to say of them."""


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    remark: str = ""


def render_diff(differences: Sequence[Difference]) -> Iterator[str]:
    """Yield the lines of the diff of one interface, each beginning with its name."""
    if not differences:
        return
    name = differences[0].interface
    lines = [line for each in _with_remarks_where_needed(differences) for line in each]
    for line in lines:
        shown = f"{line.text:{_REMARK_COLUMN}}  # {line.remark}" if line.remark else line.text
        yield _on_one_line(f"{name}: {shown}")


def render_check(differences: Sequence[Difference]) -> Iterator[str]:
    """Yield one line for each difference of one interface that is to end, with its reason.

    Of an interface that is not there, or should not be, it is the only one.  What
    goes and comes again with another difference is left to that one.
    """
    whole = [each for each in differences if each.subject in _WHOLE]
    for each in whole or differences:
        if each.reason is not Reason.FOREIGN and not each.comes_again:
            remark = ", ".join(_remarks(each))
            behind = f" ({remark})" if remark else ""
            yield _on_one_line(f"{each.interface}: {each.reason.value}: {_sentence(each)}{behind}")


def _on_one_line(text: str) -> str:
    """Return a line that is one, whatever somebody else has called a peer or an interface."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _with_remarks_where_needed(differences: Sequence[Difference]) -> Iterator[Iterator[_Line]]:
    """Yield the lines of each; of an interface that is made anew all the rest goes without saying.

    That is the file, line by line.
    """
    is_new = any(each.subject == ("create",) for each in differences)
    for each in differences:
        yield _lines(each, has_remark=not is_new or each.subject == ("create",))


def _lines(difference: Difference, *, has_remark: bool) -> Iterator[_Line]:
    mark = "! " if difference.lost else ""
    remarks = [*_drift(difference), *_remarks(difference)] if has_remark else []
    before, after = _shown(difference)
    if before is not None and after is None:
        yield _Line(f"{mark}- {before}", ", ".join(remarks))
    elif before is not None:
        yield _Line(f"{mark}- {before}")
    if after is not None:
        sign = "=" if difference.reason is Reason.FOREIGN else "+"
        yield _Line(f"{mark}{sign} {after}", ", ".join(remarks))
    if difference.lost and difference.subject[0] != "wgpeer":
        yield _Line(f"! ends {_sessions(difference.lost)}")


def _shown(difference: Difference) -> tuple[str | None, str | None]:
    """Return what is worth a line: not that what goes up was down before."""
    before, after = difference.before, difference.after
    if difference.subject == ("up",) or difference.reason is Reason.FOREIGN:
        return None, after
    if difference.subject[0] == "!" and after is None:
        return f"{before} (has run; cannot be undone)", None
    return (None if difference.comes_again else before), after


def _remarks(difference: Difference) -> Iterator[str]:
    """Yield who it is about, unless a line says so, and which line of the file asks for it."""
    if difference.comes_again:
        yield "again"
    if difference.effect is Effect.REKEY and not difference.lost:
        yield "re-keys"
    shown = f"{difference.before} {difference.after}"
    if difference.peer is not None and f"wgdescr {difference.peer}" not in shown:
        yield difference.peer
    if difference.place is not None:
        _, span = difference.place
        yield f"line {span.line}"


def _drift(difference: Difference) -> Iterator[str]:
    if difference.reason is not Reason.PENDING:
        yield difference.reason.value


def _sessions(names: Sequence[str]) -> str:
    """Name some of the peers whose sessions end."""
    shown = list(names[:NAMED_AT_MOST])
    if more := len(names) - len(shown):
        shown.append(f"{more} more")
    if len(shown) == 1:
        return f"the session of {shown[0]}"
    return f"the sessions of {', '.join(shown[:-1])} and {shown[-1]}"


def _sentence(difference: Difference) -> str:
    """Say what runs instead of what is wanted."""
    before, after = difference.before, difference.after
    if difference.subject in _WHOLE:
        return _WHOLE[difference.subject]
    if before is None:
        return f"missing: {after}"
    if after is None:
        return f"extra: {before}"
    if before == after:
        return f"other: {after}"
    owner = difference.what.removesuffix(f" {difference.subject[0]}")
    if before.startswith(f"{owner} ") and after.startswith(f"{owner} wg"):
        return f"{owner}: {before[len(owner) + 1 :]} instead of {after[len(owner) + 1 :]}"
    return f"{before} instead of {after}"
