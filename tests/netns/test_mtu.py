"""The MTU of an interface whose file names none, over a cable that takes 1400 octets."""

from __future__ import annotations

import json

from tests.netns.test_netstart import Network, network, running
from tests.netns.traffic import ping

__all__ = ["network", "running"]


def mtu(network: Network) -> int:
    (link,) = json.loads(network.left.host.run("ip", "-j", "link", "show", "dev", "wg0"))
    return int(link["mtu"])


def narrow(network: Network, octets: int) -> None:
    for machine in (network.left, network.right):
        machine.host.run("ip", "link", "set", network.cable.interface, "mtu", str(octets))


def test_it_follows_the_way_to_the_endpoint_and_packets_fit(running: Network) -> None:
    host, machine = running.left.host, running.left
    assert mtu(running) == 1420
    narrow(running, 1400)
    plan = machine.netstart("-n")
    assert (plan.returncode, plan.stdout.count("mtu")) == (2, 2), plan
    machine.netstart_well()
    assert mtu(running) == 1320
    assert machine.netstart_well() == machine.netstart_well("-n") == ""
    whole = host.attempt("ping", "-n", "-M", "do", "-c", "1", "-W", "5", "-s", "1292", "10.0.0.2")
    assert whole.returncode == 0, "it goes out in one piece"
    assert ping(host, "fd77::2").lost == 0

    host.run("ip", "route", "add", "192.0.2.6/32", "dev", "eth1", "mtu", "1300")
    machine.netstart_well()
    assert mtu(running) == 1280, "there is no IPv6 below"
    host.run("ip", "route", "del", "192.0.2.6/32", "dev", "eth1")
    narrow(running, 9000)
    machine.netstart_well()
    assert mtu(running) == 1420
    machine.write(running.right_as_peer().hostname_line(), "mtu 1500", "inet 10.0.0.1/24")
    machine.netstart_well()
    assert mtu(running) == 1500
