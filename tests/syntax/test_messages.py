"""Each message of the table, triggered by its own broken line, as a reader sees it."""

from __future__ import annotations

import pytest

from netstart_wg.errors import ConfigError
from netstart_wg.model.source import Diagnostic, Severity
from netstart_wg.syntax.lower import lower
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.source import SourceText
from tests.syntax.x25519 import derive_public_key


def diagnostics(text: str | None) -> tuple[Diagnostic, ...]:
    assert text is not None
    try:
        file = parse(SourceText.from_text("hostname.wg0", text), "wg0")
        return lower(file, "wg0", derive_public_key).warnings
    except ConfigError as error:
        return error.diagnostics


PEER = "wgpeer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

EXPECTED: dict[Message, str] = {
    Message.NUL_CHARACTER: ("hostname.wg0:2:7: a NUL character\n    hint: this is not a text file"),
    Message.MORE_ERRORS: ("hostname.wg0: more than 100 errors: the rest is not shown"),
    Message.MORE_WARNINGS: ("hostname.wg0: warning: more than 100 warnings: the rest is not shown"),
    Message.UNCLOSED_QUOTE: (
        "hostname.wg0:1:16: this quote is not closed on its line\n"
        "    description Bob's\n"
        "                   ^\n"
        '    hint: to mean the character itself, put the text in quotes of the other kind: "..."'
    ),
    Message.SHELL_EXPANSION: (
        'hostname.wg0:1:5: "$" would be expanded by a shell, but no shell reads this line\n'
        "    mtu $MTU\n"
        "        ^\n"
        "    hint: write the value itself, or '$' to mean the character"
    ),
    Message.SHELL_OPERATOR: (
        'hostname.wg0:1:3: ";" is for a shell, but no shell reads this line\n'
        "    up; down\n"
        "      ^\n"
        "    hint: write ';' to mean the character, or begin a shell command with !"
    ),
    Message.SHELL_OPERATOR_AT_END: (
        'hostname.wg0:1:9: ";" at the end of a line is for a shell, but no shell reads'
        " this line\n"
        "    mtu 1400;\n"
        "            ^\n"
        "    hint: leave it out"
    ),
    Message.PLACEHOLDER: (
        "hostname.wg0:1:6: a placeholder that nobody filled in\n"
        "    inet <address>\n"
        "         ^^^^^^^^^\n"
        "    hint: write the value itself in its place"
    ),
    Message.INVISIBLE_CHARACTER: (
        "hostname.wg0:1:4: the character U+00A0 cannot stand outside quotes\n"
        "    mtu 1400\n"
        "       ^\n"
        "    hint: separate words with blanks or tabs"
    ),
    Message.BROKEN_CONTINUATION: (
        "hostname.wg0:1:53: a backslash with blanks behind it does not continue the line\n"
        f"    {PEER} \\ \n"
        "                                                        ^\n"
        "    hint: remove the blanks at the end of the line"
    ),
    Message.UNKNOWN_KEYWORD: (
        'hostname.wg0:1:1: unknown keyword "frobnicate"\n'
        "    frobnicate\n"
        "    ^^^^^^^^^^\n"
        "    hint: a line is a command such as wgkey, wgpeer or inet, or begins with ! or #"
    ),
    Message.MISSPELT_KEYWORD: (
        'hostname.wg0:1:1: unknown keyword "wgpeeer"\n'
        "    wgpeeer\n"
        "    ^^^^^^^\n"
        "    hint: did you mean wgpeer?"
    ),
    Message.MEANINGLESS: (
        'hostname.wg0:1:1: "media" is about a network card, and there is none below a tunnel\n'
        "    media autoselect\n"
        "    ^^^^^\n"
        "    hint: leave it out"
    ),
    Message.UNEXPECTED_WORD: (
        'hostname.wg0:1:14: unexpected "51821" after wgport\n'
        "    wgport 51820 51821\n"
        "                 ^^^^^\n"
        "    hint: the form is: wgport PORT"
    ),
    Message.UNQUOTED_TEXT: (
        'hostname.wg0:1:16: unexpected "tunnel" after description\n'
        "    description my tunnel\n"
        "                   ^^^^^^\n"
        '    hint: put a text of several words in quotes: description "..."'
    ),
    Message.QUOTED_KEYWORD: (
        'hostname.wg0:1:1: unknown keyword "up" in quotes\n'
        '    "up"\n'
        "    ^^^^\n"
        "    hint: write it without quotes"
    ),
    Message.NOT_FIRST: (
        'hostname.wg0:1:10: "inet" in the middle of a line\n'
        "    mtu 1400 inet 10.0.0.1/24\n"
        "             ^^^^\n"
        "    hint: begin a line of its own with it"
    ),
    Message.COMMAND_NOT_FIRST: (
        'hostname.wg0:1:4: "!echo" in the middle of a line\n'
        "    up !echo\n"
        "       ^^^^^\n"
        "    hint: begin a line of its own with a shell command"
    ),
    Message.CONTINUED: (
        'hostname.wg0:2:1: "inet" goes on with the command of the line before, which'
        " ends in a backslash\n"
        "    inet 10.0.0.1/24\n"
        "    ^^^^\n"
        "    hint: remove the backslash at the end of line 1"
    ),
    Message.NEEDS_SHELL: (
        'hostname.wg0:1:21: "$" takes a shell, and none reads this command\n'
        "    !ifconfig wg0 wgkey ****\n"
        "                        ^\n"
        "    hint: write the value itself, and what else there is to do in a line of its own"
    ),
    Message.MIXED_COMMANDS: (
        'hostname.wg0:1:19: "echo" in one line with a command about the interface itself\n'
        "    !ifconfig wg0 up; echo\n"
        "                      ^^^^\n"
        "    hint: begin a line of its own with it"
    ),
    Message.ADDRESS_TOO_MANY: (
        'hostname.wg0:1:43: one address too many, "10.0.0.3"\n'
        "    inet 10.0.0.1 255.255.255.0 NONE 10.0.0.2 10.0.0.3\n"
        "                                              ^^^^^^^^\n"
        "    hint: a line has one address: begin another one with inet alias"
    ),
    Message.BARE_NETMASK: (
        'hostname.wg0:1:10: a netmask without a keyword, "255.255.255.0"\n'
        "    10.0.0.1 255.255.255.0\n"
        "             ^^^^^^^^^^^^^\n"
        "    hint: write netmask before it"
    ),
    Message.BARE_LENGTH: (
        'hostname.wg0:1:29: a prefix length without a keyword, "64"\n'
        "    !ifconfig wg0 inet6 fd00::1 64\n"
        "                                ^^\n"
        "    hint: write prefixlen before it"
    ),
    Message.ADDRESS_WORD_ALONE: (
        "hostname.wg0:1:1: netmask without an address on its line\n"
        "    netmask 255.255.255.0\n"
        "    ^^^^^^^\n"
        "    hint: it says something about the address in the same line"
    ),
    Message.NOT_FOR_INET6: (
        "hostname.wg0:1:15: netmask is not for inet6\n"
        "    inet6 fd00::1 netmask 255.255.255.0\n"
        "                  ^^^^^^^\n"
        "    hint: an inet6 address has a prefixlen and no broadcast address"
    ),
    Message.DEST_WITHOUT_ADDRESS: (
        "hostname.wg0:2:1: dest without an IPv4 address in the line before\n"
        "    dest 10.0.0.2\n"
        "    ^^^^^^^^^^^^^\n"
        "    hint: it says something about that address"
    ),
    Message.DEST_NOT_ALONE: (
        'hostname.wg0:2:17: "up" in a line that begins with dest\n'
        "    dest 10.0.0.255 up\n"
        "                    ^^\n"
        "    hint: begin a line of its own with it"
    ),
    Message.MISSING_ARGUMENT: (
        "hostname.wg0:1:1: wgendpoint lacks an argument\n"
        "    wgendpoint 192.0.2.1\n"
        "    ^^^^^^^^^^\n"
        "    hint: the form is: wgendpoint HOST PORT"
    ),
    Message.ARGUMENT_IN_COMMENT: (
        "hostname.wg0:1:1: description lacks an argument: what follows # is a comment\n"
        "    description #1\n"
        "    ^^^^^^^^^^^\n"
        "    hint: put the argument in quotes to keep the #"
    ),
    Message.MISSING_ADDRESS: (
        "hostname.wg0:1:1: inet lacks an address\n"
        "    inet up\n"
        "    ^^^^\n"
        "    hint: the form is: inet [alias] ADDRESS/LENGTH"
    ),
    Message.PEER_WORD_ALONE: (
        "hostname.wg0:2:1: wgaip without a wgpeer before it on the same line\n"
        "    wgaip 10.0.0.2/32\n"
        "    ^^^^^\n"
        "    hint: peer options belong on the wgpeer's line, or on the next one after a backslash"
    ),
    Message.PEER_WORD_AFTER_COMMENT: (
        "hostname.wg0:3:3: wgaip without a wgpeer: the comment in line 2 ends the"
        " command before\n"
        "      wgaip 10.0.0.2/32\n"
        "      ^^^^^\n"
        "    hint: put the comment before the wgpeer"
    ),
    Message.PEER_WORD_AFTER_BLANK: (
        "hostname.wg0:3:3: wgaip without a wgpeer: the empty line 2 ends the command before\n"
        "      wgaip 10.0.0.2/32\n"
        "      ^^^^^\n"
        "    hint: remove the empty line"
    ),
    Message.BAD_KEY: (
        "hostname.wg0:1:7: wgkey: a key has 44 base64 characters, not 6\n"
        "    wgkey ******\n"
        "          ^^^^^^\n"
        "    hint: 44 characters of base64, as wg genkey or openssl rand -base64 32 print them"
    ),
    Message.BAD_PUBLIC_KEY: (
        "hostname.wg0:1:8: wgpeer: a key has 44 base64 characters, not 6\n"
        "    wgpeer laptop\n"
        "           ^^^^^^\n"
        "    hint: 44 characters of base64, as wg pubkey or the status line wgpubkey show them"
    ),
    Message.NOT_A_NUMBER: (
        'hostname.wg0:1:5: size "0x578" is not a decimal number\n'
        "    mtu 0x578\n"
        "        ^^^^^\n"
        "    hint: mtu takes 1 to 9000"
    ),
    Message.OUT_OF_RANGE: (
        'hostname.wg0:1:8: port "65536" is out of range for wgport (0 to 65535)\n'
        "    wgport 65536\n"
        "           ^^^^^"
    ),
    Message.NOT_IPV4: (
        'hostname.wg0:1:6: "10.0.0.256" is not an IPv4 address\n'
        "    inet 10.0.0.256/24\n"
        "         ^^^^^^^^^^\n"
        "    hint: such as 10.0.0.1/24"
    ),
    Message.NOT_IPV6: (
        'hostname.wg0:1:7: "fd00:::1" is not an IPv6 address\n'
        "    inet6 fd00:::1/64\n"
        "          ^^^^^^^^\n"
        "    hint: such as fd00::1/64"
    ),
    Message.OTHER_FAMILY: (
        'hostname.wg0:1:6: "fd00::1" is not for inet\n'
        "    inet fd00::1/64\n"
        "         ^^^^^^^\n"
        "    hint: write inet6 instead"
    ),
    Message.UNUSABLE_ADDRESS: (
        'hostname.wg0:1:6: "224.0.0.5" cannot be the address of an interface\n'
        "    inet 224.0.0.5/24\n"
        "         ^^^^^^^^^\n"
        "    hint: unspecified, multicast and broadcast addresses are nobody's"
    ),
    Message.SCOPED_ADDRESS: (
        'hostname.wg0:1:7: "fe80::1%wg0" has a scope\n'
        "    inet6 fe80::1%wg0 64\n"
        "          ^^^^^^^^^^^\n"
        "    hint: the interface itself is the scope: leave out % and what follows"
    ),
    Message.NO_ROOM_FOR_IPV6: (
        "hostname.wg0:2:1: fd00::1/64 cannot be here: with an mtu of 1200 there is no IPv6\n"
        "    inet6 fd00::1/64\n"
        "    ^^^^^^^^^^^^^^^^\n"
        "    hint: it takes an mtu of 1280 at least"
    ),
    Message.BAD_NETMASK: (
        'hostname.wg0:1:15: "24" is not a netmask\n'
        "    inet 10.0.0.1 24\n"
        "                  ^^\n"
        "    hint: such as 255.255.255.0 or 0xffffff00, or write 10.0.0.1/24"
    ),
    Message.GAPS_IN_NETMASK: (
        'hostname.wg0:1:15: netmask "255.0.255.0" is not ones followed by zeroes\n'
        "    inet 10.0.0.1 255.0.255.0\n"
        "                  ^^^^^^^^^^^\n"
        "    hint: such as 255.255.255.0"
    ),
    Message.TWO_LENGTHS: (
        'hostname.wg0:1:32: "255.255.0.0" after an address that has its length already\n'
        "    !route add 10.0.0.0/8 -netmask 255.255.0.0 192.0.2.1\n"
        "                                   ^^^^^^^^^^^\n"
        "    hint: leave out one of the two"
    ),
    Message.BAD_BROADCAST: (
        'hostname.wg0:1:29: "none" is not a broadcast address\n'
        "    inet 10.0.0.1 255.255.255.0 none\n"
        "                                ^^^^\n"
        "    hint: an IPv4 address; it has no use on a tunnel and can be left out"
    ),
    Message.UNKNOWN_SERVICE: (
        'hostname.wg0:1:74: port "wireguard" is neither a number nor the name of a service\n'
        f"    {PEER} wgendpoint 192.0.2.1 wireguard\n"
        "                                                                             ^^^^^^^^^\n"
        "    hint: 1 to 65535, or a name that /etc/services has for UDP"
    ),
    Message.BAD_HOST: (
        'hostname.wg0:1:64: "10.0.0.256" is neither an address nor the name of a host\n'
        f"    {PEER} wgendpoint 10.0.0.256 51820\n"
        "                                                                   ^^^^^^^^^^\n"
        "    hint: such as 192.0.2.1, 2001:db8::1, fe80::1%eth0 or vpn.example.net"
    ),
    Message.ENDPOINT_IN_ONE_WORD: (
        'hostname.wg0:1:64: "2001:db8::1:51820" is neither an address nor the name of a host\n'
        "    wgpeer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= wgendpoint"
        " 2001:db8::1:51820 wgpka 25\n"
        "                                                                   ^^^^^^^^^^^^^^^^^\n"
        "    hint: write host and port in two words: wgendpoint HOST PORT"
    ),
    Message.BRACKETED_HOST: (
        'hostname.wg0:1:64: "[2001:db8::1]" is in brackets\n'
        f"    {PEER} wgendpoint [2001:db8::1] 51820\n"
        "                                                                   ^^^^^^^^^^^^^\n"
        "    hint: write it without brackets: wgendpoint HOST PORT"
    ),
    Message.BAD_ALLOWED_IP: (
        'hostname.wg0:1:59: "10.0.0.0/255.0.0.0" is neither an address nor a network\n'
        f"    {PEER} wgaip 10.0.0.0/255.0.0.0\n"
        "                                                              ^^^^^^^^^^^^^^^^^^\n"
        "    hint: such as 10.0.0.2/32, 192.168.0.0/16 or fd00::/64"
    ),
    Message.NETWORK_ALONE: (
        'hostname.wg0:1:71: "fd00::2/128" without a wgaip of its own\n'
        f"    {PEER} wgaip 10.0.0.2/32 fd00::2/128\n"
        "                                                                          ^^^^^^^^^^^\n"
        "    hint: write wgaip before each network"
    ),
    Message.SEVERAL_ALLOWED_IPS: (
        'hostname.wg0:1:59: several networks in one word, "10.0.0.0/8,fd00::/8"\n'
        f"    {PEER} wgaip 10.0.0.0/8,fd00::/8\n"
        "                                                              ^^^^^^^^^^^^^^^^^^^\n"
        "    hint: write wgaip before each of them"
    ),
    Message.BAD_GROUP: (
        'hostname.wg0:1:7: "office2" cannot be the name of a group\n'
        "    group office2\n"
        "          ^^^^^^^\n"
        "    hint: 1 to 15 bytes, without blanks and commas, and not with a digit at the end"
    ),
    Message.WRAPPED_COMMAND: (
        'hostname.wg0:1:7: warning: "route" within another command is the system\'s own, and not'
        " OpenBSD's\n"
        "    !exec route add 10.0.0.0/8 192.0.2.1\n"
        "          ^^^^^\n"
        "    hint: begin a line with !route to declare what it says"
    ),
    Message.BRACED_NAME: (
        "hostname.wg0:1:13: warning: this is empty: a shell has no variable of that name\n"
        "    !wg setconf ${if} /etc/wg.conf\n"
        "                ^^^^^\n"
        "    hint: write $if for the name of the interface"
    ),
    Message.LONGER_NAME: (
        'hostname.wg0:1:7: warning: "$iface" is the name of the interface with "ace" behind it\n'
        "    !echo $iface\n"
        "          ^^^^^^\n"
        "    hint: a variable must have a name that does not begin with if"
    ),
    Message.HOST_BITS: (
        'hostname.wg0:1:59: warning: "10.0.0.2/24" has bits beyond its prefix\n'
        f"    {PEER} wgaip 10.0.0.2/24\n"
        "                                                              ^^^^^^^^^^^\n"
        "    hint: it means 10.0.0.0/24"
    ),
    Message.HALF_OCTET: (
        'hostname.wg0:1:59: warning: "0xa/8" ends in the upper half of an octet: it'
        " means 160.0.0.0/8\n"
        "    wgpeer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= wgaip 0xa/8\n"
        "                                                              ^^^^^\n"
        "    hint: write two digits for each octet"
    ),
    Message.ADDRESS_AFTER_PEER: (
        'hostname.wg0:1:71: warning: "10.0.0.3/32" becomes the address of the interface\n'
        "    wgpeer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= wgaip 10.0.0.2/32 10.0.0.3/32\n"
        "                                                                          ^^^^^^^^^^^\n"
        "    hint: write wgaip before each network of the peer"
    ),
    Message.KEYWORD_AS_TEXT: (
        'hostname.wg0:1:61: warning: wgdescr takes the keyword "wgaip" for its text\n'
        "    wgpeer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= wgdescr wgaip 10.0.0.2/24\n"
        "                                                                ^^^^^\n"
        "    hint: put it in quotes if it is meant, or write the text before it"
    ),
    Message.COMMENT_GOES_ON: (
        "hostname.wg0:2:1: warning: this is a part of the comment in the line before,"
        " which ends in a backslash\n"
        "    up\n"
        "    ^^\n"
        "    hint: remove that backslash, or begin this line with #"
    ),
    Message.TEXT_CUT: (
        "hostname.wg0:1:13: warning: description is longer than 63 bytes and was cut\n"
        "    description 'many words many words many words many words many words many words '\n"
        "                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    ),
    Message.OTHER_LENGTH: (
        'hostname.wg0:1:18: warning: "255.255.0.0" says another length than before: the last one'
        " counts\n"
        "    inet 10.0.0.1/24 255.255.0.0\n"
        "                     ^^^^^^^^^^^\n"
        "    hint: leave out one of the two"
    ),
    Message.LENGTH_OF_CLASS: (
        'hostname.wg0:1:6: warning: "10.0.0.1" has no length: taken for 10.0.0.1/8\n'
        "    inet 10.0.0.1\n"
        "         ^^^^^^^^\n"
        "    hint: write 10.0.0.1/8, or the length that is meant"
    ),
    Message.ZERO_LENGTH: (
        'hostname.wg0:1:6: warning: prefix length 0 of "10.0.0.1/0" means 32, as on OpenBSD\n'
        "    inet 10.0.0.1/0\n"
        "         ^^^^^^^^^^\n"
        "    hint: write 10.0.0.1/32"
    ),
    Message.BROADCAST_UNUSED: (
        'hostname.wg0:1:29: warning: broadcast address "10.0.0.1" has no use on a tunnel: not set\n'
        "    inet 10.0.0.1 255.255.255.0 10.0.0.1\n"
        "                                ^^^^^^^^\n"
        "    hint: write NONE, or nothing"
    ),
    Message.DESTINATION_UNUSED: (
        'hostname.wg0:1:13: warning: destination "10.0.0.2" has no use on a tunnel: not set\n'
        "    10.0.0.1/24 10.0.0.2\n"
        "                ^^^^^^^^\n"
        "    hint: another address of the interface is added with inet alias"
    ),
    Message.NO_EFFECT: (
        "hostname.wg0:1:1: warning: llprio has no effect on Linux\n"
        "    llprio 3\n"
        "    ^^^^^^\n"
        "    hint: leave it out"
    ),
    Message.RDOMAIN_WIPES: (
        "hostname.wg0:2:1: warning: on its way to another rdomain the interface loses 10.0.0.1/24\n"
        "    rdomain 1\n"
        "    ^^^^^^^^^\n"
        "    hint: begin with rdomain, and name addresses after it"
    ),
    Message.NO_ADDRESS: (
        "hostname.wg0:1:1: warning: there is no address to delete\n    inet delete\n    ^^^^^^^^^^^"
    ),
    Message.NO_SUCH_ADDRESS: (
        "hostname.wg0:1:1: warning: there is no address 10.0.0.1 to delete\n"
        "    inet 10.0.0.1 delete\n"
        "    ^^^^^^^^^^^^^^^^^^^^"
    ),
    Message.NOT_IN_GROUP: (
        'hostname.wg0:1:1: warning: the interface is not in the group "office"\n'
        "    -group office\n"
        "    ^^^^^^^^^^^^^"
    ),
    Message.GROUP_OF_ALL: (
        'hostname.wg0:1:1: warning: every WireGuard interface stays in the group "wg"\n'
        "    -group wg\n"
        "    ^^^^^^^^^"
    ),
    Message.NOTHING_TO_DESTROY: (
        "hostname.wg0:2:1: warning: there is no interface to destroy\n    destroy\n    ^^^^^^^"
    ),
    Message.AFTER_DESTROY: (
        "hostname.wg0:1:9: warning: this is for nothing: its line destroys the interface\n"
        "    destroy mtu 1400\n"
        "            ^^^^^^^^\n"
        "    hint: begin a line of its own with destroy"
    ),
    Message.ENDS_DESTROYED: (
        "hostname.wg0:2:1: warning: nothing in the file makes the interface again\n"
        "    destroy\n"
        "    ^^^^^^^\n"
        "    hint: remove the line, or add create after it"
    ),
    Message.ALLOWED_IPS_REPLACED: (
        "hostname.wg0:2:53: warning: 10.0.0.2/32 of hostname.wg0:1:53 is not this peer's"
        " any more\n"
        "    wgpeer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= wgaip 10.0.0.3\n"
        "                                                        ^^^^^^^^^^^^^^\n"
        "    hint: name all networks of a peer after one wgpeer"
    ),
    Message.ALLOWED_IP_MOVED: (
        "hostname.wg0:2:53: warning: 10.0.0.2/32 moves here from the peer at hostname.wg0:1:53\n"
        "    wgpeer BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA= wgaip 10.0.0.2\n"
        "                                                        ^^^^^^^^^^^^^^\n"
        "    hint: it can belong to one peer only: the last one that claims it"
    ),
    Message.OWN_PUBLIC_KEY: (
        "hostname.wg0:2:1: warning: this peer is the interface itself and was left out\n"
        "    wgpeer L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=\n"
        "    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "    hint: its key is the public key of wgkey"
    ),
}

TRIGGERED = [message for message in Message if message.value.trigger is not None]


def test_every_message_that_a_file_can_trigger_is_expected_here() -> None:
    assert list(EXPECTED) == TRIGGERED


@pytest.mark.parametrize("message", TRIGGERED, ids=lambda message: message.name)
def test_a_message_is_triggered_by_its_line(message: Message) -> None:
    found = diagnostics(message.value.trigger)
    assert found[-1].format() == EXPECTED[message]
    assert found[-1].severity is message.value.severity


@pytest.mark.parametrize("message", Message, ids=lambda message: message.name)
def test_a_message_is_one_lower_case_sentence_without_a_full_stop(message: Message) -> None:
    for text in (message.value.text, message.value.hint):
        if text is not None:
            assert not text[0].isupper()
            assert not text.endswith(".")


def test_each_message_can_be_told_from_the_others() -> None:
    texts = [(message.value.text, message.value.hint) for message in Message]
    assert len(set(texts)) == len(texts)


def test_a_file_has_at_most_one_hundred_errors_and_a_line_that_says_so() -> None:
    found = diagnostics(Message.MORE_ERRORS.value.trigger)
    assert len(found) == 101
    assert all(diagnostic.severity is Severity.ERROR for diagnostic in found)
