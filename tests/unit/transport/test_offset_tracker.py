"""The ledger behind the batches, and the choice of partitions. No broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from aiokafka.partitioner import murmur2 as reference  # type: ignore[import-untyped]  # no types
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.transport.errors import LogTruncatedError, OutOfOrderError
from stream.transport.memory.broker import StoredRecord
from stream.transport.offset_tracker import LIMIT, Fetched, OffsetTracker, Start, choose_start
from stream.transport.partitioner import murmur2, partition_for

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


def fetched(start: int, end: int, position: int | None = None) -> Fetched:
    """Records of the offsets from start to before end."""
    records = [StoredRecord("t", 0, offset, 0, None, None, ()) for offset in range(start, end)]
    return Fetched(records, end if position is None else position)


def ledger(position: int = 0, committed: int | None = 0) -> OffsetTracker:
    """A ledger that reads one partition."""
    made = OffsetTracker(Calls())
    made.restart({TP0: Start(position, committed, position)})
    return made


def take(books: OffsetTracker, fetch: Fetched) -> RecordBatch:
    """Accept a fetch that holds records."""
    batch = books.accept(TP0, fetch)
    assert batch is not None
    return batch


def test_a_batch_is_a_sequence_of_its_records() -> None:
    batch = take(ledger(), fetched(0, 3))
    assert len(batch) == 3
    assert [record.offset for record in batch] == [0, 1, 2]
    assert batch[-1].offset == 2
    assert [record.offset for record in batch[1:]] == [1, 2]
    assert batch.tp == TP0
    assert repr(batch) == "<RecordBatch t-0 [0, 3)>"


def test_only_done_moves_what_may_be_committed() -> None:
    books = ledger()
    batch = take(books, fetched(0, 5))
    assert books.committable() == {}
    batch.done()
    assert books.committable() == {TP0: 5}
    books.booked(books.epoch, {TP0: 5})
    assert books.committable() == {}


def test_done_twice_is_done_once() -> None:
    books = ledger()
    batch = take(books, fetched(0, 5))
    batch.done()
    batch.done()
    assert books.finished() == {TP0: 5}


def test_out_of_order_is_refused_and_moves_nothing() -> None:
    books = ledger()
    first, second = take(books, fetched(0, 5)), take(books, fetched(5, 9))
    with pytest.raises(OutOfOrderError, match=r"\[0, 5\)"):
        second.done()
    assert books.finished() == {TP0: 0}
    first.done()
    second.done()
    assert books.finished() == {TP0: 9}


def test_a_batch_of_an_earlier_epoch_does_nothing() -> None:
    books = ledger()
    batch = take(books, fetched(0, 5))
    books.forget()
    batch.done()
    books.restart({TP0: Start(0, 0, 0)})
    batch.done()
    assert books.finished() == {TP0: 0}


def test_a_commit_of_an_earlier_epoch_is_not_booked() -> None:
    books = ledger()
    take(books, fetched(0, 5)).done()
    epoch = books.epoch
    books.restart({TP0: Start(0, 0, 0)})
    books.booked(epoch, {TP0: 5})
    assert books.committable() == {}


def test_a_start_without_commit_is_committed() -> None:
    assert ledger(position=7, committed=None).committable() == {TP0: 7}


def test_a_partition_waits_while_enough_batches_are_out() -> None:
    books = ledger()
    batches = [take(books, fetched(n, n + 1)) for n in range(LIMIT)]
    assert books.wanted({TP0}) == {}
    batches[0].done()
    assert books.wanted({TP0}) == {TP0: LIMIT}
    assert books.wanted(set()) == {}


def test_finishing_asks_for_more() -> None:
    calls = Calls()
    books = OffsetTracker(calls)
    books.restart({TP0: Start(0, 0, 0)})
    take(books, fetched(0, 1)).done()
    assert calls.count == 1


def test_gaps_belong_to_the_batch_before_them() -> None:
    books = ledger()
    assert books.accept(TP0, fetched(0, 0, position=3)) is None
    assert books.finished() == {TP0: 3}
    batch = take(books, fetched(4, 6, position=8))
    assert books.accept(TP0, fetched(0, 0, position=10)) is None
    assert books.finished() == {TP0: 3}
    batch.done()
    assert books.finished() == {TP0: 10}


def test_records_before_the_position_are_left_out() -> None:
    batch = take(ledger(position=3), fetched(0, 6))
    assert [record.offset for record in batch] == [3, 4, 5]


def test_a_log_that_shrank_is_an_error() -> None:
    with pytest.raises(LogTruncatedError):
        ledger(position=10).accept(TP0, fetched(0, 0, position=4))


@pytest.mark.parametrize(
    ("committed", "reset", "expected"),
    [
        (None, "earliest", 5),
        (None, "latest", 9),
        (7, "latest", 7),
        (5, "latest", 5),
        (9, "earliest", 9),
        (2, "earliest", 5),
        (12, "earliest", 5),
        (12, "latest", 9),
    ],
)
def test_where_reading_begins(committed: int | None, reset: str, expected: int) -> None:
    assert choose_start(committed, (5, 9), reset) == expected


@given(st.binary(max_size=40))
def test_murmur2_is_kafkas(data: bytes) -> None:
    assert murmur2(data) == reference(data)


@given(st.binary(max_size=40), st.integers(1, 50))
def test_the_partition_is_kafkas(key: bytes, partitions: int) -> None:
    assert partition_for(key, partitions) == (reference(key) & 0x7FFFFFFF) % partitions
