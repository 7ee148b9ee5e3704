"""Addresses as ifconfig(8) and inet_net_pton(3) of OpenBSD read them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import hypothesis.strategies as st
import pytest
from hypothesis import given

from netstart_wg.model.address import Endpoint, EndpointName
from netstart_wg.syntax import address_values
from netstart_wg.syntax.address_values import no_service
from netstart_wg.syntax.messages import Message
from netstart_wg.syntax.mistake import Mistake
from netstart_wg.syntax.words import Word


def word(value: str) -> Word:
    return Word(value, value, 0)


# ---- allowed IPs ----


@pytest.mark.parametrize(
    ("value", "network"),
    [
        ("10.0.0.2/32", "10.0.0.2/32"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("0/0", "0.0.0.0/0"),
        ("10/8", "10.0.0.0/8"),
        ("192.168/16", "192.168.0.0/16"),
        ("010.0.0.1", "10.0.0.1/32"),
        ("10.0.0.2", "10.0.0.2/32"),
        ("10.0.0", "10.0.0.0/24"),
        ("10.1", "10.1.0.0/16"),
        ("10", "10.0.0.0/8"),
        ("128", "128.0.0.0/16"),
        ("192", "192.0.0.0/24"),
        ("192.0.2", "192.0.2.0/24"),
        ("224", "224.0.0.0/8"),
        ("240", "240.0.0.0/32"),
        ("0x0a000000/8", "10.0.0.0/8"),
        ("0XC0A8", "192.168.0.0/24"),
        ("0xa", "160.0.0.0/16"),
        ("224.0.0.5/32", "224.0.0.5/32"),
        ("10.0.0.0/08", "10.0.0.0/8"),
        ("fd00::2", "fd00::2/128"),
        ("fd00::/8", "fd00::/8"),
        ("::/0", "::/0"),
        ("::ffff:10.0.0.1/128", "::ffff:10.0.0.1/128"),
    ],
)
def test_an_allowed_ip_is_read(value: str, network: str) -> None:
    assert address_values.allowed_ip(word(value)) == (ip_network(network), False)


@pytest.mark.parametrize(
    ("value", "network"),
    [
        ("10.0.0.2/24", "10.0.0.0/24"),
        ("10.0.0.2/0", "0.0.0.0/0"),
        ("fd00::2/64", "fd00::/64"),
        ("fd00::3/127", "fd00::2/127"),
    ],
)
def test_bits_beyond_the_prefix_are_cleared_and_told_of(value: str, network: str) -> None:
    assert address_values.allowed_ip(word(value)) == (ip_network(network), True)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", Message.BAD_ALLOWED_IP),
        ("any", Message.BAD_ALLOWED_IP),
        ("10.0.0.256", Message.BAD_ALLOWED_IP),
        ("1.2.3.4.5", Message.BAD_ALLOWED_IP),
        ("10..1", Message.BAD_ALLOWED_IP),
        ("10./8", Message.BAD_ALLOWED_IP),
        ("10.0.0.0/", Message.BAD_ALLOWED_IP),
        ("10.0.0.0/8/8", Message.BAD_ALLOWED_IP),
        ("10.0.0.0/255.0.0.0", Message.BAD_ALLOWED_IP),
        ("/8", Message.BAD_ALLOWED_IP),
        ("0x/8", Message.BAD_ALLOWED_IP),
        ("0x0a00000000/8", Message.BAD_ALLOWED_IP),
        ("\u0661\u0660/8", Message.BAD_ALLOWED_IP),
        ("fe80::1%eth0", Message.BAD_ALLOWED_IP),
        ("fd00::1::/64", Message.BAD_ALLOWED_IP),
        ("10.0.0.0/8,fd00::/8", Message.SEVERAL_ALLOWED_IPS),
        ("10.0.0.0/33", Message.OUT_OF_RANGE),
        ("10/" + "9" * 5000, Message.OUT_OF_RANGE),
        ("fd00::/129", Message.OUT_OF_RANGE),
        ("fd00::/", Message.NOT_A_NUMBER),
        ("fd00::/x", Message.NOT_A_NUMBER),
    ],
)
def test_what_is_no_allowed_ip_is_refused(value: str, message: Message) -> None:
    with pytest.raises(Mistake) as caught:
        address_values.allowed_ip(word(value))
    assert caught.value.message is message


@given(st.ip_addresses(), st.integers(0, 32))
def test_a_whole_address_with_a_length_means_what_the_standard_library_says(
    address: IPv4Address | IPv6Address, length: int
) -> None:
    text = f"{address}/{length}"
    network = ip_network(text, strict=False)
    is_exact = network.network_address == address
    assert address_values.allowed_ip(word(text)) == (network, not is_exact)


def test_the_place_of_a_bad_length_is_the_length() -> None:
    with pytest.raises(Mistake) as caught:
        address_values.allowed_ip(Word("10.0.0.0/33", "10.0.0.0/33", 6))
    assert (caught.value.start, caught.value.end) == (15, 17)


def test_the_place_of_a_bad_length_in_quotes_is_the_word() -> None:
    with pytest.raises(Mistake) as caught:
        address_values.allowed_ip(Word("'10.0.0.0/33'", "10.0.0.0/33", 6))
    assert (caught.value.start, caught.value.end) == (6, 19)


# ---- addresses of interfaces ----


def test_address_and_length_have_places_of_their_own() -> None:
    address, length = address_values.split_length(Word("10.0.0.1/24", "10.0.0.1/24", 5))
    assert (address, length) == (Word("10.0.0.1", "10.0.0.1", 5), Word("24", "24", 14))


def test_address_and_length_in_quotes_share_a_place() -> None:
    address, length = address_values.split_length(Word("'10.0.0.1/24'", "10.0.0.1/24", 5))
    assert length is not None
    assert (address.value, length.value) == ("10.0.0.1", "24")
    assert (address.start, address.end) == (length.start, length.end) == (5, 18)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("10.0.0", Message.NOT_IPV4),
        ("010.0.0.1", Message.NOT_IPV4),
        ("host.example.net", Message.NOT_IPV4),
        ("", Message.NOT_IPV4),
        ("fd00::1", Message.OTHER_FAMILY),
        ("0.0.0.0", Message.UNUSABLE_ADDRESS),
        ("255.255.255.255", Message.UNUSABLE_ADDRESS),
        ("224.0.0.1", Message.UNUSABLE_ADDRESS),
    ],
)
def test_what_cannot_be_an_ipv4_address_of_an_interface_is_refused(
    value: str, message: Message
) -> None:
    with pytest.raises(Mistake) as caught:
        address_values.interface_ipv4(word(value))
    assert caught.value.message is message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("fd00", Message.NOT_IPV6),
        ("10.0.0.1", Message.OTHER_FAMILY),
        ("fe80::1%wg0", Message.SCOPED_ADDRESS),
        ("::", Message.UNUSABLE_ADDRESS),
        ("ff02::1", Message.UNUSABLE_ADDRESS),
    ],
)
def test_what_cannot_be_an_ipv6_address_of_an_interface_is_refused(
    value: str, message: Message
) -> None:
    with pytest.raises(Mistake) as caught:
        address_values.interface_ipv6(word(value))
    assert caught.value.message is message


@pytest.mark.parametrize(
    ("value", "length"),
    [
        ("255.255.255.0", 24),
        ("255.255.255.255", 32),
        ("128.0.0.0", 1),
        ("0xffffff00", 24),
        ("0XFFFFFFFF", 32),
        ("0xfffffffc", 30),
    ],
)
def test_a_netmask_is_read(value: str, length: int) -> None:
    assert address_values.netmask_length(word(value), IPv4Address("10.0.0.1")) == length


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("24", Message.BAD_NETMASK),
        ("0x", Message.BAD_NETMASK),
        ("0xffffffff0", Message.BAD_NETMASK),
        ("ffffff00", Message.BAD_NETMASK),
        ("255.255.0.255", Message.GAPS_IN_NETMASK),
        ("0.0.0.255", Message.GAPS_IN_NETMASK),
        ("0.0.0.0", Message.GAPS_IN_NETMASK),
        ("0xff", Message.GAPS_IN_NETMASK),
    ],
)
def test_what_is_no_netmask_is_refused(value: str, message: Message) -> None:
    with pytest.raises(Mistake) as caught:
        address_values.netmask_length(word(value), IPv4Address("10.0.0.1"))
    assert caught.value.message is message


@pytest.mark.parametrize(
    ("address", "length"),
    [("10.0.0.1", 8), ("127.0.0.1", 8), ("128.0.0.1", 16), ("191.255.0.1", 16), ("192.0.2.1", 24),
     ("223.0.0.1", 24), ("250.0.0.1", 24)],
)  # fmt: skip
def test_an_address_without_a_length_has_that_of_its_class(address: str, length: int) -> None:
    assert address_values.classful_length(IPv4Address(address)) == length


# ---- endpoints ----


@pytest.mark.parametrize(
    ("host", "endpoint"),
    [
        ("192.0.2.1", Endpoint(ip_address("192.0.2.1"), 51820)),
        ("2001:db8::1", Endpoint(ip_address("2001:db8::1"), 51820)),
        ("fe80::1%3", Endpoint(ip_address("fe80::1"), 51820, 3)),
        ("fe80::1%eth0", EndpointName("fe80::1%eth0", 51820)),
        ("fe80::1%9999999999", EndpointName("fe80::1%9999999999", 51820)),
        ("vpn.example.net", EndpointName("vpn.example.net", 51820)),
        ("vpn.example.net.", EndpointName("vpn.example.net.", 51820)),
        ("my_host-1", EndpointName("my_host-1", 51820)),
        ("b\u00fccher.example", EndpointName("b\u00fccher.example", 51820)),
        ("1e100.net", EndpointName("1e100.net", 51820)),
    ],
)
def test_an_endpoint_is_read(host: str, endpoint: Endpoint | EndpointName) -> None:
    assert address_values.endpoint(word(host), word("51820"), no_service) == endpoint


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("", Message.BAD_HOST),
        ("10.0.0.256", Message.BAD_HOST),
        ("127.1", Message.BAD_HOST),
        ("-x.example", Message.BAD_HOST),
        ("a..b", Message.BAD_HOST),
        ("a/b", Message.BAD_HOST),
        (".".join(["x" * 63] * 4), Message.BAD_HOST),
        ("x" * 64, Message.BAD_HOST),
        ("two words", Message.BAD_HOST),
        ("fe80::1%", Message.BAD_HOST),
        ("fe80::1%" + "x" * 16, Message.BAD_HOST),
        ("fe80::1%a b", Message.BAD_HOST),
        ("2001:db8:::1", Message.BAD_HOST),
        ("vpn.example.net:51820", Message.ENDPOINT_IN_ONE_WORD),
        ("vpn.example.net:domain", Message.ENDPOINT_IN_ONE_WORD),
        ("2001:db8::1:51820", Message.ENDPOINT_IN_ONE_WORD),
        ("[2001:db8::1]:domain", Message.ENDPOINT_IN_ONE_WORD),
        ("192.0.2.1:51820", Message.ENDPOINT_IN_ONE_WORD),
        ("a..b:7", Message.BAD_HOST),
        ("[2001:db8::1]", Message.BRACKETED_HOST),
    ],
)
def test_what_is_no_host_is_refused(host: str, message: Message) -> None:
    with pytest.raises(Mistake) as caught:
        address_values.endpoint(word(host), word("51820"), no_service)
    assert caught.value.message is message


@pytest.mark.parametrize("port", ["0", "65536", "-1", ""])
def test_what_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(Mistake) as caught:
        address_values.endpoint(word("192.0.2.1"), word(port), no_service)
    assert caught.value.message in (Message.NOT_A_NUMBER, Message.OUT_OF_RANGE)


def test_a_port_may_be_the_name_of_a_service() -> None:
    ports = {"https": 443, "3com-tsmux": 106}
    for name, port in ports.items():
        found = address_values.endpoint(word("192.0.2.1"), word(name), ports.get)
        assert found == Endpoint(ip_address("192.0.2.1"), port)


@pytest.mark.parametrize("name", ["wireguard", "0x10", "a.b+c_d-e"])
def test_a_service_that_nobody_knows_is_refused(name: str) -> None:
    with pytest.raises(Mistake) as caught:
        address_values.endpoint(word("192.0.2.1"), word(name), no_service)
    assert caught.value.message is Message.UNKNOWN_SERVICE


@pytest.mark.parametrize(
    ("text", "halves"),
    [
        ("vpn.example.net:51820", ("vpn.example.net", "51820")),
        ("192.0.2.1:1", ("192.0.2.1", "1")),
        ("[2001:db8::1]:51820", ("2001:db8::1", "51820")),
        ("[fe80::1%eth0]:7", ("fe80::1%eth0", "7")),
    ],
)
def test_host_and_port_in_one_word_have_places_of_their_own(
    text: str, halves: tuple[str, str]
) -> None:
    found = address_values.split_host_and_port(Word(text, text, 20))
    assert found is not None
    assert tuple(half.value for half in found) == halves
    assert all(text[half.start - 20 : half.end - 20] == half.raw for half in found)


def test_host_and_port_in_quotes_share_a_place() -> None:
    found = address_values.split_host_and_port(Word("'a:1'", "a:1", 20))
    assert found == (Word("'a:1'", "a", 20), Word("'a:1'", "1", 20))


@pytest.mark.parametrize(
    "text", ["2001:db8::1", "::1", "a", "a:", ":1", "a:b", "[::1]", "[::1]:", "[a]1", "a:1:2"]
)
def test_what_is_not_host_and_port_stays_whole(text: str) -> None:
    assert address_values.split_host_and_port(word(text)) is None


def test_a_broadcast_address_is_any_address() -> None:
    assert address_values.broadcast_address(word("10.0.0.255")) == IPv4Address("10.0.0.255")
    with pytest.raises(Mistake) as caught:
        address_values.broadcast_address(word("NONE"))
    assert caught.value.message is Message.BAD_BROADCAST
