"""What was seen of every scenario, engine by engine: the record that the tests hold to.

The scenarios are those of netns.sh, by which WireGuard in Linux tests itself, in
its order.  A test marked with the number of one runs it through the same code
for every engine, and what is seen must be what is written here: that it holds,
or the words in which it fails, which are the first of the test's own assertion.
So a change for the worse is noticed, and a change for the better too.

contrib/scenarios.py makes the README's table of this one.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.netns.engines import CURRENT_WIREGUARD_GO, OURS, WIREGUARD_GO, Engine

ENGINES = (OURS, WIREGUARD_GO, CURRENT_WIREGUARD_GO)

HOLDS = "holds"
AT_TIMES = "at times "
"""Before the words of what fails now and then: a race, which may also be won."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A row of the table, with what was seen: HOLDS, or in which words it failed."""

    number: str
    """Its place in netns.sh, and a letter if several rows share it."""
    title: str
    ours: str = HOLDS
    debian: str = HOLDS
    """wireguard-go 0.0.20220316, Debian 12's."""
    current: str = HOLDS
    """The wireguard-go that contrib/peers builds."""

    def seen(self, engine: Engine) -> str:
        """Return HOLDS, or in which words it fails."""
        return dict(zip(ENGINES, (self.ours, self.debian, self.current), strict=True))[engine]


TABLE = (
    Scenario(number="1", title="a handshake; counters exact to the byte"),
    Scenario(number="2", title="pings, TCP and UDP, over IPv4 and IPv6, MTU 1420 and 34736"),
    Scenario(
        number="3",
        title="padding does not push a packet past its route's MTU",
        debian="a packet of 1297 octets is lost",
        current="a packet of 1297 octets is lost",
    ),
    Scenario(number="4", title="a peer roams to another address, port and family"),
    Scenario(
        number="5", title="a forged inner source is dropped; who sent it has roamed all the same"
    ),
    Scenario(number="6", title="a new private key shakes hands at once"),
    Scenario(number="7", title="a tunnel through a tunnel"),
    Scenario(
        number="8",
        title="a routing loop through two namespaces stays small",
        debian="ten pings go round for ever",
        current="ten pings go round for ever",
    ),
    Scenario(number="9", title="keepalives hold a NAT's entry of 2 s open"),
    Scenario(number="10", title="a socket bound to the interface, and marks that reroute"),
    Scenario(
        number="11",
        title="tunnels inside one interface, even in a loop, block nothing",
        debian="at times the other peer is gone as well",
        current="at times the other peer is gone as well",
    ),
    Scenario(
        number="12", title="a default route through the tunnel by marks, as wg-quick(8) has it"
    ),
    Scenario(
        number="13a",
        title="host unreachable finds its way back through NAT",
        debian="nothing is heard",
        current="nothing is heard",
    ),
    Scenario(
        number="13b",
        title="and comes from the router's own address on that side",
        ours="it comes from the address that was not reached",
        debian="nothing is heard",
        current="nothing is heard",
    ),
    Scenario(
        number="14",
        title="a source address that is gone is given up",
        debian="nothing passes after 10.0.0.1 is gone",
        current="at times nothing gets to [fd00:aa::2]",
    ),
    Scenario(
        number="15",
        title="an answer comes from the address that was asked",
        current="at times no answer from fd00:aa::1",
    ),
    Scenario(
        number="16",
        title="also where that address is another interface's",
        current="asked 10.50.0.1, it answers from 10.0.0.1",
    ),
    Scenario(
        number="17",
        title="a better route is taken, with its source",
    ),
    Scenario(
        number="18a",
        title="persistent keepalives begin when the interface comes up",
        debian="it sends while the interface is down",
        current="it sends while the interface is down",
    ),
    Scenario(
        number="18b",
        title="and when it gets its private key later",
        debian="it sends without a private key",
        current="it sends without a private key",
    ),
    Scenario(number="19", title="configurations of 130,560 allowed addresses, and of many peers"),
    Scenario(number="20a", title="allowed addresses move, and cover each other"),
    Scenario(number="20b", title="single ones are taken away", debian="refused: errno=-22"),
    Scenario(number="21", title="asking for an interface that is not there fails"),
    Scenario(number="22", title="private and preshared keys are set and removed"),
    Scenario(number="23", title="an interface is never its own peer"),
    Scenario(number="24", title="a private key is shown as it is used (clamped)"),
    Scenario(number="25", title="public keys of low order are sent nothing"),
    Scenario(number="26", title="nothing is left: processes, sockets, interfaces, namespaces"),
)


def hold_to_the_table(number: str, engine: Engine, error: AssertionError | None) -> None:
    """Compare what was seen of a scenario with the table; fail, or call it an expected failure.

    `error` is what its test raised.
    """
    (row,) = (each for each in TABLE if each.number == number)
    recorded = row.seen(engine)
    if error is None:
        if recorded != HOLDS and not recorded.startswith(AT_TIMES):
            pytest.fail(f"the table says of {engine.name}: {recorded}; but it holds", pytrace=False)
    elif recorded != HOLDS and str(error).startswith(recorded.removeprefix(AT_TIMES)):
        pytest.xfail(recorded)
    else:
        raise error
