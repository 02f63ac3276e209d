"""The indexes of the partitions that this worker owns.

Life cycle of one partition's index::

    CLOSED ──assign──▶ RESTORING ──changelog read──▶ READY ──revoke──▶ REVOKED
                           └──────────────revoke──────────────────────────▲

A restore that fails goes back to CLOSED; the next batch of the partition gets its error.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from faust.types import TP

from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import guard_store
from stream.core.index.transaction import Transaction
from stream.errors import IndexFault, LogWentBack
from stream.observability.metrics import Metrics
from stream.state.restore.loader import IndexLoader, RestoreProgress

log = logging.getLogger(__name__)


#: Called with a partition and its index.
OnReady = Callable[[int, PartitionIndex], None]


class StoredEvent(NamedTuple):
    """A changelog record that was stored: its offset, and the id of its event."""

    offset: int
    event_id: str


class PartitionState(enum.Enum):
    """Where the index of a partition is in its life cycle."""

    #: No index is open: the restore has not begun, or it failed.
    CLOSED = "closed"
    #: The index is being opened and reads the changelog.
    RESTORING = "restoring"
    #: The index is up to date and decides.
    READY = "ready"
    #: The partition was taken away; the index is closed once no batch uses it any more.
    REVOKED = "revoked"


class IndexHandle:
    """One partition's index, from its restore to its end."""

    def __init__(self, partition: int, loader: IndexLoader, metrics: Metrics, on_ready: OnReady) -> None:
        self.state = PartitionState.CLOSED
        self.progress = RestoreProgress()
        self._partition = partition
        self._loader = loader
        self._metrics = metrics
        self._on_ready = on_ready
        self._restore_task: asyncio.Task[PartitionIndex]
        #: Held while a batch is decided, so that the index is not closed meanwhile.
        self._in_use = asyncio.Lock()

    def start(self) -> None:
        """Start to restore the index; returns at once."""
        self.state = PartitionState.RESTORING
        self._restore_task = asyncio.create_task(self._restore())

    @contextlib.asynccontextmanager
    async def acquire(self, *, cancel_on: asyncio.Event | None) -> AsyncIterator[PartitionIndex | None]:
        """See `PartitionIndexes.acquire`."""
        async with self._in_use:
            if self.state is PartitionState.REVOKED or not await _wait_unless(self._restore_task, cancel_on):
                yield None
                return
            index = self._restore_task.result()
            with guard_store(index.store):
                yield index

    async def revoke(self) -> None:
        """Close the index, once the batch that uses it has ended."""
        self.state = PartitionState.REVOKED
        async with self._in_use:
            self._restore_task.cancel()
            await asyncio.wait([self._restore_task])
            if not self._restore_task.cancelled() and self._restore_task.exception() is None:
                self._restore_task.result().close()
            self._metrics.forget_index(self._partition)

    def flush(self) -> None:
        """See `PartitionIndexes.flush`."""
        if self.state is PartitionState.READY:
            try:
                self._restore_task.result().store.flush()
            except IndexFault as fault:
                log.warning("cannot store the index", extra={"partition": self._partition, "reason": fault})

    def measure(self) -> None:
        """Update the metrics of a restored index; see `PartitionIndexes.measure`."""
        if self.state is PartitionState.READY:
            self._measure(self._restore_task.result())
        elif self.state is PartitionState.CLOSED and self._restore_task.done():
            fault = self._restore_task.exception()
            if isinstance(fault, LogWentBack):
                raise fault

    async def _restore(self) -> PartitionIndex:
        try:
            index = await self._loader.load(self._partition, self.progress)
        except Exception:
            self._leave_restoring(PartitionState.CLOSED)
            # The first batch gets the error too; without one, only this line says why the worker is not ready.
            log.exception("cannot restore the index", extra={"partition": self._partition})
            raise
        self._leave_restoring(PartitionState.READY)
        self._on_ready(self._partition, index)
        self._measure(index)
        return index

    def _leave_restoring(self, state: PartitionState) -> None:
        """A partition may have been revoked while a batch was waiting for its restore: it stays revoked."""
        if self.state is PartitionState.RESTORING:
            self.state = state

    def _measure(self, index: PartitionIndex) -> None:
        partition = str(self._partition)
        self._metrics.index_documents.labels(partition).set(index.documents)
        self._metrics.index_bytes.labels(partition).set(index.store.size_bytes)
        for kind, size in index.store.memory_bytes.items():
            self._metrics.index_memory.labels(partition, kind).set(size)
        if index.oldest_s is not None:
            self._metrics.index_oldest.labels(partition).set(index.oldest_s)


class PartitionIndexes:
    """Opens an index for each assigned partition and brings it up to date from the changelog.

    The changelog is read from where the local store has got to, each time that partitions are assigned: another
    worker may have decided in between.

    Args:
        loader: Opens and restores.
        metrics: Where to count.
        on_ready: Called with the partition and its index when that is restored, and after each commit to it.
    """

    def __init__(
        self, loader: IndexLoader, *, metrics: Metrics, on_ready: OnReady = lambda _partition, _index: None
    ) -> None:
        self._loader = loader
        self._metrics = metrics
        self._on_ready = on_ready
        self._handles: dict[int, IndexHandle] = {}

    @property
    def are_restored(self) -> bool:
        """Whether the indexes of all assigned partitions are ready."""
        return all(handle.state is PartitionState.READY for handle in self._handles.values())

    @property
    def restoring(self) -> Mapping[int, int]:
        """The partitions whose index is being restored, each with the changelog offset that it has reached.

        A partition that waits for a free process gets the sum of all offsets: it counts as moving while others move.
        """
        progress = {
            partition: handle.progress
            for partition, handle in self._handles.items()
            if handle.state is PartitionState.RESTORING
        }
        total = sum(each.reached for each in progress.values())
        return {partition: total if each.is_waiting else each.reached for partition, each in progress.items()}

    def assign(self, partitions: Iterable[int]) -> None:
        """Start to restore the indexes of ``partitions`` that are not open yet; returns at once."""
        for partition in partitions:
            if partition not in self._handles:
                self._handles[partition] = IndexHandle(partition, self._loader, self._metrics, self._on_ready)
                self._handles[partition].start()

    async def revoke(self, partitions: Iterable[int]) -> None:
        """Close the indexes of ``partitions``, once the batches that use them have ended."""
        for partition in list(partitions):
            if handle := self._handles.pop(partition, None):
                await handle.revoke()

    def flush(self) -> None:
        """Store on disk what the restored indexes have in memory, as far as that is possible.

        For a worker that ends because of a fault: the changelog may have lost what it would be restored from.
        """
        for handle in self._handles.values():
            handle.flush()

    async def close(self) -> None:
        """Close all indexes."""
        await self.revoke(list(self._handles))

    def measure(self) -> None:
        """Update the metrics of the restored indexes; too expensive to be done for every batch.

        Raises:
            LogWentBack: An index cannot be restored for this reason. Its first batch would get the error too, but a
                topic that was created again may never have one.
        """
        for handle in self._handles.values():
            handle.measure()

    @contextlib.asynccontextmanager
    async def acquire(
        self, partition: int, *, cancel_on: asyncio.Event | None = None
    ) -> AsyncIterator[PartitionIndex | None]:
        """Wait for the restored index of ``partition`` and keep it open meanwhile; None if the partition was revoked.

        Also None if ``cancel_on`` is set before the index is restored: a rebalance that waits for this batch must not
        wait for the whole changelog.

        Raises:
            IndexFault: The index cannot be opened or restored.
        """
        handle = self._handles.get(partition)
        if handle is None:
            yield None
            return
        async with handle.acquire(cancel_on=cancel_on) as index:
            yield index

    async def commit_batch(
        self, partition: int, index: PartitionIndex, transaction: Transaction, stored: Sequence[StoredEvent]
    ) -> None:
        """Write what ``transaction`` has decided. ``stored``: where its records are in the changelog.

        Records of another worker among or before them mean that one of the two workers was a zombie, which did not
        know yet that the partition had moved. Then the changelog counts, not the transaction. Replayed from where this
        index has read it, it gives the owner's index what it has anyway, and a zombie's index what it missed.

        Raises:
            LogWentBack: The records were stored before the end of what the index has read.
        """
        offsets = [offset for offset, _ in stored]
        expected = range(index.changelog_end, index.changelog_end + len(offsets))
        if offsets == list(expected):
            index.commit(
                transaction, changelog_end=expected.stop, last_event_id=stored[-1].event_id if stored else None
            )
        else:
            await self._apply_stored(partition, index, expected.start, offsets)
        self._on_ready(partition, index)

    async def _apply_stored(self, partition: int, index: PartitionIndex, begin: int, offsets: Sequence[int]) -> None:
        """Apply the changelog from ``begin`` on instead of what was decided."""
        known = [offset for offset in offsets if offset >= 0]  # a broker may confirm a retry without an offset
        if known and min(known) < begin:
            raise self._loader.went_back(partition, index, min(known))
        end = max(offsets) + 1
        fields = {"partition": partition, "offset": begin, "end_offset": end}
        log.warning("changelog contains records of another worker; applying them", extra=fields)
        await self._loader.replay(partition, index, begin, end, RestoreProgress())


async def _wait_unless(task: asyncio.Task[PartitionIndex], cancel_on: asyncio.Event | None) -> bool:
    """Wait until ``task`` is done, without cancelling it; False if ``cancel_on`` is set first."""
    if cancel_on is None:
        await asyncio.wait([task])
        return True
    cancelled = asyncio.create_task(cancel_on.wait())
    try:
        await asyncio.wait([task, cancelled], return_when=asyncio.FIRST_COMPLETED)
    finally:
        cancelled.cancel()
    return task.done()


def topic_partitions(assigned: Iterable[TP], topic: str) -> Sequence[int]:
    """The partitions of ``topic`` among ``assigned``, in order."""
    return sorted(tp.partition for tp in assigned if tp.topic == topic)
