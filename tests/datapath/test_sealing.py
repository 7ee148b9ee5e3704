"""Messages end to end, opened again one by one."""

from __future__ import annotations

import os

import pytest

from netstart_wg.datapath.sealing import Sealer
from netstart_wg.protocol.crypto import open_sealed
from netstart_wg.protocol.keypair import Keypair
from netstart_wg.protocol.noise import SessionKeys

KEY = bytes(range(32))


class OlderCipher:
    """As cryptography 38 has it."""

    def __init__(self, cipher: object) -> None:
        self.encrypt = cipher.encrypt  # type: ignore[attr-defined]


def keypair(remote_index: int = 0xA1B2C3D4) -> Keypair:
    keys = SessionKeys(sending=KEY, receiving=KEY)
    return Keypair.of(
        keys, local_index=1, remote_index=remote_index, is_initiator=True, created_ns=0
    )


@pytest.mark.parametrize("is_older", [False, True], ids=["encrypt_into", "without"])
def test_any_number_of_any_length_after_any_other_is_opened_as_it_was(is_older: bool) -> None:
    sealer, one, other = Sealer(), keypair(), keypair(77)
    if is_older:
        one.sending = OlderCipher(one.sending)  # type: ignore[assignment]
    counter = one.send_counter = 2**32 - 20
    for count, length, last in (
        (1, 0, 0), (64, 96, 96), (3, 96, 16), (40, 1420, 1420), (40, 1420, 700), (64, 96, 0),
        (5, 1420, 1), (1, 1420, 1420), (44, 1420, 1420), (2, 32, 32), (1, 65535, 65535),
    ):  # fmt: skip
        packets = [os.urandom(length) for _ in range(count - 1)] + [os.urandom(last)]
        messages, size = sealer.seal(one, packets)
        laid = bytes(messages)
        assert size == length + 32
        assert len(laid) == (count - 1) * size + last + 32
        for number, packet in enumerate(packets):
            message = laid[number * size : (number + 1) * size]
            assert message[:8] == bytes.fromhex("04000000 d4c3b2a1")
            assert message[8:16] == (counter + number).to_bytes(8, "little")
            assert open_sealed(KEY, counter + number, message[16:], b"") == packet
        counter += count
        assert one.send_counter == counter
        if count % 3 == 0:  # now and then something of another peer is between
            others, _ = sealer.seal(other, [bytes(length)] * count)
            assert bytes(others[4:8]) == b"\x4d\0\0\0"


def test_each_message_begins_with_its_own_receiver_whatever_was_there_before() -> None:
    sealer, one, other = Sealer(), keypair(1), keypair(2)
    for pair, count, length in (
        (one, 2, 64), (one, 9, 64), (other, 1, 64), (one, 9, 64), (one, 3, 16), (one, 9, 64),
        (other, 9, 64), (one, 1, 32), (other, 9, 64),
    ):  # fmt: skip
        messages, size = sealer.seal(pair, [os.urandom(length)] * count)
        begins = [bytes(messages[at : at + 8]) for at in range(0, len(messages), size)]
        assert begins == [b"\4\0\0\0" + bytes([pair.remote_index, 0, 0, 0])] * count
