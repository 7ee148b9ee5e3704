"""Every message about a file: one table, each entry with the broken text that triggers it.

Lower case, no full stop.  A word of the user's stands in quotes, which whoever
fills in the template supplies together with the word, because a word that may
be a key is shown as asterisks.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from netstart_wg.model.source import Diagnostic, Severity, Span


@dataclass(frozen=True, slots=True)
class Entry:
    """One message; braces are filled in."""

    text: str
    hint: str | None
    trigger: str | None
    """A hostname file that gets this message; None if no text of a file can."""
    severity: Severity = Severity.ERROR
    is_failure: bool = False
    """A warning that something has not happened, for which OpenBSD's ifconfig(8) would exit 1."""


_PEER = f"wgpeer {'A' * 43}="
_OTHER_PEER = f"wgpeer {'B' * 42}A="


class MessageTable(enum.Enum):
    """Messages about a file, by name; each value is an Entry."""

    def diagnostic(
        self, file: str, span: Span | None = None, line_text: str | None = None, **values: object
    ) -> Diagnostic:
        """Fill in the template; `line_text` has no secrets any more."""
        entry: Entry = self.value
        return Diagnostic(
            severity=entry.severity,
            file=file,
            span=span,
            message=entry.text.format(**values),
            hint=entry.hint.format(**values) if entry.hint else None,
            line_text=line_text,
        )


class Message(MessageTable):
    """What can be wrong with a hostname file, or odd about it."""

    # ---- the file as a whole ----

    NOT_FOUND = Entry("no such file", None, None)
    PERMISSION_DENIED = Entry("permission denied", "this takes root", None)
    UNREADABLE = Entry("cannot be read: {reason}", None, None)
    NOT_REGULAR = Entry("not a regular file", None, None)
    TOO_LARGE = Entry("larger than {limit} MiB", None, None)
    NOT_UTF8 = Entry("byte 0x{byte:02x} is not UTF-8", "save the file in the encoding UTF-8", None)
    NUL_CHARACTER = Entry("a NUL character", "this is not a text file", "up\nmtu 14\x0000\n")
    MORE_ERRORS = Entry("more than {limit} errors: the rest is not shown", None, "wgpear\n" * 101)
    MORE_WARNINGS = Entry(
        "more than {limit} warnings: the rest is not shown",
        None,
        (f"{_PEER} wgaip 10.0.0.1/8\n" * 101),
        Severity.WARNING,
    )
    BAD_INTERFACE_NAME = Entry(
        "{name} cannot be the name of an interface",
        "letters and then digits, at most 15 characters, such as wg0",
        None,
    )

    # ---- characters ----

    UNCLOSED_QUOTE = Entry(
        "this quote is not closed on its line",
        "to mean the character itself, put the text in quotes of the other kind: {other}...{other}",
        "description Bob's\n",
    )
    SHELL_EXPANSION = Entry(
        "{character} would be expanded by a shell, but no shell reads this line",
        "write the value itself, or '{bare}' to mean the character",
        "mtu $MTU\n",
    )
    SHELL_OPERATOR = Entry(
        "{character} is for a shell, but no shell reads this line",
        "write '{bare}' to mean the character, or begin a shell command with !",
        "up; down\n",
    )
    SHELL_OPERATOR_AT_END = Entry(
        "{character} at the end of a line is for a shell, but no shell reads this line",
        "leave it out",
        "mtu 1400;\n",
    )
    PLACEHOLDER = Entry(
        "a placeholder that nobody filled in",
        "write the value itself in its place",
        "inet <address>\n",
    )
    INVISIBLE_CHARACTER = Entry(
        "the character U+{code:04X} cannot stand outside quotes",
        "separate words with blanks or tabs",
        "mtu\u00a01400\n",
    )
    BROKEN_CONTINUATION = Entry(
        "a backslash with blanks behind it does not continue the line",
        "remove the blanks at the end of the line",
        f"{_PEER} \\ \n  wgpka 25\n",
    )

    # ---- words ----

    UNKNOWN_KEYWORD = Entry(
        "unknown keyword {word}",
        "a line is a command such as wgkey, wgpeer or inet, or begins with ! or #",
        "frobnicate\n",
    )
    MISSPELT_KEYWORD = Entry("unknown keyword {word}", "did you mean {nearest}?", "wgpeeer\n")
    MEANINGLESS = Entry("{word} {reason}", "{advice}", "media autoselect\n")
    UNEXPECTED_WORD = Entry(
        "unexpected {word} after {keyword}",
        "the form is: {usage}",
        "wgport 51820 51821\n",
    )
    UNQUOTED_TEXT = Entry(
        "unexpected {word} after {keyword}",
        'put a text of several words in quotes: {keyword} "..."',
        "description my tunnel\n",
    )
    QUOTED_KEYWORD = Entry("unknown keyword {word} in quotes", "write it without quotes", '"up"\n')
    NOT_FIRST = Entry(
        "{word} in the middle of a line",
        "begin a line of its own with it",
        "mtu 1400 inet 10.0.0.1/24\n",
    )
    COMMAND_NOT_FIRST = Entry(
        "{word} in the middle of a line",
        "begin a line of its own with a shell command",
        "up !echo\n",
    )
    CONTINUED = Entry(
        "{word} goes on with the command of the line before, which ends in a backslash",
        "remove the backslash at the end of line {number}",
        f"{_PEER} wgpka 25 \\\ninet 10.0.0.1/24\n",
    )
    NEEDS_SHELL = Entry(
        "{character} takes a shell, and none reads this command",
        "write the value itself, and what else there is to do in a line of its own",
        "!ifconfig wg0 wgkey $KEY\n",
    )
    MIXED_COMMANDS = Entry(
        "{word} in one line with a command about the interface itself",
        "begin a line of its own with it",
        "!ifconfig wg0 up; echo\n",
    )
    ADDRESS_TOO_MANY = Entry(
        "one address too many, {word}",
        "a line has one address: begin another one with inet alias",
        "inet 10.0.0.1 255.255.255.0 NONE 10.0.0.2 10.0.0.3\n",
    )
    BARE_NETMASK = Entry(
        "a netmask without a keyword, {word}",
        "write netmask before it",
        "10.0.0.1 255.255.255.0\n",
    )
    BARE_LENGTH = Entry(
        "a prefix length without a keyword, {word}",
        "write prefixlen before it",
        "!ifconfig wg0 inet6 fd00::1 64\n",
    )
    ADDRESS_WORD_ALONE = Entry(
        "{keyword} without an address on its line",
        "it says something about the address in the same line",
        "netmask 255.255.255.0\n",
    )
    NOT_FOR_INET6 = Entry(
        "{keyword} is not for inet6",
        "an inet6 address has a prefixlen and no broadcast address",
        "inet6 fd00::1 netmask 255.255.255.0\n",
    )
    DEST_WITHOUT_ADDRESS = Entry(
        "dest without an IPv4 address in the line before",
        "it says something about that address",
        "up\ndest 10.0.0.2\n",
    )
    DEST_NOT_ALONE = Entry(
        "{word} in a line that begins with dest",
        "begin a line of its own with it",
        "inet 10.0.0.1/24\ndest 10.0.0.255 up\n",
    )
    MISSING_ARGUMENT = Entry(
        "{keyword} lacks an argument", "the form is: {usage}", "wgendpoint 192.0.2.1\n"
    )
    ARGUMENT_IN_COMMENT = Entry(
        "{keyword} lacks an argument: what follows # is a comment",
        "put the argument in quotes to keep the #",
        "description #1\n",
    )
    MISSING_ADDRESS = Entry("{keyword} lacks an address", "the form is: {usage}", "inet up\n")
    PEER_WORD_ALONE = Entry(
        "{keyword} without a wgpeer before it on the same line",
        "peer options belong on the wgpeer's line, or on the next one after a backslash",
        f"{_PEER}\nwgaip 10.0.0.2/32\n",
    )
    PEER_WORD_AFTER_COMMENT = Entry(
        "{keyword} without a wgpeer: the comment in line {number} ends the command before",
        "put the comment before the wgpeer",
        f"{_PEER} \\\n  # the laptop\n  wgaip 10.0.0.2/32\n",
    )
    PEER_WORD_AFTER_BLANK = Entry(
        "{keyword} without a wgpeer: the empty line {number} ends the command before",
        "remove the empty line",
        f"{_PEER} \\\n\n  wgaip 10.0.0.2/32\n",
    )

    # ---- values ----

    BAD_KEY = Entry(
        "{keyword}: {reason}",
        "44 characters of base64, as wg genkey or openssl rand -base64 32 print them",
        "wgkey secret\n",
    )
    BAD_PUBLIC_KEY = Entry(
        "{keyword}: {reason}",
        "44 characters of base64, as wg pubkey or the status line wgpubkey show them",
        "wgpeer laptop\n",
    )
    NOT_A_NUMBER = Entry(
        "{what} {word} is not a decimal number",
        "{keyword} takes {low} to {high}",
        "mtu 0x578\n",
    )
    OUT_OF_RANGE = Entry(
        "{what} {word} is out of range for {keyword} ({low} to {high})",
        None,
        "wgport 65536\n",
    )
    NOT_IPV4 = Entry("{word} is not an IPv4 address", "such as 10.0.0.1/24", "inet 10.0.0.256/24\n")
    NOT_IPV6 = Entry("{word} is not an IPv6 address", "such as fd00::1/64", "inet6 fd00:::1/64\n")
    OTHER_FAMILY = Entry(
        "{word} is not for {keyword}", "write {family} instead", "inet fd00::1/64\n"
    )
    UNUSABLE_ADDRESS = Entry(
        "{word} cannot be the address of an interface",
        "unspecified, multicast and broadcast addresses are nobody's",
        "inet 224.0.0.5/24\n",
    )
    SCOPED_ADDRESS = Entry(
        "{word} has a scope",
        "the interface itself is the scope: leave out % and what follows",
        "inet6 fe80::1%wg0 64\n",
    )
    NO_ROOM_FOR_IPV6 = Entry(
        "{address} cannot be here: with an mtu of {mtu} there is no IPv6",
        "it takes an mtu of {minimum} at least",
        "mtu 1200\ninet6 fd00::1/64\n",
    )
    BAD_NETMASK = Entry(
        "{word} is not a netmask",
        "such as 255.255.255.0 or 0xffffff00, or write {address}/24",
        "inet 10.0.0.1 24\n",
    )
    GAPS_IN_NETMASK = Entry(
        "netmask {word} is not ones followed by zeroes",
        "such as 255.255.255.0",
        "inet 10.0.0.1 255.0.255.0\n",
    )
    TWO_LENGTHS = Entry(
        "{word} after an address that has its length already",
        "leave out one of the two",
        "!route add 10.0.0.0/8 -netmask 255.255.0.0 192.0.2.1\n",
    )
    BAD_BROADCAST = Entry(
        "{word} is not a broadcast address",
        "an IPv4 address; it has no use on a tunnel and can be left out",
        "inet 10.0.0.1 255.255.255.0 none\n",
    )
    UNKNOWN_SERVICE = Entry(
        "port {word} is neither a number nor the name of a service",
        "1 to {high}, or a name that /etc/services has for UDP",
        f"{_PEER} wgendpoint 192.0.2.1 wireguard\n",
    )
    BAD_HOST = Entry(
        "{word} is neither an address nor the name of a host",
        "such as 192.0.2.1, 2001:db8::1, fe80::1%eth0 or vpn.example.net",
        f"{_PEER} wgendpoint 10.0.0.256 51820\n",
    )
    ENDPOINT_IN_ONE_WORD = Entry(
        "{word} is neither an address nor the name of a host",
        "write host and port in two words: wgendpoint HOST PORT",
        f"{_PEER} wgendpoint 2001:db8::1:51820 wgpka 25\n",
    )
    BRACKETED_HOST = Entry(
        "{word} is in brackets",
        "write it without brackets: wgendpoint HOST PORT",
        f"{_PEER} wgendpoint [2001:db8::1] 51820\n",
    )
    BAD_ALLOWED_IP = Entry(
        "{word} is neither an address nor a network",
        "such as 10.0.0.2/32, 192.168.0.0/16 or fd00::/64",
        f"{_PEER} wgaip 10.0.0.0/255.0.0.0\n",
    )
    NETWORK_ALONE = Entry(
        "{word} without a wgaip of its own",
        "write wgaip before each network",
        f"{_PEER} wgaip 10.0.0.2/32 fd00::2/128\n",
    )
    SEVERAL_ALLOWED_IPS = Entry(
        "several networks in one word, {word}",
        "write wgaip before each of them",
        f"{_PEER} wgaip 10.0.0.0/8,fd00::/8\n",
    )
    BAD_GROUP = Entry(
        "{word} cannot be the name of a group",
        "1 to 15 bytes, without blanks and commas, and not with a digit at the end",
        "group office2\n",
    )

    # ---- warnings ----

    WRAPPED_COMMAND = Entry(
        "{word} within another command is the system's own, and not OpenBSD's",
        "begin a line with !{program} to declare what it says",
        "!exec route add 10.0.0.0/8 192.0.2.1\n",
        Severity.WARNING,
    )
    BRACED_NAME = Entry(
        "this is empty: a shell has no variable of that name",
        "write $if for the name of the interface",
        "!wg setconf ${if} /etc/wg.conf\n",
        Severity.WARNING,
    )
    LONGER_NAME = Entry(
        '{word} is the name of the interface with "{rest}" behind it',
        "a variable must have a name that does not begin with if",
        "!echo $iface\n",
        Severity.WARNING,
    )

    HOST_BITS = Entry(
        "{word} has bits beyond its prefix",
        "it means {network}",
        f"{_PEER} wgaip 10.0.0.2/24\n",
        Severity.WARNING,
    )
    HALF_OCTET = Entry(
        "{word} ends in the upper half of an octet: it means {network}",
        "write two digits for each octet",
        f"{_PEER} wgaip 0xa/8\n",
        Severity.WARNING,
    )
    ADDRESS_AFTER_PEER = Entry(
        "{word} becomes the address of the interface",
        "write wgaip before each network of the peer",
        f"{_PEER} wgaip 10.0.0.2/32 10.0.0.3/32\n",
        Severity.WARNING,
    )
    KEYWORD_AS_TEXT = Entry(
        "{keyword} takes the keyword {word} for its text",
        "put it in quotes if it is meant, or write the text before it",
        f"{_PEER} wgdescr wgaip 10.0.0.2/24\n",
        Severity.WARNING,
    )
    COMMENT_GOES_ON = Entry(
        "this is a part of the comment in the line before, which ends in a backslash",
        "remove that backslash, or begin this line with #",
        "# the office: \\\nup\n",
        Severity.WARNING,
    )
    TEXT_CUT = Entry(
        "{keyword} is longer than {limit} bytes and was cut",
        None,
        f"description '{'many words ' * 6}'\n",
        Severity.WARNING,
    )
    OTHER_LENGTH = Entry(
        "{word} says another length than before: the last one counts",
        "leave out one of the two",
        "inet 10.0.0.1/24 255.255.0.0\n",
        Severity.WARNING,
    )
    LENGTH_OF_CLASS = Entry(
        "{word} has no length: taken for {interface}",
        "write {interface}, or the length that is meant",
        "inet 10.0.0.1\n",
        Severity.WARNING,
    )
    ZERO_LENGTH = Entry(
        "prefix length 0 of {word} means 32, as on OpenBSD",
        "write {address}/32",
        "inet 10.0.0.1/0\n",
        Severity.WARNING,
    )
    BROADCAST_UNUSED = Entry(
        "broadcast address {word} has no use on a tunnel: not set",
        "write NONE, or nothing",
        "inet 10.0.0.1 255.255.255.0 10.0.0.1\n",
        Severity.WARNING,
    )
    DESTINATION_UNUSED = Entry(
        "destination {word} has no use on a tunnel: not set",
        "another address of the interface is added with inet alias",
        "10.0.0.1/24 10.0.0.2\n",
        Severity.WARNING,
    )
    NO_EFFECT = Entry(
        "{keyword} has no effect on Linux", "leave it out", "llprio 3\n", Severity.WARNING
    )
    RDOMAIN_WIPES = Entry(
        "on its way to another rdomain the interface loses {lost}",
        "begin with rdomain, and name addresses after it",
        "inet 10.0.0.1/24\nrdomain 1\n",
        Severity.WARNING,
    )
    KEY_TWICE = Entry("wgkey, and another private key at {place}", "leave out one of the two", None)
    NO_ADDRESS = Entry(
        "there is no address to delete", None, "inet delete\n", Severity.WARNING, is_failure=True
    )
    NO_SUCH_ADDRESS = Entry(
        "there is no address {address} to delete",
        None,
        "inet 10.0.0.1 delete\n",
        Severity.WARNING,
        is_failure=True,
    )
    NOT_IN_GROUP = Entry(
        "the interface is not in the group {name}",
        None,
        "-group office\n",
        Severity.WARNING,
        is_failure=True,
    )
    GROUP_OF_ALL = Entry(
        "every WireGuard interface stays in the group {name}",
        None,
        "-group wg\n",
        Severity.WARNING,
        is_failure=True,
    )
    NOTHING_TO_DESTROY = Entry(
        "there is no interface to destroy",
        None,
        "destroy\ndestroy\nup\n",
        Severity.WARNING,
        is_failure=True,
    )
    AFTER_DESTROY = Entry(
        "this is for nothing: its line destroys the interface",
        "begin a line of its own with destroy",
        "destroy mtu 1400\nup\n",
        Severity.WARNING,
        is_failure=True,
    )
    ENDS_DESTROYED = Entry(
        "nothing in the file makes the interface again",
        "remove the line, or add create after it",
        "mtu 1400\ndestroy\n",
        Severity.WARNING,
    )
    ALLOWED_IPS_REPLACED = Entry(
        "{networks} of {place} is not this peer's any more",
        "name all networks of a peer after one wgpeer",
        f"{_PEER} wgaip 10.0.0.2\n{_PEER} wgaip 10.0.0.3\n",
        Severity.WARNING,
    )
    ALLOWED_IP_TAKEN = Entry(
        "{network} moves here from the peer {peer}",
        "it can belong to one peer only: the last one that claims it",
        None,
        Severity.WARNING,
    )
    ALLOWED_IP_MOVED = Entry(
        "{network} moves here from the peer at {place}",
        "it can belong to one peer only: the last one that claims it",
        f"{_PEER} wgaip 10.0.0.2\n{_OTHER_PEER} wgaip 10.0.0.2\n",
        Severity.WARNING,
    )
    OWN_PUBLIC_KEY = Entry(
        "this peer is the interface itself and was left out",
        "its key is the public key of wgkey",
        f"wgkey {'A' * 41}EA=\nwgpeer L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=\n",
        Severity.WARNING,
    )
