"""Differences as people read them: a diff, and a line each for a monitoring system."""

from __future__ import annotations

from dataclasses import replace

from netstart_wg.model.difference import Difference, Effect, Reason
from netstart_wg.model.source import Span
from netstart_wg.render.differences import render_check, render_diff

KEY = "CwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCws="
MTU = Difference(
    interface="wg0",
    subject=("mtu",),
    before="mtu 1420",
    after="mtu 1380",
    effect=Effect.IN_PLACE,
    reason=Reason.PENDING,
    place=("/etc/hostname.wg0", Span(5, 1, 8)),
)
PEER = Difference(
    interface="wg0",
    subject=("wgpeer", KEY),
    before=f"wgpeer {KEY} wgdescr laptop",
    peer="laptop",
    effect=Effect.IN_PLACE,
    lost=("laptop",),
    reason=Reason.DRIFT,
)
OTHER_KEY = Difference(
    interface="wg0",
    subject=("wgkey",),
    before="wgkey (hidden)",
    after="wgkey (hidden)",
    effect=Effect.REKEY,
    lost=tuple(f"peer{number}" for number in range(12)),
    reason=Reason.PENDING,
)
MADE = Difference(
    interface="wg0",
    subject=("create",),
    after="create",
    effect=Effect.REBUILD,
    reason=Reason.DRIFT,
)


def diff(*differences: Difference) -> list[str]:
    return list(render_diff(differences))


def test_what_runs_comes_before_what_is_wanted_and_the_line_that_wants_it() -> None:
    assert diff(MTU) == ["wg0: - mtu 1420", f"wg0: {'+ mtu 1380':40}  # line 5"]


def test_what_somebody_else_has_done_is_called_drift() -> None:
    drift = replace(MTU, reason=Reason.DRIFT)
    assert diff(drift)[1].endswith("# drift, line 5")


def test_a_session_that_is_lost_has_a_mark_in_front() -> None:
    assert diff(PEER) == [f"wg0: ! - wgpeer {KEY} wgdescr laptop  # drift"]


def test_ten_of_the_sessions_that_end_are_named() -> None:
    lines = diff(OTHER_KEY)
    assert lines[:2] == ["wg0: ! - wgkey (hidden)", "wg0: ! + wgkey (hidden)"]
    assert lines[2] == (
        "wg0: ! ends the sessions of peer0, peer1, peer2, peer3, peer4, peer5, peer6, peer7,"
        " peer8, peer9 and 2 more"
    )


def test_one_session_is_named_alone() -> None:
    assert diff(replace(OTHER_KEY, lost=("laptop",)))[-1] == "wg0: ! ends the session of laptop"


def test_a_peer_is_named_behind_lines_that_have_only_its_key() -> None:
    keepalive = replace(
        PEER, subject=("wgpka", KEY), before=None, after=f"wgpeer {KEY} wgpka 25", lost=()
    )
    assert diff(keepalive) == [f"wg0: + wgpeer {KEY} wgpka 25  # drift, laptop"]


def test_a_new_interface_is_its_file_without_remarks() -> None:
    mtu = replace(MTU, before=None, reason=Reason.DRIFT)
    assert diff(MADE, mtu) == [f"wg0: {'+ create':40}  # drift", "wg0: + mtu 1380"]


def test_what_goes_up_was_down_before_needs_no_saying() -> None:
    up = replace(MTU, subject=("up",), before="down", after="up", place=None)
    assert diff(up) == ["wg0: + up"]


def test_what_comes_back_as_it_was_is_told_once() -> None:
    address = replace(MTU, subject=("inet", "10.0.0.1/24"), before="inet 10.0.0.1/24", place=None)
    again = replace(address, after=address.before)
    assert diff(again) == [f"wg0: {'+ inet 10.0.0.1/24':40}  # again"]


def test_a_command_that_left_the_file_stays_done() -> None:
    command = replace(MTU, subject=("!", "true"), before="!true", after=None, place=None)
    assert diff(command) == ["wg0: - !true (has run; cannot be undone)"]


def test_what_is_foreign_stays() -> None:
    line = f"wgpeer {KEY} wgdescr phone"
    foreign = replace(PEER, before=line, after=line, lost=(), peer="phone", reason=Reason.FOREIGN)
    assert diff(foreign) == [f"wg0: = {line}  # foreign"]
    assert list(render_check([foreign])) == []


def test_a_check_says_in_one_line_what_runs_instead_of_what_is_wanted() -> None:
    missing = replace(PEER, before=None, after=PEER.before, lost=())
    assert list(render_check([MTU, PEER, missing, OTHER_KEY])) == [
        "wg0: pending: mtu 1420 instead of mtu 1380 (line 5)",
        f"wg0: drift: extra: wgpeer {KEY} wgdescr laptop",
        f"wg0: drift: missing: wgpeer {KEY} wgdescr laptop",
        "wg0: pending: other: wgkey (hidden)",
    ]


def test_a_check_names_a_peer_once() -> None:
    line = f"wgpeer {KEY} wgpka"
    keepalive = replace(MTU, subject=("wgpka", KEY), before=f"{line} 25", after=f"{line} 10")
    (told,) = render_check([replace(keepalive, peer="laptop")])
    assert told == f"wg0: pending: wgpeer {KEY}: wgpka 25 instead of wgpka 10 (laptop, line 5)"


def test_a_check_leaves_out_what_comes_again() -> None:
    again = replace(MTU, subject=("up",), before="up", after="up")
    assert list(render_check([again])) == []


def test_a_peer_that_has_to_make_a_handshake_again_is_told_of() -> None:
    line = f"wgpeer {KEY} wgpsk (hidden)"
    secret = replace(
        PEER, subject=("wgpsk", KEY), before=line, after=line, lost=(), effect=Effect.REKEY
    )
    assert diff(secret) == [f"wg0: - {line}", f"wg0: + {line}  # drift, re-keys, laptop"]


def test_a_check_of_an_interface_that_is_not_there_says_no_more() -> None:
    assert list(render_check([MADE, MTU])) == ["wg0: drift: the interface is not there"]
    ended = replace(MADE, subject=("destroy",), after="destroy", reason=Reason.PENDING)
    assert list(render_check([ended])) == ["wg0: pending: the interface is there"]


def test_no_difference_is_no_line() -> None:
    assert diff() == list(render_check(())) == []


def test_a_name_that_somebody_else_has_given_cannot_look_like_a_line() -> None:
    name = "a\nwg0: + up\x1b[2J"
    description = replace(MTU, subject=("description",), before=f"description {name}", after=None)
    said = [*render_diff([description]), *render_check([description])]
    assert said == [
        f"wg0: {'- description a?wg0: + up?[2J':40}  # line 5",
        "wg0: pending: extra: description a?wg0: + up?[2J (line 5)",
    ]
