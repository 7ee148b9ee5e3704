"""Cryptokey routing: which peer owns an address (paper §2).

Every network has one owner, and an address belongs to the owner of the longest
prefix that covers it.  Outbound that says whom to send to; inbound, whether a
packet's source is really its sender's.

A trie walks up to 128 nodes, and in Python each is dear.  Here each prefix
length in use has a dictionary, and they are asked from the longest to the
shortest: most configurations use two or three lengths, so that many look-ups
suffice.  Whole addresses (/32, /128) are found by their octets, before any
arithmetic is done.
"""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

from netstart_wg.model.address import IPNetwork

T = TypeVar("T")

_Level: TypeAlias = tuple[int, int]
"""IP version, and how many bits of an address are not part of the prefix."""
_Prefix: TypeAlias = int | bytes
"""The bits of the prefix as a number; of a whole address, its octets."""


class AllowedIps(Generic[T]):
    """Networks and their owners; an owner is anything hashable that is not None."""

    __slots__ = ("_networks", "_tables", "_v4", "_v6", "_whole")

    def __init__(self) -> None:
        self._networks: dict[T, dict[IPNetwork, None]] = {}
        """Of each owner, in order of insertion."""
        self._whole: dict[_Prefix, T] = {}
        """Both families: with 4 and 16 octets they cannot meet."""
        self._tables: dict[_Level, dict[_Prefix, T]] = {(4, 0): self._whole, (6, 0): self._whole}
        """The owners at each level; none is empty but that of whole addresses."""
        self._v4: list[tuple[int, dict[_Prefix, T]]] = []
        """Bits that are not part of the prefix, and owners, longest prefix first."""
        self._v6: list[tuple[int, dict[_Prefix, T]]] = []

    def lookup(self, address: bytes) -> T | None:
        """Return who owns an address, given as its 4 or 16 octets in network order."""
        owner = self._whole.get(address)
        if owner is not None:
            return owner
        number = int.from_bytes(address, "big")
        for shift, owners in self._v4 if len(address) == 4 else self._v6:
            owner = owners.get(number >> shift)
            if owner is not None:
                return owner
        return None

    def insert(self, network: IPNetwork, owner: T) -> T | None:
        """Give a network to `owner`; return who loses it, or None if nobody else had it."""
        level, prefix = _place(network)
        owners = self._tables.get(level)
        if owners is None:
            owners = self._tables[level] = {}
            self._order()
        former = owners.get(prefix)
        if former == owner:
            return None
        owners[prefix] = owner
        self._networks.setdefault(owner, {})[network] = None
        if former is not None:
            self._disown(network, former)
        return former

    def remove(self, network: IPNetwork, owner: T) -> bool:
        """Take just this network from `owner`; return False if it is not theirs."""
        if network not in self._networks.get(owner, ()):
            return False
        self._disown(network, owner)
        self._delete(network)
        return True

    def remove_owner(self, owner: T) -> None:
        """Take everything from `owner`, in time that depends only on how much that is."""
        for network in self._networks.pop(owner, ()):
            self._delete(network)

    def of(self, owner: T) -> tuple[IPNetwork, ...]:
        """Return what `owner` has, in order of insertion."""
        return tuple(self._networks.get(owner, ()))

    def _disown(self, network: IPNetwork, owner: T) -> None:
        networks = self._networks[owner]
        del networks[network]
        if not networks:
            del self._networks[owner]

    def _delete(self, network: IPNetwork) -> None:
        level, prefix = _place(network)
        owners = self._tables[level]
        del owners[prefix]
        if not owners and owners is not self._whole:
            del self._tables[level]
            self._order()

    def _order(self) -> None:
        """Note which levels there are; seldom needed, for there are at most 160."""
        levels = sorted(self._tables.items(), key=lambda item: item[0])
        self._v4 = [
            (shift, owners) for (version, shift), owners in levels if version == 4 and shift
        ]
        self._v6 = [
            (shift, owners) for (version, shift), owners in levels if version == 6 and shift
        ]


def _place(network: IPNetwork) -> tuple[_Level, _Prefix]:
    """Return where a network's owner is kept, and under what."""
    address = network.network_address
    shift = network.max_prefixlen - network.prefixlen
    return (network.version, shift), int(address) >> shift if shift else address.packed
