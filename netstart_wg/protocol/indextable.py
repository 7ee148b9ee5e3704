"""Who has which index: the 32-bit numbers by which messages find their receiver (paper §5.4).

One table serves handshakes and keypairs alike, so that an index is unique over
both.  Indices are random: one that could be foreseen would tell an observer
how many sessions there are, and help a forger to hit one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_INDEX_BYTES = 4


class IndexTable(Generic[T]):
    """Indices in use, and their owners."""

    __slots__ = ("_owners",)

    def __init__(self) -> None:
        self._owners: dict[int, T] = {}

    def allocate(self, owner: T, random: Callable[[int], bytes]) -> int:
        """Give `owner` an index that nobody has; `random` returns as many bytes as asked for."""
        while (index := int.from_bytes(random(_INDEX_BYTES), "little")) in self._owners:
            pass
        self._owners[index] = owner
        return index

    def claim(self, index: int, owner: T) -> bool:
        """Give `owner` the index that it had elsewhere; return False if that is taken."""
        if index in self._owners:
            return False
        self._owners[index] = owner
        return True

    def lookup(self, index: int) -> T | None:
        """Return who has the index, or None."""
        return self._owners.get(index)

    def release(self, index: int) -> None:
        """Let the index be given to another; one that nobody has is ignored."""
        self._owners.pop(index, None)

    def __len__(self) -> int:
        return len(self._owners)
