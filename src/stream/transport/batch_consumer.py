"""The half of a Faust consumer that both transports share: batches out, offsets in.

It replaces the parts of Faust's consumer that can lose records:

- Faust commits what its streams have acknowledged, and they acknowledge events that failed. Here an
  acknowledgement moves nothing; `RecordBatch.done` does.
- Faust notes an offset as committed even if the commit failed. Here only a commit that succeeded counts.
- Faust drops records that were fetched while a rebalance began, and relies on a seek that does nothing for
  partitions without a committed offset. Here every fetch names its offset, so what was dropped is read again.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import time
from abc import abstractmethod
from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from faust.transport.consumer import Consumer
from faust.types import TP, ConsumerMessage, Message
from mode.utils.futures import notify

from stream.transport.offset_tracker import Fetched, OffsetTracker, Start
from stream.transport.record_batch import BatchTransport, Progress, RecordBatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from faust.types import AppT
    from faust.types.transports import TPorTopicSet

logger = logging.getLogger(__name__)

#: The part of the rebalance timeout that running batches get to finish. The group must hear of us again before it is
#: over, and before that the lease that the last commit gave must have ended: half a session, a quarter of it.
_PATIENCE = 0.4

#: Seconds until a group that did not answer is asked again.
_PAUSE_S = 0.2

_CREATE_TIME = 0


def report_deleted(tp: TP, wanted: int, first: int) -> None:
    """Say that the log begins at ``first`` although the offsets from ``wanted`` on were not processed yet."""
    logger.error(
        "records were deleted before they were processed",
        extra={"topic": tp.topic, "partition": tp.partition, "offset": wanted, "end_offset": first},
    )


class _NoSet(set[int]):
    """Forgets what it is told."""

    def add(self, element: int, /) -> None:
        """Do nothing."""


class _NoList(list[int]):
    """Forgets what it is told."""

    def append(self, element: int, /) -> None:
        """Do nothing."""


class _NoOffsets(defaultdict[TP, int | None]):
    """Knows no offset, whatever it is told."""

    def update(self, *_: object, **__: object) -> None:
        """Do nothing."""


def ledger_of(app: AppT) -> TrackingConsumer:
    """Return ``app.consumer`` with the type that it has on both transports."""
    return cast("TrackingConsumer", app.consumer)


class TrackingConsumer(Consumer):
    """A Faust consumer whose messages are record batches. A transport adds how to fetch and to commit."""

    ledger: OffsetTracker

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # passed on
        self.ledger = OffsetTracker(on_room=self.wake)
        super().__init__(*args, **kwargs)
        #: Bytes of a batch: it ends with the record that reaches them.
        self.batch_bytes = cast("BatchTransport", self.transport).batch_bytes
        self.ledger.bytes_max = self.batch_bytes
        # Faust's compiled streams do what `ack` does by themselves, in these books. Kept, they would grow
        # with every batch, and a batch that is repeated would never count as acknowledged.
        self._acked = defaultdict(_NoList)
        self._acked_index = defaultdict(_NoSet)
        self._committed_offset = _NoOffsets(lambda: None)
        #: Seconds that running batches get to finish when partitions are taken away or the app stops.
        self.patience: float = self.app.conf.broker_rebalance_timeout * _PATIENCE
        self._asked_ends: Mapping[TP, int] = {}
        #: Seconds after a commit that succeeded for which outputs may go out.
        self.lease: float = self.app.conf.broker_session_timeout / 2
        self._known_at = -math.inf

    # What a transport adds.

    @abstractmethod
    async def fetch(self, wanted: Mapping[TP, int], seconds: float) -> Mapping[TP, Fetched]:
        """Return what there is from the offsets ``wanted``; wait so long for it, or for `wake`."""

    @abstractmethod
    def wake(self) -> None:
        """End a `fetch` that waits. Called in the app's loop."""

    @abstractmethod
    async def starts(self) -> Mapping[TP, Start]:
        """Where each assigned partition is to be read from."""

    @abstractmethod
    async def store(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; False if the group has moved on."""

    @abstractmethod
    def end_of(self, tp: TP) -> int | None:
        """The end offset of a partition as last seen, without asking anyone."""

    # What the app asks.

    def progress(self) -> dict[TP, Progress]:
        """How far each assigned partition is, as known here without asking. Call it in the app's loop."""
        return {tp: Progress(offset, self._newest_end(tp)) for tp, offset in self.ledger.finished().items()}

    async def confirm(self, batch: RecordBatch) -> bool:
        """Whether the batch's partition is still ours, so that its outputs may go out; waits where nobody can tell.

        A worker that slept for longer than the session (a stopped process, a suspended machine) does not know that
        the group gave its partitions to another one, which may be far ahead by now. A commit that succeeds proves
        that the group knows us: it is good for half a session, and the other half is left for the delivery.
        """
        while batch.epoch == self.ledger.epoch:
            if time.monotonic() - self._known_at < self.lease:
                return True
            finished = self.ledger.finished()[batch.tp]
            if await self._commit({batch.tp: finished}):
                continue
            if not self.flow_active:  # the partition is being taken away, or the app stops
                return False
            await asyncio.sleep(_PAUSE_S)
        return False

    async def ask_ends(self) -> None:
        """Ask the broker where the assigned partitions end: what fetching tells grows old when fetching stops.

        Raises:
            TransportError: The broker does not tell.
        """
        assigned = list(self.ledger.finished())
        self._asked_ends = await self.highwaters(*assigned) if assigned else {}

    def _newest_end(self, tp: TP) -> int | None:
        known = [end for end in (self.end_of(tp), self._asked_ends.get(tp)) if end is not None]
        return max(known, default=None)

    # What Faust's fetcher asks.

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109  # Faust's
        """Yield one message per partition that had records; its value is the batch."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # an asyncio.Event will do
        if not self.flow_active or self.should_stop:
            return
        epoch = self.ledger.epoch
        wanted = self.ledger.wanted(self._get_active_partitions())
        for tp, fetched in (await self.fetch(wanted, timeout)).items():
            # What is not accepted is fetched again: the ledger still wants the old offset.
            if self.ledger.epoch != epoch or not self.flow_active or self.should_stop:
                return
            batch = self.ledger.accept(tp, fetched)
            if batch is not None:
                # Faust would drop a message that is behind the offset it believes it has read.
                self._read_offset[tp] = None
                yield tp, self._message(batch)

    def _message(self, batch: RecordBatch) -> ConsumerMessage:
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
        """Do nothing: the ledger bounds what is with the agent, and Faust would pause for whole seconds."""

    def resume_flow(self) -> None:
        """Allow fetching again, at once."""
        super().resume_flow()
        self.wake()

    # Assignment.

    async def perform_seek(self) -> None:
        """Begin reading the assigned partitions where the group is."""
        epoch = self.ledger.epoch
        starts = await self.starts()
        for tp, start in starts.items():
            if start.committed is not None and start.position > start.committed:
                report_deleted(tp, start.committed, start.position)
        # Another rebalance may have begun while we asked; it will seek for itself.
        if epoch == self.ledger.epoch:
            self.ledger.restart(starts)
            self.wake()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Let running batches finish and commit, then forget everything."""
        try:
            await super().on_partitions_revoked(revoked)
        finally:
            self.ledger.forget()

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take over partitions; nothing is fetched until `perform_seek` has found the offsets."""
        self.ledger.forget()
        self._known_at = -math.inf
        await super().on_partitions_assigned(assigned, generation_id)

    # Acknowledging and committing.

    def ack(self, message: Message) -> bool:
        """Note that a stream has let go of a batch. This commits nothing."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)
        return True

    async def wait_empty(self) -> None:
        """Wait until the agents have let go of their batches, `patience` seconds long, and commit.

        A batch that takes longer is not committed: whoever owns its partition next repeats it.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience
        while self._unacked_messages and not self.should_stop:
            remaining = deadline - loop.time()
            if remaining <= 0:
                logger.warning("no longer waiting for running batches", extra={"batches": len(self._unacked_messages)})
                await self.commit_and_end_transactions()
                # At once: what comes next may wait for these batches, and meanwhile the group gives them to others.
                self.ledger.forget()
                return
            self._waiting_for_ack = loop.create_future()
            await asyncio.wait([self._waiting_for_ack], timeout=min(remaining, 1.0))
            self._waiting_for_ack = None
            # A batch whose agent died is only held by reference cycles.
            self._clean_unacked_messages()
            if self._unacked_messages:
                gc.collect()
        await self.commit_and_end_transactions()

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        for tp in self.ledger.committable():
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        return self.ledger.committable().get(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        return self.ledger.committable().get(tp) == offset

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: gaps are in the ledger."""

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        epoch, asked_at = self.ledger.epoch, time.monotonic()
        # Faust has awaited since it chose the offsets; a rebalance may have come between.
        finished = self.ledger.finished()
        current = {tp: offset for tp, offset in offsets.items() if offset <= finished.get(tp, -1)}
        if not current or not await self.store(current):
            return False
        self.ledger.booked(epoch, current)
        self._known_at = asked_at
        return True
