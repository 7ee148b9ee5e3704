"""Plans: which steps, in which order, and that they lead where they should."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.action import (
    AddAddress,
    AddRoute,
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
from netstart_wg.model.change import DeviceChange, PeerChange
from netstart_wg.model.config import Command, InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.record import AppliedRecord, RanCommand
from netstart_wg.model.route import NextHop, Route, RouteKey
from netstart_wg.model.state import InterfaceState, PeerState, WireGuardState
from netstart_wg.protocol.crypto import public_key_of
from netstart_wg.reconcile.adopt import config_of
from netstart_wg.reconcile.endpoints import names_to_resolve
from netstart_wg.reconcile.plan import plan_interface
from netstart_wg.reconcile.record import digest_of, record_of
from netstart_wg.reconcile.routes import leaves_through
from netstart_wg.reconcile.simulate import simulate
from tests.strategies import (
    ENDPOINTS,
    PRIVATE_KEYS,
    PUBLIC_KEYS,
    applied_records,
    interface_configs,
    interface_states,
    resolutions,
)

LAPTOP, OFFICE = PUBLIC_KEYS[2:4]
NAME = EndpointName("vpn.example.net", 51820)
HERE, THERE = ENDPOINTS[:2]
ADDRESS = ip_interface("10.0.0.1/24")
COMMANDS = (Command("route add default"), Command("true"), Command("true"))

DESIRED = InterfaceConfig(
    name="wg0",
    wireguard=WireGuardConfig(
        private_key=PRIVATE_KEYS[0],
        listen_port=51820,
        peers=(PeerConfig(public_key=LAPTOP, allowed_ips=(ip_network("10.0.0.2/32"),)),),
    ),
    addresses=(ADDRESS,),
    mtu=1380,
    is_up=True,
    description="to the office",
    commands=COMMANDS,
)
RUNNING = InterfaceState(
    name="wg0",
    index=7,
    flags=0x1091,
    mtu=1380,
    addresses=(ADDRESS,),
    kernel_addresses=(ip_interface("fe80::1/64"),),
    description="to the office",
    wireguard=WireGuardState(
        private_key=PRIVATE_KEYS[0],
        listen_port=51820,
        peers=(PeerState(public_key=LAPTOP, allowed_ips=(ip_network("10.0.0.2/32"),)),),
    ),
)
APPLIED = record_of(DESIRED, 7, None, {})


def planned(
    desired: InterfaceConfig = DESIRED,
    running: InterfaceState | None = RUNNING,
    applied: AppliedRecord | None = APPLIED,
    resolved: dict[EndpointName, Endpoint] | None = None,
) -> Plan:
    return plan_interface(desired, running, applied, resolved or {}, public_key_of)


def test_an_interface_that_is_as_it_should_be_needs_no_step() -> None:
    assert planned().is_empty


def test_a_new_interface_is_made_ready_before_it_comes_up() -> None:
    assert planned(running=None, applied=None) == Plan(
        "wg0",
        (
            CreateInterface("wg0"),
            SetMtu("wg0", 1420, 1380),
            SetDescription("wg0", None, "to the office"),
            ConfigureDevice(
                "wg0",
                DeviceChange(
                    private_key=PRIVATE_KEYS[0],
                    listen_port=51820,
                    peers=(
                        PeerChange(
                            public_key=LAPTOP,
                            replace_allowed_ips=True,
                            add_allowed_ips=(ip_network("10.0.0.2/32"),),
                        ),
                    ),
                ),
            ),
            AddAddress("wg0", ADDRESS),
            BringUp("wg0"),
            *(RunCommand("wg0", command) for command in COMMANDS),
        ),
    )


def test_an_empty_file_makes_an_interface_and_leaves_it() -> None:
    plan = planned(InterfaceConfig(name="wg0"), running=None, applied=None)
    assert plan.actions == (CreateInterface("wg0"),)


def test_an_interface_that_goes_down_does_so_first() -> None:
    plan = planned(replace(DESIRED, is_up=False, mtu=1400))
    assert plan.actions == (BringDown("wg0"), SetMtu("wg0", 1380, 1400))


def test_a_description_that_left_the_file_is_cleared() -> None:
    plan = planned(replace(DESIRED, description=None))
    assert plan.actions == (SetDescription("wg0", "to the office", None),)


def test_ipv6_addresses_go_before_an_mtu_that_ipv6_cannot_have() -> None:
    address = ip_interface("fd00::1/64")
    running = replace(RUNNING, addresses=(ADDRESS, address))
    assert planned(replace(DESIRED, mtu=1000), running).actions == (
        RemoveAddress("wg0", address),
        SetMtu("wg0", 1380, 1000),
    )


def test_an_mtu_that_ipv6_can_have_comes_before_ipv6_addresses() -> None:
    address = ip_interface("fd00::1/64")
    desired = replace(DESIRED, addresses=(ADDRESS, address))
    assert planned(desired, replace(RUNNING, mtu=1000)).actions == (
        SetMtu("wg0", 1000, 1380),
        AddAddress("wg0", address),
    )


def test_an_engine_that_has_nothing_is_told_everything() -> None:
    (step,) = planned(running=replace(RUNNING, wireguard=None)).actions
    assert isinstance(step, ConfigureDevice)
    assert step.change.private_key == PRIVATE_KEYS[0]


def test_a_peer_that_is_removed_is_named_for_the_reader() -> None:
    office = PeerState(public_key=OFFICE, description="office")
    engine = RUNNING.wireguard
    assert engine is not None
    running = replace(RUNNING, wireguard=replace(engine, peers=(*engine.peers, office)))
    plan = planned(running=running)
    assert list(plan.describe()) == [f"wg0: - wgpeer {OFFICE.to_base64()} wgdescr office"]


# -- commands ------------------------------------------------------------------------------------


def run(plan: Plan) -> list[str]:
    return [step.command.text for step in plan.actions if isinstance(step, RunCommand)]


def test_commands_that_have_run_do_not_run_again() -> None:
    assert run(planned(replace(DESIRED, commands=COMMANDS[::-1]))) == []


def test_a_command_whose_text_is_new_runs() -> None:
    desired = replace(DESIRED, commands=(Command("first"), *COMMANDS, Command("last")))
    assert run(planned(desired)) == ["first", "last"]


def test_a_command_that_is_listed_twice_runs_twice_on_a_new_interface() -> None:
    assert run(planned(running=None)).count("true") == 2


def test_a_command_that_left_the_file_is_named_once_and_before_those_that_are_new() -> None:
    """The file had `true` twice."""
    plan = planned(replace(DESIRED, mtu=1400, commands=(COMMANDS[0], Command("new"))))
    assert list(plan.describe()) == [
        "wg0: - mtu 1380",
        "wg0: + mtu 1400",
        "wg0: - !true (has run; cannot be undone)",
        "wg0: + !new",
    ]


def test_a_command_of_which_only_the_digest_is_known_is_named_as_such() -> None:
    known = RanCommand(digest=digest_of(Command("old")))
    plan = planned(applied=replace(APPLIED, commands=(*APPLIED.commands, known)))
    assert list(plan.describe()) == [
        "wg0: - a command that has left the file (has run; cannot be undone)"
    ]


def test_a_command_that_is_one_of_two_and_the_same_has_not_left_the_file() -> None:
    assert planned(replace(DESIRED, commands=COMMANDS[:2])).is_empty


def test_a_command_that_another_interface_of_the_name_had_is_not_named() -> None:
    desired = replace(DESIRED, commands=())
    assert planned(desired, applied=replace(APPLIED, index=6)).is_empty
    assert not any(
        isinstance(step, ForgetCommand) for step in planned(desired, None, APPLIED).actions
    )


def test_a_command_that_left_the_file_with_the_interface_is_named() -> None:
    plan = planned(InterfaceConfig(name="wg0", exists=False, commands=COMMANDS[:1]))
    assert list(plan.describe()) == [
        "wg0: - !true (has run; cannot be undone)",
        "wg0: + destroy",
    ]


@pytest.mark.parametrize("applied", [None, replace(APPLIED, index=6)])
def test_commands_run_again_for_another_interface_of_the_name(
    applied: AppliedRecord | None,
) -> None:
    assert run(planned(applied=applied)) == [command.text for command in COMMANDS]


def test_commands_run_again_when_the_interface_is_created_again() -> None:
    assert len(run(planned(running=None, applied=APPLIED))) == len(COMMANDS)


def test_on_a_new_interface_a_command_has_what_the_lines_before_it_made() -> None:
    early = Command("early", before=InterfaceConfig(name="wg0"))
    middle = Command("middle", before=InterfaceConfig(name="wg0", addresses=(ADDRESS,), is_up=True))
    other = ip_interface("10.0.1.1/24")
    desired = InterfaceConfig(
        name="wg0", addresses=(other,), is_up=True, commands=(early, middle, Command("late"))
    )
    assert planned(desired, None, None).actions == (
        CreateInterface("wg0"),
        RunCommand("wg0", early),
        AddAddress("wg0", ADDRESS),
        BringUp("wg0"),
        RunCommand("wg0", middle),
        AddAddress("wg0", other),
        RemoveAddress("wg0", ADDRESS),
        RunCommand("wg0", Command("late")),
    )


def test_on_an_interface_that_is_there_commands_come_after_everything_declared() -> None:
    command = Command("early", before=InterfaceConfig(name="wg0", rdomain=4))
    desired = replace(DESIRED, mtu=1400, commands=(command, *COMMANDS))
    assert planned(desired).actions == (SetMtu("wg0", 1380, 1400), RunCommand("wg0", command))


def test_a_command_after_destroy_runs_before_the_interface_is_made_anew() -> None:
    command = Command("true", before=InterfaceConfig(name="wg0", exists=False))
    desired = InterfaceConfig(name="wg0", is_up=True, commands=(command,))
    assert planned(desired, None, None).actions == (
        CreateInterface("wg0"),
        RunCommand("wg0", command),
        BringUp("wg0"),
    )


ONLY_COMMANDS = InterfaceConfig(
    name="wg0",
    wireguard=WireGuardConfig(wgrtable=2),
    addresses=(ADDRESS,),
    mtu=1380,
    is_up=True,
    description="to the office",
    groups=("lan",),
    commands=(Command("wg setconf wg0 /etc/wireguard/wg0.conf"),),
)


def test_a_file_of_commands_leaves_key_port_and_peers_to_them() -> None:
    applied = record_of(ONLY_COMMANDS, 7, None, {})
    (step,) = planned(ONLY_COMMANDS, applied=applied).actions
    assert step == ConfigureDevice("wg0", DeviceChange(wgrtable=2, groups=("lan",)))


def test_without_commands_a_file_without_a_word_on_wireguard_clears_the_engine() -> None:
    (step,) = planned(replace(ONLY_COMMANDS, commands=()), applied=None).actions
    assert isinstance(step, ConfigureDevice)
    assert step.change.private_key is None
    assert [peer.remove for peer in step.change.peers] == [True]


# -- rdomains, routes and the rest ---------------------------------------------------------------

INSIDE = Route(
    key=RouteKey(0, ip_network("10.1.0.0/16")), next_hops=(NextHop(ip_address("10.0.0.9"), "wg0"),)
)
ELSEWHERE = Route(
    key=RouteKey(0, ip_network("192.0.2.1/32")),
    next_hops=(NextHop(ip_address("198.51.100.1"), "eth0"),),
)
SHARED = replace(
    ELSEWHERE,
    key=RouteKey(0, ip_network("10.2.0.0/16")),
    next_hops=(*INSIDE.next_hops, *ELSEWHERE.next_hops),
)
ROUTED = replace(RUNNING, routes=(INSIDE, ELSEWHERE, SHARED))
WITH_ROUTES = replace(DESIRED, routes=(INSIDE, ELSEWHERE))
ROUTES_APPLIED = record_of(WITH_ROUTES, 7, None, {})


def test_routes_come_when_the_interface_is_up() -> None:
    plan = planned(replace(WITH_ROUTES, commands=()), running=None, applied=None)
    assert plan.actions[-3:] == (
        BringUp("wg0"),
        AddRoute("wg0", INSIDE),
        AddRoute("wg0", ELSEWHERE),
    )


def test_an_interface_that_moves_is_bare_and_down_and_gets_everything_again() -> None:
    inside = replace(INSIDE, key=replace(INSIDE.key, rdomain=3))
    desired = replace(DESIRED, rdomain=3, is_debug=True, routes=(inside, ELSEWHERE))
    plan = planned(desired, ROUTED, ROUTES_APPLIED)
    assert plan == Plan(
        "wg0",
        (
            RemoveRoute("wg0", SHARED),
            SetRdomain("wg0", 0, 3),
            SetDebug("wg0", True),
            AddAddress("wg0", ADDRESS),
            BringUp("wg0"),
            AddRoute("wg0", inside),
        ),
        rdomain=0,
    )


def test_what_leaves_through_others_too_is_removed_before_the_interface_goes_down() -> None:
    plan = planned(replace(WITH_ROUTES, is_up=False), ROUTED, ROUTES_APPLIED)
    assert plan.actions == (RemoveRoute("wg0", SHARED), BringDown("wg0"))


def test_a_last_ipv4_address_takes_ipv4_routes_along_and_those_that_stay_are_added_again() -> None:
    other = replace(INSIDE, key=RouteKey(0, ip_network("10.3.0.0/16")))
    running = replace(RUNNING, routes=(INSIDE, other))
    desired = replace(DESIRED, addresses=(), routes=(INSIDE,))
    assert planned(desired, running).actions == (
        RemoveAddress("wg0", ADDRESS),
        AddRoute("wg0", INSIDE),
    )


def test_an_interface_that_shall_not_be_goes_with_its_routes() -> None:
    applied = replace(ROUTES_APPLIED, commands=())
    plan = planned(InterfaceConfig(name="wg0", exists=False), ROUTED, applied)
    assert plan.actions == (
        RemoveRoute("wg0", ELSEWHERE),
        RemoveRoute("wg0", SHARED),
        DestroyInterface("wg0"),
    )


def test_an_interface_that_shall_not_be_and_is_not_needs_no_step() -> None:
    assert planned(InterfaceConfig(name="wg0", exists=False), None, ROUTES_APPLIED).is_empty


def test_a_plan_begins_where_the_interface_is() -> None:
    running = replace(RUNNING, rdomain=3)
    assert planned(replace(DESIRED, rdomain=3, mtu=1400), running).rdomain == 3
    assert planned(replace(DESIRED, rdomain=3), None, None).rdomain == 0


def test_the_order_of_groups_is_no_difference() -> None:
    engine = RUNNING.wireguard
    assert engine is not None
    running = replace(RUNNING, wireguard=replace(engine, groups=("vpn", "lan")))
    assert planned(replace(DESIRED, groups=("lan", "vpn")), running).is_empty
    assert planned(replace(DESIRED, groups=("lan",)), running).actions == (
        ConfigureDevice("wg0", DeviceChange(groups=("lan",))),
    )


# -- endpoints -----------------------------------------------------------------------------------

BY_NAME = replace(
    DESIRED, wireguard=WireGuardConfig(peers=(PeerConfig(public_key=LAPTOP, endpoint=NAME),))
)
HAS_ROAMED = replace(
    RUNNING, wireguard=WireGuardState(peers=(PeerState(public_key=LAPTOP, endpoint=THERE),))
)


def test_a_roamed_peer_stays_where_it_is() -> None:
    applied = record_of(BY_NAME, 7, None, {NAME: HERE})
    assert planned(BY_NAME, HAS_ROAMED, applied, {NAME: HERE}).is_empty


def test_the_record_of_a_former_interface_does_not_hold_back_an_endpoint() -> None:
    applied = record_of(BY_NAME, 6, None, {NAME: HERE})
    plan = planned(replace(BY_NAME, commands=()), HAS_ROAMED, applied, {NAME: HERE})
    change = PeerChange(public_key=LAPTOP, update_only=True, endpoint=HERE)
    assert plan.actions == (ConfigureDevice("wg0", DeviceChange(peers=(change,))),)


def test_a_new_name_that_resolves_only_later_is_set_then() -> None:
    before = record_of(DESIRED, 7, None, {})
    assert planned(BY_NAME, HAS_ROAMED, before).is_empty
    meanwhile = record_of(BY_NAME, 7, before, {})
    assert names_to_resolve(BY_NAME, HAS_ROAMED, meanwhile) == {NAME}
    assert not planned(BY_NAME, HAS_ROAMED, meanwhile, {NAME: HERE}).is_empty


# -- all at once ---------------------------------------------------------------------------------


@given(
    interface_configs(),
    st.none() | interface_states(),
    st.none() | applied_records(),
    resolutions,
)
def test_once_carried_out_there_is_nothing_left_to_plan(
    desired: InterfaceConfig,
    running: InterfaceState | None,
    applied: AppliedRecord | None,
    resolved: dict[EndpointName, Endpoint],
) -> None:
    plan = plan_interface(desired, running, applied, resolved, public_key_of)
    after = simulate(plan, running, public_key_of)
    if not desired.exists:
        assert after is None
        assert plan_interface(desired, after, None, resolved, public_key_of).is_empty
        return
    assert after is not None
    record = record_of(desired, after.index, applied, resolved)
    assert plan_interface(desired, after, record, resolved, public_key_of).is_empty
    assert names_to_resolve(desired, after, record).isdisjoint(names_applied(desired, resolved))


def names_applied(
    desired: InterfaceConfig, resolved: dict[EndpointName, Endpoint]
) -> set[EndpointName]:
    """Return the names that no peer waits for: a peer with our own key waits for ever."""
    private_key = desired.wireguard.private_key
    own = public_key_of(private_key) if private_key else None
    waiting = {peer.endpoint for peer in desired.wireguard.peers if peer.public_key == own}
    return {name for name in resolved if name not in waiting}


@given(interface_configs(), interface_states())
def test_what_the_file_says_is_what_is_there_in_the_end(
    desired: InterfaceConfig, running: InterfaceState
) -> None:
    after = simulate(planned(desired, running, None), running, public_key_of)
    assert (after is not None) is desired.exists
    if after is None:
        return
    engine = after.wireguard or WireGuardState()
    assert (after.mtu, after.is_up, after.is_debug, after.description, after.rdomain) == (
        desired.mtu,
        desired.is_up,
        desired.is_debug,
        desired.description,
        desired.rdomain,
    )
    assert set(engine.groups) == set(desired.groups)
    assert engine.wgrtable == desired.wireguard.wgrtable
    waiting = set() if desired.is_up else through(desired.routes, desired.rdomain)
    wanted = {route.key for route in desired.routes} - waiting
    assert wanted <= {route.key for route in after.routes}
    assert through(after.routes, desired.rdomain) <= wanted
    assert set(desired.addresses) <= {*after.addresses, *after.kernel_addresses}
    assert set(after.addresses) <= set(desired.addresses)
    if after.rdomain == running.rdomain:
        assert after.kernel_addresses == running.kernel_addresses


def through(routes: tuple[Route, ...], rdomain: int) -> set[RouteKey]:
    """Return the keys of the routes that leave through the interface."""
    return {route.key for route in routes if leaves_through(route, "wg0", rdomain)}


@given(interface_states(), st.none() | applied_records())
def test_what_is_there_needs_no_step_to_be_as_it_is(
    running: InterfaceState, applied: AppliedRecord | None
) -> None:
    own = applied and replace(applied, endpoints=(), commands=())
    plan = plan_interface(config_of(running, applied), running, own, {}, public_key_of)
    assert plan.is_empty


@given(interface_configs())
def test_a_plan_shows_no_secret(desired: InterfaceConfig) -> None:
    plan = plan_interface(desired, None, None, {}, public_key_of)
    text = "\n".join([*plan.describe(), repr(plan)])
    wireguard = desired.wireguard
    for secret in (wireguard.private_key, *(peer.preshared_key for peer in wireguard.peers)):
        if secret is not None:
            assert secret.to_base64() not in text
            assert secret.to_hex() not in text
