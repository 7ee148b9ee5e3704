from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.machine_in_memory import Lines, MachineInMemory


@pytest.fixture
def here() -> MachineInMemory:
    """A machine in memory."""
    return MachineInMemory()


@pytest.fixture
def lines() -> Lines:
    """What was said."""
    return Lines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the hostname files are."""
    return tmp_path
