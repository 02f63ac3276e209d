"""The indexes of the partitions that this worker has: opened, restored before the first decision, closed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from faust.types import TP

from stream.core.index.partition_index import PartitionIndex
from stream.core.index.transaction import Transaction
from stream.errors import IndexDamaged
from stream.observability.metrics import Metrics
from stream.state.restore.loader import IndexLoader, Restore

log = logging.getLogger(__name__)


class _Opening:
    """One partition's index, on its way or there."""

    def __init__(self, task: asyncio.Task[PartitionIndex], restore: Restore) -> None:
        self.task = task
        self.restore = restore
        #: Held while a batch is decided, so that the index is not closed under it.
        self.in_use = asyncio.Lock()

    @property
    def is_restored(self) -> bool:
        return self.task.done() and not self.task.cancelled() and self.task.exception() is None


class PartitionIndexes:
    """Opens an index for each assigned partition and brings it up to date from the changelog.

    The changelog is read from where the local store has got to, each time partitions are assigned: another
    worker may have decided in between.
    """

    def __init__(self, opener: IndexLoader, *, metrics: Metrics) -> None:
        self._opener = opener
        self._metrics = metrics
        self._open: dict[int, _Opening] = {}

    @property
    def are_restored(self) -> bool:
        """Every index that was asked for can decide."""
        return all(opening.is_restored for opening in self._open.values())

    @property
    def restoring(self) -> Mapping[int, int]:
        """The partitions whose index is being restored, and how far in the changelog each is.

        One that waits for a process is as far as all of them together: it gets on as long as they do.
        """
        restores = {number: opening.restore for number, opening in self._open.items() if not opening.task.done()}
        together = sum(restore.reached for restore in restores.values())
        return {number: together if restore.is_waiting else restore.reached for number, restore in restores.items()}

    def assign(self, partitions: Iterable[int]) -> None:
        """Begin to open and restore the indexes of ``partitions``; returns at once."""
        for partition in partitions:
            if partition not in self._open:
                restore = Restore()
                task = asyncio.create_task(self._restored(partition, restore))
                self._open[partition] = _Opening(task, restore)  # before the task's first step

    async def revoke(self, partitions: Iterable[int]) -> None:
        """Close the indexes of ``partitions``, once the batches that use them are through."""
        for partition in list(partitions):
            opening = self._open.pop(partition, None)
            if opening is None:
                continue
            async with opening.in_use:
                await self._close(partition, opening)

    def measure(self) -> None:
        """Bring the figures of the restored indexes up to date; too costly to be done for every batch."""
        for partition, opening in self._open.items():
            if opening.is_restored:
                self._measure(partition, opening.task.result())

    async def close(self) -> None:
        """Close all."""
        await self.revoke(list(self._open))

    @contextlib.asynccontextmanager
    async def using(
        self, partition: int, *, unless: asyncio.Event | None = None
    ) -> AsyncIterator[PartitionIndex | None]:
        """The restored index of ``partition``, kept open meanwhile; None if the partition was taken away.

        None too if ``unless`` is set before the index is restored: whoever waits for this batch would wait for the
        whole changelog.

        Raises:
            IndexFault: it cannot be opened or restored.
        """
        opening = self._open.get(partition)
        if opening is None:
            yield None
            return
        async with opening.in_use:
            if opening.task.cancelled() or self._open.get(partition) is not opening:
                yield None
                return
            if not await _is_done(opening.task, unless):
                yield None
                return
            index = opening.task.result()
            try:
                yield index
            except IndexDamaged as damage:
                index.store.mark_corrupt(str(damage))
                raise

    async def record(
        self, partition: int, index: PartitionIndex, transaction: Transaction, stored: Sequence[int]
    ) -> None:
        """Write what ``transaction`` has decided. ``stored``: the offsets of its changelog records.

        Records of others among or before them tell that this worker, or another one, was a zombie: one of the two did
        not know yet that the partition had moved. Then the changelog counts, not the session: taken over from where
        this index has read it, it gives the owner's index what it has, and a zombie's what it missed.
        """
        expected = range(index.changelog_end, index.changelog_end + len(stored))
        if list(stored) == list(expected):
            index.commit(transaction, changelog_end=expected.stop)
            return
        log.warning(
            "changelog has records of another worker, read too",
            extra={"partition": partition, "offset": expected.start, "end_offset": max(stored) + 1},
        )
        await self._opener.take_over(partition, index, expected.start, max(stored) + 1, Restore())

    async def _restored(self, partition: int, restore: Restore) -> PartitionIndex:
        try:
            index = await self._opener.opened(partition, restore)
        except Exception:
            # Raised again by the first batch; without one, this is all that tells why the worker is not ready.
            log.exception("index cannot be restored", extra={"partition": partition})
            raise
        self._measure(partition, index)
        return index

    async def _close(self, partition: int, opening: _Opening) -> None:
        opening.task.cancel()
        await asyncio.wait([opening.task])
        if opening.is_restored:
            opening.task.result().close()
        self._metrics.forget_index(partition)

    def _measure(self, partition: int, index: PartitionIndex) -> None:
        self._metrics.index_documents.labels(str(partition)).set(index.documents)
        self._metrics.index_bytes.labels(str(partition)).set(index.store.size_bytes)
        for kind, size in index.store.memory_bytes.items():
            self._metrics.index_memory.labels(str(partition), kind).set(size)
        if index.oldest_s is not None:
            self._metrics.index_oldest.labels(str(partition)).set(index.oldest_s)


async def _is_done(task: asyncio.Task[PartitionIndex], unless: asyncio.Event | None) -> bool:
    """Wait for the task, which goes on whatever becomes of this wait; False if ``unless`` is set before it is done."""
    if unless is None:
        await asyncio.wait([task])
        return True
    given_up = asyncio.create_task(unless.wait())
    try:
        await asyncio.wait([task, given_up], return_when=asyncio.FIRST_COMPLETED)
    finally:
        given_up.cancel()
    return task.done()


def topic_partitions(assigned: Iterable[TP], topic: str) -> Sequence[int]:
    """The partitions of ``topic`` among ``assigned``."""
    return sorted(tp.partition for tp in assigned if tp.topic == topic)
