"""Each message about routes, triggered by its own lines, as a reader sees it."""

from __future__ import annotations

import pytest

from netstart_wg.syntax.messages import MessageTable
from netstart_wg.syntax.openbsd import differences
from netstart_wg.syntax.parse import parse
from netstart_wg.syntax.route_messages import RouteDifference, RouteMessage
from netstart_wg.syntax.source import SourceText
from tests.syntax.route_lines import fold

SECRET = "8FVyT2dO0bXrZ1o9bq3XlZl0m4q3o2c5o0m3x1p9QmE="

EXPECTED: dict[RouteMessage, str] = {
    RouteMessage.NEEDS_SHELL: (
        'hostname.wg0:1:22: "$" takes a shell to read, and no shell reads a route\n'
        "    !route add 192.0.2.1 $GATEWAY\n"
        "                         ^\n"
        "    hint: write the addresses themselves, and nothing but route commands"
    ),
    RouteMessage.NOT_ALONE: (
        'hostname.wg0:1:36: "logger" in one line with a route\n'
        "    !route add 192.0.2.1 198.51.100.1; logger added\n"
        "                                       ^^^^^^\n"
        "    hint: begin a line of its own with each of the two"
    ),
    RouteMessage.BAD_OPTION: (
        'hostname.wg0:1:8: "-inet6" is not an option of route\n'
        "    !route -inet6 add default fd00::2\n"
        "           ^^^^^^\n"
        "    hint: the options before add are -n, -q, -v and -T NUMBER; all others come after it"
    ),
    RouteMessage.PRETENDS: (
        "hostname.wg0:1:8: with -t route only pretends\n"
        "    !route -t add default 192.0.2.1\n"
        "           ^^\n"
        "    hint: leave it out"
    ),
    RouteMessage.MISPLACED_OPTION: (
        'hostname.wg0:1:12: "-T" after add\n'
        "    !route add -T 1 default 192.0.2.1\n"
        "               ^^\n"
        "    hint: write it before add"
    ),
    RouteMessage.NO_ACTION: (
        "hostname.wg0:1:2: route does nothing here\n"
        "    !route -n\n"
        "     ^^^^^\n"
        "    hint: the form is: route [-T NUMBER] add DESTINATION/LENGTH GATEWAY"
    ),
    RouteMessage.UNKNOWN_ACTION: (
        'hostname.wg0:1:8: route knows no "replace"\n'
        "    !route replace default 192.0.2.1\n"
        "           ^^^^^^^\n"
        "    hint: add, change and delete declare routes, and exec runs a command in an rdomain"
    ),
    RouteMessage.UNKNOWN_MODIFIER: (
        'hostname.wg0:1:12: route knows no "-sticky"\n'
        "    !route add -sticky default 192.0.2.1\n"
        "               ^^^^^^^\n"
        "    hint: such as -inet6, -iface, -blackhole or -priority NUMBER"
    ),
    RouteMessage.MISSPELT_MODIFIER: (
        'hostname.wg0:1:12: route knows no "-inte"\n'
        "    !route add -inte default 192.0.2.1\n"
        "               ^^^^^\n"
        "    hint: did you mean -inet?"
    ),
    RouteMessage.LINUX_WORD: (
        'hostname.wg0:1:20: "gw" is a word of Linux\'s routes\n'
        "    !route add default gw 192.0.2.1\n"
        "                       ^^\n"
        "    hint: the form is: route [-T NUMBER] add DESTINATION/LENGTH GATEWAY"
    ),
    RouteMessage.NO_DESTINATION: (
        "hostname.wg0:1:8: a route without a destination\n"
        "    !route add -inet6\n"
        "           ^^^\n"
        "    hint: the form is: route [-T NUMBER] add DESTINATION/LENGTH GATEWAY"
    ),
    RouteMessage.BAD_DESTINATION: (
        'hostname.wg0:1:12: "office" is neither an address nor a network\n'
        "    !route add office 192.0.2.1\n"
        "               ^^^^^^\n"
        "    hint: such as 10.0.0.0/8, 192.0.2.1, fd00::/8 or default"
    ),
    RouteMessage.NOT_A_HOST: (
        'hostname.wg0:1:18: "10.0.0.0/8" is not one address, as -host wants it\n'
        "    !route add -host 10.0.0.0/8 192.0.2.1\n"
        "                     ^^^^^^^^^^\n"
        "    hint: leave out -host"
    ),
    RouteMessage.NOT_A_NETWORK: (
        'hostname.wg0:1:17: "10.0.0.1" is not a network, as -net wants it\n'
        "    !route add -net 10.0.0.1 192.0.2.1\n"
        "                    ^^^^^^^^\n"
        "    hint: write its length behind it, such as 10.0.0.0/8"
    ),
    RouteMessage.NOT_DEFAULT: (
        'hostname.wg0:1:12: "10.0.0.0/0" is neither a network nor the default route\n'
        "    !route add 10.0.0.0/0 192.0.2.1\n"
        "               ^^^^^^^^^^\n"
        "    hint: write default, or the length that is meant"
    ),
    RouteMessage.NETMASK_OF_INET6: (
        'hostname.wg0:1:28: a netmask for an IPv6 destination, "ff00::"\n'
        "    !route add fd00:: -netmask ff00:: fd00::2\n"
        "                               ^^^^^^\n"
        "    hint: write the length behind the destination, such as fd00::/8"
    ),
    RouteMessage.NO_GATEWAY: (
        "hostname.wg0:1:8: a route without a gateway\n"
        "    !route add 10.0.0.0/8\n"
        "           ^^^\n"
        "    hint: the form is: route [-T NUMBER] add DESTINATION/LENGTH GATEWAY"
    ),
    RouteMessage.HOST_AS_GATEWAY: (
        'hostname.wg0:1:20: "gateway.example.net" is not an address\n'
        "    !route add default gateway.example.net\n"
        "                       ^^^^^^^^^^^^^^^^^^^\n"
        "    hint: names of hosts are not looked up for a route: write the address"
    ),
    RouteMessage.INTERFACE_AS_GATEWAY: (
        'hostname.wg0:1:23: "wg0" is not an address\n'
        "    !route add 10.0.0.0/8 wg0\n"
        "                          ^^^\n"
        "    hint: for what is directly behind an interface, write -iface -link before its name"
    ),
    RouteMessage.NO_HOST_AS_GATEWAY: (
        'hostname.wg0:1:23: "127.0.0.1" cannot be a gateway\n'
        "    !route add 10.0.0.0/8 127.0.0.1\n"
        "                          ^^^^^^^^^\n"
        "    hint: a gateway is another host; to drop packets write -blackhole or -reject"
    ),
    RouteMessage.BAD_INTERFACE: (
        'hostname.wg0:1:29: "1st" cannot be the name of an interface\n'
        "    !route add 10.0.0.0/8 -link 1st\n"
        "                                ^^^\n"
        "    hint: at most 15 letters and digits, such as wg0"
    ),
    RouteMessage.BAD_SCOPE: (
        'hostname.wg0:1:21: the scope of "fe80::1%3" is not the name of an interface\n'
        "    !route add fd00::/8 fe80::1%3\n"
        "                        ^^^^^^^^^\n"
        "    hint: such as fe80::1%wg0"
    ),
    RouteMessage.OTHER_INTERFACE: (
        'hostname.wg0:1:30: "fe80::1%wg1" says another interface than the words before it\n'
        "    !route add fd00::/8 -ifp wg0 fe80::1%wg1\n"
        "                                 ^^^^^^^^^^^\n"
        "    hint: name one interface"
    ),
    RouteMessage.OTHER_FAMILY: (
        'hostname.wg0:1:23: gateway "fd00::2" is not of the destination\'s family\n'
        "    !route add 10.0.0.0/8 fd00::2\n"
        "                          ^^^^^^^\n"
        "    hint: both are IPv4 addresses, or both IPv6"
    ),
    RouteMessage.ONE_TOO_MANY: (
        'hostname.wg0:1:33: one word too many, "192.0.2.2"\n'
        "    !route add 10.0.0.0/8 192.0.2.1 192.0.2.2\n"
        "                                    ^^^^^^^^^\n"
        "    hint: the form is: route [-T NUMBER] add DESTINATION/LENGTH GATEWAY"
    ),
    RouteMessage.OTHER_TABLE: (
        'hostname.wg0:3:24: "10.0.0.1" is in rdomain 1, and this route in table 0\n'
        "    !route add 10.1.0.0/16 10.0.0.1\n"
        "                           ^^^^^^^^\n"
        "    hint: write route -T 1: here every rdomain has one table, of its own number"
    ),
    RouteMessage.NOBODYS_ADDRESS: (
        'hostname.wg0:2:31: -iface with an address that the interface does not have, "10.9.9.9"\n'
        "    !route add 10.1.0.0/16 -iface 10.9.9.9\n"
        "                                  ^^^^^^^^\n"
        "    hint: it takes the interface's own address; without -iface stands the gateway's"
    ),
    RouteMessage.NO_SCOPE: (
        'hostname.wg0:1:21: "fe80::1" is an address on a link, but on which one\n'
        "    !route add fd00::/8 fe80::1\n"
        "                        ^^^^^^^\n"
        "    hint: write the interface behind it: fe80::1%wg0"
    ),
    RouteMessage.ROUTE_EXISTS: (
        "hostname.wg0:2:12: warning: a route to 10.0.0.0/8 with priority 8 is there,"
        " from hostname.wg0:1:12: not added\n"
        "    !route add 10.0.0.0/8 192.0.2.2\n"
        "               ^^^^^^^^^^\n"
        "    hint: write change to replace it, -mpath for one more gateway, or another -priority"
    ),
    RouteMessage.NOTHING_TO_CHANGE: (
        "hostname.wg0:1:15: warning: no route to 0.0.0.0/0 is declared that could be changed\n"
        "    !route change default -mtu 1400\n"
        "                  ^^^^^^^\n"
        "    hint: name a gateway to declare one: routes that others have made are never touched"
    ),
    RouteMessage.NOTHING_TO_DELETE: (
        "hostname.wg0:1:15: warning: no such route to 0.0.0.0/0 is declared: not deleted\n"
        "    !route delete default\n"
        "                  ^^^^^^^\n"
        "    hint: routes that others have made are never touched"
    ),
    RouteMessage.OTHER_MTU: (
        "hostname.wg0:2:19: warning: all gateways of a route have one mtu:"
        " that of the first counts\n"
        "    !route add -mpath 10.0.0.0/8 192.0.2.2 -mtu 1400\n"
        "                      ^^^^^^^^^^\n"
        "    hint: leave it out"
    ),
    RouteMessage.LENGTH_INFERRED: (
        'hostname.wg0:1:12: warning: "10.1" has no length: taken for 10.1.0.0/16\n'
        "    !route add 10.1 192.0.2.1\n"
        "               ^^^^\n"
        "    hint: write 10.1.0.0/16"
    ),
    RouteMessage.ONE_ADDRESS: (
        'hostname.wg0:1:12: warning: "192.168.1.0" has no length:'
        " it is one address, as on OpenBSD\n"
        "    !route add 192.168.1.0 192.0.2.1\n"
        "               ^^^^^^^^^^^\n"
        "    hint: for the network write 192.168.1.0/24, and to mean the address -host before it"
    ),
    RouteMessage.LENGTH_GUESSED: (
        'hostname.wg0:1:17: warning: "192.168.1.0" has no length,'
        " and OpenBSD refuses it: taken for 192.168.1.0/24\n"
        "    !route add -net 192.168.1.0 192.0.2.1\n"
        "                    ^^^^^^^^^^^\n"
        "    hint: write 192.168.1.0/24"
    ),
}

EXPECTED_DIFFERENCES: dict[RouteDifference, str] = {
    RouteDifference.LENGTH_TOO_EARLY: (
        'hostname.wg0:1:12: warning: OpenBSD refuses "-netmask" before the destination\n'
        "    !route add -netmask 255.0.0.0 10.0.0.0 192.0.2.1\n"
        "               ^^^^^^^^\n"
        "    hint: write the length behind the destination, such as 10.0.0.0/8"
    ),
    RouteDifference.LENGTH_WITHOUT_FAMILY: (
        'hostname.wg0:1:21: warning: OpenBSD refuses "-prefixlen" without -inet or -inet6\n'
        "    !route add 10.0.0.0 -prefixlen 8 192.0.2.1\n"
        "                        ^^^^^^^^^^\n"
        "    hint: write the length behind the destination, such as 10.0.0.0/8"
    ),
    RouteDifference.BARE_NETMASK: (
        'hostname.wg0:1:31: warning: OpenBSD refuses a netmask behind the gateway, "255.0.0.0"\n'
        "    !route add 10.0.0.0 192.0.2.1 255.0.0.0\n"
        "                                  ^^^^^^^^^\n"
        "    hint: write the length behind the destination, such as 10.0.0.0/8"
    ),
    RouteDifference.DEFAULT_OF_INET: (
        "hostname.wg0:1:12: warning: OpenBSD takes this for the default route of IPv4\n"
        "    !route add default fd00::2\n"
        "               ^^^^^^^\n"
        "    hint: write -inet6 before it"
    ),
    RouteDifference.NAME_WITHOUT_LINK: (
        'hostname.wg0:1:30: warning: OpenBSD takes "wg0" for the name of a host\n'
        "    !route add 10.0.0.0/8 -iface wg0\n"
        "                                 ^^^\n"
        "    hint: write -link before it"
    ),
    RouteDifference.ADDRESS_AFTER_LINK: (
        'hostname.wg0:1:18: warning: OpenBSD takes "10.0.0.0/8" for the name of an interface\n'
        "    !route add -link 10.0.0.0/8 wg0\n"
        "                     ^^^^^^^^^^\n"
        "    hint: write -link behind all addresses, before the name of an interface"
    ),
    RouteDifference.LENGTH_OF_HOST: (
        'hostname.wg0:1:18: warning: OpenBSD refuses "10.0.0.1/32" after -host\n'
        "    !route add -host 10.0.0.1/32 192.0.2.1\n"
        "                     ^^^^^^^^^^^\n"
        "    hint: leave out the length, or -host"
    ),
}


def trigger(message: MessageTable) -> str:
    text = message.value.trigger
    assert isinstance(text, str)
    return text


def test_every_message_is_expected_here() -> None:
    assert list(EXPECTED) == list(RouteMessage)
    assert list(EXPECTED_DIFFERENCES) == list(RouteDifference)


@pytest.mark.parametrize("message", RouteMessage, ids=lambda message: message.name)
def test_a_message_is_triggered_by_its_lines_alone(message: RouteMessage) -> None:
    _, found = fold(trigger(message))
    assert [diagnostic.format() for diagnostic in found] == [EXPECTED[message]]
    assert found[0].severity is message.value.severity


@pytest.mark.parametrize("difference", RouteDifference, ids=lambda difference: difference.name)
def test_a_difference_is_told_of_its_line_alone(difference: RouteDifference) -> None:
    file = parse(SourceText.from_text("hostname.wg0", trigger(difference)), "wg0")
    found = [diagnostic.format() for diagnostic in differences(file, "wg0")]
    assert found == [EXPECTED_DIFFERENCES[difference]]
    assert fold(trigger(difference))[1] == ()


@pytest.mark.parametrize(
    "message", [*RouteMessage, *RouteDifference], ids=lambda message: message.name
)
def test_a_message_is_one_lower_case_sentence_without_a_full_stop(message: MessageTable) -> None:
    for text in (message.value.text, message.value.hint):
        assert text.startswith("OpenBSD") or not text[0].isupper()
        assert not text.endswith(".")


@pytest.mark.parametrize(
    "line",
    [
        f"!route {SECRET}",
        f"!route -T {SECRET} add default 10.0.0.1",
        f"!route -T{SECRET} add default 10.0.0.1",
        f"!route -{SECRET} add default 10.0.0.1",
        f"!route add {SECRET} 10.0.0.1",
        f"!route add '{SECRET}' 10.0.0.1",
        f"!route add fe80::1%{SECRET} 10.0.0.1",
        f"!route add default {SECRET}",
        f"!route add default fe80::1%{SECRET}",
        f"!route add default 10.0.0.1 {SECRET}",
        f"!route add default -link {SECRET}",
        f"!route add default 10.0.0.1 -mtu {SECRET}",
        f"!route add -{SECRET} default 10.0.0.1",
        f"!route add default wgkey {SECRET}",
        f"!route add default $KEY {SECRET}",
        f"!route add default 10.0.0.1; {SECRET}",
    ],
)
def test_no_message_shows_a_key(line: str) -> None:
    _, found = fold(f"{line}\n")
    assert found
    for diagnostic in found:
        assert SECRET[:20] not in diagnostic.format()
