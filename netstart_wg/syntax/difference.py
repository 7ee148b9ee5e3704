"""What OpenBSD's netstart(8) reads differently: one table, each entry with what triggers it.

The rules are those of `Message`; every hint says what both systems read alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Self

from netstart_wg.model.source import Severity
from netstart_wg.syntax.messages import Entry, MessageTable
from netstart_wg.syntax.words import Word


def _entry(text: str, hint: str, trigger: str) -> Entry:
    return Entry(text, hint, trigger, Severity.WARNING)


class Difference(MessageTable):
    """A way in which the two readings of a file can differ."""

    # ---- the file as a whole ----

    BYTE_ORDER_MARK = _entry(
        "OpenBSD takes the byte order mark for a part of the first word",
        "save the file without it",
        "\ufeffup\n",
    )
    CARRIAGE_RETURN = _entry(
        "OpenBSD takes the carriage return at the end of a line for a part of its last word; "
        "lines that have one: {count}",
        "end lines with a newline alone",
        "up\r\nmtu 1400\r\n",
    )
    NO_NEWLINE = _entry(
        "OpenBSD ignores this line: no newline ends it",
        "end the file with a newline",
        "mtu 1400\nup",
    )
    BACKSLASH_AT_END = _entry(
        "OpenBSD ignores this line: a backslash continues it, but the file ends",
        "remove the backslash, and end the file with a newline",
        "mtu 1400\nup \\\n",
    )
    # ---- packed lines ----

    COMMENT_TAKEN = _entry(
        "OpenBSD takes this comment for the {role}",
        "put it on a line of its own",
        "inet 10.0.0.1/24 # office\n",
    )
    CONTINUED_COMMENT_TAKEN = _entry(
        "OpenBSD takes this comment for the {role}, because a backslash ends the line before",
        "remove that backslash",
        "inet 10.0.0.1/24 \\\n# office\n",
    )
    KEYWORD_TAKEN = _entry(
        "OpenBSD takes {word} for the {role}",
        "{advice}",
        "inet 10.0.0.1/24 mtu 1400\n",
    )
    NONE_TAKEN = _entry(
        "OpenBSD takes {word} for the netmask",
        "leave it out",
        "inet 10.0.0.1/24 NONE\n",
    )
    QUOTED_NONE = _entry(
        "OpenBSD does not know {word} in quotes",
        "write NONE without quotes",
        "inet 10.0.0.1 255.255.255.0 'NONE'\n",
    )

    DEST_IGNORED = _entry(
        "OpenBSD ignores a line that has more than dest and its address",
        "put the comment on a line of its own",
        "inet 10.0.0.1/24\ndest 10.0.0.255 # all\n",
    )
    DEST_MISPLACED = _entry(
        "OpenBSD puts {word} into the line before, and not behind its address",
        "begin that line with inet",
        "10.0.0.1/24 mtu 1400\ndest 10.0.0.255\n",
    )

    # ---- words ----

    JOINED_ENDPOINT = _entry(
        "OpenBSD takes {word} for a host, and the word after it for the port",
        "write host and port in two words, without brackets",
        "wgpeer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= wgendpoint vpn.example.net:51820\n",
    )
    CREATE_FAILS = _entry(
        "OpenBSD stops here, because the interface is there already: not all of the line is done",
        "leave out create",
        "create mtu 1400\n",
    )

    BACKSLASH = _entry(
        "OpenBSD takes this backslash away before it looks at quotes",
        "use quotes of the other kind, or other words, instead of backslashes",
        "description Bob\\'s\n",
    )
    EXPANDED = _entry(
        "{character} makes OpenBSD's shell replace the word by what it stands for",
        "put the word in quotes",
        "description ~office\n",
    )
    PATTERN_IN_QUOTES = _entry(
        "{character} makes OpenBSD look for file names here, before it looks at quotes",
        "leave it out, or write it next to one of the quotes",
        "up\ndescription 'who ? me'\n",
    )

    # ---- shell commands ----

    SHELL_BACKSLASH = _entry(
        "OpenBSD takes backslashes away, twice, before its shell reads this line",
        "put the command in a script, and call that",
        "!printf 'a\\n'\n",
    )
    SHELL_PATTERN = _entry(
        "{character} makes OpenBSD look for file names when it reads the file, quotes or not",
        "put the command in a script, and call that",
        "up\n!logger what ?\n",
    )
    ONE_OF_TWO = _entry(
        "OpenBSD does what follows || only if what precedes it has failed; here both are done",
        "leave out what is not needed, or begin a line of its own with it",
        "!ifconfig wg0 mtu 1400 || ifconfig wg0 mtu 1300\n",
    )
    ROUTE_TOO_EARLY = _entry(
        "OpenBSD has no way to {word} yet: the address or rdomain comes in a later line",
        "put the route behind it",
        "!route add 10.1.0.0/16 10.0.0.2\ninet 10.0.0.1/24\n",
    )
    SHELL_STATE = _entry(
        "on OpenBSD {command} also acts on the lines after this one: all have one shell",
        "put what belongs together in a script, and call that",
        "!cd /tmp\n",
    )


class Spot(NamedTuple):
    """Where on a logical line a difference is."""

    difference: Difference
    start: int
    end: int
    values: Mapping[str, object]
    """For the template."""

    @classmethod
    def of(cls, difference: Difference, word: Word, **values: object) -> Self:
        """Return the place of a word, which the template may name as `word`."""
        return cls(difference, word.start, word.end, {"word": word, **values})
