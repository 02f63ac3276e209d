"""Batches of records, and how records are split into chunks."""

from __future__ import annotations

from collections.abc import Sequence

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.records import InputRecord, Record
from stream.core.log_position import UNKNOWN_LOG
from stream.transport.record_batch import RecordBatch, chunked, size_of


def records_of(sizes: Sequence[int]) -> list[Record]:
    """Records with values of these sizes."""
    return [InputRecord("t", 0, offset, None, None, b"x" * size) for offset, size in enumerate(sizes)]


def total_size(records: Sequence[Record]) -> int:
    """The bytes of all records."""
    return sum(map(size_of, records))


def test_a_batch_is_a_sequence_of_its_records() -> None:
    batch = RecordBatch(TP("t", 0), records_of([5, 0, 7]), end=3, epoch=1, log=UNKNOWN_LOG, finish=lambda _: None)
    assert len(batch) == 3
    assert [record.offset for record in batch] == [0, 1, 2]
    assert batch[-1].offset == 2
    assert [record.offset for record in batch[1:]] == [1, 2]
    assert batch.tp == TP("t", 0)
    assert batch.size_bytes == 12
    assert repr(batch) == "<RecordBatch t-0 [0, 3)>"


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 10), st.integers(1, 100))
def test_chunks_hold_all_records_in_order_within_their_bounds(
    sizes: list[int], records_max: int, bytes_max: int
) -> None:
    chunks = list(chunked(records_of(sizes), records_max=records_max, bytes_max=bytes_max))
    assert [record for chunk in chunks for record in chunk] == records_of(sizes)
    assert all(1 <= len(chunk) <= records_max for chunk in chunks)
    assert all(total_size(chunk[:-1]) < bytes_max for chunk in chunks)


def test_records_after_a_chunk_are_not_read_yet() -> None:
    waiting = iter(records_of([5, 5, 5, 5]))
    assert len(next(chunked(waiting, records_max=9, bytes_max=10))) == 2
    assert [record.offset for record in waiting] == [2, 3]


def test_a_record_larger_than_the_bound_ends_its_chunk() -> None:
    chunks = list(chunked(records_of([1, 999, 1, 1]), records_max=9, bytes_max=100))
    assert [len(chunk) for chunk in chunks] == [2, 2]
