"""What was handed out and what is finished, per partition. No Faust, no broker, no waiting.

A partition's offsets, in order::

    committed <= finished <= position
                 |---------|  batches that are with the agent: at most `LIMIT`, none added to ``bytes_max`` bytes

Every change of the assignment begins a new *epoch*; batches of an earlier one no longer count. The epoch is
counted here, not taken from the broker's generation, because a group that was empty starts at one again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from stream.core.contracts.records import Record
from stream.transport.errors import LogTruncatedError, OutOfOrderError
from stream.transport.record_batch import BATCH_BYTES, RecordBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from faust.types import TP

#: Batches of one partition that may be with the agent: one in work and one that is ready when it is done.
LIMIT = 2


class Start(NamedTuple):
    """Where reading begins, the offset the group has committed, if any, and the log's end as it was then."""

    position: int
    committed: int | None
    end: int


class Fetched(NamedTuple):
    """One fetch of one partition: its records, perhaps none, and the offset behind them."""

    records: Sequence[Record]
    position: int


def choose_start(committed: int | None, bounds: tuple[int, int], reset: str) -> int:
    """The offset to begin at: the committed one where the log still has it, else by ``auto_offset_reset``.

    Args:
        committed: The group's offset, if any.
        bounds: The log's start and end offset.
        reset: ``earliest`` or ``latest``.
    """
    start, end = bounds
    if committed is not None and start <= committed <= end:
        return committed
    return end if reset == "latest" else start


@dataclass(slots=True)
class _Partition:
    position: int
    finished: int
    committed: int | None
    in_flight: deque[RecordBatch] = field(default_factory=deque)


class OffsetTracker:
    """The books of one consumer. To be used in one event loop.

    Args:
        on_room: Called when a batch was finished, so that the partition may be fetched again.
        bytes_max: While batches of so many bytes are with the agent, their partition is not fetched.
    """

    def __init__(self, on_room: Callable[[], None], bytes_max: int = BATCH_BYTES) -> None:
        self.epoch = 0
        self.bytes_max = bytes_max
        self._on_room = on_room
        self._partitions: dict[TP, _Partition] = {}

    def forget(self) -> None:
        """Begin an epoch without partitions: they were revoked, or their positions are not known yet."""
        self.restart({})

    def restart(self, starts: Mapping[TP, Start]) -> None:
        """Begin an epoch that reads the given partitions from the given offsets."""
        self.epoch += 1
        self._partitions = {
            tp: _Partition(start.position, start.position, start.committed) for tp, start in starts.items()
        }

    def wanted(self, active: Collection[TP]) -> dict[TP, int]:
        """The partitions to fetch now, each with the offset to fetch from."""
        return {tp: state.position for tp, state in self._partitions.items() if tp in active and self._has_room(state)}

    def _has_room(self, state: _Partition) -> bool:
        running = state.in_flight
        return len(running) < LIMIT and sum(batch.size_bytes for batch in running) < self.bytes_max

    def accept(self, tp: TP, fetched: Fetched) -> RecordBatch | None:
        """Book a fetch and return its batch, or None where it held no records (transaction markers, gaps).

        Raises:
            LogTruncatedError: The log now ends before what was read already.
        """
        state = self._partitions[tp]
        if fetched.position < state.position:
            raise LogTruncatedError(f"{tp.topic}-{tp.partition}: was at {state.position}, now {fetched.position}")
        # A broker hands out whole stored batches, which may begin before the offset that was asked for.
        records = [record for record in fetched.records if record.offset >= state.position]
        state.position = fetched.position
        if not records:
            self._skip_gap(state)
            return None
        batch = RecordBatch(tp, records, end=fetched.position, epoch=self.epoch, finish=self._finish)
        state.in_flight.append(batch)
        return batch

    def _skip_gap(self, state: _Partition) -> None:
        if state.in_flight:
            state.in_flight[-1].end = state.position
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
        state.finished = batch.end
        self._on_room()

    def committable(self) -> dict[TP, int]:
        """The offsets that the group does not have yet.

        An untouched partition's start is among them: without it, a crash before the first finished batch
        would make ``latest`` skip records.
        """
        return {tp: state.finished for tp, state in self._partitions.items() if state.finished != state.committed}

    def booked(self, epoch: int, offsets: Mapping[TP, int]) -> None:
        """Note what the group has committed, unless the assignment has changed since."""
        if epoch == self.epoch:
            for tp, offset in offsets.items():
                self._partitions[tp].committed = offset

    def finished(self) -> dict[TP, int]:
        """For each partition the next offset to be finished."""
        return {tp: state.finished for tp, state in self._partitions.items()}
