"""One deadline for many peers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netstart_wg.protocol.forwarding import PeerId
from netstart_wg.protocol.schedule import Schedule

ONE = PeerId(1)
PEERS = st.integers(1, 5).map(PeerId)
TIMES = st.integers(0, 50)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), PEERS, TIMES),
        st.tuples(st.just("forget"), PEERS, st.none()),
        st.tuples(st.just("take"), st.none(), TIMES),
    )
)


@given(STEPS)
def test_it_agrees_with_a_table_of_the_earliest_time_of_each_peer(
    steps: list[tuple[str, PeerId, int]],
) -> None:
    schedule, table = Schedule(), dict[PeerId, int]()
    for step, peer, time in steps:
        match step:
            case "enter":
                schedule.enter(peer, time)
                table[peer] = min(time, table.get(peer, time))
            case "forget":
                schedule.forget(peer)
                table.pop(peer, None)
            case _:
                due = {each: when for each, when in table.items() if when <= time}
                taken = schedule.take(time)
                assert (
                    taken is None if not due else table.pop(taken or PeerId(0)) == min(due.values())
                )
        assert schedule.next_deadline() == min(table.values(), default=None)


def test_a_peer_without_a_deadline_keeps_the_one_it_has() -> None:
    schedule = Schedule()
    schedule.enter(ONE, 7)
    schedule.enter(ONE, None)
    assert schedule.next_deadline() == 7


def test_deadlines_that_move_nearer_a_hundred_thousand_times_take_no_more_room() -> None:
    schedule = Schedule()
    for time in range(100_000, 0, -1):
        schedule.enter(ONE, time)
    assert len(schedule._entries) < 100
    assert schedule.next_deadline() == 1
