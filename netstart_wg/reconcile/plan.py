"""From what runs to what the file says: the steps, in order.

The order: create; move to its rdomain; go down, if down is wanted; MTU,
description and debug; the engine, in one change; addresses; come up, when
everything is in place; routes, which need all that; rules, which lead to routes;
commands last.  Rules that go do so before all.  What is equal makes no step, so the
plan for an interface that is as it should be is empty.

An interface that is being created has its commands run in their places: for
each, first what the lines before it make of the interface.  On one that is
there, lines have no such order, for most of them make no difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from netstart_wg.model.action import (
    Action,
    AddAddress,
    BringDown,
    BringUp,
    ConfigureDevice,
    CreateInterface,
    DestroyInterface,
    ForgetCommand,
    Plan,
    RemoveAddress,
    RemoveRoute,
    RunCommand,
    SetDebug,
    SetDescription,
    SetMtu,
    SetRdomain,
)
from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.model.change import UNCHANGED, DeviceChange, UnchangedType
from netstart_wg.model.config import IPV6_MINIMUM_MTU, InterfaceConfig, WireGuardConfig
from netstart_wg.model.engine import EngineKind
from netstart_wg.model.record import AppliedRecord, RanCommand
from netstart_wg.model.route import RouteKey
from netstart_wg.model.state import NOTHING_LEFT, InterfaceState, LeftBehind, WireGuardState
from netstart_wg.reconcile.addresses import plan_addresses
from netstart_wg.reconcile.apply import DerivePublicKey
from netstart_wg.reconcile.diff import diff_device
from netstart_wg.reconcile.record import digest_of, standing_record
from netstart_wg.reconcile.routes import (
    leaves_only_through,
    own_routes,
    plan_routes,
    withdraw_shares,
)
from netstart_wg.reconcile.rules import plan_rules, withdraw_rules
from netstart_wg.reconcile.simulate import Change, after, new_interface


def plan_interface(
    desired: InterfaceConfig,
    running: InterfaceState | None,
    applied: AppliedRecord | None,
    resolved: Mapping[EndpointName, Endpoint],
    derive_public_key: DerivePublicKey,
    left_behind: LeftBehind = NOTHING_LEFT,
) -> Plan:
    """Return the plan for one interface; `running` is None if there is none of that name.

    `applied` is the record as it was read; of one about a former interface of
    that name only the routes that lead elsewhere count.  `resolved` needs to have
    what `names_to_resolve` returns, as far as it could be looked up: an endpoint
    whose name is missing there is left alone.  `left_behind` is what a former
    interface of that name has left, if there is none now.
    """
    standing = standing_record(applied, running)
    routes = applied.routes if applied else ()
    planner = Planner(
        routes=routes,
        standing=standing,
        derive_public_key=derive_public_key,
        device_change=_device_change(standing, resolved, derive_public_key),
        left_behind=left_behind,
    )
    if not desired.exists:
        actions = planner.destroy(desired, running) if running else planner.clear(desired)
    elif running is None:
        actions = planner.create(desired)
    else:
        actions = planner.change(desired, running)
    return Plan(desired.name, tuple(actions), running.rdomain if running else 0)


DeviceChangeTo = Callable[[InterfaceConfig, WireGuardState], DeviceChange]
"""What an engine is to be told so that it is as desired; empty if it is."""

AddressSteps = Callable[[InterfaceConfig, InterfaceState], Iterator[AddAddress | RemoveAddress]]
"""From the addresses that are there to those desired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """What all steps of a plan depend on; their order is always the same."""

    routes: tuple[RouteKey, ...]
    """That lead elsewhere and are this interface's: last applied for this name, say."""
    derive_public_key: DerivePublicKey
    device_change: DeviceChangeTo
    address_steps: AddressSteps = plan_addresses
    standing: AppliedRecord | None = None
    """The record of this very interface."""
    left_behind: LeftBehind = NOTHING_LEFT
    """By a former one, where there is none now."""

    def clear(self, desired: InterfaceConfig) -> Iterator[Action]:
        """Remove what an interface has left that shall not be, and is not."""
        yield from withdraw_rules(desired, self._nothing_yet(desired))
        for route in self.left_behind.routes:
            yield RemoveRoute(desired.name, route)

    def _nothing_yet(self, desired: InterfaceConfig) -> InterfaceState:
        """Return the interface as it will be made, among what is there already."""
        left = self.left_behind
        fresh = new_interface(desired.name, engine_of(desired))
        return replace(fresh, routes=left.routes, rules=left.rules)

    def destroy(self, desired: InterfaceConfig, running: InterfaceState) -> Iterator[Action]:
        """End it; the routes that leave through it alone go by themselves."""
        yield from withdraw_rules(desired, running)
        for route in own_routes(running, self.routes):
            if not leaves_only_through(route, running.name, running.rdomain):
                yield RemoveRoute(running.name, route)
        yield from self._forget(desired)
        yield DestroyInterface(running.name)

    def create(self, desired: InterfaceConfig) -> Iterator[Action]:
        """Make it, and run each command in its place among the lines."""
        state = self._nothing_yet(desired)
        yield CreateInterface(desired.name, engine_of(desired))
        for command in desired.commands:
            stage = command.before or desired
            steps = tuple(self.steps(stage, state)) if stage.exists else ()
            yield from steps
            state = after(steps, state, self.derive_public_key)
            yield RunCommand(desired.name, command)
        yield from self.steps(desired, state)

    def rebuild(self, desired: InterfaceConfig, running: InterfaceState) -> Iterator[Action]:
        """Make it anew, with all that it had of ours elsewhere."""
        yield from self.destroy(replace(desired, rules=()), running)
        yield from self.create(desired)

    def change(self, desired: InterfaceConfig, running: InterfaceState) -> Iterator[Action]:
        """Change what differs, name the commands that are gone, and run those that are new."""
        if needs_rebuild(desired, running):
            yield from self.rebuild(desired, running)
            return
        yield from self.steps(desired, running)
        yield from self._forget(desired)
        have_run = {command.digest for command in self._have_run}
        for command in desired.commands:
            if digest_of(command) not in have_run:
                yield RunCommand(desired.name, command)

    @property
    def _have_run(self) -> tuple[RanCommand, ...]:
        return self.standing.commands if self.standing else ()

    def _forget(self, desired: InterfaceConfig) -> Iterator[ForgetCommand]:
        """Name what has run and is no longer in the file, each once."""
        kept = {digest_of(command) for command in desired.commands}
        left = {each.digest: each for each in self._have_run if each.digest not in kept}
        for command in left.values():
            yield ForgetCommand(desired.name, command)

    def steps(self, desired: InterfaceConfig, before: InterfaceState) -> Iterator[Change]:
        """Yield the steps for an interface that is there."""
        name = desired.name
        withdrawn = tuple(withdraw_rules(desired, before))
        yield from withdrawn
        before = after(withdrawn, before, self.derive_public_key)
        if desired.rdomain != before.rdomain:
            move = _depart(before, SetRdomain(name, before.rdomain, desired.rdomain))
            yield from move
            before = after(move, before, self.derive_public_key)
        if before.is_up and not desired.is_up:
            down = _depart(before, BringDown(name))
            yield from down
            before = after(down, before, self.derive_public_key)
        settings = tuple(self._settings(desired, before))
        yield from settings
        if desired.is_up and not before.is_up:
            yield BringUp(name)
        if before.routes:  # some are gone now without a step of ours
            of_the_link = [step for step in settings if not isinstance(step, ConfigureDevice)]
            before = after(of_the_link, before, self.derive_public_key)
        yield from plan_routes(desired, before, self.routes)
        yield from plan_rules(desired, before)

    def _settings(self, desired: InterfaceConfig, before: InterfaceState) -> Iterator[Change]:
        """Yield the steps that make no difference to being up or down."""
        name = desired.name
        mtu = before.mtu if desired.mtu is None else desired.mtu
        set_mtu = [SetMtu(name, before.mtu, mtu)] if mtu != before.mtu else []
        keeps_ipv6 = mtu >= IPV6_MINIMUM_MTU
        if keeps_ipv6:
            yield from set_mtu
        if desired.description != before.description:
            yield SetDescription(name, before.description, desired.description)
        if desired.is_debug != before.is_debug:
            yield SetDebug(name, desired.is_debug)
        change = self.device_change(desired, before.wireguard or WireGuardState())
        if not change.is_empty:
            yield ConfigureDevice(name, change, _removed_names(change, before))
        yield from self.address_steps(desired, before)
        if not keeps_ipv6:
            # only now: what is to be removed must still be there
            yield from set_mtu


def engine_of(desired: InterfaceConfig) -> EngineKind:
    """Return which engine a new interface gets."""
    return desired.wireguard.engine or EngineKind.EMBEDDED


def needs_rebuild(desired: InterfaceConfig, running: InterfaceState) -> bool:
    """Say whether only another interface can be as desired.

    An engine cannot become another one; and the kernel's sockets stay where the
    interface was made, once it is in use.
    """
    engine, wanted = running.wireguard, desired.wireguard
    if engine is None:
        return False
    if wanted.engine not in (None, engine.kind):
        return True
    is_in_use = running.is_up or bool(engine.peers) or engine.private_key is not None
    is_elsewhere = wanted.wgrtable not in (None, engine.wgrtable)
    return engine.kind is EngineKind.KERNEL and is_elsewhere and is_in_use


def _device_change(
    standing: AppliedRecord | None,
    resolved: Mapping[EndpointName, Endpoint],
    derive_public_key: DerivePublicKey,
) -> DeviceChangeTo:
    """Return the way from an engine to what a file says."""

    def change_to(desired: InterfaceConfig, engine: WireGuardState) -> DeviceChange:
        change = diff_device(desired.wireguard, engine, standing, resolved, derive_public_key)
        if leaves_engine_to_commands(desired):
            change = DeviceChange(wgrtable=change.wgrtable)
        return replace(change, groups=groups_difference(desired.groups, engine.groups))

    return change_to


def groups_difference(
    desired: tuple[str, ...], present: tuple[str, ...]
) -> tuple[str, ...] | UnchangedType:
    """Return what to tell the engine; their order is no difference."""
    return UNCHANGED if frozenset(desired) == frozenset(present) else desired


def _depart(before: InterfaceState, step: SetRdomain | BringDown) -> tuple[Change, ...]:
    """Return a step that takes routes along, and what has to be out of its way."""
    return (*withdraw_shares(before), step)


def leaves_engine_to_commands(desired: InterfaceConfig) -> bool:
    """Say whether a file has commands and not a word about WireGuard: `!wg setconf ...` has."""
    says_nothing = replace(desired.wireguard, wgrtable=0, engine=None) == WireGuardConfig()
    return bool(desired.commands) and says_nothing


def _removed_names(change: DeviceChange, before: InterfaceState) -> tuple[tuple[str, str], ...]:
    removed = {peer.public_key for peer in change.peers if peer.remove}
    peers = before.wireguard.peers if before.wireguard else ()
    return tuple(
        (peer.public_key.to_base64(), peer.description)
        for peer in peers
        if peer.public_key in removed and peer.description is not None
    )
