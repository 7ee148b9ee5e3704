from __future__ import annotations

import pytest

from netstart_wg.cli.durations import read_window
from netstart_wg.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("30s", 30), ("5m", 300), ("1h", 3600), ("24h", 86400)]
)
def test_a_time_has_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert read_window(text) == seconds * 10**9


@pytest.mark.parametrize("text", ["", "5", "m", "0s", "25h", "1d", "-5m", "5 m", "5m ", "\u0665m"])
def test_anything_else_is_wrong_usage_that_says_the_bounds(text: str) -> None:
    with pytest.raises(UsageError, match="no time from 1s to 24h"):
        read_window(text)
