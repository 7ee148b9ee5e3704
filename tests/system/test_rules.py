"""Against the real kernel, in network namespaces of the test's own."""

from __future__ import annotations

import subprocess
from ipaddress import ip_network
from pathlib import Path

import pytest

from netstart_wg.errors import BackendError
from netstart_wg.model.route import NextHop, Route, RouteKey, RouteKind
from netstart_wg.model.rule import PolicyRule
from netstart_wg.system.linux import Linux
from netstart_wg.system.namespaces import inside_rdomain
from netstart_wg.system.netlink import Netlink

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("private")]

RDOMAIN = 3
TABLE = 0x770005


@pytest.fixture
def links(linux: Linux) -> Netlink:
    linux.make_rdomain(RDOMAIN)
    return linux.links(RDOMAIN)


def ip(words: str) -> list[str]:
    """Run a command of iproute2 in the rdomain and return the lines it prints."""
    command = ["ip", "-n", f"rdomain{RDOMAIN}", *words.split()]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [" ".join(line.split()) for line in printed.splitlines()]


def to_main(version: int, priority: int = 32764) -> PolicyRule:
    return PolicyRule(
        rdomain=RDOMAIN,
        version=version,
        priority=priority,
        unless_mark=TABLE,
        ignores_default=True,
    )


def to_table(version: int) -> PolicyRule:
    return PolicyRule(
        rdomain=RDOMAIN, version=version, priority=32765, unless_mark=TABLE, table=TABLE
    )


@pytest.mark.parametrize("version", [4, 6])
def test_rules_are_observed_as_they_were_added_and_gone_when_removed(
    links: Netlink, version: int
) -> None:
    before = ip(f"-{version} rule show")
    for _ in range(2):  # what is there already is as good
        links.add_rule("wg5", to_main(version))
        links.add_rule("wg5", to_table(version))
    shown = ip(f"-{version} rule show")
    marked = "not from all fwmark 0x770005/0xffff0000"
    assert f"32764: {marked} lookup main suppress_prefixlength 0 proto 119" in shown
    assert f"32765: {marked} lookup {TABLE} proto 119" in shown
    assert len(shown) == len(before) + 2
    assert links.rules() == (to_main(version), to_table(version))
    for _ in range(2):  # what is gone already is as good
        links.remove_rule("wg5", to_table(version))
        links.remove_rule("wg5", to_main(version))
    assert ip(f"-{version} rule show") == before


def test_a_rule_of_somebody_elses_that_says_the_same_is_none_of_ours(links: Netlink) -> None:
    ip(f"rule add priority 32765 not fwmark {TABLE}/0xffff0000 lookup {TABLE}")
    theirs = ip("rule show")
    assert links.rules() == ()
    links.add_rule("wg5", to_table(4))
    assert links.rules() == (to_table(4),)
    links.remove_rule("wg5", to_table(4))
    links.remove_rule("wg5", to_table(4))
    assert ip("rule show") == theirs


def test_a_table_is_somebody_elses_who_has_a_rule_or_a_route_there(links: Netlink) -> None:
    assert not links.is_table_of_others(TABLE)
    links.add_rule("wg5", to_table(4))
    refusal = Route(key=RouteKey(RDOMAIN, ip_network("::/0"), 9, TABLE), kind=RouteKind.REJECT)
    links.add_route("wg5", refusal)
    assert not links.is_table_of_others(TABLE), "that is ours"
    for words in (
        f"rule WHAT priority 100 fwmark {TABLE} lookup 99",
        f"-6 rule WHAT priority 100 lookup {TABLE}",
        f"route WHAT 10.0.0.0/8 dev lo table {TABLE}",
        f"-6 route WHAT fd00::/8 dev lo table {TABLE}",
    ):
        ip(words.replace("WHAT", "add"))
        assert links.is_table_of_others(TABLE), words
        ip(words.replace("WHAT", "del"))
        assert not links.is_table_of_others(TABLE), words


@pytest.mark.parametrize("destination", ["0.0.0.0/0", "::/0"])
def test_a_route_in_a_table_of_its_own_is_another_than_one_in_the_main_table(
    links: Netlink, destination: str
) -> None:
    ip("link set lo up")
    network = ip_network(destination)
    in_table = RouteKey(RDOMAIN, network, table=TABLE)
    wanted = [
        Route(key=RouteKey(RDOMAIN, network, 9, TABLE), kind=RouteKind.REJECT),
        Route(key=in_table, next_hops=(NextHop(None, "lo"),)),
        Route(key=RouteKey(RDOMAIN, network), next_hops=(NextHop(None, "lo"),)),
    ]
    for route in wanted:
        links.add_route("wg5", route)
        links.add_route("wg5", route)
    assert set(links.routes()) == set(wanted)
    links.remove_route("wg5", wanted[1])
    assert set(links.routes()) == {wanted[0], wanted[2]}
    links.remove_route("wg5", wanted[2])
    assert links.routes() == (wanted[0],)


def test_a_route_of_somebody_elses_in_the_table_is_not_replaced(links: Netlink) -> None:
    ip("link set lo up")
    ip(f"route add default dev lo metric 8 table {TABLE}")
    theirs = ip(f"route show table {TABLE}")
    key = RouteKey(RDOMAIN, ip_network("0.0.0.0/0"), table=TABLE)
    with pytest.raises(BackendError, match="not ours"):
        links.add_route("wg5", Route(key=key, next_hops=(NextHop(None, "lo"),)))
    links.remove_route("wg5", Route(key=key))
    assert ip(f"route show table {TABLE}") == theirs


@pytest.mark.parametrize(
    ("at_least", "of_eth0", "is_strict"),
    [(0, 0, False), (1, 0, True), (0, 1, True), (0, 2, False), (2, 1, False), (1, 2, False)],
)
def test_what_drops_answers_is_the_stricter_of_all_and_one(
    links: Netlink, at_least: int, of_eth0: int, is_strict: bool
) -> None:
    ip("link add eth0 type veth peer name wg5")
    with inside_rdomain(RDOMAIN):
        folder = Path("/proc/sys/net/ipv4/conf")
        (folder / "all/rp_filter").write_text(str(at_least))
        (folder / "eth0/rp_filter").write_text(str(of_eth0))
        (folder / "wg5/rp_filter").write_text("1")
    assert links.filters_strictly("wg5") == is_strict
