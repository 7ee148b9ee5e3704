"""When rules of policy routing come and go."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface, ip_network

from netstart_wg.app.keys import derive_public_key
from netstart_wg.model.action import (
    AddRoute,
    AddRule,
    BringDown,
    BringUp,
    ConfigureDevice,
    DestroyInterface,
    Plan,
    RemoveRoute,
    RemoveRule,
    SetRdomain,
)
from netstart_wg.model.config import InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.keys import PrivateKey
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.rule import TABLES
from netstart_wg.model.state import NOTHING_LEFT, InterfaceState, LeftBehind
from netstart_wg.reconcile.adopt import config_of, without_what_linux_takes
from netstart_wg.reconcile.allowed_routes import with_allowed_routes
from netstart_wg.reconcile.plan import plan_interface
from netstart_wg.reconcile.record import record_of
from netstart_wg.reconcile.simulate import simulate

TABLE = TABLES[0]
PEER = PeerConfig(
    public_key=derive_public_key(PrivateKey(b"\2" * 32)),
    allowed_ips=(ip_network("0.0.0.0/0"), ip_network("10.1.0.0/16")),
)
PLAIN = InterfaceConfig(
    name="wg0",
    wireguard=WireGuardConfig(private_key=PrivateKey(b"\1" * 32), peers=(PEER,)),
    addresses=(ip_interface("10.0.0.1/24"),),
    is_up=True,
)
FULL = with_allowed_routes(PLAIN, TABLE, derive_public_key)


def planned(
    desired: InterfaceConfig,
    running: InterfaceState | None,
    applied: AppliedRecord | None = None,
    left: LeftBehind = NOTHING_LEFT,
) -> Plan:
    return plan_interface(desired, running, applied, {}, derive_public_key, left)


def after(desired: InterfaceConfig, running: InterfaceState | None) -> InterfaceState:
    state = simulate(planned(desired, running), running, derive_public_key)
    assert state is not None
    return state


def kinds(plan: Plan, *of: type) -> list[type]:
    return [type(action) for action in plan.actions if not of or isinstance(action, of)]


RUNNING = after(FULL, None)
RECORD = record_of(FULL, RUNNING.index, None, {})


def test_rules_come_last_when_engine_and_table_are_ready_for_them() -> None:
    plan = planned(FULL, None)
    assert kinds(plan, ConfigureDevice, BringUp, AddRoute, AddRule) == [
        *(ConfigureDevice, BringUp),
        *(AddRoute, AddRoute, AddRoute, AddRule, AddRule),
    ]
    first, second = (each.rule for each in plan.actions if isinstance(each, AddRule))
    assert first.ignores_default, "which makes no difference without the other"
    assert second.table == TABLE


def test_rules_go_first_and_the_mark_only_then() -> None:
    plan = planned(PLAIN, RUNNING, RECORD)
    assert kinds(plan) == [
        *(RemoveRule, RemoveRule, ConfigureDevice),
        *(RemoveRoute, RemoveRoute, RemoveRoute),
    ]
    first = plan.actions[0]
    assert isinstance(first, RemoveRule)
    assert first.rule.table == TABLE
    configure = plan.actions[2]
    assert isinstance(configure, ConfigureDevice)
    assert configure.change.fwmark == 0


def test_what_is_as_it_should_be_needs_no_step() -> None:
    assert planned(FULL, RUNNING, RECORD).is_empty
    assert planned(PLAIN, after(PLAIN, RUNNING)).is_empty


def test_a_mark_of_somebody_elses_is_left_alone() -> None:
    plain = after(PLAIN, None)
    assert plain.wireguard is not None
    marked = replace(plain, wireguard=replace(plain.wireguard, fwmark=0xCA6C))
    assert planned(PLAIN, marked).is_empty


def test_a_move_takes_the_rules_along() -> None:
    elsewhere = replace(PLAIN, rdomain=1, wireguard=replace(PLAIN.wireguard, wgrtable=1))
    desired = with_allowed_routes(elsewhere, TABLE, derive_public_key)
    plan = planned(desired, RUNNING, RECORD)
    assert kinds(plan, RemoveRule, SetRdomain, BringUp, AddRule) == [
        *(RemoveRule, RemoveRule, SetRdomain, BringUp, AddRule, AddRule),
    ]
    moved = simulate(plan, RUNNING, derive_public_key)
    assert moved is not None
    assert {rule.rdomain for rule in moved.rules} == {1}
    assert {route.key.rdomain for route in moved.routes} == {1}


def test_an_interface_that_goes_takes_rules_and_the_refusal_along() -> None:
    plan = planned(InterfaceConfig(name="wg0", exists=False), RUNNING, RECORD)
    assert kinds(plan) == [RemoveRule, RemoveRule, RemoveRoute, DestroyInterface]


def test_ifconfig_down_lets_everything_out_again() -> None:
    desired = without_what_linux_takes(replace(config_of(RUNNING, RECORD), is_up=False))
    plan = planned(desired, RUNNING, RECORD)
    assert kinds(plan) == [RemoveRule, RemoveRule, BringDown, RemoveRoute]
    assert simulate(plan, RUNNING, derive_public_key) is not None


def test_after_an_engine_that_was_killed_nothing_is_let_out_on_the_way_back() -> None:
    refusals = tuple(route for route in RUNNING.routes if not route.next_hops)
    left = LeftBehind(routes=refusals, rules=RUNNING.rules)
    plan = planned(FULL, None, RECORD, left)
    assert kinds(plan, RemoveRule, RemoveRoute, AddRule) == []
    assert len(kinds(plan, AddRoute)) == 2


def test_what_an_engine_that_was_killed_has_left_goes_if_nobody_wants_it() -> None:
    refusals = tuple(route for route in RUNNING.routes if not route.next_hops)
    left = LeftBehind(routes=refusals, rules=RUNNING.rules)
    plan = planned(PLAIN, None, RECORD, left)
    assert kinds(plan, RemoveRule, RemoveRoute) == [RemoveRule, RemoveRule, RemoveRoute]
    gone = planned(InterfaceConfig(name="wg0", exists=False), None, RECORD, left)
    assert kinds(gone) == [RemoveRule, RemoveRule, RemoveRoute]


def test_a_plan_says_what_rules_it_adds_in_the_words_of_ip_rule() -> None:
    lines = [line for line in planned(FULL, None).describe() if "rule" in line]
    marked = "not fwmark 0x770000/0xffff0000"
    assert lines == [
        f"wg0: + ip -4 rule add priority 32764 {marked} lookup main suppress_prefixlength 0",
        f"wg0: + ip -4 rule add priority 32765 {marked} lookup {TABLE}",
    ]
