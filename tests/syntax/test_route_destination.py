"""Destinations as OpenBSD's route(8) reads them.

The answers were worked out by hand from getaddr() of sbin/route/route.c, revision 1.266,
and from inet_net_pton(3).
"""

from __future__ import annotations

import pytest

from tests.syntax.route_lines import differences, mistake, route, warnings


def destination(text: str) -> str:
    statement = route(f"route delete {text}")
    assert warnings(statement) == []
    assert differences(statement) == []
    return str(statement.destination)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10/8", "10.0.0.0/8"),
        ("172.16/12", "172.16.0.0/12"),
        ("224/4", "224.0.0.0/4"),
        ("0x0a/8", "10.0.0.0/8"),
        ("0/0", "0.0.0.0/0"),
        ("0.0.0.0/1", "0.0.0.0/1"),
        ("192.0.2.1", "192.0.2.1/32"),
        ("0xc0000201", "192.0.2.1/32"),
        ("-host 192.168.1.0", "192.168.1.0/32"),
        ("-host default", "0.0.0.0/0"),
        ("-net default", "0.0.0.0/0"),
        ("-inet default", "0.0.0.0/0"),
        ("-inet6 default", "::/0"),
        ("default", "0.0.0.0/0"),
        ("default -netmask 0.0.0.0", "0.0.0.0/0"),
        ("0.0.0.0 -netmask 0.0.0.0", "0.0.0.0/0"),
        ("-net 10.1.0.0 -netmask 255.255.0.0", "10.1.0.0/16"),
        ("10.1 -netmask 0xffffff00", "10.1.0.0/24"),
        ("-inet 10.1.0.0 -prefixlen 16", "10.1.0.0/16"),
        ("-inet6 fd00:: -prefixlen 8", "fd00::/8"),
        ("10.1.0.0/16 -netmask 255.255.0.0", "10.1.0.0/16"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("-host 2001:db8::1/128", "2001:db8::1/128"),
        ("::", "::/0"),
        ("-net ::/0", "::/0"),
        ("::ffff:0.0.0.0/96", "::ffff:0:0/96"),
        ("fe80::1%wg0", "fe80::1/128"),
        ("fe80::%wg0/10", "fe80::/10"),
        ("-dst 10.0.0.0/8", "10.0.0.0/8"),
    ],
)
def test_a_destination_is_read(text: str, expected: str) -> None:
    assert destination(text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "warning"),
    [
        ("10", "10.0.0.0/8", "LENGTH_INFERRED"),
        ("0x0a01", "10.1.0.0/16", "LENGTH_INFERRED"),
        ("172.16", "172.16.0.0/16", "LENGTH_INFERRED"),
        ("192.168", "192.168.0.0/24", "LENGTH_INFERRED"),
        ("10.1.2", "10.1.2.0/24", "LENGTH_INFERRED"),
        ("-net 10.1", "10.1.0.0/16", "LENGTH_INFERRED"),
        ("192.168.1.0", "192.168.1.0/32", "ONE_ADDRESS"),
        ("10.0.0.0", "10.0.0.0/32", "ONE_ADDRESS"),
        ("2001:db8::", "2001:db8::/128", "ONE_ADDRESS"),
        ("-net 192.168.1.0", "192.168.1.0/24", "LENGTH_GUESSED"),
        ("-net 10.0.0.0", "10.0.0.0/8", "LENGTH_GUESSED"),
        ("-net 10.1.0.0", "10.1.0.0/16", "LENGTH_GUESSED"),
        ("-net 0.0.0.0", "0.0.0.0/0", "LENGTH_GUESSED"),
        ("-net 2001:db8::", "2001:db8::/32", "LENGTH_GUESSED"),
        ("10.0.0.1/8", "10.0.0.0/8", "HOST_BITS"),
        ("2001:db8::1/32", "2001:db8::/32", "HOST_BITS"),
        ("10.0.0.1 -netmask 255.0.0.0", "10.0.0.0/8", "HOST_BITS"),
    ],
)
def test_what_is_not_written_is_warned_of(text: str, expected: str, warning: str) -> None:
    statement = route(f"route delete {text}")
    assert str(statement.destination) == expected
    assert warnings(statement) == [warning]


def test_a_warning_says_what_to_write() -> None:
    (remark,) = route("route add 192.168.0.0 10.0.0.1").remarks
    assert str(remark.values["network"]) == "192.168.0.0/16"
    (remark,) = route("route add fd00:0:1:: fd00::1").remarks
    assert str(remark.values["network"]) == "fd00:0:1::/48"


@pytest.mark.parametrize(
    ("text", "expected", "difference"),
    [
        ("-netmask 255.0.0.0 10.0.0.0", "10.0.0.0/8", "LENGTH_TOO_EARLY"),
        ("-inet -prefixlen 8 10.0.0.0", "10.0.0.0/8", "LENGTH_TOO_EARLY"),
        ("10.0.0.0 -prefixlen 8", "10.0.0.0/8", "LENGTH_WITHOUT_FAMILY"),
        ("10.0.0.0 10.0.0.1 255.0.0.0", "10.0.0.0/8", "BARE_NETMASK"),
        ("default fd00::1", "::/0", "DEFAULT_OF_INET"),
        ("default -blackhole ::1", "::/0", "DEFAULT_OF_INET"),
        ("-host 10.0.0.1/32", "10.0.0.1/32", "LENGTH_OF_HOST"),
        ("-link 10.0.0.0/8", "10.0.0.0/8", "ADDRESS_AFTER_LINK"),
    ],
)
def test_what_is_evident_is_taken_although_openbsd_does_not(
    text: str, expected: str, difference: str
) -> None:
    statement = route(f"route delete {text}")
    assert str(statement.destination) == expected
    assert warnings(statement) == []
    assert differences(statement) == [difference]


@pytest.mark.parametrize(
    ("text", "expected", "about"),
    [
        ("office", "BAD_DESTINATION", "office"),
        ("10.0.0.256", "BAD_DESTINATION", "10.0.0.256"),
        ("10.0.0.0/255.0.0.0", "BAD_DESTINATION", "10.0.0.0/255.0.0.0"),
        ("10.0.0.0/8,fd00::/8", "BAD_DESTINATION", "10.0.0.0/8,fd00::/8"),
        ("fd00:::1", "BAD_DESTINATION", "fd00:::1"),
        ("10.0.0.1%wg0", "BAD_DESTINATION", "10.0.0.1%wg0"),
        ("''", "BAD_DESTINATION", "''"),
        ("fe80::1%3", "BAD_SCOPE", "fe80::1%3"),
        ("10.0.0.0/33", "OUT_OF_RANGE", "33"),
        ("fd00::/129", "OUT_OF_RANGE", "129"),
        ("10.0.0.1/0", "NOT_DEFAULT", "10.0.0.1/0"),
        ("0.0.0.0", "NOT_DEFAULT", "0.0.0.0"),
        ("-host 10.1", "NOT_A_HOST", "10.1"),
        ("-host 10.0.0.0/8", "NOT_A_HOST", "10.0.0.0/8"),
        ("-net 10.0.0.1", "NOT_A_NETWORK", "10.0.0.1"),
        ("-net fd00::1", "NOT_A_NETWORK", "fd00::1"),
        ("-inet6 10.0.0.0/8", "OTHER_FAMILY", "10.0.0.0/8"),
        ("-inet fd00::/8", "OTHER_FAMILY", "fd00::/8"),
        ("10.0.0.0/8 -netmask 255.255.0.0", "TWO_LENGTHS", "255.255.0.0"),
        ("10.0.0.0 -netmask 255.0.0.0 -inet -prefixlen 8", "TWO_LENGTHS", "8"),
        ("default -netmask 255.0.0.0", "TWO_LENGTHS", "255.0.0.0"),
        ("default -prefixlen 129", "OUT_OF_RANGE", "129"),
        ("10.0.0.0 -netmask 255.0.255.0", "GAPS_IN_NETMASK", "255.0.255.0"),
        ("10.0.0.0 -netmask 8", "BAD_NETMASK", "8"),
        ("fd00:: -netmask ff00::", "NETMASK_OF_INET6", "ff00::"),
        ("-inet 10.0.0.0 -prefixlen 33", "OUT_OF_RANGE", "33"),
        ("-inet 10.0.0.0 -prefixlen eight", "NOT_A_NUMBER", "eight"),
    ],
)
def test_what_is_no_destination_is_said_of_its_word(text: str, expected: str, about: str) -> None:
    assert mistake(f"route delete {text}") == (expected, about)
