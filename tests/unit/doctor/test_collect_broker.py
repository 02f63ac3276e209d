"""What can be asked without a broker: addresses, patience, and the search for a record's time."""

from __future__ import annotations

import socket
import threading
from bisect import bisect_left
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.demo.runner import free_port
from stream.doctor.collect_broker import ask_broker, reach, times_of, within
from stream.doctor.facts import TopicPartition
from stream.settings import Settings
from tests.support.doctor_facts import NOW_MS


def test_addresses_are_told_in_their_order() -> None:
    closed = f"127.0.0.1:{free_port()}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        opened = f"127.0.0.1:{server.getsockname()[1]}"
        first, second, third = reach([closed, opened, "nowhere.invalid:9092"])
    assert (first.address, first.seconds, first.error) == (closed, None, "connection refused")
    assert (second.address, second.error) == (opened, None)
    assert second.seconds is not None
    assert third.error
    assert reach([]) == ()


def test_where_nobody_listens_nothing_more_is_tried() -> None:
    facts = ask_broker(Settings(broker=f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}"))
    assert facts.error == "no address can be reached"
    assert [server.error for server in facts.servers] == ["connection refused"] * 2


def test_patience_has_an_end() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.01, never.wait)
    never.set()
    assert within(60, lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 // 0)


#: Seconds before now at which the records of one partition were made, the newest last.
_AGES = st.lists(st.integers(-1000, 300 * 86_400), min_size=1, max_size=30).map(lambda ages: sorted(ages, reverse=True))


class Partitions:
    """Answers as ListOffsets does: the first record that is not older."""

    def __init__(self, times: Mapping[TopicPartition, list[int]]) -> None:
        self._times = times

    def first_since(self, asked: Mapping[TopicPartition, int]) -> dict[TopicPartition, tuple[int, int]]:
        found = {}
        for place, time_ms in asked.items():
            times = self._times[place]
            offset = bisect_left(times, time_ms)
            found[place] = (offset, times[offset]) if offset < len(times) else (-1, -1)
        return found


@given(st.lists(_AGES, min_size=1, max_size=3), st.data())
def test_the_time_of_a_record_is_found_without_reading_it(ages: list[list[int]], data: st.DataObject) -> None:
    times = {TopicPartition("t", number): [NOW_MS - age * 1000 for age in one] for number, one in enumerate(ages)}
    wanted = {place: data.draw(st.integers(0, len(one) - 1)) for place, one in times.items()}
    found = times_of(wanted, Partitions(times).first_since, now_ms=NOW_MS)
    assert found == {place: times[place][offset] for place, offset in wanted.items()}
