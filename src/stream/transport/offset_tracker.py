"""What was handed out and what is finished, for each partition. No Faust, no broker, no waiting.

The offsets of a partition are in this order::

    committed <= finished <= position
                 |---------|  in flight: at most `BATCHES_IN_FLIGHT_MAX` batches; none is added to ``bytes_max`` bytes

Every change of the assignment begins a new *epoch*; batches of an earlier epoch no longer count. The epoch is
counted here and not taken from the broker's generation, which starts at one again when a group was empty.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from stream.core.contracts.records import LogId, Record
from stream.core.log_position import UNKNOWN_LOG, LogPosition
from stream.errors import LogWentBack
from stream.transport.errors import OutOfOrderError
from stream.transport.record_batch import BATCH_BYTES, RecordBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from faust.types import TP

    from stream.transport.commit_metadata import CommitMetadata

#: Batches of one partition that the agent may have: one that it works on, and the next one.
BATCHES_IN_FLIGHT_MAX: Final = 2


class PartitionStart(NamedTuple):
    """Where to start reading.

    Attributes:
        position: The offset.
        committed: The offset that the group has committed, if any.
        end: The log's end at that moment.
        log: The log of the record before ``position``.
        metadata: What was committed along with the offset.
        needs_commit: Whether the offset is to be committed again, with the log that it belongs to.
    """

    position: int
    committed: int | None
    end: int
    log: LogId = UNKNOWN_LOG
    metadata: CommitMetadata | None = None
    needs_commit: bool = False


class FetchedRecords(NamedTuple):
    """One fetch of one partition: its records, perhaps none, the next offset to fetch, and the log of all records."""

    records: Sequence[Record]
    position: int
    log: LogId = UNKNOWN_LOG


@dataclass(slots=True)
class _Partition:
    position: LogPosition
    finished: LogPosition
    committed: int | None
    in_flight: deque[RecordBatch] = field(default_factory=deque)


class OffsetTracker:
    """Tracks the offsets of one consumer's partitions. To be used in one event loop.

    Args:
        on_capacity: Called when a batch was finished, so that its partition may be fetched again.
        bytes_max: A partition is not fetched while batches of this many bytes are in flight.
    """

    def __init__(self, on_capacity: Callable[[], None], bytes_max: int = BATCH_BYTES) -> None:
        self.epoch = 0
        self.bytes_max = bytes_max
        self._on_capacity = on_capacity
        self._partitions: dict[TP, _Partition] = {}

    def clear(self) -> None:
        """Begin an epoch without partitions: they were revoked, or their positions are not known yet."""
        self.restart({})

    def restart(self, starts: Mapping[TP, PartitionStart]) -> None:
        """Begin an epoch that reads these partitions from these offsets."""
        self.epoch += 1
        self._partitions = {
            tp: _Partition(
                position := LogPosition(start.log, start.position),
                position,
                None if start.needs_commit else start.committed,
            )
            for tp, start in starts.items()
        }

    def fetch_positions(self, active: Collection[TP]) -> dict[TP, int]:
        """The partitions to fetch now, each with the offset to fetch from."""
        return {
            tp: state.position.offset
            for tp, state in self._partitions.items()
            if tp in active and self._has_capacity(state)
        }

    def _has_capacity(self, state: _Partition) -> bool:
        batches = state.in_flight
        return len(batches) < BATCHES_IN_FLIGHT_MAX and sum(batch.size_bytes for batch in batches) < self.bytes_max

    def track(self, tp: TP, fetched: FetchedRecords) -> RecordBatch | None:
        """Take note of a fetch and return its batch; None if it held no records (transaction markers, gaps).

        Raises:
            LogWentBack: The log now ends before what was read already.
        """
        state = self._partitions[tp]
        offset = state.position.offset
        if fetched.position < offset:
            what = f"was read up to offset {offset}, but the log now ends at {fetched.position}"
            raise LogWentBack(tp.topic, tp.partition, "truncated", what)
        # A broker returns whole stored batches, which may begin before the offset that was asked for.
        records = [record for record in fetched.records if record.offset >= offset]
        if not records:
            state.position = state.position._replace(offset=fetched.position)
            self._skip_gap(state)
            return None
        state.position = LogPosition(fetched.log, fetched.position)
        batch = RecordBatch(tp, records, end=fetched.position, epoch=self.epoch, log=fetched.log, finish=self._finish)
        state.in_flight.append(batch)
        return batch

    def _skip_gap(self, state: _Partition) -> None:
        if state.in_flight:
            state.in_flight[-1].end = state.position.offset
        else:
            state.finished = state.position

    def _finish(self, batch: RecordBatch) -> None:
        if batch.epoch != self.epoch:
            return
        state = self._partitions[batch.tp]
        if batch not in state.in_flight:
            return
        if state.in_flight[0] is not batch:
            raise OutOfOrderError(f"{state.in_flight[0]!r} was not finished before {batch!r}")
        state.in_flight.popleft()
        state.finished = LogPosition(batch.log, batch.end)
        self._on_capacity()

    def committable_offsets(self) -> dict[TP, int]:
        """The offsets that the group does not have yet.

        The start of an untouched partition is among them, so that the group knows which log it reads.
        """
        return {
            tp: state.finished.offset
            for tp, state in self._partitions.items()
            if state.finished.offset != state.committed
        }

    def mark_committed(self, epoch: int, offsets: Mapping[TP, int]) -> None:
        """Take note of what the group has committed, unless the assignment has changed since ``epoch``."""
        if epoch == self.epoch:
            for tp, offset in offsets.items():
                self._partitions[tp].committed = offset

    def finished_offsets(self) -> dict[TP, int]:
        """For each partition the first offset that is not finished."""
        return {tp: state.finished.offset for tp, state in self._partitions.items()}

    def finished_positions(self) -> dict[TP, LogPosition]:
        """For each partition the first offset that is not finished, and the log of the record before it."""
        return {tp: state.finished for tp, state in self._partitions.items()}

    def read_positions(self) -> dict[TP, LogPosition]:
        """For each partition the next offset to fetch, and the log of the record before it."""
        return {tp: state.position for tp, state in self._partitions.items()}
