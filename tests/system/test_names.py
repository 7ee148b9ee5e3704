"""Without a resolver on the network: numeric hosts and names that cannot exist."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address

import pytest

from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.system.names import Unresolved, resolve, resolve_all, service_port

LOOPBACK_INDEX = socket.if_nametoindex("lo")


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [
        ("192.0.2.1", Endpoint(ip_address("192.0.2.1"), 51820)),
        ("2001:db8::1", Endpoint(ip_address("2001:db8::1"), 51820)),
        ("fe80::1%lo", Endpoint(ip_address("fe80::1"), 51820, LOOPBACK_INDEX)),
        (f"fe80::1%{LOOPBACK_INDEX}", Endpoint(ip_address("fe80::1"), 51820, LOOPBACK_INDEX)),
    ],
)
def test_a_numeric_host_is_its_own_address(host: str, endpoint: Endpoint) -> None:
    assert resolve(EndpointName(host, 51820)) == endpoint


def test_a_name_from_the_hosts_file_is_found() -> None:
    answer = resolve(EndpointName("localhost", 7))
    assert isinstance(answer, Endpoint)
    assert answer.address.is_loopback
    assert answer.port == 7


@pytest.mark.parametrize(
    "host",
    [
        "fe80::1%nosuchif0",
        "a" * 64 + ".example",
        "..",
        "\udcff",
        "x\x00y",
        "",
    ],
)
def test_a_host_without_address_is_a_value(host: str) -> None:
    name = EndpointName(host, 1)
    answer = resolve(name)
    assert isinstance(answer, Unresolved)
    assert answer.name == name
    assert answer.reason


def test_many_names_are_looked_up_and_each_has_its_answer() -> None:
    names = [EndpointName(f"192.0.2.{last}", last) for last in range(1, 101)]
    answers = resolve_all([*names, *names])
    assert list(answers) == names
    assert all(answers[name] == Endpoint(ip_address(name.host), name.port) for name in names)


def test_no_names_start_no_threads() -> None:
    before = threading.active_count()
    assert resolve_all([]) == {}
    assert threading.active_count() == before


def test_a_silent_resolver_is_not_waited_for_beyond_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silence = threading.Event()
    real = socket.getaddrinfo

    def keep_silent(host: str, *arguments: int, **named: int) -> object:
        if host == "silent.example":
            silence.wait(30)
        return real("192.0.2.1", *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", keep_silent)
    silent, other = EndpointName("silent.example", 1), EndpointName("other.example", 2)
    try:
        answers = resolve_all([silent, other], limit_seconds=0.2)
    finally:
        silence.set()
    assert answers[silent] == Unresolved(silent, "no answer in time")
    assert answers[other] == Endpoint(ip_address("192.0.2.1"), 2)


def test_a_service_has_its_port_for_udp() -> None:
    assert service_port("domain") == 53


@pytest.mark.parametrize("name", ["no-such-service", "http-no", "x" * 300])
def test_a_service_that_nobody_lists_has_no_port(name: str) -> None:
    assert service_port(name) is None
