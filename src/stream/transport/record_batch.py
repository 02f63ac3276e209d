"""What the two transports share: records, batches of them, what is sent, and what the app may call.

An agent receives one `RecordBatch` per fetch of one partition. Its offsets become committable when the
agent calls `RecordBatch.done`, in order, and never because an event was acknowledged by Faust.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast, overload

import faust

from stream.core.contracts.records import OutputRecord, Record, RecordMetadata

if TYPE_CHECKING:
    from faust.types import TP, AppT, Message


#: Bytes of one batch unless told otherwise; see `BatchTransport.batch_bytes`.
BATCH_BYTES: Final = 32 * 1024 * 1024


def size_of(record: Record) -> int:
    """The bytes of key and value."""
    return len(record.key or b"") + len(record.value or b"")


def chunked(records: Iterable[Record], *, records_max: int, bytes_max: int) -> Iterator[list[Record]]:
    """``records`` in order, in pieces that end with the record that reaches one of the two bounds.

    Lazy: what is behind a piece is not looked at before the piece was taken.
    """
    piece: list[Record] = []
    size = 0
    for record in records:
        piece.append(record)
        size += size_of(record)
        if len(piece) >= records_max or size >= bytes_max:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


class Progress(NamedTuple):
    """How far a partition is.

    Attributes:
        finished: The next offset to be finished: everything below it is done (or was committed before).
        end: The log's end offset as last seen, or None while not connected. ``end - finished`` is the lag.
    """

    finished: int
    end: int | None


class RecordBatch(Sequence[Record]):
    """The records of one fetch of one partition, in the order of the log; never empty.

    Args:
        tp: Topic and partition.
        records: The records.
        end: The offset behind the batch: that of the last record plus one, or more where the log has gaps.
        epoch: Which assignment of partitions it belongs to.
        finish: Called by `done`.
    """

    __slots__ = ("_finish", "_records", "end", "epoch", "size_bytes", "tp")

    def __init__(
        self,
        tp: TP,
        records: Sequence[Record],
        *,
        end: int,
        epoch: int,
        finish: Callable[[RecordBatch], None],
    ) -> None:
        self.tp = tp
        self.end = end
        self.epoch = epoch
        #: Of keys and values.
        self.size_bytes = sum(map(size_of, records))
        self._records = records
        self._finish = finish

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        """One record, or a slice of them."""
        return self._records[index]

    def __len__(self) -> int:
        """How many records it holds."""
        return len(self._records)

    def done(self) -> None:
        """Say that everything made from these records is stored: their offsets may be committed.

        Does nothing when the partition was revoked meanwhile (whoever owns it next repeats the batch), or
        when the batch was finished before.

        Raises:
            OutOfOrderError: A batch before this one was not finished. Nothing is committed past that one.
        """
        self._finish(self)

    def __repr__(self) -> str:
        """Topic, partition and offsets, without the contents."""
        return f"<RecordBatch {self.tp.topic}-{self.tp.partition} [{self[0].offset}, {self.end})>"


class RawBytesSchema(faust.Schema):  # type: ignore[type-arg]  # the schema is generic in types that it passes through
    """The schema of every topic here: passes key and value through untouched; decoding is the app's."""

    def loads_key(self, app: AppT, message: Message, **_: object) -> Any:  # noqa: ARG002  # Faust's
        """Return the key as it is."""
        return message.key

    def loads_value(self, app: AppT, message: Message, **_: object) -> Any:  # noqa: ARG002  # Faust's
        """Return the value as it is: the `RecordBatch`."""
        return message.value


#: Whether outputs may still go out.
Confirm = Callable[[], Awaitable[bool]]


class BatchProducer(Protocol):
    """What the app needs of ``app.producer``."""

    async def produce_all(
        self, outputs: Sequence[OutputRecord], *, confirm: Confirm | None = None
    ) -> list[RecordMetadata]:
        """Store the outputs, and return when every one is stored by all in-sync replicas.

        Outputs to one partition are stored in the order given. ``confirm`` is asked right before anything is sent.

        Returns:
            Where each was stored, in the order of the outputs.

        Raises:
            UnknownTopicError: Nothing was sent.
            RecordTooLargeError: Nothing was sent, unless only the broker could tell.
            RevokedError: ``confirm`` said no; what it was asked for was not sent.
            DeliveryError: Some may be stored, some not.
        """

    async def partitions_for(self, topic: str) -> int:
        """How many partitions the topic has.

        Raises:
            UnknownTopicError: It does not exist.
        """


class BatchTransport(Protocol):
    """What the app needs of ``app.transport``."""

    #: A batch ends with the record that reaches so many bytes, so that one larger record still passes; and while so
    #: many bytes of a partition are with the agent, no more of it are handed out. Set it before the app starts.
    batch_bytes: int

    def replay(self, tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """Read a partition from ``start`` (or the log's beginning, if that is later), outside any group.

        Ends at the end offset as it was at the first step.

        Raises:
            UnknownTopicError: The partition does not exist.
        """

    async def bounds(self, tp: TP) -> tuple[int, int]:
        """Return the log's start and end offset.

        Raises:
            UnknownTopicError: The partition does not exist.
        """


class BatchConsumer(Protocol):
    """What the app needs of ``app.consumer``."""

    #: Seconds that running batches get to finish when partitions are taken away or the app stops.
    patience: float

    def progress(self) -> Mapping[TP, Progress]:
        """How far each assigned partition is, as known here without asking. Call it in the app's loop."""

    async def ask_ends(self) -> None:
        """Ask the broker where the assigned partitions end, for `progress` to tell.

        Raises:
            TransportError: The broker does not tell.
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
