"""`netstart-wg debug` beside real engines: what is told to it and to the log, and how it ends.

The texts are the four that wg(4) of OpenBSD explains under DIAGNOSTICS, as its kernel has
them (sys/net/if_wg.c).  The others are for tests/engine/test_notices.py.
"""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from tests.netns.engines import NETSTART_WG, NETSTART_WGD, OURS, new_key_pair
from tests.netns.hosts import Background, Host, HostMaker
from tests.netns.pairs import Pair
from tests.netns.waiting import eventually

HINT = """\
wg0: debug is off, and nothing is told
    hint: `netstart-wg ifconfig wg0 debug` turns it on
"""
RETRY = "wg0: Handshake for peer 0 ({}) did not complete after 5 seconds, retrying (try 2)"
NO_PEER = "wg0: Invalid handshake initiation from {}"
WRONG_MAC = "wg0: Invalid initiation MAC from {}"
UNALLOWED = "wg0: Packet has unallowed source IP from peer 0 ({})"


@pytest.fixture
def host(new_host: HostMaker) -> Host:
    """A host with wg0, down and without `debug`."""
    host = new_host("talker")
    host.run(NETSTART_WGD, "wg0")
    return host


def follow(host: Host) -> Background:
    """Follow wg0, and then turn on `debug`, as is said to who does so the other way round."""
    following = host.start(NETSTART_WG, "debug", "wg0")
    eventually(lambda: following.output() == HINT or not following.is_running)
    assert following.output() == HINT
    host.run(NETSTART_WG, "ifconfig", "wg0", "debug")
    return following


def add_peer(host: Host) -> None:
    """Give the engine something to say."""
    host.run("wg", "set", "wg0", "peer", new_key_pair().public)


def test_the_diagnostics_of_the_manual_are_told_as_they_happen(new_host: HostMaker) -> None:
    pair = Pair.start(OURS, OURS, new_host)
    left, right = pair.left, pair.right
    at_left, at_right = follow(left.outside), follow(right.outside)
    left_address, right_address = (pair.cable.address(end.outside, 4) for end in (left, right))

    right.configure()  # it has its key, and does not know the left one
    left.configure(pair.section(right, 4, None))
    left.reaches(pair.inner(right, 4))
    _await(at_right, NO_PEER.format(left_address))
    _await(at_left, RETRY.format(right_address))

    left.configure(replace(pair.section(right, 4, None), public_key=new_key_pair().public))
    left.reaches(pair.inner(right, 4))
    _await(at_right, WRONG_MAC.format(left_address))

    pair.configure(initiator=left, outer=4)
    assert left.reaches(pair.inner(right, 4))
    left.up("10.77.0.99/24")
    left.reaches(pair.inner(right, 4))
    _await(at_right, UNALLOWED.format(left_address))

    for end, following in ((left, at_left), (right, at_right)):
        told = following.output().removeprefix(HINT).splitlines()
        logged = end.process.output().splitlines()
        assert told == [line for line in logged if line in set(told)]


def _await(following: Background, line: str) -> None:
    eventually(lambda: following.output().splitlines(), lambda told: line in told)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_that_is_a_success(host: Host, number: signal.Signals) -> None:
    following = follow(host)
    add_peer(host)
    _await(following, "wg0: Peer 0 created")
    following.send_signal(number)
    assert following.wait() == 0
    assert following.output() == f"{HINT}wg0: Peer 0 created\n"
    add_peer(host)
    assert len(host.run("wg", "show", "wg0", "peers").splitlines()) == 2


def test_it_ends_with_the_interface_and_that_is_a_success(host: Host) -> None:
    following = follow(host)
    host.run(NETSTART_WG, "ifconfig", "wg0", "destroy")
    assert following.wait() == 0
    assert following.output() == HINT


def test_it_ends_quietly_when_its_reader_has_left(host: Host) -> None:
    script = f"{NETSTART_WG} debug wg0 | head -n 1; echo ${{PIPESTATUS[0]}}"
    following = host.start("bash", "-c", script)
    eventually(following.output, lambda told: told == HINT)
    host.run(NETSTART_WG, "ifconfig", "wg0", "debug")
    add_peer(host)
    eventually(lambda: host.processes("head -n 1 "), lambda found: not found)
    add_peer(host)
    assert following.wait() == 0
    assert following.output() == f"{HINT}wg0: Peer 0 created\n0\n"


def test_where_no_engine_is_it_says_so(host: Host) -> None:
    refused = host.attempt(NETSTART_WG, "debug", "wg7")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "wg7: debug: there is no such interface\n"
        "    hint: `netstart-wg status` shows those that there are\n"
    )
