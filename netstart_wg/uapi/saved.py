"""What an engine leaves to its successor: text ↔ values.

    a reply to `get=1`, with some keys more        SavedDevice
      state=1                                        first of all: what this is
      sockets_namespace=INODE
      restorations=N
      public_key=…                                   of a peer, after what a reply says
        latest_timestamp=TAI64N in hex
        latest_date_sent=NANOSECONDS

    sessions=1                                     SavedSession, peer by peer
      public_key=…
        current=INDEX INDEX initiator|responder BORN may-send|receives COUNTER KEY KEY N N HEX
        previous=… next=…                            the same; the last three are the replay window
        timer=NAME DUE
        …

Configuration is what every version reads: keys that are unknown are passed over.
Sessions of another version are none.  No message contains a key.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Final

from netstart_wg.model.keys import PublicKey, SessionKey
from netstart_wg.model.saved import (
    NO_TIMESTAMP,
    TIMESTAMP_LENGTH,
    SavedDevice,
    SavedKeypair,
    SavedPeer,
    SavedReplay,
    SavedSession,
)
from netstart_wg.uapi.lines import (
    U32_MAX,
    U64_MAX,
    UapiError,
    format_lines,
    parse_key,
    parse_number,
    split_line,
)
from netstart_wg.uapi.replies import decode_get, own_lines, peer_lines

_STATE: Final = "state=1"
_SESSIONS: Final = "sessions=1"
_INITIATOR, _RESPONDER = "initiator", "responder"
_MAY_SEND, _RECEIVES = "may-send", "receives"
_REPLAY_MAX: Final = (1 << 64) + 1

# -- configuration and memory ----------------------------------------------------------------


def encode_head(saved: SavedDevice) -> str:
    """Write what comes before the peers."""
    lines = [_STATE, *own_lines(saved.state), f"restorations={saved.restorations}"]
    if saved.sockets_namespace is not None:
        lines.append(f"sockets_namespace={saved.sockets_namespace}")
    return _joined(lines)


def encode_peer(peer: SavedPeer) -> str:
    """Write one peer."""
    lines = list(peer_lines(peer.state))
    if peer.latest_timestamp != NO_TIMESTAMP:
        lines.append(f"latest_timestamp={peer.latest_timestamp.hex()}")
    if peer.latest_date_sent_ns:
        lines.append(f"latest_date_sent={peer.latest_date_sent_ns}")
    return _joined(lines)


TAIL: Final = format_lines(["errno=0"])
"""What comes after the peers; without it the text is cut short."""


def encode_saved(saved: SavedDevice) -> str:
    """Write all of it at once."""
    return "".join([encode_head(saved), *map(encode_peer, saved.peers), TAIL])


def decode_saved(text: str) -> SavedDevice:
    """Read it; raise UapiError for what is cut short, or has a bad value."""
    state = decode_get(text)
    own: dict[str, int] = {}
    timestamps: dict[PublicKey, bytes] = {}
    dates: dict[PublicKey, int] = {}
    public_key: PublicKey | None = None
    for line in text.split("\n"):
        key, _, value = line.partition("=")
        match key:
            case "public_key":
                public_key = parse_key(PublicKey, key, value)
            case "restorations" | "sockets_namespace":
                own[key] = parse_number(key, value, U64_MAX)
            case "latest_timestamp" if public_key is not None:
                timestamps[public_key] = _octets(key, value, TIMESTAMP_LENGTH)
            case "latest_date_sent" if public_key is not None:
                dates[public_key] = parse_number(key, value, U64_MAX)
            case _:
                pass
    return SavedDevice(
        state=replace(state, peers=()),
        peers=tuple(
            SavedPeer(
                state=peer,
                latest_timestamp=timestamps.get(peer.public_key, NO_TIMESTAMP),
                latest_date_sent_ns=dates.get(peer.public_key, 0),
            )
            for peer in state.peers
        ),
        sockets_namespace=own.get("sockets_namespace"),
        restorations=own.get("restorations", 0),
    )


# -- sessions --------------------------------------------------------------------------------


def encode_sessions(sessions: Iterable[SavedSession]) -> Iterator[str]:
    """Write sessions, a piece of text each, and what comes before and after."""
    yield _joined([_SESSIONS])
    for session in sessions:
        yield _joined(_session_lines(session))
    yield TAIL


def decode_sessions(text: str) -> tuple[SavedSession, ...]:
    """Read them; none of another version.  Raise UapiError for what is not as it should be."""
    if not text.startswith(_SESSIONS + "\n"):
        return ()
    if not text.endswith("\n" + TAIL):
        raise UapiError(errno.EPROTO, "the sessions are cut short")
    readings: list[_Reading] = []
    for line in text.removesuffix(TAIL).split("\n")[1:-1]:
        key, value = split_line(line)
        if key == "public_key":
            readings.append(_Reading(parse_key(PublicKey, key, value)))
        elif readings:
            readings[-1].take(key, value)
    return tuple(each.session() for each in readings)


def _session_lines(session: SavedSession) -> Iterator[str]:
    yield f"public_key={session.public_key.to_hex()}"
    slots = ("previous", session.previous), ("current", session.current), ("next", session.next)
    for name, keypair in slots:
        if keypair is not None:
            yield f"{name}={_keypair_words(keypair)}"
    for name, due_ns in session.deadlines:
        yield f"timer={name} {due_ns}"
    if session.initiation_sent_ns is not None:
        yield f"initiation_sent={session.initiation_sent_ns}"
    if session.initiation_consumed_ns is not None:
        yield f"initiation_consumed={session.initiation_consumed_ns}"
    if session.is_initiating:
        yield "is_initiating=1"
    if session.sent_last_minute_handshake:
        yield "sent_last_minute_handshake=1"
    if session.source is not None:
        yield f"source={session.source}"
    if session.interface:
        yield f"interface={session.interface}"
    for packet in session.staged:
        yield f"staged={packet.hex()}"


def _keypair_words(keypair: SavedKeypair) -> str:
    replay = keypair.replay
    return " ".join(
        (
            str(keypair.local_index),
            str(keypair.remote_index),
            _INITIATOR if keypair.is_initiator else _RESPONDER,
            str(keypair.created_ns),
            _MAY_SEND if keypair.may_send else _RECEIVES,
            str(keypair.send_counter),
            keypair.sending.to_hex(),
            keypair.receiving.to_hex(),
            str(replay.next),
            str(replay.run_start),
            f"{replay.seen:x}",
        )
    )


def _keypair(slot: str, value: str) -> SavedKeypair:
    try:
        return _keypair_of(slot, value)
    except UapiError:  # which may quote a word that is out of its place
        raise UapiError(errno.EINVAL, f"bad value of {slot}") from None


def _keypair_of(slot: str, value: str) -> SavedKeypair:
    words = value.split(" ")
    if len(words) != 11 or words[2] not in (_INITIATOR, _RESPONDER):
        raise UapiError(errno.EINVAL, f"bad value of {slot}")
    local, remote, role, born, sends, counter, sending, receiving, top, run, seen = words
    return SavedKeypair(
        local_index=parse_number(slot, local, U32_MAX),
        remote_index=parse_number(slot, remote, U32_MAX),
        is_initiator=role == _INITIATOR,
        created_ns=parse_number(slot, born, U64_MAX),
        sending=parse_key(SessionKey, slot, sending),
        receiving=parse_key(SessionKey, slot, receiving),
        may_send=sends == _MAY_SEND,
        send_counter=parse_number(slot, counter, U64_MAX),
        replay=SavedReplay(
            next=parse_number(slot, top, _REPLAY_MAX),
            run_start=parse_number(slot, run, _REPLAY_MAX),
            seen=int.from_bytes(_octets(slot, seen.zfill(len(seen) + len(seen) % 2))),
        ),
    )


@dataclass(slots=True)
class _Reading:
    """What a text has said of one peer so far."""

    public_key: PublicKey
    slots: dict[str, SavedKeypair] = field(default_factory=dict)
    deadlines: list[tuple[str, int]] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    source: str | None = None
    staged: list[bytes] = field(default_factory=list)

    def take(self, key: str, value: str) -> None:
        match key:
            case "previous" | "current" | "next":
                self.slots[key] = _keypair(key, value)
            case "timer":
                name, _, due = value.partition(" ")
                self.deadlines.append((name, parse_number(key, due, U64_MAX)))
            case "source":
                self.source = value
            case "staged":
                self.staged.append(_octets(key, value))
            case "public_key" | "":
                raise UapiError(errno.EPROTO, "no line of a session")
            case _:
                self.numbers[key] = parse_number(key, value, U64_MAX)

    def session(self) -> SavedSession:
        try:
            source = None if self.source is None else ip_address(self.source)
        except ValueError:
            raise UapiError(errno.EINVAL, "bad value of source") from None
        return SavedSession(
            public_key=self.public_key,
            previous=self.slots.get("previous"),
            current=self.slots.get("current"),
            next=self.slots.get("next"),
            deadlines=tuple(self.deadlines),
            initiation_sent_ns=self.numbers.get("initiation_sent"),
            initiation_consumed_ns=self.numbers.get("initiation_consumed"),
            is_initiating="is_initiating" in self.numbers,
            sent_last_minute_handshake="sent_last_minute_handshake" in self.numbers,
            source=source,
            interface=self.numbers.get("interface", 0),
            staged=tuple(self.staged),
        )


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _octets(key: str, value: str, length: int | None = None) -> bytes:
    try:
        octets = bytes.fromhex(value)
    except ValueError:
        octets = None
    if octets is None or length not in (None, len(octets)):
        raise UapiError(errno.EINVAL, f"bad value of {key}")
    return octets
