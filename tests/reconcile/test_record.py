"""The record of what was applied."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.model.config import Command, InterfaceConfig, PeerConfig, WireGuardConfig
from netstart_wg.model.keys import PresharedKey
from netstart_wg.model.record import AppliedRecord
from netstart_wg.model.route import NextHop, Route, RouteKey
from netstart_wg.model.state import InterfaceState
from netstart_wg.reconcile.record import (
    decode_record,
    digest_of,
    encode_record,
    record_of,
    standing_record,
)
from tests.strategies import PRIVATE_KEYS, PUBLIC_KEYS, applied_records

_, _, LAPTOP, OFFICE, _, _ = PUBLIC_KEYS
NAME = EndpointName("vpn.example.net", 51820)
NUMBER = Endpoint(IPv4Address("192.0.2.1"), 51820)
RUNNING = InterfaceState(name="wg0", index=7, flags=0, mtu=1420)


def config(*peers: PeerConfig, commands: tuple[Command, ...] = ()) -> InterfaceConfig:
    return InterfaceConfig(name="wg0", wireguard=WireGuardConfig(peers=peers), commands=commands)


def test_a_record_keeps_endpoints_as_the_file_declares_them() -> None:
    laptop = PeerConfig(public_key=LAPTOP, endpoint=NAME)
    office = PeerConfig(public_key=OFFICE, endpoint=NUMBER)
    record = record_of(config(laptop, office), 7, None, {NAME: NUMBER})
    assert dict(record.endpoints) == {
        LAPTOP.to_base64(): "vpn.example.net 51820",
        OFFICE.to_base64(): "192.0.2.1:51820",
    }
    assert (record.interface, record.index) == ("wg0", 7)


def test_a_name_that_could_not_be_looked_up_was_not_applied() -> None:
    desired = config(PeerConfig(public_key=LAPTOP, endpoint=NAME))
    assert record_of(desired, 7, None, {}).endpoints == ()


def test_a_name_that_was_applied_before_stays_on_record() -> None:
    desired = config(PeerConfig(public_key=LAPTOP, endpoint=NAME))
    before = record_of(desired, 7, None, {NAME: NUMBER})
    assert record_of(desired, 7, before, {}) == before


def test_a_name_that_was_applied_to_a_former_interface_does_not_stay() -> None:
    desired = config(PeerConfig(public_key=LAPTOP, endpoint=NAME))
    before = record_of(desired, 6, None, {NAME: NUMBER})
    assert record_of(desired, 7, before, {}).endpoints == ()


def test_commands_are_on_record_by_digest() -> None:
    record = record_of(config(commands=(Command("true"), Command("true"))), 7, None, {})
    # printf true | sha256sum
    digest = "b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b"
    assert [(command.digest, command.shown) for command in record.commands] == [
        (digest, "true"),
        (digest, "true"),
    ]


def test_a_record_of_digests_alone_is_one_of_before_there_was_more() -> None:
    (command,) = decode_record(GOOD.replace("[]", '["0123"]')).commands
    assert (command.digest, command.shown) == ("0123", None)


def test_the_same_words_in_another_rdomain_are_another_command() -> None:
    here, there = (digest_of(Command("true", rdomain)) for rdomain in (0, 1))
    assert here != there


def test_routes_that_lead_elsewhere_are_on_record_and_those_through_it_are_not() -> None:
    elsewhere = Route(
        key=RouteKey(0, ip_network("192.0.2.1/32"), 9),
        next_hops=(NextHop(ip_address("198.51.100.1"), None),),
    )
    through = Route(key=RouteKey(1, ip_network("10.1.0.0/16")), next_hops=(NextHop(None, "wg0"),))
    desired = InterfaceConfig(name="wg0", rdomain=1, routes=(elsewhere, through))
    assert record_of(desired, 7, None, {}).routes == (elsewhere.key,)


@pytest.mark.parametrize(
    ("record", "stands"),
    [
        (AppliedRecord(interface="wg0", index=7), True),
        (AppliedRecord(interface="wg0", index=8), False),
        (AppliedRecord(interface="wg1", index=7), False),
    ],
)
def test_a_record_stands_only_for_the_interface_it_is_about(
    record: AppliedRecord, stands: bool
) -> None:
    assert (standing_record(record, RUNNING) is record) == stands


def test_no_record_stands_for_an_interface_that_is_to_be_created() -> None:
    assert standing_record(AppliedRecord(interface="wg0", index=7), None) is None


@given(applied_records())
def test_a_record_that_is_written_reads_as_the_same(record: AppliedRecord) -> None:
    assert decode_record(encode_record(record)) == record


def test_a_record_has_no_secrets() -> None:
    preshared_key = PresharedKey(bytes([9]) * 32)
    desired = InterfaceConfig(
        name="wg0",
        wireguard=WireGuardConfig(
            private_key=PRIVATE_KEYS[0],
            peers=(PeerConfig(public_key=LAPTOP, preshared_key=preshared_key, endpoint=NUMBER),),
        ),
        commands=(Command("login --password hunter2"),),
    )
    text = encode_record(record_of(desired, 7, None, {}))
    for secret in (PRIVATE_KEYS[0], preshared_key):
        assert secret.to_base64() not in text
        assert secret.to_hex() not in text
    assert "hunter2" not in text
    assert digest_of(desired.commands[0]) in text


GOOD = '{"version": 1, "interface": "wg0", "index": 7, "endpoints": {}, "commands": []}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        GOOD.replace('"version": 1', '"version": 2'),
        GOOD.replace('"wg0"', "0"),
        GOOD.replace("7", "7.5"),
        GOOD.replace("{}", "[]"),
        GOOD.replace("{}", '{"key": null}'),
        GOOD.replace("[]", "[5]"),
        GOOD.replace("[]", '[["0123"]]'),
        GOOD.replace("[]", '[["0123", null]]'),
        GOOD.replace("[]", '[], "routes": null'),
        GOOD.replace("[]", '[], "routes": [5]'),
        GOOD.replace("[]", '[], "routes": [[0, "10.0.0.0/8"]]'),
        GOOD.replace("[]", '[], "routes": [[0, "10.0.0.1/8", 8]]'),
        GOOD.replace("[]", '[], "routes": [[0, "10.0.0.0/8", "8"]]'),
        GOOD.replace("[]", '[], "items": []'),
        GOOD.replace("[]", '[], "items": {"mtu": 1420}'),
        GOOD + "x",
        "[" * 100_000,
        "9" * 10_000,
    ],
)
def test_anything_else_is_no_record(text: str) -> None:
    decode_record(GOOD)
    with pytest.raises(ValueError):
        decode_record(text)


def test_a_record_without_routes_is_one_of_before_there_were_any() -> None:
    assert decode_record(GOOD).routes == ()
    routes = GOOD.replace("[]", '[], "routes": [[3, "10.0.0.0/8", 9]]')
    assert decode_record(routes).routes == (RouteKey(3, ip_network("10.0.0.0/8"), 9),)


BEGINNINGS = [GOOD[:length] for length in range(len(GOOD) + 1)]
json_values = st.sampled_from([None, True, 7, 0.5, "text", [], ["text"], {}, {"key": "value"}])
near_records = st.fixed_dictionaries(
    {"version": st.just(1) | json_values},
    optional={
        "interface": st.just("wg0") | json_values,
        "index": st.just(7) | json_values,
        "endpoints": st.dictionaries(st.text(max_size=5), json_values) | json_values,
        "commands": st.lists(json_values) | json_values,
        "routes": st.lists(
            st.tuples(st.just(0), st.sampled_from(["10.0.0.0/8", "::/0", "::1/8"]), json_values)
            | json_values
        )
        | json_values,
        "items": st.dictionaries(st.text(max_size=5), st.text(max_size=3) | json_values)
        | json_values,
    },
)


@given(st.text() | near_records.map(json.dumps) | st.sampled_from(BEGINNINGS))
def test_no_text_makes_reading_raise_anything_but_a_value_error(text: str) -> None:
    try:
        record = decode_record(text)
    except ValueError:
        return
    assert decode_record(encode_record(record)) == record
