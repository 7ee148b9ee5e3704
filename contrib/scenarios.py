"""Print the README's table of scenarios, or put it there.

    python -m contrib.scenarios [--write]

What was seen stands in tests/netns/scenarios.py, and `make check` sees to it that
it still is, there and in the README.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.netns.scenarios import HOLDS, TABLE

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- contrib/scenarios.py: begin -->\n", "<!-- contrib/scenarios.py: end -->\n"


def table() -> str:
    """Return it in Markdown."""
    lines = [
        "|  | scenario | ours | wireguard-go of Debian 12 | wireguard-go of today |",
        "|---:|---|---|---|---|",
    ]
    for row in TABLE:
        seen = (row.ours, row.debian, row.current)
        cells = ("yes" if each == HOLDS else f"no: {each}" for each in seen)
        lines.append(f"| {' | '.join((row.number, row.title, *cells))} |")
    return "\n".join(lines) + "\n"


def with_table(text: str) -> str:
    """Return a text with the table between the two marks, which must be there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no place for the table: {BEGIN.strip()} and {END.strip()} are not there")
    return f"{before}{begin}{table()}{end}{after}"


def main() -> int:
    parser = argparse.ArgumentParser(description="print the README's table of scenarios")
    parser.add_argument("--write", action="store_true", help="put it into the README instead")
    if parser.parse_args().write:
        README.write_text(with_table(README.read_text()))
    else:
        print(table(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
