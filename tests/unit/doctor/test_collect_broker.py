"""Facts that need no broker: connections, and the search for the time of a record."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from stream.demo.runner import free_port
from stream.doctor.collect_broker import collect_broker, find_record_times
from stream.doctor.facts import TopicPartition
from stream.settings import Settings
from tests.support.doctor_facts import NOW_MS


def test_without_a_usable_address_nothing_is_queried() -> None:
    facts = collect_broker(Settings(broker=f"127.0.0.1:{free_port()},127.0.0.1:{free_port()}"))
    assert facts.error == "none of the brokers can be used"
    assert [(server.error or "").partition(",")[0] for server in facts.servers] == ["connection refused"] * 2
    assert {server.advice for server in facts.servers} == {"start Kafka, or correct the address in STREAM_BROKER"}


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
