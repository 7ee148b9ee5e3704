"""Messages as the journal wants them: a line each, with a priority in front (sd-daemon(3)).

What a person at a terminal reads over several lines, the journal would take for several
messages, and whoever looks for one of them would find no more than a part.
"""

from __future__ import annotations

import os
import re

_ERROR, _WARNING = "<3>", "<4>"
_POINTER = re.compile(r"\n[^\n]*\n *\^+")
"""The line of a file, and the caret below it: the place is in the message."""


def is_journal() -> bool:
    """Say whether standard error goes to the journal (systemd.exec(5): $JOURNAL_STREAM)."""
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def journal_line(text: str) -> str:
    """Return a message of one or more lines as one."""
    first, *rest = _POINTER.sub("", text).splitlines()
    priority = _WARNING if "warning: " in first.lower() else _ERROR
    return priority + "; ".join([first.removesuffix(":"), *(line.strip() for line in rest)])
