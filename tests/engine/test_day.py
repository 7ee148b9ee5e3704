"""A day in the life of two peers on a bad line: nothing they meet may lock them up.

For twenty-four hours of virtual time the line loses packets and is cut, traffic
comes and goes, clocks are set, laptops are shut and either side starts over.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.engine.simulation import SECOND, Host, Simulation

HOUR = 3600 * SECOND
DAY = 24 * HOUR

REKEY_TIMEOUT = 5 * SECOND
REKEY_ATTEMPT_TIME = 90 * SECOND
REJECT_AFTER_TIME = 180 * SECOND
LONGEST_RETRY = 20 * (REKEY_TIMEOUT + SECOND // 3)
"""Twenty initiations, each with its jitter."""

AGREE_WITHIN = 15 * SECOND
NEW_HANDSHAKE_AND_RETRY = 15 * SECOND + REKEY_TIMEOUT + SECOND
"""What it takes when one side's clock was set back: the other must notice the silence."""


class Day:
    """Two hosts, and a seeded hand that plays with them."""

    def __init__(self, seed: int) -> None:
        self.simulation = Simulation(seed=seed)
        self.chance = random.Random(seed)
        self.alice = self.simulation.host("192.0.2.1", "10.0.0.1")
        self.bob = self.simulation.host("192.0.2.2", "10.0.0.2")
        self.hosts = (self.alice, self.bob)
        self.restarts: dict[Host, list[int]] = {host: [] for host in self.hosts}
        self.is_set_back = False
        """Whether a clock has been set back, so that its owner's initiations count as replays."""
        self._introduce(self.alice, self.bob)
        self._introduce(self.bob, self.alice)
        self.things: tuple[Callable[[], None], ...] = (
            self.quiet,
            self.talk,
            self.talk,
            self.lose,
            self.cut,
            self.suspend,
            self.set_clock,
            self.restart,
        )

    def live(self) -> None:
        """Let a day pass."""
        begin_ns = self.simulation.clock_ns
        while self.simulation.clock_ns - begin_ns < DAY:
            self.chance.choice(self.things)()
            self.agree()

    # -- what can happen -----------------------------------------------------------------

    def quiet(self) -> None:
        """Nobody has anything to say: after the last retry there is no handshake."""
        self.simulation.run(LONGEST_RETRY + REJECT_AFTER_TIME)
        quiet_since_ns = self.simulation.clock_ns
        self.simulation.run(self._some_time())
        for host in self.hosts:
            assert host.count(1, since_ns=quiet_since_ns) == 0

    def talk(self) -> None:
        """Traffic in one or both directions, now and then or all the time."""
        self._talk_for(self._some_time())

    def lose(self) -> None:
        """Packets are lost."""
        self.simulation.loss = self.chance.choice((0.01, 0.05, 0.2, 0.5, 0.9))
        self._talk_for(self._some_time())
        self.simulation.loss = 0.0

    def cut(self) -> None:
        """The line of one side is dead, and its owner goes on talking."""
        host = self.chance.choice(self.hosts)
        host.is_connected = False
        self._talk_for(self._some_time())
        host.is_connected = True

    def suspend(self) -> None:
        """One side sleeps; boot time passes, and nothing runs."""
        host = self.chance.choice(self.hosts)
        host.is_suspended = True
        self._talk_for(self._some_time(), among=[one for one in self.hosts if one is not host])
        host.is_suspended = False

    def set_clock(self) -> None:
        """Somebody sets a wall clock.

        Only one of the two is ever set back: if both were, no initiation of
        either would be newer than the last, and by the paper none is answered.
        """
        host = self.chance.choice(self.hosts)
        step_ns = self.chance.randrange(-2 * HOUR if host is self.alice else 0, 2 * HOUR)
        host.clock_error_ns += step_ns
        self.is_set_back |= step_ns < 0
        self._talk_for(self._some_time())

    def restart(self) -> None:
        """One side starts with nothing but its configuration."""
        host = self.chance.choice(self.hosts)
        host.start()
        self.restarts[host].append(self.simulation.clock_ns)
        self._introduce(host, self.bob if host is self.alice else self.alice)
        self._talk_for(self._some_time())

    # -- what must hold -------------------------------------------------------------------

    def agree(self) -> None:
        """On a line that works, with traffic both ways, both hear each other again soon."""
        patience_ns = NEW_HANDSHAKE_AND_RETRY if self.is_set_back else AGREE_WITHIN
        for host in self.hosts:
            host.tun.arrived.clear()
        end_ns = self.simulation.clock_ns + patience_ns
        self.simulation.every(SECOND // 2, end_ns, lambda: self.alice.say(self.bob, b"hello"))
        self.simulation.every(SECOND // 2, end_ns, lambda: self.bob.say(self.alice, b"hello"))
        self.simulation.run(patience_ns)
        for host in self.hosts:
            assert host.heard(), "they no longer hear each other"
            host.tun.arrived.clear()

    # -- inside ----------------------------------------------------------------------------

    def _introduce(self, host: Host, other: Host) -> None:
        host.add_peer(other)

    def _some_time(self) -> int:
        return self.chance.choice((1, 7, 60, 200, 600, 1800)) * SECOND

    def _talk_for(self, duration_ns: int, among: list[Host] | None = None) -> None:
        talkers = self.chance.choice(([self.alice], [self.bob], [self.alice, self.bob]))
        interval_ns = self.chance.choice((1, 4, 20, 130, 250)) * SECOND
        end_ns = self.simulation.clock_ns + duration_ns
        for talker in talkers:
            if among is None or talker in among:
                other = self.bob if talker is self.alice else self.alice
                self.simulation.every(interval_ns, end_ns, self._saying(talker, other))
        self.simulation.run(duration_ns)

    def _saying(self, talker: Host, other: Host) -> Callable[[], None]:
        return lambda: talker.say(other, b"now and then")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_of_losses_cuts_clocks_and_restarts_leaves_two_peers_that_agree(seed: int) -> None:
    day = Day(seed)
    day.live()
    for host in day.hosts:
        assert_initiations_keep_their_distance(host, day.restarts[host])


def assert_initiations_keep_their_distance(host: Host, restarts: list[int]) -> None:
    times = [sent.at_ns for sent in host.sent if sent.kind == 1]
    assert len(times) > 20
    for first, second in pairwise(times):
        started_over = any(first <= moment <= second for moment in restarts)
        assert started_over or second - first >= REKEY_TIMEOUT
