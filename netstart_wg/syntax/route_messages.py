"""Every message about `!route` lines, in tables like that of `messages`, by the same rules."""

from __future__ import annotations

from netstart_wg.model.source import Severity
from netstart_wg.syntax.messages import Entry, MessageTable


def _warning(text: str, hint: str | None, trigger: str) -> Entry:
    return Entry(text, hint, trigger, Severity.WARNING)


_FORM = "the form is: route [-T NUMBER] add DESTINATION/LENGTH GATEWAY"


class RouteMessage(MessageTable):
    """What can be wrong with route commands, or odd about them."""

    # ---- the line ----

    NEEDS_SHELL = Entry(
        "{character} takes a shell to read, and no shell reads a route",
        "write the addresses themselves, and nothing but route commands",
        "!route add 192.0.2.1 $GATEWAY\n",
    )
    NOT_ALONE = Entry(
        "{word} in one line with a route",
        "begin a line of its own with each of the two",
        "!route add 192.0.2.1 198.51.100.1; logger added\n",
    )

    # ---- before the destination ----

    BAD_OPTION = Entry(
        "{word} is not an option of route",
        "the options before add are -n, -q, -v and -T NUMBER; all others come after it",
        "!route -inet6 add default fd00::2\n",
    )
    PRETENDS = Entry(
        "with {option} route only pretends", "leave it out", "!route -t add default 192.0.2.1\n"
    )
    MISPLACED_OPTION = Entry(
        "{word} after {action}", "write it before {action}", "!route add -T 1 default 192.0.2.1\n"
    )
    NO_ACTION = Entry("route does nothing here", _FORM, "!route -n\n")
    UNKNOWN_ACTION = Entry(
        "route knows no {word}",
        "add, change and delete declare routes, and exec runs a command in an rdomain",
        "!route replace default 192.0.2.1\n",
    )
    UNKNOWN_MODIFIER = Entry(
        "route knows no {word}",
        "such as -inet6, -iface, -blackhole or -priority NUMBER",
        "!route add -sticky default 192.0.2.1\n",
    )
    MISSPELT_MODIFIER = Entry(
        "route knows no {word}", "did you mean {nearest}?", "!route add -inte default 192.0.2.1\n"
    )
    LINUX_WORD = Entry(
        "{word} is a word of Linux's routes", _FORM, "!route add default gw 192.0.2.1\n"
    )

    # ---- destinations ----

    NO_DESTINATION = Entry("a route without a destination", _FORM, "!route add -inet6\n")
    BAD_DESTINATION = Entry(
        "{word} is neither an address nor a network",
        "such as 10.0.0.0/8, 192.0.2.1, fd00::/8 or default",
        "!route add office 192.0.2.1\n",
    )
    NOT_A_HOST = Entry(
        "{word} is not one address, as -host wants it",
        "leave out -host",
        "!route add -host 10.0.0.0/8 192.0.2.1\n",
    )
    NOT_A_NETWORK = Entry(
        "{word} is not a network, as -net wants it",
        "write its length behind it, such as 10.0.0.0/8",
        "!route add -net 10.0.0.1 192.0.2.1\n",
    )
    NOT_DEFAULT = Entry(
        "{word} is neither a network nor the default route",
        "write default, or the length that is meant",
        "!route add 10.0.0.0/0 192.0.2.1\n",
    )
    NETMASK_OF_INET6 = Entry(
        "a netmask for an IPv6 destination, {word}",
        "write the length behind the destination, such as fd00::/8",
        "!route add fd00:: -netmask ff00:: fd00::2\n",
    )

    # ---- gateways ----

    NO_GATEWAY = Entry("a route without a gateway", _FORM, "!route add 10.0.0.0/8\n")
    HOST_AS_GATEWAY = Entry(
        "{word} is not an address",
        "names of hosts are not looked up for a route: write the address",
        "!route add default gateway.example.net\n",
    )
    INTERFACE_AS_GATEWAY = Entry(
        "{word} is not an address",
        "for what is directly behind an interface, write -iface -link before its name",
        "!route add 10.0.0.0/8 wg0\n",
    )
    NO_HOST_AS_GATEWAY = Entry(
        "{word} cannot be a gateway",
        "a gateway is another host; to drop packets write -blackhole or -reject",
        "!route add 10.0.0.0/8 127.0.0.1\n",
    )
    BAD_INTERFACE = Entry(
        "{word} cannot be the name of an interface",
        "at most 15 letters and digits, such as wg0",
        "!route add 10.0.0.0/8 -link 1st\n",
    )
    BAD_SCOPE = Entry(
        "the scope of {word} is not the name of an interface",
        "such as fe80::1%wg0",
        "!route add fd00::/8 fe80::1%3\n",
    )
    OTHER_INTERFACE = Entry(
        "{word} says another interface than the words before it",
        "name one interface",
        "!route add fd00::/8 -ifp wg0 fe80::1%wg1\n",
    )
    OTHER_FAMILY = Entry(
        "gateway {word} is not of the destination's family",
        "both are IPv4 addresses, or both IPv6",
        "!route add 10.0.0.0/8 fd00::2\n",
    )
    ONE_TOO_MANY = Entry(
        "one word too many, {word}", _FORM, "!route add 10.0.0.0/8 192.0.2.1 192.0.2.2\n"
    )

    # ---- what commands mean together ----

    OTHER_TABLE = Entry(
        "{word} is in rdomain {rdomain}, and this route in table {table}",
        "write route -T {rdomain}: here every rdomain has one table, of its own number",
        "rdomain 1\ninet 10.0.0.1/24\n!route add 10.1.0.0/16 10.0.0.1\n",
    )
    NOBODYS_ADDRESS = Entry(
        "-iface with an address that the interface does not have, {word}",
        "it takes the interface's own address; without -iface stands the gateway's",
        "inet 10.0.0.1/24\n!route add 10.1.0.0/16 -iface 10.9.9.9\n",
    )
    NO_SCOPE = Entry(
        "{word} is an address on a link, but on which one",
        "write the interface behind it: fe80::1%wg0",
        "!route add fd00::/8 fe80::1\n",
    )
    ROUTE_EXISTS = _warning(
        "a route to {destination} with priority {priority} is there, from {place}: not added",
        "write change to replace it, -mpath for one more gateway, or another -priority",
        "!route add 10.0.0.0/8 192.0.2.1\n!route add 10.0.0.0/8 192.0.2.2\n",
    )
    NOTHING_TO_CHANGE = _warning(
        "no route to {destination} is declared that could be changed",
        "name a gateway to declare one: routes that others have made are never touched",
        "!route change default -mtu 1400\n",
    )
    NOTHING_TO_DELETE = _warning(
        "no such route to {destination} is declared: not deleted",
        "routes that others have made are never touched",
        "!route delete default\n",
    )
    OTHER_MTU = _warning(
        "all gateways of a route have one mtu: that of the first counts",
        "leave it out",
        "!route add 10.0.0.0/8 192.0.2.1\n!route add -mpath 10.0.0.0/8 192.0.2.2 -mtu 1400\n",
    )

    # ---- odd ----

    LENGTH_INFERRED = _warning(
        "{word} has no length: taken for {network}",
        "write {network}",
        "!route add 10.1 192.0.2.1\n",
    )
    ONE_ADDRESS = _warning(
        "{word} has no length: it is one address, as on OpenBSD",
        "for the network write {network}, and to mean the address -host before it",
        "!route add 192.168.1.0 192.0.2.1\n",
    )
    LENGTH_GUESSED = _warning(
        "{word} has no length, and OpenBSD refuses it: taken for {network}",
        "write {network}",
        "!route add -net 192.168.1.0 192.0.2.1\n",
    )


class RouteDifference(MessageTable):
    """What OpenBSD's route(8) reads differently, although what is meant is evident."""

    LENGTH_TOO_EARLY = _warning(
        "OpenBSD refuses {word} before the destination",
        "write the length behind the destination, such as 10.0.0.0/8",
        "!route add -netmask 255.0.0.0 10.0.0.0 192.0.2.1\n",
    )
    LENGTH_WITHOUT_FAMILY = _warning(
        "OpenBSD refuses {word} without -inet or -inet6",
        "write the length behind the destination, such as 10.0.0.0/8",
        "!route add 10.0.0.0 -prefixlen 8 192.0.2.1\n",
    )
    BARE_NETMASK = _warning(
        "OpenBSD refuses a netmask behind the gateway, {word}",
        "write the length behind the destination, such as 10.0.0.0/8",
        "!route add 10.0.0.0 192.0.2.1 255.0.0.0\n",
    )
    DEFAULT_OF_INET = _warning(
        "OpenBSD takes this for the default route of IPv4",
        "write -inet6 before it",
        "!route add default fd00::2\n",
    )
    NAME_WITHOUT_LINK = _warning(
        "OpenBSD takes {word} for the name of a host",
        "write -link before it",
        "!route add 10.0.0.0/8 -iface wg0\n",
    )
    ADDRESS_AFTER_LINK = _warning(
        "OpenBSD takes {word} for the name of an interface",
        "write -link behind all addresses, before the name of an interface",
        "!route add -link 10.0.0.0/8 wg0\n",
    )
    LENGTH_OF_HOST = _warning(
        "OpenBSD refuses {word} after -host",
        "leave out the length, or -host",
        "!route add -host 10.0.0.1/32 192.0.2.1\n",
    )
