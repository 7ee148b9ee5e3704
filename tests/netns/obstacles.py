"""When a test cannot run on this machine: it is skipped, but on CI that is a failure."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def give_up(reason: str) -> NoReturn:
    """Skip the test that runs; but CI is to have what the tests need."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"not possible on this machine: {reason}", pytrace=False)
    pytest.skip(reason)
