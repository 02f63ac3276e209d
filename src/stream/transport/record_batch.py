"""What the two transports share: batches of records, and the interfaces that the app calls.

An agent receives one `RecordBatch` for each fetch of one partition. Its offsets become committable when the agent calls
`RecordBatch.done`, in order, and never because Faust acknowledged an event.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast, overload

import faust

from stream.core.contracts.records import LogId, OutputRecord, Record, RecordMetadata
from stream.core.log_position import LogState

if TYPE_CHECKING:
    from faust.types import TP, AppT, Message


#: The default of `BatchTransport.batch_bytes`.
BATCH_BYTES: Final = 32 * 1024 * 1024


def size_of(record: Record) -> int:
    """Return the bytes of key and value."""
    return len(record.key or b"") + len(record.value or b"")


def chunked(records: Iterable[Record], *, records_max: int, bytes_max: int) -> Iterator[list[Record]]:
    """Yield ``records`` in order, in chunks that end with the record that reaches one of the two bounds.

    Lazy: the records after a chunk are not read before the next chunk is asked for.
    """
    chunk: list[Record] = []
    size = 0
    for record in records:
        chunk.append(record)
        size += size_of(record)
        if len(chunk) >= records_max or size >= bytes_max:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


class Progress(NamedTuple):
    """How far a partition is processed.

    Attributes:
        finished: The first offset that is not finished: everything below it is done, or was committed before.
        end: The log's end offset as last seen, or None while not connected. ``end - finished`` is the lag.
    """

    finished: int
    end: int | None


class RecordBatch(Sequence[Record]):
    """The records of one fetch of one partition, in the order of the log; never empty.

    Args:
        tp: Topic and partition.
        records: The records.
        end: The first offset after the batch: that of the last record plus one, or more if the log has gaps.
        epoch: The assignment of partitions that it belongs to.
        log: The log that the records are in: all were appended in one leader epoch.
        finish: Called by `done`.
    """

    __slots__ = ("_finish", "_records", "end", "epoch", "log", "size_bytes", "tp")

    def __init__(
        self,
        tp: TP,
        records: Sequence[Record],
        *,
        end: int,
        epoch: int,
        log: LogId,
        finish: Callable[[RecordBatch], None],
    ) -> None:
        self.tp = tp
        self.end = end
        self.epoch = epoch
        self.log = log
        #: Bytes of all keys and values.
        self.size_bytes = sum(map(size_of, records))
        self._records = records
        self._finish = finish

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        """Return one record, or a slice."""
        return self._records[index]

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._records)

    def done(self) -> None:
        """Finish the batch: everything made from its records is stored, so their offsets may be committed.

        Does nothing if the partition was revoked meanwhile (its next owner repeats the batch), or if the batch was
        finished before.

        Raises:
            OutOfOrderError: An earlier batch was not finished. Nothing after that batch is committed.
        """
        self._finish(self)

    def __repr__(self) -> str:
        """Return topic, partition and offsets, without the contents."""
        return f"<RecordBatch {self.tp.topic}-{self.tp.partition} [{self[0].offset}, {self.end})>"


class RawBytesSchema(faust.Schema):  # type: ignore[type-arg]  # the schema is generic in types that it passes through
    """The schema of all topics: passes key and value through unchanged; the app decodes them."""

    def loads_key(self, app: AppT, message: Message, **_: object) -> Any:  # noqa: ARG002  # Faust's
        """Return the key as it is."""
        return message.key

    def loads_value(self, app: AppT, message: Message, **_: object) -> Any:  # noqa: ARG002  # Faust's
        """Return the value as it is: the `RecordBatch`."""
        return message.value


#: Returns whether outputs may still be sent.
FenceCheck = Callable[[], Awaitable[bool]]


class BatchProducer(Protocol):
    """What the app needs of ``app.producer``."""

    async def produce_all(
        self, outputs: Sequence[OutputRecord], *, fence_check: FenceCheck | None = None
    ) -> list[RecordMetadata]:
        """Store the outputs, and return when each is stored by all in-sync replicas.

        Outputs to one partition are stored in their order. ``fence_check`` is called right before anything is sent.

        Returns:
            Where each output was stored, in the order of the outputs.

        Raises:
            UnknownTopicError: A topic does not exist. Nothing was sent.
            RecordTooLargeError: An output is too large. Nothing was sent, unless only the broker could find out.
            RevokedError: ``fence_check`` returned False. What it was called for was not sent.
            DeliveryError: Not all was confirmed. Some outputs may be stored, some not.
        """

    async def partitions_for(self, topic: str) -> int:
        """Return how many partitions the topic has.

        Raises:
            UnknownTopicError: The topic does not exist.
        """


class BatchTransport(Protocol):
    """What the app needs of ``app.transport``."""

    #: A batch ends with the record that reaches this many bytes, so that one larger record still passes. While this
    #: many bytes of a partition are in flight, no more of it are handed out. Set it before the app starts.
    batch_bytes: int

    def replay(self, tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """Read a partition from ``start`` (or from the log's start, if that is later), outside any group.

        Ends at the log's end as it was when reading started.

        Raises:
            UnknownTopicError: The partition does not exist.
        """

    async def read_records(self, tp: TP, offsets: Sequence[int]) -> dict[int, Record]:
        """Read single records of a partition, outside any group; those that the log no longer has are left out.

        Raises:
            UnknownTopicError: The partition does not exist.
        """

    async def bounds(self, tp: TP) -> tuple[int, int]:
        """Return the log's start and end offset.

        Raises:
            UnknownTopicError: The partition does not exist.
        """

    async def read_one(self, tp: TP, offset: int) -> Record | None:
        """Return the record at ``offset``, read outside any group; None if there is none.

        Raises:
            UnknownTopicError: The partition does not exist.
        """

    async def log_states(self, epochs: Mapping[TP, int | None]) -> dict[TP, LogState]:
        """Return what the broker says now about each partition; those that do not exist are left out.

        Args:
            epochs: The partitions, each with the leader epoch whose end is wanted, or None.

        Raises:
            BrokerError: The broker does not answer.
        """


class BatchConsumer(Protocol):
    """What the app needs of ``app.consumer``."""

    #: Seconds that running batches get to finish when partitions are revoked or the app stops.
    drain_timeout_s: float

    def progress(self) -> Mapping[TP, Progress]:
        """Return how far each assigned partition is, without asking the broker. Call it in the app's loop."""

    async def fetch_end_offsets(self) -> None:
        """Ask the broker where the assigned partitions end; `progress` returns it then.

        Raises:
            TransportError: The broker does not answer.
        """


def producer_of(app: faust.App) -> BatchProducer:
    """Return ``app.producer`` with the type that it has on both transports."""
    return cast("BatchProducer", app.producer)


def consumer_of(app: faust.App) -> BatchConsumer:
    """Return ``app.consumer`` with the type that it has on both transports."""
    return cast("BatchConsumer", app.consumer)


def transport_of(app: faust.App) -> BatchTransport:
    """Return ``app.transport`` with the type that it has on both transports."""
    return cast("BatchTransport", app.transport)
