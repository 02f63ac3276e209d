"""What is with the agent is bounded by records and bytes; nothing is lost where a bound is met."""

from __future__ import annotations

from collections.abc import Sequence

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.records import InputRecord, OutputRecord, Record
from stream.transport.memory.broker import MemoryBroker
from stream.transport.offset_tracker import LIMIT, Fetched, OffsetTracker, Start
from stream.transport.record_batch import RecordBatch, chunked, size_of

PARTITION = TP("t", 0)
SIZES = st.lists(st.integers(0, 60), max_size=40)


def records(sizes: Sequence[int]) -> list[Record]:
    return [InputRecord("t", 0, offset, None, None, b"x" * size) for offset, size in enumerate(sizes)]


def size_all(batch: Sequence[Record]) -> int:
    return sum(map(size_of, batch))


@given(SIZES, st.integers(1, 10), st.integers(1, 100))
def test_pieces_hold_everything_in_order_within_their_bounds(sizes: list[int], most: int, bytes_max: int) -> None:
    found = list(chunked(records(sizes), records_max=most, bytes_max=bytes_max))
    assert [record for piece in found for record in piece] == records(sizes)
    assert all(1 <= len(piece) <= most for piece in found)
    assert all(size_all(piece[:-1]) < bytes_max for piece in found)


def test_a_piece_is_not_read_beyond_its_end() -> None:
    waiting = iter(records([5, 5, 5, 5]))
    assert len(next(chunked(waiting, records_max=9, bytes_max=10))) == 2
    assert [record.offset for record in waiting] == [2, 3]


def test_a_record_larger_than_the_bound_passes_alone() -> None:
    found = list(chunked(records([1, 999, 1, 1]), records_max=9, bytes_max=100))
    assert [len(piece) for piece in found] == [2, 2]


@given(SIZES, st.integers(1, 100), st.data())
def test_a_partition_is_not_fetched_while_its_bytes_are_with_the_agent(
    sizes: list[int], bytes_max: int, data: st.DataObject
) -> None:
    """Large messages, a broker that hands out whole batches, and an agent of any speed."""
    broker = MemoryBroker()
    broker.create_topic("t", 1)
    broker.produce_all([OutputRecord("t", None, b"x" * size, (), 0) for size in sizes])
    ledger = OffsetTracker(lambda: None, bytes_max)
    ledger.restart({PARTITION: Start(0, None, len(sizes))})
    running: list[RecordBatch] = []
    seen: list[int] = []
    largest = max(sizes, default=0)
    while len(seen) < len(sizes):
        wanted = ledger.wanted([PARTITION])
        if running and (not wanted or data.draw(st.booleans())):
            batch = running.pop(0)
            seen += [record.offset for record in batch]
            batch.done()
            continue
        found = broker.read(PARTITION, wanted[PARTITION], 7, bytes_max)
        if not found:
            continue
        batch_or_none = ledger.accept(PARTITION, Fetched(found, found[-1].offset + 1))
        assert batch_or_none is not None
        running.append(batch_or_none)
        assert len(running) <= LIMIT
        assert all(batch.size_bytes < bytes_max + largest + 1 for batch in running)
        assert sum(batch.size_bytes for batch in running) < 2 * bytes_max + largest + 1
    assert seen == list(range(len(sizes)))
    assert ledger.finished() == {PARTITION: len(sizes)}
