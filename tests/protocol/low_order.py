"""The seven public keys that make every shared secret zero, as netns.sh of Linux lists them."""

from __future__ import annotations

from netstart_wg.model.keys import PublicKey

P = 2**255 - 19

LOW_ORDER_KEYS = [
    *(PublicKey(u.to_bytes(32, "little")) for u in (0, 1, P - 1, P, P + 1)),
    # The two u-coordinates of the points of order eight.
    PublicKey.from_hex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    PublicKey.from_hex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
]
