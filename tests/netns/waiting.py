"""Waiting: ask again until it is so, or until it is too late.  No test sleeps otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

FIRST_PAUSE_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.05


def eventually(
    observe: Callable[[], Value],
    holds: Callable[[Value], object] = bool,
    *,
    within: float = 30.0,
    what: str = "",
) -> Value:
    """Return the first observation that holds; fail after `within` seconds with the last one."""
    deadline = time.monotonic() + within
    pause = FIRST_PAUSE_SECONDS
    while not holds(seen := observe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what or observe!r}; last seen: {seen!r}")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    return seen
