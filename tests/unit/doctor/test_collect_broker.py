"""Facts that need no broker: connections, the time-out, and the search for the time of a record."""

from __future__ import annotations

import socket
import threading
from bisect import bisect_left
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.demo.runner import free_port
from stream.doctor.collect_broker import collect_broker, connect_to_all, find_record_times, run_with_timeout
from stream.doctor.facts import TopicPartition
from stream.settings import Settings
from tests.support.doctor_facts import NOW_MS


def test_connections_are_reported_in_the_order_of_the_addresses() -> None:
    closed = f"127.0.0.1:{free_port()}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        first, second, third = connect_to_all([closed, address, "nowhere.invalid:9092"])
    assert (first.address, first.seconds, first.error) == (closed, None, "connection refused")
    assert (second.address, second.error) == (address, None)
    assert second.seconds is not None
    assert third.error
    assert connect_to_all([]) == ()


def test_without_a_reachable_address_nothing_is_queried() -> None:
    facts = collect_broker(Settings(broker=f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}"))
    assert facts.error == "no address can be reached"
    assert [server.error for server in facts.servers] == ["connection refused"] * 2


def test_work_that_takes_too_long_is_abandoned() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError):
        run_with_timeout(0.01, never.wait)
    never.set()
    assert run_with_timeout(60, lambda: 5) == 5
    with pytest.raises(ZeroDivisionError):
        run_with_timeout(60, lambda: 1 // 0)


#: Seconds before now at which the records of one partition were made, the newest last.
_AGES = st.lists(st.integers(-1000, 300 * 86_400), min_size=1, max_size=30).map(lambda ages: sorted(ages, reverse=True))


class Partitions:
    """Answers like ListOffsets: the first record that is not older."""

    def __init__(self, times: Mapping[TopicPartition, list[int]]) -> None:
        self._times = times

    def first_since(self, requested: Mapping[TopicPartition, int]) -> dict[TopicPartition, tuple[int, int]]:
        records = {}
        for tp, time_ms in requested.items():
            times = self._times[tp]
            offset = bisect_left(times, time_ms)
            records[tp] = (offset, times[offset]) if offset < len(times) else (-1, -1)
        return records


@given(st.lists(_AGES, min_size=1, max_size=3), st.data())
def test_the_time_of_a_record_is_found_by_bisection(ages: list[list[int]], data: st.DataObject) -> None:
    times = {
        TopicPartition("t", number): [NOW_MS - age * 1000 for age in partition] for number, partition in enumerate(ages)
    }
    positions = {tp: data.draw(st.integers(0, len(records) - 1)) for tp, records in times.items()}
    actual = find_record_times(positions, Partitions(times).first_since, now_ms=NOW_MS)
    assert actual == {tp: times[tp][offset] for tp, offset in positions.items()}
