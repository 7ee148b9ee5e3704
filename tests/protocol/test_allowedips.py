"""Longest-prefix match and ownership: tables by hand, and a linear search to compare with."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.address import IPAddress, IPNetwork
from netstart_wg.protocol.allowedips import AllowedIps


def allowed_ips(*lines: str) -> AllowedIps[str]:
    """Insert `owner network` lines in order; host bits are masked, as the UAPI masks them."""
    table: AllowedIps[str] = AllowedIps()
    for line in lines:
        owner, network = line.split()
        table.insert(ip_network(network, strict=False), owner)
    return table


def owner_of(table: AllowedIps[str], address: str) -> str | None:
    return table.lookup(ip_address(address).packed)


# In the manner of Linux' selftest/allowedips.c: nested and neighbouring networks, prefixes
# that end within an octet, host bits, and a default route.
NETWORKS = [
    "a 192.168.4.0/24",
    "b 192.168.4.4/32",
    "c 192.168.0.77/16",
    "d 192.95.5.64/27",
    "c 192.95.5.65/27",
    "e 0.0.0.0/0",
    "f 64.15.112.0/20",
    "g 64.15.123.211/25",
    "h 64.15.123.128/25",
    "a 10.0.0.0/25",
    "b 10.0.0.128/25",
    "c 10.1.0.0/30",
    "d 10.1.0.4/30",
    "d 2607:5300:6006:6b00::c05f:0543/128",
    "c 2607:5300:6006:6b00::/64",
    "e ::/0",
    "f 2404:6800:4004:806::/64",
    "g 2404:6800:4004:800::1234:5678/56",
    "h 2404:6800:4004:806:aaaa:bbbb:cccc:dddd/126",
]

LOOKUPS = {
    "192.168.4.20": "a",
    "192.168.4.0": "a",
    "192.168.4.255": "a",
    "192.168.4.4": "b",
    "192.168.5.4": "c",
    "192.168.200.182": "c",
    "192.95.5.68": "c",
    "192.95.5.95": "c",
    "192.95.5.96": "e",
    "64.15.116.26": "f",
    "64.15.127.3": "f",
    "64.15.128.0": "e",
    "64.15.123.127": "f",
    "64.15.123.128": "h",
    "10.0.0.127": "a",
    "10.0.0.128": "b",
    "10.1.0.3": "c",
    "10.1.0.7": "d",
    "10.1.0.8": "e",
    "0.0.0.0": "e",
    "255.255.255.255": "e",
    "2607:5300:6006:6b00::c05f:543": "d",
    "2607:5300:6006:6b00::c02e:1ee": "c",
    "2607:5300:6006:6b01::": "e",
    "2404:6800:4004:806::1006": "f",
    "2404:6800:4004:806:aaaa:bbbb:cccc:dddf": "h",
    "2404:6800:4004:806:aaaa:bbbb:cccc:dde0": "f",
    "2404:6800:4004:8ff::1": "g",
    "2404:6800:4004:900::1": "e",
    "::": "e",
}


@pytest.mark.parametrize("address", LOOKUPS)
def test_an_address_belongs_to_the_owner_of_the_longest_prefix(address: str) -> None:
    assert owner_of(allowed_ips(*NETWORKS), address) == LOOKUPS[address]


@pytest.mark.parametrize("address", ["10.0.0.1", "::1"])
def test_an_address_that_nothing_covers_has_no_owner(address: str) -> None:
    assert owner_of(allowed_ips(), address) is None
    assert owner_of(allowed_ips("a 10.0.0.2/32", "a 10.0.1.0/24", "a ::2/128"), address) is None


def test_the_default_route_of_one_family_says_nothing_of_the_other() -> None:
    assert owner_of(allowed_ips("a 0.0.0.0/0"), "::") is None
    assert owner_of(allowed_ips("a ::/0"), "0.0.0.0") is None


@pytest.mark.parametrize("octet", [0, 1, 7, 15])
def test_each_of_128_nested_networks_is_told_from_the_next(octet: int) -> None:
    address = int.from_bytes(bytes(octet) + b"\xa5" + bytes(15 - octet), "big")
    table: AllowedIps[int] = AllowedIps()
    for length in range(129):
        table.insert(IPv6Network((address, length), strict=False), length)
    assert table.lookup(address.to_bytes(16, "big")) == 128
    for length in range(128):
        differs = address ^ (1 << (127 - length))
        assert table.lookup(differs.to_bytes(16, "big")) == length


def test_a_network_moves_to_its_last_claimant_who_is_told_from_whom() -> None:
    table = allowed_ips("a 10.0.0.0/8", "a 10.0.0.1/32")
    assert table.insert(IPv4Network("10.0.0.1/32"), "b") == "a"
    assert owner_of(table, "10.0.0.1") == "b"
    assert table.of("a") == (IPv4Network("10.0.0.0/8"),)
    assert table.of("b") == (IPv4Network("10.0.0.1/32"),)


def test_inserting_what_is_already_there_changes_nothing() -> None:
    table = allowed_ips("a 10.0.0.0/8", "a 10.0.0.1/32")
    assert table.insert(IPv4Network("10.0.0.0/8"), "a") is None
    assert table.of("a") == (IPv4Network("10.0.0.0/8"), IPv4Network("10.0.0.1/32"))


def test_a_new_network_has_no_former_owner() -> None:
    assert allowed_ips("a 10.0.0.0/8").insert(IPv4Network("10.0.0.0/9"), "b") is None


def test_an_owners_networks_are_listed_in_order_of_insertion() -> None:
    lines = ["a 10.0.0.9/32", "a 0.0.0.0/0", "b 1.0.0.0/8", "a fd00::/64", "a 10.0.0.1/32"]
    expected = [ip_network(line.split()[1]) for line in lines if line.startswith("a")]
    assert list(allowed_ips(*lines).of("a")) == expected


def test_whoever_lost_everything_owns_nothing() -> None:
    table = allowed_ips("a 10.0.0.0/8", "b 10.0.0.0/8")
    assert table.of("a") == ()
    table.remove_owner("a")
    assert owner_of(table, "10.0.0.1") == "b"


@pytest.mark.parametrize("network", ["10.0.0.0/8", "10.0.0.1/32", "fd00::/64", "fd00::1/128"])
def test_a_network_is_removed_only_from_its_owner(network: str) -> None:
    address = str(ip_network(network).network_address)
    table = allowed_ips(f"a {network}")
    assert not table.remove(ip_network(network), "b")
    assert owner_of(table, address) == "a"
    assert table.remove(ip_network(network), "a")
    assert owner_of(table, address) is None
    assert not table.remove(ip_network(network), "a")
    assert table.of("a") == ()


def test_removing_a_network_uncovers_the_shorter_one() -> None:
    table = allowed_ips("a 0.0.0.0/0", "b 10.0.0.0/8", "c 10.1.0.0/16")
    assert table.remove(IPv4Network("10.1.0.0/16"), "c")
    assert owner_of(table, "10.1.2.3") == "b"
    assert table.remove(IPv4Network("10.0.0.0/8"), "b")
    assert owner_of(table, "10.1.2.3") == "a"


def test_removing_a_network_leaves_others_of_the_same_length() -> None:
    table = allowed_ips("a 10.1.0.0/16", "a 10.2.0.0/16")
    assert table.remove(IPv4Network("10.1.0.0/16"), "a")
    assert (owner_of(table, "10.1.0.1"), owner_of(table, "10.2.0.1")) == (None, "a")


def test_removing_an_owner_takes_all_of_theirs_and_no_more() -> None:
    table = allowed_ips(*NETWORKS)
    table.remove_owner("e")
    table.remove_owner("nobody")
    for address, owner in LOOKUPS.items():
        assert owner_of(table, address) == (owner if owner != "e" else None)
    assert table.of("e") == ()


def test_nothing_is_left_of_networks_that_were_removed() -> None:
    table: AllowedIps[int] = AllowedIps()
    networks = [IPv4Network((index << 7, 25)) for index in range(10_000)]
    for index, network in enumerate(networks):
        table.insert(network, index % 100)
    for owner in range(100):
        table.remove_owner(owner)
    assert not table._networks
    assert not table._v4
    assert {level: owners for level, owners in table._tables.items() if owners} == {}


# A small world, so that networks nest, collide and move.
V4 = st.builds(
    lambda bits, length: IPv4Network((0x0A000000 | bits, length), strict=False),
    st.integers(0, 63),
    st.sampled_from([0, 8, 24, 26, 27, 28, 30, 31, 32]),
)
V6 = st.builds(
    lambda bits, length: IPv6Network((0xFD << 120 | bits, length), strict=False),
    st.integers(0, 63),
    st.sampled_from([0, 8, 64, 122, 123, 124, 126, 127, 128]),
)
ADDRESSES = st.one_of(
    st.builds(lambda bits: ip_address(0x0A000000 | bits), st.integers(0, 63)),
    st.builds(lambda bits: ip_address(0xFD << 120 | bits), st.integers(0, 63)),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "insert", "insert", "remove", "remove owner"]),
        st.one_of(V4, V6),
        st.sampled_from("abc"),
    ),
    max_size=40,
)


class LinearSearch:
    """The same, by looking at every network there is."""

    def __init__(self) -> None:
        self.entries: list[tuple[IPNetwork, str]] = []

    def insert(self, network: IPNetwork, owner: str) -> str | None:
        if (network, owner) in self.entries:
            return None
        former = [entry for entry in self.entries if entry[0] == network]
        self.entries = [entry for entry in self.entries if entry[0] != network]
        self.entries.append((network, owner))
        return former[0][1] if former else None

    def remove(self, network: IPNetwork, owner: str) -> bool:
        before = len(self.entries)
        self.entries = [entry for entry in self.entries if entry != (network, owner)]
        return len(self.entries) < before

    def remove_owner(self, owner: str) -> None:
        self.entries = [entry for entry in self.entries if entry[1] != owner]

    def lookup(self, address: IPAddress) -> str | None:
        covering = [entry for entry in self.entries if address in entry[0]]
        return max(covering, key=lambda entry: entry[0].prefixlen)[1] if covering else None

    def of(self, owner: str) -> tuple[IPNetwork, ...]:
        return tuple(network for network, its_owner in self.entries if its_owner == owner)


@given(steps=STEPS, addresses=st.lists(ADDRESSES, max_size=20))
def test_any_history_gives_what_a_linear_search_gives(
    steps: list[tuple[str, IPNetwork, str]], addresses: list[IPAddress]
) -> None:
    table: AllowedIps[str] = AllowedIps()
    model = LinearSearch()
    for step, network, owner in steps:
        if step == "insert":
            assert table.insert(network, owner) == model.insert(network, owner)
        elif step == "remove":
            assert table.remove(network, owner) == model.remove(network, owner)
        else:
            table.remove_owner(owner)
            model.remove_owner(owner)
    for address in addresses:
        assert table.lookup(address.packed) == model.lookup(address)
    for owner in "abc":
        assert table.of(owner) == model.of(owner)
