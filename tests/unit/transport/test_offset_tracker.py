"""The offsets that are fetched, finished and committed. No broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.records import LogId, OutputRecord
from stream.core.log_position import LogPosition
from stream.errors import LogWentBack
from stream.transport.errors import OutOfOrderError
from stream.transport.memory.broker import MemoryBroker, StoredRecord
from stream.transport.offset_tracker import (
    BATCHES_IN_FLIGHT_MAX,
    FetchedRecords,
    OffsetTracker,
    PartitionStart,
)

if TYPE_CHECKING:
    from stream.transport.record_batch import RecordBatch

TP0 = TP("t", 0)


@dataclass
class Calls:
    """Counts calls."""

    count: int = 0

    def __call__(self) -> None:
        """Count one."""
        self.count += 1


def fetched(start: int, end: int, position: int | None = None) -> FetchedRecords:
    """Records of the offsets from start to before end."""
    records = [StoredRecord("t", 0, offset, 0, None, None, ()) for offset in range(start, end)]
    return FetchedRecords(records, end if position is None else position)


def new_tracker(position: int = 0, committed: int | None = 0) -> OffsetTracker:
    """A tracker that reads one partition."""
    tracker = OffsetTracker(Calls())
    tracker.restart({TP0: PartitionStart(position, committed, position)})
    return tracker


def track(tracker: OffsetTracker, fetch: FetchedRecords) -> RecordBatch:
    """Track a fetch that holds records."""
    batch = tracker.track(TP0, fetch)
    assert batch is not None
    return batch


def test_only_finished_batches_are_committable() -> None:
    tracker = new_tracker()
    batch = track(tracker, fetched(0, 5))
    assert tracker.committable_offsets() == {}
    batch.done()
    assert tracker.committable_offsets() == {TP0: 5}
    tracker.mark_committed(tracker.epoch, {TP0: 5})
    assert tracker.committable_offsets() == {}


def test_finishing_a_batch_twice_counts_once() -> None:
    tracker = new_tracker()
    batch = track(tracker, fetched(0, 5))
    batch.done()
    batch.done()
    assert tracker.finished_offsets() == {TP0: 5}


def test_finishing_out_of_order_is_refused_and_moves_nothing() -> None:
    tracker = new_tracker()
    first, second = track(tracker, fetched(0, 5)), track(tracker, fetched(5, 9))
    with pytest.raises(OutOfOrderError, match=r"\[0, 5\)"):
        second.done()
    assert tracker.finished_offsets() == {TP0: 0}
    first.done()
    second.done()
    assert tracker.finished_offsets() == {TP0: 9}


def test_a_batch_of_an_earlier_epoch_moves_nothing() -> None:
    tracker = new_tracker()
    batch = track(tracker, fetched(0, 5))
    tracker.clear()
    batch.done()
    tracker.restart({TP0: PartitionStart(0, 0, 0)})
    batch.done()
    assert tracker.finished_offsets() == {TP0: 0}


def test_a_commit_of_an_earlier_epoch_is_ignored() -> None:
    tracker = new_tracker()
    track(tracker, fetched(0, 5)).done()
    epoch = tracker.epoch
    tracker.restart({TP0: PartitionStart(0, 0, 0)})
    tracker.mark_committed(epoch, {TP0: 5})
    assert tracker.committable_offsets() == {}


def test_a_start_without_a_committed_offset_is_committable() -> None:
    assert new_tracker(position=7, committed=None).committable_offsets() == {TP0: 7}


def test_a_partition_is_not_fetched_while_enough_batches_are_in_flight() -> None:
    tracker = new_tracker()
    batches = [track(tracker, fetched(n, n + 1)) for n in range(BATCHES_IN_FLIGHT_MAX)]
    assert tracker.fetch_positions({TP0}) == {}
    batches[0].done()
    assert tracker.fetch_positions({TP0}) == {TP0: BATCHES_IN_FLIGHT_MAX}
    assert tracker.fetch_positions(set()) == {}


def test_finishing_a_batch_calls_on_capacity() -> None:
    calls = Calls()
    tracker = OffsetTracker(calls)
    tracker.restart({TP0: PartitionStart(0, 0, 0)})
    track(tracker, fetched(0, 1)).done()
    assert calls.count == 1


def test_gaps_belong_to_the_batch_before_them() -> None:
    tracker = new_tracker()
    assert tracker.track(TP0, fetched(0, 0, position=3)) is None
    assert tracker.finished_offsets() == {TP0: 3}
    batch = track(tracker, fetched(4, 6, position=8))
    assert tracker.track(TP0, fetched(0, 0, position=10)) is None
    assert tracker.finished_offsets() == {TP0: 3}
    batch.done()
    assert tracker.finished_offsets() == {TP0: 10}


def test_records_before_the_position_are_left_out() -> None:
    batch = track(new_tracker(position=3), fetched(0, 6))
    assert [record.offset for record in batch] == [3, 4, 5]


def test_a_log_that_ends_before_the_position_is_an_error() -> None:
    with pytest.raises(LogWentBack, match="t-0: was read up to offset 10, but the log now ends at 4") as raised:
        new_tracker(position=10).track(TP0, fetched(0, 0, position=4))
    assert (raised.value.topic, raised.value.partition, raised.value.kind) == ("t", 0, "truncated")


def test_a_fetch_at_the_end_of_the_log_finds_nothing_and_changes_nothing() -> None:
    tracker = new_tracker(position=10, committed=10)
    assert tracker.track(TP0, fetched(0, 0, position=10)) is None
    assert tracker.finished_offsets() == {TP0: 10}
    assert tracker.committable_offsets() == {}


def test_a_partition_is_not_fetched_while_exactly_the_most_bytes_are_in_flight() -> None:
    tracker = new_tracker()
    tracker.bytes_max = track(tracker, fetched(0, 2)).size_bytes
    assert tracker.fetch_positions([TP0]) == {}
    tracker.bytes_max += 1
    assert tracker.fetch_positions([TP0]) == {TP0: 2}


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 100), st.data())
def test_a_partition_is_not_fetched_while_enough_bytes_are_in_flight(
    sizes: list[int], bytes_max: int, data: st.DataObject
) -> None:
    """Large messages, a broker that returns whole batches, and an agent of any speed."""
    broker = MemoryBroker()
    broker.create_topic("t", 1)
    broker.produce_all([OutputRecord("t", None, b"x" * size, (), 0) for size in sizes])
    tracker = OffsetTracker(lambda: None, bytes_max)
    tracker.restart({TP0: PartitionStart(0, None, len(sizes))})
    running: list[RecordBatch] = []
    seen: list[int] = []
    largest = max(sizes, default=0)
    while len(seen) < len(sizes):
        positions = tracker.fetch_positions([TP0])
        if running and (not positions or data.draw(st.booleans())):
            batch = running.pop(0)
            seen += [record.offset for record in batch]
            batch.done()
            continue
        records = broker.read(TP0, positions[TP0], 7, bytes_max)
        if not records:
            continue
        running.append(track(tracker, FetchedRecords(records, records[-1].offset + 1)))
        assert len(running) <= BATCHES_IN_FLIGHT_MAX
        assert all(batch.size_bytes < bytes_max + largest + 1 for batch in running)
        assert sum(batch.size_bytes for batch in running) < 2 * bytes_max + largest + 1
    assert seen == list(range(len(sizes)))
    assert tracker.finished_offsets() == {TP0: len(sizes)}


FIRST_LOG, SECOND_LOG = LogId("A" * 22, 1), LogId("A" * 22, 2)


def test_positions_have_the_log_of_the_record_before_them() -> None:
    tracker = OffsetTracker(Calls())
    tracker.restart({TP0: PartitionStart(0, 0, 0, FIRST_LOG)})
    batch = track(tracker, fetched(0, 5)._replace(log=SECOND_LOG))
    assert batch.log == SECOND_LOG
    assert tracker.read_positions() == {TP0: LogPosition(SECOND_LOG, 5)}
    assert tracker.finished_positions() == {TP0: LogPosition(FIRST_LOG, 0)}
    batch.done()
    assert tracker.finished_positions() == {TP0: LogPosition(SECOND_LOG, 5)}


def test_a_gap_leaves_the_log_as_it_was() -> None:
    tracker = OffsetTracker(Calls())
    tracker.restart({TP0: PartitionStart(0, 0, 0, FIRST_LOG)})
    tracker.track(TP0, fetched(0, 0, position=3))
    assert tracker.finished_positions() == {TP0: LogPosition(FIRST_LOG, 3)}


def test_a_start_that_needs_a_commit_is_committable() -> None:
    tracker = OffsetTracker(Calls())
    tracker.restart({TP0: PartitionStart(7, 7, 9, needs_commit=True)})
    assert tracker.committable_offsets() == {TP0: 7}
