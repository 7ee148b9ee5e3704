"""Hypothesis strategies for values of the model.

Keys and prefixes come from small pools, so that what is desired and what runs
meet often: two interfaces out of here share peers, fight over allowed IPs, and
now and then name their own public key as a peer.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network

from hypothesis import strategies as st

from netstart_wg.model.address import Endpoint, EndpointName, IPInterface, IPNetwork
from netstart_wg.model.change import UNCHANGED, DeviceChange, PeerChange
from netstart_wg.model.config import (
    DEFAULT_MTU,
    Command,
    InterfaceConfig,
    PeerConfig,
    WireGuardConfig,
)
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.route import NextHop, Route, RouteKey
from netstart_wg.model.rule import TABLES, PolicyRule
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.record import record_of
from netstart_wg.reconcile.routes import leaves_through

INTERFACE = "wg0"
TABLE = TABLES[0]

PRIVATE_KEYS = tuple(PrivateKey(bytes([number]) * 32) for number in (1, 2, 3))
PUBLIC_KEYS = (
    *(public_key_of(key) for key in PRIVATE_KEYS[:2]),
    *(PublicKey(bytes([number]) * 32) for number in (11, 12, 13, 14)),
)
PRESHARED_KEYS = tuple(PresharedKey(bytes([number]) * 32) for number in (21, 22))
NETWORKS: tuple[IPNetwork, ...] = tuple(
    ip_network(text)
    for text in ("0.0.0.0/0", "10.0.0.0/24", "10.0.0.2/32", "10.0.0.3/32", "::/0", "fd00::2/128")
)
ADDRESSES: tuple[IPInterface, ...] = tuple(
    ip_interface(text)
    for text in (
        *("10.0.0.1/24", "10.0.0.2/24", "10.0.0.1/32", "10.0.0.1/16", "192.0.2.1/24"),
        *("fd00::1/64", "fd00::1/128", "fd00::2/64", "fe80::1/64"),
    )
)
KERNEL_ADDRESSES = (ip_interface("fe80::abcd/64"),)
ENDPOINTS = (
    Endpoint(IPv4Address("192.0.2.1"), 51820),
    Endpoint(IPv6Address("2001:db8::1"), 51820),
    Endpoint(IPv6Address("fe80::1"), 51820, 3),
)
ENDPOINT_NAMES = (EndpointName("vpn.example.net", 51820), EndpointName("fe80::1%eth0", 51820))
COMMANDS = tuple(Command(text) for text in ("true", "route add 10.1.0.0/16 10.0.0.1", "echo up"))

lines = st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]))
"""Whatever can stand behind a `=` of the UAPI."""
words = st.sampled_from(("laptop", "the office, 2nd floor", "Zoë"))
"""Texts where it does not matter which."""

private_keys = st.sampled_from(PRIVATE_KEYS)
public_keys = st.sampled_from(PUBLIC_KEYS)
preshared_keys = st.none() | st.sampled_from(PRESHARED_KEYS)
networks = st.sampled_from(NETWORKS)
endpoints = st.sampled_from(ENDPOINTS)
keepalives = st.sampled_from((0, 25, 65535))
ports = st.integers(0, 65535)
descriptions = st.none() | words
counters = st.integers(0, 2**64 - 1)
rdomains = st.sampled_from((0, 0, 1, 255))
groups = st.sampled_from(((), ("lan",), ("vpn", "lan")))
resolutions = st.dictionaries(st.sampled_from(ENDPOINT_NAMES), endpoints)


def _ownerships(keys: list[PublicKey]) -> st.SearchStrategy[dict[PublicKey, tuple[IPNetwork, ...]]]:
    """Share the pool of prefixes out among the keys and nobody."""

    def by_key(owners: list[PublicKey | None]) -> dict[PublicKey, tuple[IPNetwork, ...]]:
        pairs = list(zip(NETWORKS, owners, strict=True))
        return {key: tuple(net for net, owner in pairs if owner == key) for key in keys}

    owner = st.sampled_from([None, *keys])
    return st.lists(owner, min_size=len(NETWORKS), max_size=len(NETWORKS)).map(by_key)


@st.composite
def wireguard_states(draw: st.DrawFn, texts: st.SearchStrategy[str] = words) -> WireGuardState:
    """Draw an engine as it can be: no prefix twice, and not a peer of itself."""
    private_key = draw(st.none() | private_keys)
    own = public_key_of(private_key) if private_key else None
    keys = draw(st.lists(public_keys.filter(lambda key: key != own), unique=True))
    allowed_ips = draw(_ownerships(keys))
    peers = tuple(
        PeerState(
            public_key=key,
            preshared_key=draw(preshared_keys),
            endpoint=draw(st.none() | endpoints),
            last_handshake_ns=draw(counters),
            tx_bytes=draw(counters),
            rx_bytes=draw(counters),
            persistent_keepalive=draw(keepalives),
            allowed_ips=allowed_ips[key],
            description=draw(st.none() | texts.filter(bool)),
            refused_offloads=tuple(sorted(draw(st.sets(texts, max_size=1)))),
        )
        for key in keys
    )
    return WireGuardState(
        implementation=draw(st.none() | texts),
        private_key=private_key,
        listen_port=draw(ports),
        fwmark=draw(st.integers(0, 2**32 - 1) | st.just(TABLE)),
        wgrtable=draw(st.none() | rdomains),
        groups=draw(groups),
        peers=peers,
        drops=tuple(sorted(draw(st.dictionaries(texts, counters, max_size=2)).items())),
        send_errors=tuple(sorted(draw(st.dictionaries(texts, counters, max_size=2)).items())),
        offloads=tuple(sorted(draw(st.sets(texts, max_size=2)))),
    )


@st.composite
def peer_changes(draw: st.DrawFn, texts: st.SearchStrategy[str] = words) -> PeerChange:
    """Draw a change as `decode_set` makes it."""
    public_key = draw(public_keys)
    if draw(st.booleans()):
        return PeerChange(public_key=public_key, remove=True)
    some_networks = st.lists(networks, unique=True).map(tuple)
    return PeerChange(
        public_key=public_key,
        update_only=draw(st.booleans()),
        preshared_key=draw(st.just(UNCHANGED) | preshared_keys),
        endpoint=draw(st.just(UNCHANGED) | endpoints),
        persistent_keepalive=draw(st.just(UNCHANGED) | keepalives),
        replace_allowed_ips=draw(st.booleans()),
        add_allowed_ips=draw(some_networks),
        remove_allowed_ips=draw(some_networks),
        description=draw(st.just(UNCHANGED) | st.none() | texts.filter(bool)),
    )


def device_changes(texts: st.SearchStrategy[str] = words) -> st.SearchStrategy[DeviceChange]:
    """Return what draws changes as `decode_set` makes them."""
    return st.builds(
        DeviceChange,
        private_key=st.just(UNCHANGED) | st.none() | private_keys,
        listen_port=st.just(UNCHANGED) | ports,
        fwmark=st.just(UNCHANGED) | st.integers(0, 2**32 - 1),
        wgrtable=st.just(UNCHANGED) | rdomains,
        groups=st.just(UNCHANGED) | groups,
        replace_peers=st.booleans(),
        peers=st.lists(peer_changes(texts), max_size=6).map(tuple),
    )


@st.composite
def wireguard_configs(draw: st.DrawFn) -> WireGuardConfig:
    """Draw what a file may say; its own public key may be among the peers."""
    keys = draw(st.lists(public_keys, unique=True))
    allowed_ips = draw(_ownerships(keys))
    peers = tuple(
        PeerConfig(
            public_key=key,
            preshared_key=draw(preshared_keys),
            endpoint=draw(st.none() | endpoints | st.sampled_from(ENDPOINT_NAMES)),
            persistent_keepalive=draw(keepalives),
            allowed_ips=allowed_ips[key],
            description=draw(descriptions),
        )
        for key in keys
    )
    return WireGuardConfig(
        private_key=draw(st.none() | private_keys),
        listen_port=draw(st.none() | st.sampled_from((0, 51820, 51821))),
        fwmark=draw(st.none() | st.just(TABLE)),
        wgrtable=draw(rdomains),
        peers=peers,
    )


def _place(address: IPInterface) -> IPInterface | int:
    """Return what only one address of an interface can have: IPv6 has no IP twice."""
    return address if address.version == 4 else int(address.ip)


addresses = st.lists(st.sampled_from(ADDRESSES), unique_by=_place).map(tuple)

next_hops = st.sampled_from(
    (
        NextHop(None, INTERFACE),
        NextHop(ip_address("10.0.0.9"), INTERFACE),
        NextHop(ip_address("198.51.100.1"), None),
        NextHop(ip_address("198.51.100.2"), None),
    )
)


@st.composite
def route_lists(draw: st.DrawFn, *, is_observed: bool = False) -> tuple[Route, ...]:
    """Draw routes with different keys; the system always knows through which interface."""
    destinations = st.sampled_from((*NETWORKS[:3], *NETWORKS[-2:]))
    tables = st.sampled_from((None, None, TABLE))
    keys = st.builds(RouteKey, rdomains, destinations, st.sampled_from((8, 9)), tables)
    routes = []
    for key in draw(st.lists(keys, unique=True, max_size=4)):
        hops = draw(st.lists(next_hops, unique=True, min_size=1, max_size=2))
        if is_observed:
            hops = [NextHop(hop.gateway, hop.interface or "eth0") for hop in hops]
        mtu = draw(st.none() | st.just(1300))
        routes.append(Route(key=key, next_hops=tuple(hops), mtu=mtu))
    return tuple(routes)


rules = st.lists(
    st.builds(
        PolicyRule,
        rdomain=rdomains,
        version=st.sampled_from((4, 6)),
        priority=st.sampled_from((32764, 32765)),
        unless_mark=st.just(TABLE),
        table=st.sampled_from((None, TABLE)),
    ),
    unique=True,
    max_size=3,
).map(tuple)

plain_configs = st.builds(
    InterfaceConfig,
    name=st.just(INTERFACE),
    rdomain=rdomains,
    wireguard=wireguard_configs(),
    addresses=addresses,
    mtu=st.sampled_from((DEFAULT_MTU, 1280, 9000)),
    is_up=st.booleans(),
    is_debug=st.booleans(),
    description=descriptions,
    groups=groups,
    routes=route_lists(),
    rules=rules,
)
"""Without commands."""


@st.composite
def interface_configs(draw: st.DrawFn) -> InterfaceConfig:
    """Draw what a whole file may say, with commands among its lines."""
    stages = st.none() | plain_configs
    commands = [
        replace(command, before=draw(stages), rdomain=draw(rdomains))
        for command in draw(st.lists(st.sampled_from(COMMANDS), max_size=3))
    ]
    return replace(
        draw(plain_configs),
        exists=draw(st.integers(0, 9)) > 0,
        commands=tuple(commands),
    )


@st.composite
def interface_states(draw: st.DrawFn) -> InterfaceState:
    """Draw an interface as it can be: none of its routes leave through it while it is down."""
    state = InterfaceState(
        name=INTERFACE,
        index=draw(st.sampled_from((7, 8))),
        flags=draw(st.sampled_from((0x1090, 0x1091, 0x1094, 0x1095))),
        mtu=draw(st.sampled_from((DEFAULT_MTU, 1280))),
        rdomain=draw(rdomains),
        addresses=draw(addresses),
        kernel_addresses=draw(st.sampled_from(((), KERNEL_ADDRESSES))),
        description=draw(descriptions),
        wireguard=draw(st.none() | wireguard_states()),
        rules=draw(rules),
    )
    routes = draw(route_lists(is_observed=True))
    can_be = [r for r in routes if state.is_up or not leaves_through(r, INTERFACE, state.rdomain)]
    return replace(state, routes=tuple(can_be))


@st.composite
def applied_records(draw: st.DrawFn) -> AppliedRecord:
    """Draw the record of some earlier run."""
    config = draw(interface_configs())
    return record_of(config, draw(st.sampled_from((7, 8))), None, draw(resolutions))
