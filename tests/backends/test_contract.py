"""What `netstart_wg.backends.base` promises, of each backend there is.

The kernel's is among them where the kernel has WireGuard: `make check-vm`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netstart_wg.backends.base import Backend
from netstart_wg.backends.choice import ChosenBackend
from netstart_wg.backends.embedded import EmbeddedBackend
from netstart_wg.backends.kernel import KernelBackend
from netstart_wg.backends.memory import MemoryBackend
from netstart_wg.errors import BackendError
from netstart_wg.model.address import Endpoint
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.keys import PresharedKey, PrivateKey, PublicKey
from netstart_wg.model.state import WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.apply import apply_change
from netstart_wg.system.linux import Linux
from tests.backends.kernel import kernel_has_wireguard

BACKENDS: dict[str, Callable[[Linux], Backend]] = {
    "embedded": lambda linux: EmbeddedBackend(linux.links),
    "chosen": lambda linux: ChosenBackend(EmbeddedBackend(linux.links), public_key_of),
}
if kernel_has_wireguard():
    BACKENDS["kernel"] = lambda _: KernelBackend(public_key_of)

PRIVATE_KEY = PrivateKey(bytes(range(32)))
OWN = public_key_of(PRIVATE_KEY)


def key(number: int) -> PublicKey:
    return PublicKey(number.to_bytes(4, "big") * 8)


LAPTOP, OFFICE, PHONE = key(1), key(2), key(3)
NETWORKS = tuple(ip_network(f"10.0.{number}.0/24") for number in range(4))
PEER = PeerChange(
    public_key=LAPTOP,
    preshared_key=PresharedKey(bytes(range(2, 34))),
    endpoint=Endpoint(ip_address("192.0.2.1"), 51820),
    persistent_keepalive=25,
    add_allowed_ips=(ip_network("10.0.0.2/32"), ip_network("fd00::/64")),
    description="the laptop",
)


@pytest.fixture(params=["memory", *BACKENDS])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    if request.param == "memory":
        yield MemoryBackend(public_key_of)
    else:
        yield BACKENDS[request.param](request.getfixturevalue("linux"))


def told(backend: Backend) -> WireGuardState:
    """What concerns the contract; the order of allowed IPs is each engine's own."""
    state = backend.state("wg0")
    assert state is not None
    glance = backend.glance("wg0")
    assert glance == replace(state, peers=())
    assert glance.fingerprint == state.fingerprint is not None
    return essence(state)


def essence(state: WireGuardState) -> WireGuardState:
    peers = (
        replace(peer, allowed_ips=tuple(sorted(peer.allowed_ips, key=str))) for peer in state.peers
    )
    return WireGuardState(
        private_key=state.private_key,
        listen_port=state.listen_port,
        fwmark=state.fwmark,
        wgrtable=state.wgrtable,
        groups=state.groups,
        peers=tuple(peers),
    )


def test_a_new_engine_has_nothing(backend: Backend) -> None:
    assert backend.state("wg0") is None
    assert backend.glance("wg0") is None
    backend.create("wg0")
    assert told(backend) == WireGuardState()


def test_what_was_configured_is_told_again(backend: Backend) -> None:
    backend.create("wg0")
    change = DeviceChange(
        private_key=PRIVATE_KEY, listen_port=5182, fwmark=0x1234, groups=("vpn",), peers=(PEER,)
    )
    backend.configure("wg0", change)
    assert told(backend) == essence(apply_change(WireGuardState(), change, public_key_of))


def test_a_second_engine_of_the_name_is_refused_and_the_first_stays(backend: Backend) -> None:
    backend.create("wg0")
    backend.configure("wg0", DeviceChange(listen_port=5182))
    with pytest.raises(BackendError, match=r"^wg0: "):
        backend.create("wg0")
    assert told(backend).listen_port == 5182


def test_a_destroyed_engine_is_gone_with_all_it_had(backend: Backend) -> None:
    backend.create("wg0")
    backend.configure("wg0", DeviceChange(private_key=PRIVATE_KEY, groups=("vpn",), peers=(PEER,)))
    backend.destroy("wg0")
    assert backend.state("wg0") is None
    backend.create("wg0")
    assert told(backend) == WireGuardState()


def test_what_is_not_there_cannot_be_changed_ended_or_followed(backend: Backend) -> None:
    for attempt in (
        lambda: backend.configure("wg0", DeviceChange(listen_port=5182)),
        lambda: backend.destroy("wg0"),
        lambda: backend.follow("wg0"),
    ):
        with pytest.raises(BackendError) as refusal:
            attempt()
        assert refusal.value.errno == errno.ENODEV


def test_each_change_does_what_simulation_says(backend: Backend) -> None:
    backend.create("wg0")
    office = PeerChange(public_key=OFFICE, add_allowed_ips=NETWORKS)
    moved = PeerChange(public_key=PHONE, add_allowed_ips=NETWORKS[:1])
    changes = {
        "peers": DeviceChange(private_key=PRIVATE_KEY, peers=(PEER, office)),
        "an allowed IP moves": DeviceChange(peers=(moved,)),
        "one allowed IP goes": DeviceChange(
            peers=(PeerChange(public_key=OFFICE, remove_allowed_ips=NETWORKS[1:2]),)
        ),
        "another's allowed IP does not go": DeviceChange(
            peers=(PeerChange(public_key=OFFICE, remove_allowed_ips=NETWORKS[:1]),)
        ),
        "a list is replaced": DeviceChange(
            peers=(replace(office, replace_allowed_ips=True, add_allowed_ips=NETWORKS[3:]),)
        ),
        "values are cleared": DeviceChange(
            peers=(
                PeerChange(
                    public_key=LAPTOP, preshared_key=None, persistent_keepalive=0, description=None
                ),
            )
        ),
        "a peer that is not there is not updated": DeviceChange(
            peers=(PeerChange(public_key=key(9), update_only=True, persistent_keepalive=1),)
        ),
        "a peer goes, and one that is not there": DeviceChange(
            peers=(
                PeerChange(public_key=PHONE, remove=True),
                PeerChange(public_key=key(9), remove=True),
            )
        ),
        "its own key is no peer": DeviceChange(peers=(PeerChange(public_key=OWN),)),
        "an endpoint": DeviceChange(
            peers=(PeerChange(public_key=OFFICE, endpoint=Endpoint(ip_address("2001:db8::1"), 9)),)
        ),
        "mark and groups": DeviceChange(fwmark=0x10, groups=("a", "b")),
        "no mark, no groups, no key": DeviceChange(fwmark=0, groups=(), private_key=None),
        "all peers are others": DeviceChange(replace_peers=True, peers=(moved,)),
    }
    expected = WireGuardState()
    for name, change in changes.items():
        backend.configure("wg0", change)
        expected = apply_change(expected, change, public_key_of)
        assert told(backend) == essence(expected), name


def test_the_fingerprint_tells_whether_anything_is_another(backend: Backend) -> None:
    backend.create("wg0")
    seen = set()
    changes = (
        DeviceChange(private_key=PRIVATE_KEY),
        DeviceChange(listen_port=5182),
        DeviceChange(fwmark=7),
        DeviceChange(groups=("vpn",)),
        DeviceChange(peers=(PEER,)),
        DeviceChange(peers=(replace(PEER, persistent_keepalive=26),)),
        DeviceChange(peers=(PeerChange(public_key=LAPTOP, description="another"),)),
        DeviceChange(peers=(PeerChange(public_key=LAPTOP, add_allowed_ips=NETWORKS),)),
        DeviceChange(peers=(PeerChange(public_key=LAPTOP, preshared_key=None),)),
    )
    for change in changes:
        backend.configure("wg0", change)
        for _ in range(2):
            glance = backend.glance("wg0")
            assert glance is not None
            seen.add(glance.fingerprint)
    assert len(seen) == len(changes)
    elsewhere = PeerChange(public_key=LAPTOP, endpoint=Endpoint(ip_address("192.0.2.9"), 7))
    backend.configure("wg0", DeviceChange(peers=(elsewhere,)))
    glance = backend.glance("wg0")
    assert glance is not None
    assert glance.fingerprint in seen


def test_many_peers_and_a_peer_with_many_allowed_ips_arrive_whole(backend: Backend) -> None:
    first = int(ip_address("10.0.0.0"))
    peers = [
        PeerChange(
            public_key=key(number + 10),
            add_allowed_ips=tuple(ip_network((first + 4 * number + host, 32)) for host in range(3)),
            description=f"peer {number}",
        )
        for number in range(1500)
    ]
    many = tuple(ip_network((int(ip_address("fd00::")) + number, 128)) for number in range(4000))
    peers.append(PeerChange(public_key=LAPTOP, add_allowed_ips=many))
    backend.create("wg0")
    change = DeviceChange(private_key=PRIVATE_KEY, peers=tuple(peers))
    backend.configure("wg0", change)
    assert told(backend) == essence(apply_change(WireGuardState(), change, public_key_of))
    removal = PeerChange(public_key=LAPTOP, remove_allowed_ips=many[1:])
    backend.configure("wg0", DeviceChange(peers=(removal,)))
    state = backend.state("wg0")
    assert state is not None
    assert state.peers[-1].allowed_ips == many[:1]


@pytest.mark.parametrize("kind", EngineKind)
def test_an_engine_of_a_kind_that_cannot_be_made_is_not_made(
    backend: Backend, kind: EngineKind
) -> None:
    obstacle = backend.obstacle(kind)
    if obstacle is None:
        backend.create("wg0", kind)
        state = backend.state("wg0")
        assert state is not None
        assert state.kind is kind
        return
    with pytest.raises(BackendError):
        backend.create("wg0", kind)
    assert backend.state("wg0") is None
