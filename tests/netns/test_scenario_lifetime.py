"""Scenario 26 of netns.sh: when engines end, or the namespaces of their interfaces, nothing stays.

    ┌─────────────────────── host ────────────────────────┐
    │  ┌────── left ──────┐   cable   ┌────── right ─────┐ │
    │  │ wg1's engine     ├───────────┤ wg2's engine     │ │
    │  │ wg2: 10.77.0.2   │           │ wg1: 10.77.0.1   │ │
    │  └────── mark ──────┘           └────── mark ──────┘ │
    │         left                           right         │
    └──────────────────────────────────────────────────────┘

Left and right are network namespaces inside a host.  Each engine runs in one and
has its interface in the other, so that what belongs to one holds the other.  A
veth interface reaches out of each, and is gone when its namespace is.  Linux asks
here which object counts references to which; of an engine that is a process,
it asks whether it lets go, and goes.
"""

from __future__ import annotations

import signal

import pytest

from tests.netns.engines import (
    Engine,
    PeerSection,
    configuration,
    endpoint,
    new_key_pair,
    setconf,
)
from tests.netns.hosts import Background, Host, HostMaker
from tests.netns.waiting import eventually

UNDERLAY = {"left": "192.0.2.1", "right": "192.0.2.2"}


@pytest.fixture
def host(new_host: HostMaker) -> Host:
    """With both namespaces, the cable and the marks."""
    host = new_host("host")
    for name in UNDERLAY:
        host.run("ip", "netns", "add", name)
        host.run("ip", "link", "add", name, "type", "veth", "peer", "name", "mark", "netns", name)
    cable = ("cable", "type", "veth", "peer", "name", "cable", "netns", "right")
    host.run("ip", "-n", "left", "link", "add", *cable)
    for name, address in UNDERLAY.items():
        for interface in ("lo", "cable"):
            host.run("ip", "-n", name, "link", "set", interface, "up")
        host.run("ip", "-n", name, "address", "add", f"{address}/30", "dev", "cable")
    return host


def start(engine: Engine, host: Host, interface: str, here: str, there: str) -> Background:
    """Start an engine in one namespace, and take its interface to the other."""
    inside = Engine(engine.name, ("nsenter", f"--net=/run/netns/{here}", "--", *engine.command))
    running = inside.start(host, interface)
    if there != here:
        host.run("ip", "-n", here, "link", "set", interface, "netns", there)
    return running


def connect(host: Host, wg1: str, wg2: str) -> None:
    """Make the tunnel between two engines at these addresses; let packets go through.

    The interface of the first is in the right namespace, and that of the other in the left one.
    """
    keys = {interface: new_key_pair() for interface in ("wg1", "wg2")}
    for number, interface, other, namespace, where in (
        (1, "wg1", "wg2", "right", wg2),
        (2, "wg2", "wg1", "left", wg1),
    ):
        host.run("ip", "-n", namespace, "link", "set", interface, "up")
        address = f"10.77.0.{number}/24"
        host.run("ip", "-n", namespace, "address", "add", address, "dev", interface)
        peer = PeerSection(
            public_key=keys[other].public,
            allowed_ips=(f"10.77.0.{3 - number}",),
            endpoint=endpoint(where, 10000 + 3 - number),
        )
        setconf(host, interface, configuration(keys[interface].private, 10000 + number, peer))
    inside = ("ip", "netns", "exec", "right")
    host.run(*inside, "ping", "-n", "-c", "1", "-W", "5", "10.77.0.2")


def nothing_is_left(host: Host, namespace: str, interface: str) -> None:
    eventually(lambda: not host.has_interface(namespace), what=f"the {namespace} namespace stays")
    assert not host.exists(f"/run/wireguard/{interface}.sock"), "a socket stays"


@pytest.mark.scenario("26")
def test_engines_that_end_let_go_of_each_others_namespaces(engine: Engine, host: Host) -> None:
    engines = [
        start(engine, host, "wg1", "left", "right"),
        start(engine, host, "wg2", "right", "left"),
    ]
    connect(host, **dict(zip(("wg1", "wg2"), UNDERLAY.values(), strict=True)))
    for name in UNDERLAY:
        host.run("ip", "netns", "delete", name)
    assert all(host.has_interface(name) for name in UNDERLAY)
    for running in engines:
        running.send_signal(signal.SIGTERM)
    for running in engines:
        running.wait()
    nothing_is_left(host, "left", "wg1")
    nothing_is_left(host, "right", "wg2")


@pytest.mark.scenario("26")
def test_an_engine_ends_with_the_namespace_of_its_interface(engine: Engine, host: Host) -> None:
    engines = [
        start(engine, host, "wg1", "left", "right"),
        start(engine, host, "wg2", "left", "left"),
    ]
    connect(host, "127.0.0.1", "127.0.0.1")
    host.run("ip", "netns", "delete", "right")
    engines[0].wait()
    nothing_is_left(host, "right", "wg1")
    assert engines[1].is_running
    host.run("ip", "netns", "delete", "left")
    engines[1].send_signal(signal.SIGTERM)
    engines[1].wait()
    nothing_is_left(host, "left", "wg2")
