"""The rate limiter: the kernels' own tables, and the bound on its memory."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from netstart_wg.protocol.ratelimiter import RateLimiter

MILLISECOND = 10**6
SECOND = 10**9

# Linux' selftest/ratelimiter.c and OpenBSD's wg_cookie.c: accepted?, and the wait before.
KERNEL_TABLE = [
    (True, 0), (True, 0), (True, 0), (True, 0), (True, 0), (False, 0),
    (True, 50), (False, 0),
    (True, 100), (True, 0), (False, 0),
]  # fmt: skip

# Two sources that must not be told apart, or that must.
SAME_SOURCE = ("2001:db8:1:2::1", "2001:db8:1:2:ffff::2")
OTHER_SOURCES = [
    ("192.0.2.1", "192.0.2.2"),
    ("2001:db8:1:2::1", "2001:db8:1:3::1"),
    ("32.1.13.184", "2001:db8::"),
]


def exhaust(limiter: RateLimiter, address: str, now_ns: int) -> None:
    while limiter.allow(ip_address(address), now_ns):
        pass


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_the_kernel_table_is_judged_as_the_kernel_does(address: str) -> None:
    limiter, now_ns = RateLimiter(), 1000 * SECOND
    for step, (accepted, wait_ms) in enumerate(KERNEL_TABLE):
        now_ns += wait_ms * MILLISECOND
        assert limiter.allow(ip_address(address), now_ns) is accepted, f"step {step}"


def test_hosts_within_one_ipv6_64_are_one_source() -> None:
    limiter = RateLimiter()
    exhaust(limiter, SAME_SOURCE[0], 0)
    assert not limiter.allow(ip_address(SAME_SOURCE[1]), 0)


@pytest.mark.parametrize(("address", "other"), OTHER_SOURCES)
def test_other_sources_are_unaffected(address: str, other: str) -> None:
    limiter = RateLimiter()
    exhaust(limiter, address, 0)
    assert limiter.allow(ip_address(other), 0)


def test_a_bucket_does_not_fill_beyond_the_burst() -> None:
    limiter, address = RateLimiter(), IPv4Address("192.0.2.1")
    for now_ns in (0, SECOND, 100 * SECOND):
        assert [limiter.allow(address, now_ns) for _ in range(6)] == [True] * 5 + [False]


def test_refused_messages_cost_their_source_nothing_more() -> None:
    limiter, address = RateLimiter(), IPv4Address("192.0.2.1")
    exhaust(limiter, str(address), 0)
    allowed = [limiter.allow(address, now_ms * MILLISECOND) for now_ms in range(1, 1001)]
    assert sum(allowed) == 20


def test_of_too_many_sources_the_newest_is_refused_and_the_old_are_served() -> None:
    limiter = RateLimiter()
    assert all(limiter.allow(IPv4Address(source), 0) for source in range(65_536))
    assert not limiter.allow(IPv4Address(65_536), 0)
    assert not limiter.allow(IPv6Address("2001:db8::"), 0)
    assert limiter.allow(IPv4Address(7), 0)


def test_idle_sources_make_room_for_new_ones() -> None:
    limiter = RateLimiter()
    for source in range(65_536):
        limiter.allow(IPv4Address(source), 0)
    assert not limiter.allow(IPv4Address(65_536), SECOND)
    assert all(limiter.allow(IPv4Address(65_536 + n), SECOND + 1) for n in range(65_536))


def test_idle_sources_are_forgotten_little_by_little() -> None:
    limiter = RateLimiter()
    for source in range(100):
        limiter.allow(IPv4Address(source), 0)
    sizes = []
    for _ in range(60):
        limiter.allow(IPv4Address("192.0.2.1"), 2 * SECOND)
        sizes.append(len(limiter._buckets))
    assert sizes[0] == 99
    assert all(0 <= before - after <= 2 for before, after in itertools.pairwise(sizes))
    assert sizes[-1] == 1


def test_a_source_that_is_still_heard_of_is_not_forgotten() -> None:
    limiter = RateLimiter()
    busy, idle = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
    for now_ms in range(0, 1300, 100):
        limiter.allow(busy, now_ms * MILLISECOND)
        if not now_ms:
            limiter.allow(idle, 0)
    assert list(limiter._buckets) == [busy.packed]
