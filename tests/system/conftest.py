from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.private_namespaces import private_namespaces


@pytest.fixture
def private() -> Iterator[None]:
    """An empty network and an empty /run for one test."""
    with private_namespaces():
        yield
