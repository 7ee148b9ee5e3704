"""Hosts for the tests that need real engines, as those in tests/netns have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns.conftest import obstacle
from tests.netns.hosts import HostMaker, hosts
from tests.netns.obstacles import give_up


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[HostMaker]:
    """Make hosts by name, for one test."""
    if (reason := obstacle()) is not None:
        give_up(reason)
    with hosts(tmp_path) as maker:
        yield maker
