"""aiokafka's unpacking of fetched records, within bounds: see `stream.kafka.record_batches`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, cast

from aiokafka.consumer import fetcher  # type: ignore[import-untyped]  # it ships no types
from aiokafka.record.memory_records import MemoryRecords  # type: ignore[import-untyped]

from stream.core.contracts.records import RefusedBatch
from stream.kafka.record_batches import UndecodableBatchError, decompress, describe_batch

# The message format, version 2: base offset int64, length int32, leader epoch int32, magic int8, CRC uint32,
# attributes int16, last offset delta int32, base and maximum timestamp int64, producer id int64, producer epoch int16,
# base sequence int32, number of records int32; then the records, which alone are compressed.
_LENGTH: Final = slice(8, 12)
_LENGTH_END: Final = 12
_LEADER_EPOCH: Final = slice(12, 16)
_MAGIC: Final = 16
_MAGIC_V2: Final = 2
_ATTRIBUTES: Final = slice(21, 23)
_MAX_TIMESTAMP: Final = slice(35, 43)
_HEADER_BYTES: Final = 61
_CODEC_MASK: Final = 0x07


class _RefusedRecord:
    """What a refused batch consists of: one record, which takes the place of all of them."""

    __slots__ = ("first_offset", "offset", "reason", "timestamp")

    def __init__(self, first_offset: int, offset: int, timestamp: int, reason: str) -> None:
        self.first_offset = first_offset
        self.offset = offset
        self.timestamp = timestamp
        self.reason = reason


class _BoundedBatch:
    """A compressed batch. Everything but its records is that of aiokafka's ``DefaultRecordBatch``."""

    def __init__(self, batch: Any, stored: memoryview) -> None:
        self._batch = batch
        self._stored = stored

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:  # asked for with control batches only, which are never large
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        stored = self._stored
        attributes = int.from_bytes(stored[_ATTRIBUTES], "big")
        codec = attributes & _CODEC_MASK
        data = stored[_HEADER_BYTES:]
        try:
            records = decompress(codec, data)
        except UndecodableBatchError as error:
            first, last = self._batch.base_offset, self._batch.next_offset - 1
            reason = describe_batch(first, last, codec, len(data), error)
            timestamp = int.from_bytes(stored[_MAX_TIMESTAMP], "big", signed=True)
            yield _RefusedRecord(first, last, timestamp, reason)
            return
        header = bytearray(stored[:_HEADER_BYTES])
        header[_LENGTH] = (_HEADER_BYTES - _LENGTH_END + len(records)).to_bytes(4, "big")
        header[_ATTRIBUTES] = (attributes & ~_CODEC_MASK).to_bytes(2, "big")
        yield from MemoryRecords(bytes(header) + records).next_batch()


class BoundedRecords:
    """Replaces ``MemoryRecords``, the batches of one fetch: ``records`` are the bytes that the broker sent.

    It ends where the leader epoch changes; `begin_next_epoch` lets it go on.

    Attributes:
        leader_epoch: That of the batches since; None before the first, -1 in message formats without epochs.
    """

    def __init__(self, records: bytes) -> None:
        self._batches = MemoryRecords(records)
        self._stored = memoryview(records)
        self._position = 0
        self.leader_epoch: int | None = None

    def size_in_bytes(self) -> int:
        """The bytes of all batches, including one that is cut off."""
        return cast("int", self._batches.size_in_bytes())

    def has_next(self) -> bool:
        """Whether another complete batch of the same leader epoch follows."""
        return bool(self._batches.has_next()) and self.leader_epoch in {None, self._next_leader_epoch()}

    def begin_next_epoch(self) -> bool:
        """Go on with the batches of the next leader epoch; False if there are none."""
        self.leader_epoch = None
        return self.has_next()

    def _next_leader_epoch(self) -> int:
        stored = self._stored[self._position :]
        return int.from_bytes(stored[_LEADER_EPOCH], "big", signed=True) if stored[_MAGIC] >= _MAGIC_V2 else -1

    def next_batch(self) -> Any:
        """The next batch, as aiokafka's own."""
        self.leader_epoch = self._next_leader_epoch()
        batch, start = self._batches.next_batch(), self._position
        self._position += _LENGTH_END + int.from_bytes(self._stored[start:][_LENGTH], "big")
        if self._stored[start + _MAGIC] < _MAGIC_V2:  # of brokers before Kafka 4, for topics in an old format
            return batch
        stored = self._stored[start : self._position]
        return _BoundedBatch(batch, stored) if stored[_ATTRIBUTES][1] & _CODEC_MASK else batch


class BoundedPartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # it ships no types
    """Replaces ``PartitionRecords``, which turns the records of batches into those that the consumer returns.

    It ends where the leader epoch changes: see `BoundedRecords`.
    """

    _records: BoundedRecords

    @property
    def leader_epoch(self) -> int:
        """The leader epoch of the records that were returned last; -1 if unknown."""
        return -1 if self._records.leader_epoch is None else self._records.leader_epoch

    @property
    def is_at_end(self) -> bool:
        """Whether there are no more records of this leader epoch."""
        return self._records_iterator is None

    def begin_next_epoch(self) -> bool:
        """Go on with the records of the next leader epoch; False if there are none."""
        if not self._records.begin_next_epoch():
            return False
        self._records_iterator = self._unpack_records()
        return True

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        if isinstance(record, _RefusedRecord):
            return RefusedBatch(
                tp.topic, tp.partition, record.offset, record.timestamp, record.first_offset, record.reason
            )
        return super()._consumer_record(tp, record)


def limit_aiokafka() -> None:
    """Make all consumers of aiokafka in this process read batches within the bound."""
    fetcher.MemoryRecords = BoundedRecords
    fetcher.PartitionRecords = BoundedPartitionRecords
