"""Scenarios 14 to 17 of netns.sh: from which of several addresses an engine sends.

        near                                        far
    ┌──────────────┐                         ┌──────────────┐
    │ wg0          ├───────── eth1 ──────────┤          wg0 │
    │ 10.77.0.1/24 │ 10.0.0.1       10.0.0.2 │ 10.77.0.2/24 │
    │              │ fd00:aa::1   fd00:aa::2 │              │
    │              ├───────── eth2 ──────────┤              │
    └──────────────┘                         └──────────────┘

Every scenario gives both cables their addresses and routes anew.  A pair of veth
interfaces takes the place of a dummy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.netns.ends import End
from tests.netns.engines import Engine, PeerSection
from tests.netns.hosts import Host, hosts, link

CABLES = ("eth1", "eth2")
SYSCTLS = (
    "net.ipv4.conf.all.promote_secondaries=1",
    *(f"net.ipv4.conf.{each}.rp_filter=0" for each in ("all", *CABLES)),
    *(f"net.ipv4.conf.{each}.promote_secondaries=1" for each in CABLES),
)


@dataclass(frozen=True, slots=True)
class Net:
    near: End
    far: End

    def lay(self, **addresses: str) -> None:
        """Give both cables new addresses, none but these: near1="10.0.0.1/24 ..."; new sessions."""
        for name, end in (("near", self.near), ("far", self.far)):
            for cable in CABLES:
                end.inside.run("ip", "address", "flush", "dev", cable)
                for each in addresses.get(f"{name}{cable[-1]}", "").split():
                    add_address(end.inside, cable, each)
        self.near.up("10.77.0.1/24")
        self.far.up("10.77.0.2/24")
        self.far.configure(
            PeerSection(public_key=self.near.keys.public, allowed_ips=("10.77.0.1",))
        )
        self.near.configure(
            PeerSection(public_key=self.far.keys.public, allowed_ips=("10.77.0.2",))
        )

    @property
    def seen_from_far(self) -> str | None:
        """Where the near end is, as the far end knows it, without the port."""
        endpoint = self.far.peer(self.near).endpoint
        return None if endpoint is None else endpoint.rpartition(":")[0].strip("[]")


@pytest.fixture(scope="module")
def net(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    with hosts(tmp_path_factory.mktemp("sources")) as new_host:
        near, far = new_host("near"), new_host("far")
        for number in (1, 2):
            link(near, far, number)
        for host in (near, far):
            host.run("sysctl", "-qw", *SYSCTLS)
        yield Net(End.start(engine, "wg0", 10001, near), End.start(engine, "wg0", 10002, far))


def add_address(host: Host, interface: str, address: str) -> None:
    host.run("ip", "address", "add", address, "dev", interface)


def delete_address(host: Host, interface: str, address: str) -> None:
    host.run("ip", "address", "delete", address, "dev", interface)


@pytest.mark.scenario("14")
def test_a_source_address_that_is_gone_is_given_up(net: Net) -> None:
    net.lay(near1="10.0.0.1/24 fd00:aa::1/96", far1="10.0.0.2/24 fd00:aa::2/96")
    for there, old, new, length in (
        ("10.0.0.2", "10.0.0.1", "10.0.0.10", 24),
        ("[fd00:aa::2]", "fd00:aa::1", "fd00:aa::10", 96),
    ):
        net.near.set_peer(net.far, "endpoint", f"{there}:{net.far.port}")
        assert net.near.reaches("10.77.0.2"), f"nothing gets to {there}"
        assert net.seen_from_far == old
        add_address(net.near.inside, "eth1", f"{new}/{length}")
        delete_address(net.near.inside, "eth1", f"{old}/{length}")
        assert net.near.reaches("10.77.0.2"), f"nothing passes after {old} is gone"
        assert net.seen_from_far == new


def addressed(net: Net, address: str) -> str | None:
    """Let the far end begin anew by this address; return from where it was answered."""
    where = f"[{address}]" if ":" in address else address
    net.far.set_peer(net.near, "endpoint", f"{where}:{net.near.port}")
    assert net.far.reaches("10.77.0.1"), f"no answer from {address}"
    return net.seen_from_far


@pytest.mark.scenario("15")
def test_an_answer_comes_from_the_address_that_was_asked(net: Net) -> None:
    both = "10.0.0.1/24 10.0.0.2/24 fd00:aa::1/96 fd00:aa::2/96"
    net.lay(near1=both, far1="10.0.0.3/24 fd00:aa::3/96")
    for address in ("10.0.0.1", "fd00:aa::1", "10.0.0.2", "fd00:aa::2"):
        answered = addressed(net, address)
        assert answered == address, f"asked {address}, it answers from {answered}"


@pytest.mark.scenario("16")
def test_also_where_that_address_is_another_interfaces(net: Net) -> None:
    net.lay(near1="10.0.0.1/24", far1="10.0.0.3/24")
    near, dummies = net.near.inside, ("dummy1", "dummy2")
    near.run("ip", "link", "add", dummies[0], "type", "veth", "peer", "name", dummies[1])
    for dummy in dummies:
        near.run("ip", "link", "set", dummy, "up")
    try:
        add_address(near, dummies[0], "10.50.0.1/24")
        net.far.inside.run("ip", "route", "add", "10.50.0.0/24", "dev", "eth1")
        answered = addressed(net, "10.50.0.1")
        assert answered == "10.50.0.1", f"asked 10.50.0.1, it answers from {answered}"
    finally:
        near.run("ip", "link", "delete", dummies[0])


@pytest.mark.scenario("17")
def test_a_better_route_is_taken_with_its_source(net: Net) -> None:
    net.lay(near1="10.0.0.1/24", near2="10.0.0.3/24", far1="10.0.0.2/24", far2="10.0.0.4/24")
    near = net.near.inside
    to_far = ("ip", "route", "add", "10.0.0.0/24", "dev")
    near.run("ip", "route", "flush", "10.0.0.0/24")
    near.run(*to_far, "eth1", "src", "10.0.0.1", "metric", "2")
    net.near.set_peer(net.far, "endpoint", f"10.0.0.2:{net.far.port}")
    assert net.near.reaches("10.77.0.2")
    assert net.seen_from_far == "10.0.0.1"
    near.run(*to_far, "eth2", "src", "10.0.0.3", "metric", "1")
    assert net.near.reaches("10.77.0.2"), "nothing passes any more"
    assert net.seen_from_far == "10.0.0.3", "it stays with the source of the old route"
