"""The half of a Faust consumer that both transports share: it hands out batches and commits offsets.

It replaces the parts of Faust's consumer that can lose records:

- Faust commits what its streams have acknowledged, and they also acknowledge events that failed. Here an
  acknowledgement moves nothing; `RecordBatch.done` does.
- Faust notes an offset as committed even if the commit failed. Here only a commit that succeeded counts.
- Faust drops records that were fetched while a rebalance began, and relies on a seek that does nothing for
  partitions without a committed offset. Here every fetch names its offset, so dropped records are read again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final, cast

from faust.types import TP, ConsumerMessage, Message
from mode import Service

from stream.errors import BrokerError, LogWentBack
from stream.transport.commit_metadata import CommitMetadata, CommitNote
from stream.transport.faust_internals import FaustConsumer
from stream.transport.log_checks import LOOKS, TopicWatch, check_position, epoch_to_ask, topic_deleted
from stream.transport.offset_tracker import FetchedRecords, OffsetTracker, PartitionStart
from stream.transport.record_batch import BatchTransport, Progress, RecordBatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping

    from faust.types import AppT

    from stream.core.log_position import LogState

log = logging.getLogger(__name__)

#: The share of the rebalance timeout that running batches get to finish. The rest of the timeout is for rejoining the
#: group. The share must also be larger than the lease of the last commit, which is half a session: a quarter of the
#: timeout.
_DRAIN_SHARE: Final = 0.4

#: Seconds until a group that did not answer is asked again.
_RETRY_PAUSE_S: Final = 0.2

#: Seconds between two looks at the ids of the topics.
_WATCH_INTERVAL_S: Final = 1.0

_CREATE_TIME: Final = 0


def log_deleted_records(tp: TP, position: int, start: int) -> None:
    """Log that the log starts at ``start`` although the offsets from ``position`` on were not processed yet."""
    log.error(
        "records were deleted before they were processed",
        extra={"topic": tp.topic, "partition": tp.partition, "offset": position, "end_offset": start},
    )


def tracking_consumer_of(app: AppT) -> TrackingConsumer:
    """Return ``app.consumer`` with the type that it has on both transports."""
    return cast("TrackingConsumer", app.consumer)


class TrackingConsumer(FaustConsumer):
    """A Faust consumer whose messages are record batches. A transport adds how to fetch and to commit.

    Attributes:
        offset_tracker: The offsets of the assigned partitions.
        batch_bytes: A batch ends with the record that reaches this many bytes.
        drain_timeout_s: Seconds that running batches get to finish when partitions are revoked or the app stops.
        lease_s: Seconds after a successful commit in which outputs may be published.
        commit_notes: What is committed along with the next offsets of each partition; the app changes it. It begins
            with what was committed before.
        watched_topics: More topics, each with its id, that are watched like those that are read. The app changes it.
        log_change: Why nothing is handed out, published or committed any more: a log is not the one that was read.

    Args:
        args: Faust's arguments.
        clock: Seconds of a monotonic clock.
        kwargs: Faust's arguments.
    """

    offset_tracker: OffsetTracker

    def __init__(self, *args: Any, clock: Callable[[], float] = time.monotonic, **kwargs: Any) -> None:  # passed on
        self.offset_tracker = OffsetTracker(on_capacity=self.wake)
        self.commit_notes: dict[TP, CommitNote] = {}
        self.watched_topics: dict[str, str] = {}
        self.log_change: LogWentBack | None = None
        self._topic_watch = TopicWatch()
        self._clock = clock
        super().__init__(*args, **kwargs)
        self.batch_bytes = cast("BatchTransport", self.transport).batch_bytes
        self.offset_tracker.bytes_max = self.batch_bytes
        self.drain_timeout_s: float = self.app.conf.broker_rebalance_timeout * _DRAIN_SHARE
        self.lease_s: float = self.app.conf.broker_session_timeout / 2
        self._lease_began = -math.inf
        self._end_offsets: Mapping[TP, int] = {}

    # What a transport adds.

    @abstractmethod
    async def fetch(self, positions: Mapping[TP, int], seconds: float) -> Mapping[TP, FetchedRecords]:
        """Return the records from ``positions`` on; wait at most ``seconds`` for them, or until `wake` is called."""

    @abstractmethod
    def wake(self) -> None:
        """End a `fetch` that waits. Called in the app's loop."""

    @abstractmethod
    async def find_starts(self) -> Mapping[TP, PartitionStart]:
        """Where to start reading each assigned partition; those that do not exist are left out.

        Raises:
            LogWentBack: A log is not the one that the committed offset belongs to.
        """

    @abstractmethod
    async def fetch_log_states(self, epochs: Mapping[TP, int | None]) -> Mapping[TP, LogState]:
        """See `BatchTransport.log_states`; on the connections of this consumer.

        Raises:
            BrokerError: The broker does not answer.
        """

    @abstractmethod
    async def fetch_topic_ids(self, topics: Collection[str]) -> Mapping[str, str]:
        """The ids of those ``topics`` that exist; empty where the broker does not name them.

        Raises:
            BrokerError: The broker does not answer.
        """

    @abstractmethod
    async def commit_offsets(self, offsets: Mapping[TP, int], metadata: Mapping[TP, str]) -> bool:
        """Commit the offsets, each with its metadata; False if the group has rebalanced since."""

    @abstractmethod
    async def committed_metadata(self, tp: TP) -> CommitMetadata | None:
        """Ask the group what was committed along with its offset of an assigned partition; None if nothing was.

        Raises:
            TransportError: The broker does not answer.
        """

    @abstractmethod
    def last_seen_end(self, tp: TP) -> int | None:
        """The end offset of a partition as last seen, without asking the broker."""

    # What the app calls.

    def progress(self) -> dict[TP, Progress]:
        """How far each assigned partition is, as known without asking the broker. Call it in the app's loop."""
        return {
            tp: Progress(offset, self._newest_end(tp)) for tp, offset in self.offset_tracker.finished_offsets().items()
        }

    async def holds_lease(self, batch: RecordBatch) -> bool:
        """Whether this worker still owns the batch's partition, so that the outputs may be published.

        A worker that slept for longer than the session (a stopped process, a suspended machine) does not know that
        the group gave its partitions to another worker, which may have got far ahead meanwhile. A commit that succeeds
        proves that the worker is a member of the group: it is a lease for half a session, and the other half is left
        for the delivery. Waits as long as the group does not answer.
        """
        while batch.epoch == self.offset_tracker.epoch and self.log_change is None:
            if self._clock() - self._lease_began < self.lease_s:
                return True
            finished = self.offset_tracker.finished_offsets()[batch.tp]
            if await self.commit_finished({batch.tp: finished}):
                continue
            if not self.flow_active:  # the partition is being revoked, or the app stops
                return False
            await asyncio.sleep(_RETRY_PAUSE_S)
        return False

    def end_lease(self) -> None:
        """Let the next batch prove again that this worker is a member of the group."""
        self._lease_began = -math.inf

    async def fetch_end_offsets(self) -> None:
        """Ask the broker where the assigned partitions end: what fetches return gets old when fetching stops.

        Raises:
            TransportError: The broker does not answer.
        """
        assigned = list(self.offset_tracker.finished_offsets())
        self._end_offsets = await self.highwaters(*assigned) if assigned else {}

    def _newest_end(self, tp: TP) -> int | None:
        ends = [end for end in (self.last_seen_end(tp), self._end_offsets.get(tp)) if end is not None]
        return max(ends, default=None)

    # What Faust's fetcher calls.

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109  # Faust's
        """Yield one message for each partition that had records; its value is the batch."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # an asyncio.Event will do
        if not self.flow_active or self.should_stop:
            return
        epoch = self.offset_tracker.epoch
        positions = self.offset_tracker.fetch_positions(self.active_partitions)
        with self._noting_log_change():
            for tp, fetched in (await self.fetch(positions, timeout)).items():
                is_same = await self._is_same_log(tp, fetched)
                # What is not tracked is fetched again: the tracker's position has not moved.
                if self.offset_tracker.epoch != epoch or not self.flow_active or self.should_stop:
                    return
                batch = self.offset_tracker.track(tp, fetched) if is_same else None
                if batch is not None:
                    self.allow_rereading(tp)
                    yield tp, self._to_faust_message(batch)

    def _to_faust_message(self, batch: RecordBatch) -> ConsumerMessage:
        last = batch[-1]
        value: Any = batch  # Faust says bytes; the schema `RawBytesSchema` passes it through
        return ConsumerMessage(
            last.topic,
            last.partition,
            last.offset,
            (last.timestamp or 0) / 1000.0,
            _CREATE_TIME,
            None,
            None,
            value,
            None,
            0,
            0,
            batch.tp,
            generation_id=self.app.consumer_generation_id,
        )

    def on_buffer_full(self, tp: TP) -> None:
        """Do nothing: the tracker limits the batches in flight, and Faust would pause for whole seconds."""

    def resume_flow(self) -> None:
        """Allow fetching again, at once."""
        super().resume_flow()
        self.wake()

    # Whether the logs are still those that were read.

    @contextlib.contextmanager
    def _noting_log_change(self) -> Iterator[None]:
        try:
            yield
        except LogWentBack as error:
            self.log_change = error
            raise

    async def check_logs(self, partitions: Iterable[TP]) -> bool:
        """Ask the broker whether partitions can be read on; False if it does not answer.

        Raises:
            LogWentBack: A log is not the one that was read.
        """
        read = self.offset_tracker.read_positions()
        positions = {tp: read[tp] for tp in partitions if tp in read}
        epochs = {tp: epoch_to_ask(position.log) for tp, position in positions.items()}
        try:
            states = await self.fetch_log_states(epochs)
        except BrokerError as error:
            log.warning("cannot check the logs", extra={"reason": error})
            return False
        for tp, state in states.items():
            check_position(tp, positions[tp], state)
        return positions.keys() == states.keys()

    async def _is_same_log(self, tp: TP, fetched: FetchedRecords) -> bool:
        """Whether records are of the log that was read; in another leader epoch, the broker has to confirm it."""
        position = self.offset_tracker.read_positions().get(tp)
        if position is None or not fetched.records or fetched.log.leader_epoch == position.log.leader_epoch:
            return True
        return position.log.leader_epoch < 0 or await self.check_logs([tp])

    @Service.task
    async def _watch_topics(self) -> None:
        while not self.should_stop:
            await self.sleep(_WATCH_INTERVAL_S)
            await self.look_at_topics()

    async def look_at_topics(self) -> None:
        """Compare the ids of all topics that are read or watched with those that they had.

        Raises:
            LogWentBack: A topic was deleted, or deleted and created again.
        """
        with self._noting_log_change():
            for topic, topic_id in self.watched_topics.items():
                self._topic_watch.expect(topic, topic_id)
            topics = list(self._topic_watch.expected)
            if not topics:
                return
            try:
                topic_ids = await self.fetch_topic_ids(topics)
            except BrokerError as error:
                log.warning("cannot check the topics", extra={"reason": error})
                return
            self._topic_watch.observe(topic_ids)

    # Assignment.

    async def perform_seek(self) -> None:
        """Start to read the assigned partitions at the group's offsets.

        Raises:
            LogWentBack: A log is not the one that the committed offset belongs to.
        """
        with self._noting_log_change():
            await self._seek_to_starts()

    async def _seek_to_starts(self) -> None:
        epoch = self.offset_tracker.epoch
        starts = await self._find_all_starts()
        for tp, start in starts.items():
            if start.committed is not None and start.position > start.committed:
                log_deleted_records(tp, start.committed, start.position)
        # Another rebalance may have begun meanwhile; it will seek for itself.
        if epoch == self.offset_tracker.epoch:
            for tp, start in starts.items():
                self._topic_watch.expect(tp.topic, start.log.topic_id)
                if start.metadata is not None:  # the app's own note, if there is one by now, is newer
                    self.commit_notes.setdefault(tp, start.metadata.note)
            self.offset_tracker.restart(starts)
            self.wake()

    async def _find_all_starts(self) -> Mapping[TP, PartitionStart]:
        epoch = self.offset_tracker.epoch
        for look in range(1, LOOKS + 1):
            starts = await self.find_starts()
            missing = sorted(self.assignment() - starts.keys())
            if not missing or epoch != self.offset_tracker.epoch:
                return starts
            if look < LOOKS:
                await asyncio.sleep(_WATCH_INTERVAL_S)
        raise topic_deleted(missing[0].topic)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let running batches finish and commit, then forget the partitions."""
        # Faust's handler, called by `super()`, stops the flow, calls `wait_empty` (below), and then sends the signal
        # that `revoked` in `stream.runtime.app` receives, which closes the indexes of the partitions.
        try:
            await super().on_partitions_revoked(revoked)
        finally:
            self.offset_tracker.clear()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take over partitions; nothing is fetched until `perform_seek` has found the offsets."""
        self.offset_tracker.clear()
        self.commit_notes.clear()
        self.end_lease()
        await super().on_partitions_assigned(assigned, generation_id)

    # Committing.

    async def wait_empty(self) -> None:
        """Wait until the agents have released their batches, at most `drain_timeout_s`, and commit.

        A batch that takes longer is not committed: the next owner of its partition repeats it.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.drain_timeout_s
        while self.unacked_count and not self.should_stop:
            remaining = deadline - loop.time()
            if remaining <= 0:
                log.warning("no longer waiting for running batches", extra={"batches": self.unacked_count})
                await self.commit_and_end_transactions()
                # At once: what comes next may wait for these batches, and meanwhile the group gives them to others.
                self.offset_tracker.clear()
                return
            await self.wait_for_ack(remaining)
        await self.commit_and_end_transactions()

    def committable_offsets(self) -> Mapping[TP, int]:
        """See `OffsetTracker.committable_offsets`."""
        return self.offset_tracker.committable_offsets()

    async def commit_finished(self, offsets: Mapping[TP, int]) -> bool:
        """Commit those of ``offsets`` that are finished in this epoch; False if nothing could be committed."""
        epoch, asked_at = self.offset_tracker.epoch, self._clock()
        # Faust has awaited since it chose the offsets; a rebalance may have come between.
        finished = self.offset_tracker.finished_offsets()
        current = {tp: offset for tp, offset in offsets.items() if offset <= finished.get(tp, -1)}
        if (
            self.log_change is not None
            or not current
            or not await self.commit_offsets(current, self._metadata(current))
        ):
            return False
        self.offset_tracker.mark_committed(epoch, current)
        self._lease_began = asked_at
        return True

    def _metadata(self, offsets: Mapping[TP, int]) -> dict[TP, str]:
        positions = self.offset_tracker.finished_positions()
        notes = {tp: self.commit_notes.get(tp, CommitNote()) for tp in offsets}
        return {tp: CommitMetadata(*positions[tp].log, *notes[tp]).encode() for tp in offsets}
