"""From what runs to what the file says: the steps, in order.

The order: create; go down, if down is wanted; MTU and description; the engine, in
one change; addresses; come up, when everything is in place; commands last.
What is equal makes no step, so the plan for an interface that is as it should
be is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netstart_wg.model.action import (
    Action,
    BringDown,
    BringUp,
    ConfigureDevice,
    CreateInterface,
    Plan,
    RunCommand,
    SetDescription,
    SetMtu,
)
from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.model.change import DeviceChange
from netstart_wg.model.config import DEFAULT_MTU, Command, InterfaceConfig
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.state import InterfaceState, WireGuardState
from netstart_wg.reconcile.addresses import plan_addresses
from netstart_wg.reconcile.apply import DerivePublicKey
from netstart_wg.reconcile.diff import diff_device
from netstart_wg.reconcile.record import digest_of, standing_record

IPV6_MINIMUM_MTU = 1280
"""RFC 8200 §5; below it Linux takes all IPv6 addresses from an interface."""


def plan_interface(
    desired: InterfaceConfig,
    running: InterfaceState | None,
    applied: AppliedRecord | None,
    resolved: Mapping[EndpointName, Endpoint],
    derive_public_key: DerivePublicKey,
) -> Plan:
    """Return the plan for one interface; `running` is None if there is none of that name.

    `applied` is the record as it was read; one about a former interface of that
    name is passed over.  `resolved` needs to have what `names_to_resolve`
    returns, as far as it could be looked up: an endpoint whose name is missing
    there is left alone.
    """
    standing = standing_record(applied, running)
    before = running or new_interface(desired.name)
    engine = before.wireguard or WireGuardState()
    change = diff_device(desired.wireguard, engine, standing, resolved, derive_public_key)
    actions: list[Action] = [] if running else [CreateInterface(desired.name)]
    actions += _changes(desired, before, change)
    actions += (RunCommand(desired.name, command) for command in _new_commands(desired, standing))
    return Plan(desired.name, tuple(actions))


def new_interface(name: str) -> InterfaceState:
    """Return an interface as CreateInterface leaves it; the kernel's index is not known before."""
    return InterfaceState(name=name, index=0, flags=0, mtu=DEFAULT_MTU, wireguard=WireGuardState())


def _changes(
    desired: InterfaceConfig, before: InterfaceState, change: DeviceChange
) -> Iterator[Action]:
    """Yield the steps for an interface that is there."""
    name = desired.name
    set_mtu = [SetMtu(name, before.mtu, desired.mtu)] if desired.mtu != before.mtu else []
    keeps_ipv6 = desired.mtu >= IPV6_MINIMUM_MTU
    if before.is_up and not desired.is_up:
        yield BringDown(name)
    if keeps_ipv6:
        yield from set_mtu
    if desired.description != before.description:
        yield SetDescription(name, before.description, desired.description)
    if not change.is_empty:
        yield ConfigureDevice(name, change, _removed_names(change, before))
    yield from plan_addresses(desired, before)
    if not keeps_ipv6:
        # only now: what is to be removed must still be there
        yield from set_mtu
    if desired.is_up and not before.is_up:
        yield BringUp(name)


def _removed_names(change: DeviceChange, before: InterfaceState) -> tuple[tuple[str, str], ...]:
    removed = {peer.public_key for peer in change.peers if peer.remove}
    peers = before.wireguard.peers if before.wireguard else ()
    return tuple(
        (peer.public_key.to_base64(), peer.description)
        for peer in peers
        if peer.public_key in removed and peer.description is not None
    )


def _new_commands(desired: InterfaceConfig, standing: AppliedRecord | None) -> Iterator[Command]:
    """Yield, in file order, the commands whose text has not run on this interface yet."""
    have_run = frozenset(standing.commands) if standing else frozenset()
    return (command for command in desired.commands if digest_of(command) not in have_run)
