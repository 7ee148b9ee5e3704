"""The words of a route(8) command behind its action: together they say one route.

Modifiers stand before, between and behind the destination and the gateway.  What
OpenBSD would look up (names of hosts, of networks) is refused: a file says what
shall be, whatever a name server says.  Where OpenBSD refuses what is evident, the
evident is taken, and the difference is kept for whoever asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Address, ip_address
from typing import NoReturn

from netstart_wg.model.address import IPAddress, IPNetwork
from netstart_wg.model.route import RouteKind
from netstart_wg.syntax import values
from netstart_wg.syntax.address_values import is_netmask
from netstart_wg.syntax.messages import Message, MessageTable
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.route_destination import (
    DEFAULT,
    Breadth,
    WrittenLength,
    family_of,
    length_of_default,
    read_destination,
)
from netstart_wg.syntax.route_messages import RouteDifference, RouteMessage
from netstart_wg.syntax.route_modifiers import (
    ARGUMENTS,
    LINUX_WORDS,
    REFUSED,
    REFUSED_WITH_ARGUMENT,
    WITHOUT_EFFECT,
    WITHOUT_MEANING,
    nearest,
    refused,
)
from netstart_wg.syntax.route_statement import (
    Remark,
    RouteAction,
    RouteStatement,
    WrittenGateway,
)
from netstart_wg.syntax.shell_line import OWN_NAME
from netstart_wg.syntax.source import LogicalLine
from netstart_wg.syntax.words import Word

PRIORITY_MAX = 63
"""RTP_MAX of OpenBSD."""
MTU_MAX = 65535

_PRIORITIES = {"local": 1, "connected": 4, "static": 8, "ospf": 32, "rip": 40, "bgp": 48}
"""RTP_LOCAL and so on, by the names that route(8) has for them."""

_THIS_NETWORK = IPv4Network("0.0.0.0/8")
"""RFC 1122 section 3.2.1.3."""

_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}")
_LIKE_AN_INTERFACE = re.compile(r"[a-z]{1,13}[0-9]{1,4}")
_OPTION = re.compile(r"-[nqvdt]*(?:T[0-9]*|[nqvdt])")


_MAY_TAKE_ARGUMENTS = frozenset(
    {
        RouteMessage.UNKNOWN_MODIFIER,
        RouteMessage.MISSPELT_MODIFIER,
        RouteMessage.MISPLACED_OPTION,
        RouteMessage.LINUX_WORD,
        RouteMessage.ONE_TOO_MANY,
    }
)


class RouteWords:
    """The words behind the action, as they are read."""

    def __init__(self, action: RouteAction, rdomain: int, line: LogicalLine) -> None:
        self._action = action
        self._rdomain = rdomain
        self._line = line
        self._remarks: list[Remark] = []
        self._differences: list[Remark] = []
        self._family: str | None = None
        """inet, inet6 or link: of the addresses from here on."""
        self._breadth = Breadth.ANY
        self._kind = RouteKind.UNICAST
        self._is_direct = self._is_multipath = False
        self._destination: tuple[Word, str | None] | None = None
        """With the family that it was said to be of."""
        self._gateway: tuple[Word, str | None] | None = None
        self._length: WrittenLength | None = None
        self._interface: str | None = None
        self._priority: int | None = None
        self._mtu: int | None = None

    # ---- reading ----

    def take(self, words: Sequence[Word]) -> None:
        """Take the action and everything behind it; raise Mistake, which has all there are.

        What stands behind a word that nobody knows may be a consequence of it.
        """
        self._action_word, *rest = words
        waiting = iter(rest)
        mistakes: list[Mistake] = []
        for word in waiting:
            try:
                self._take_word(word, waiting)
            except Mistake as mistake:
                mistakes.append(mistake)
                if mistake.message in _MAY_TAKE_ARGUMENTS:
                    break
                if word.value in REFUSED_WITH_ARGUMENT:
                    next(waiting, None)
        if mistakes:
            raise Mistake.together(mistakes)

    def _take_word(self, word: Word, waiting: Iterator[Word]) -> None:
        name = word.value
        if not name.startswith("-"):
            self._take_bare(word)
        elif name in ARGUMENTS:
            argument = next(waiting, None)
            if argument is None:
                usage = f"{name} {ARGUMENTS[name]}"
                raise Mistake.about(word, Message.MISSING_ARGUMENT, keyword=name, usage=usage)
            self._take_argument(word, argument)
        else:
            self._take_plain(word)

    def remark(self, message: MessageTable, word: Word, **given: object) -> None:
        """Note a warning, or what OpenBSD would read differently."""
        span = self._line.span(word.start, word.end)
        is_difference = isinstance(message, RouteDifference)
        noted = self._differences if is_difference else self._remarks
        noted.append(Remark(message, span, {"word": word, **given}))

    def _take_plain(self, word: Word) -> None:
        match word.value:
            case "-inet" | "-inet6" | "-link":
                self._family = word.value[1:]
            case "-host":
                self._breadth = Breadth.HOST
            case "-net":
                self._breadth = Breadth.NETWORK
            case "-iface" | "-interface":
                self._is_direct = True
            case "-mpath":
                self._is_multipath = True
            case "-blackhole":
                self._kind = RouteKind.BLACKHOLE
            case "-reject":
                self._kind = RouteKind.REJECT
            case _:
                self._take_meaningless(word)

    def _take_argument(self, word: Word, argument: Word) -> None:
        match word.value:
            case "-dst":
                self._take_destination(argument)
            case "-gateway":
                self._take_gateway(argument)
            case "-netmask":
                self._take_length(word, argument)
            case "-prefixlen":
                self._take_length(word, argument)
            case "-ifp":
                self._name_interface(argument, argument.value, RouteMessage.BAD_INTERFACE)
            case "-priority":
                self._priority = _priority(argument)
            case "-mtu":
                self._mtu = values.number(argument, "size", "-mtu", 0, MTU_MAX) or None
            case _:
                self._take_meaningless(word)

    def _take_meaningless(self, word: Word) -> None:
        name = word.value
        if name in REFUSED:
            raise refused(word, REFUSED[name])
        if name in WITHOUT_EFFECT:
            self.remark(Message.NO_EFFECT, word, keyword=name)
        elif name not in WITHOUT_MEANING:
            self._refuse_modifier(word)

    def _refuse_modifier(self, word: Word) -> NoReturn:
        if _OPTION.fullmatch(word.value):
            action = self._action.value
            raise Mistake.about(word, RouteMessage.MISPLACED_OPTION, action=action)
        if (guess := nearest(word.value)) is not None:
            raise Mistake.about(word, RouteMessage.MISSPELT_MODIFIER, nearest=guess)
        raise Mistake.about(word, RouteMessage.UNKNOWN_MODIFIER)

    def _take_bare(self, word: Word) -> None:
        if word.value in LINUX_WORDS:
            raise Mistake.about(word, RouteMessage.LINUX_WORD)
        if self._destination is None:
            self._take_destination(word)
        elif self._gateway is None:
            self._take_gateway(word)
        elif self._length is None and is_netmask(word):
            self._length = WrittenLength(word, is_netmask=True)
            self.remark(RouteDifference.BARE_NETMASK, word)
        else:
            raise Mistake.about(word, RouteMessage.ONE_TOO_MANY)

    def _take_destination(self, word: Word) -> None:
        if self._destination is not None:
            raise Mistake.about(word, RouteMessage.ONE_TOO_MANY)
        if self._family == "link":
            self.remark(RouteDifference.ADDRESS_AFTER_LINK, word)
        self._destination = word, None if self._family == "link" else self._family

    def _take_gateway(self, word: Word) -> None:
        if self._gateway is not None:
            raise Mistake.about(word, RouteMessage.ONE_TOO_MANY)
        self._gateway = word, self._family

    def _take_length(self, word: Word, argument: Word) -> None:
        if self._length is not None:
            raise Mistake.about(argument, Message.TWO_LENGTHS)
        is_netmask_word = word.value == "-netmask"
        self._length = WrittenLength(argument, is_netmask_word)
        if self._destination is None:
            self.remark(RouteDifference.LENGTH_TOO_EARLY, word)
        elif not is_netmask_word and self._family is None:
            self.remark(RouteDifference.LENGTH_WITHOUT_FAMILY, word)

    def _name_interface(self, word: Word, name: str, message: RouteMessage) -> None:
        """Take the name of an interface; several words may say it, but not several names."""
        if not _INTERFACE.fullmatch(name.replace(OWN_NAME, "wg0")):
            raise Mistake.about(word, message)
        if self._interface not in (None, name):
            raise Mistake.about(word, RouteMessage.OTHER_INTERFACE)
        self._interface = name

    # ---- what they say ----

    def statement(self) -> RouteStatement:
        """Return what the words say; raise Mistake."""
        if self._destination is None:
            raise Mistake.about(self._action_word, RouteMessage.NO_DESTINATION)
        word, family = self._destination
        destination = self._network(word, family)
        is_unicast = self._kind is RouteKind.UNICAST
        gateway = self._written_gateway(destination) if is_unicast else None
        return RouteStatement(
            span=self._line.span(word.start, word.end),
            action=self._action,
            rdomain=self._rdomain,
            destination=destination,
            kind=self._kind,
            gateway=gateway,
            interface=self._interface if is_unicast else None,
            priority=self._priority,
            mtu=self._mtu,
            is_multipath=self._is_multipath,
            remarks=tuple(self._remarks),
            differences=tuple(self._differences),
        )

    def _written_gateway(self, destination: IPNetwork) -> WrittenGateway | None:
        if self._gateway is None:
            self._look_without_gateway()
            return None
        word, family = self._gateway
        address, scope = _address(word)
        is_after_link = family == "link"
        if address is None:
            self._take_interface_as_gateway(word, is_after_link)
        else:
            _check_family(word, word.value, family)
            if address.version != destination.version:
                raise Mistake.about(word, RouteMessage.OTHER_FAMILY)
            if scope is not None:
                self._name_interface(word, scope, RouteMessage.BAD_SCOPE)
            if is_after_link:
                self.remark(RouteDifference.ADDRESS_AFTER_LINK, word)
            if _is_no_host(address) and self._interface is not None:
                address = None  # it only fills its place, as in pppoe(4)
            elif _is_no_host(address) and self._action is not RouteAction.DELETE:
                raise Mistake.about(word, RouteMessage.NO_HOST_AS_GATEWAY)
        span = self._line.span(word.start, word.end)
        return WrittenGateway(address, self._is_direct or is_after_link, word=word, span=span)

    def _look_without_gateway(self) -> None:
        is_change = self._action is RouteAction.CHANGE
        names_interface = self._interface is not None
        if self._action is RouteAction.ADD or (is_change and names_interface):
            raise Mistake.about(self._action_word, RouteMessage.NO_GATEWAY)

    def _take_interface_as_gateway(self, word: Word, is_after_link: bool) -> None:
        name = word.value
        if not is_after_link and not self._is_direct:
            is_interface = OWN_NAME in name or _LIKE_AN_INTERFACE.fullmatch(name)
            message = (
                RouteMessage.INTERFACE_AS_GATEWAY if is_interface else RouteMessage.HOST_AS_GATEWAY
            )
            raise Mistake.about(word, message)
        self._name_interface(word, name, RouteMessage.BAD_INTERFACE)
        if not is_after_link:
            self.remark(RouteDifference.NAME_WITHOUT_LINK, word)

    def _network(self, word: Word, family: str | None) -> IPNetwork:
        if word.value == "default":
            return self._default(word, family)
        address, percent, rest = word.value.partition("%")
        _check_family(word, address, family)
        if not percent:
            return read_destination(word, self._breadth, self._length, self)
        scope, slash, length = rest.partition("/")
        if family_of(address) != "inet6":
            raise Mistake.about(word, RouteMessage.BAD_DESTINATION)
        self._name_interface(word, scope, RouteMessage.BAD_SCOPE)
        stripped = word._replace(value=address + slash + length)
        return read_destination(stripped, self._breadth, self._length, self)

    def _default(self, word: Word, family: str | None) -> IPNetwork:
        if self._length is not None:
            length_of_default(self._length)
        if family is None and self._gateway is not None:
            address, _ = _address(self._gateway[0])
            if isinstance(address, IPv6Address):
                self.remark(RouteDifference.DEFAULT_OF_INET, word)
                family = "inet6"
        return DEFAULT[family or "inet"]


def _check_family(word: Word, address: str, family: str | None) -> None:
    other = family_of(address)
    if family in DEFAULT and family != other:
        raise Mistake.about(word, Message.OTHER_FAMILY, keyword=f"-{family}", family=f"-{other}")


def _address(word: Word) -> tuple[IPAddress | None, str | None]:
    """Return the address that a word is, if it is one, and its scope, if it has one."""
    text, percent, scope = word.value.partition("%")
    try:
        address = ip_address(text)
    except ValueError:
        return None, None
    if percent and address.version == 4:
        return None, None
    return address, scope if percent else None


def _is_no_host(address: IPAddress) -> bool:
    """Say whether no host at the other end of a link can have an address."""
    if address.version == 4 and address in _THIS_NETWORK:
        return True
    return address.is_loopback or address.is_unspecified or address.is_multicast


def _priority(word: Word) -> int:
    if word.value in _PRIORITIES:
        return _PRIORITIES[word.value]
    return values.number(word, "priority", "-priority", 1, PRIORITY_MAX)
