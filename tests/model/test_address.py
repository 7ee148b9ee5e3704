"""Addresses as the model reads them."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.model.address import ipv4_address


@given(st.text("0123456789. x", max_size=18) | st.ip_addresses(v=4).map(str))
def test_an_ipv4_address_is_read_as_the_standard_library_reads_it(text: str) -> None:
    def read(how: Callable[[str], IPv4Address]) -> IPv4Address | None:
        try:
            return how(text)
        except ValueError:
            return None

    assert read(ipv4_address) == read(IPv4Address)
