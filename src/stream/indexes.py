"""The indexes of the partitions that this worker has: opened, restored before the first decision, closed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Final

from faust.types import TP

from stream import wire
from stream.deduplicate import changelog_event
from stream.errors import IndexDamaged, IndexFault
from stream.events import FingerprintEvent, RemovalEvent
from stream.index.partition import PartitionIndex, Session
from stream.index.store import Store
from stream.metrics import Metrics
from stream.records import Record
from stream.transport.batch import BatchTransport

log = logging.getLogger(__name__)

StoreFactory = Callable[[int], Store]

#: Seconds between two lines about a restore.
TOLD_EVERY_S: Final = 10.0
#: A restore takes over so many records at a time: a fetch holds fewer, and together they are read and written faster.
RESTORED_AT_ONCE: Final = 2_000


class _Opening:
    """One partition's index, on its way or there."""

    def __init__(self, task: asyncio.Task[PartitionIndex]) -> None:
        self.task = task
        #: Held while a batch is decided, so that the index is not closed under it.
        self.in_use = asyncio.Lock()
        #: Offset in the changelog up to which it was read.
        self.reached = 0

    @property
    def is_restored(self) -> bool:
        return self.task.done() and not self.task.cancelled() and self.task.exception() is None


class Indexes:
    """Opens an index for each assigned partition and brings it up to date from the changelog.

    The changelog is read from where the local store has got to, each time partitions are assigned: another
    worker may have decided in between.
    """

    def __init__(
        self, transport: BatchTransport, changelog: str, stores: StoreFactory, *, window_ms: int, metrics: Metrics
    ) -> None:
        self._transport = transport
        self._changelog = changelog
        self._stores = stores
        self._window_ms = window_ms
        self._metrics = metrics
        self._open: dict[int, _Opening] = {}

    @property
    def are_restored(self) -> bool:
        """Every index that was asked for can decide."""
        return all(opening.is_restored for opening in self._open.values())

    @property
    def restoring(self) -> Mapping[int, int]:
        """The partitions whose index is being restored, and how far in the changelog each is."""
        return {partition: opening.reached for partition, opening in self._open.items() if not opening.task.done()}

    def assign(self, partitions: Iterable[int]) -> None:
        """Begin to open and restore the indexes of ``partitions``; returns at once."""
        for partition in partitions:
            if partition not in self._open:
                task = asyncio.create_task(self._restored(partition))
                self._open[partition] = _Opening(task)  # before the task's first step

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
                index.store.distrust(str(damage))
                raise

    async def record(self, partition: int, index: PartitionIndex, session: Session, stored: Sequence[int]) -> None:
        """Write what ``session`` has decided. ``stored``: the offsets of its changelog records.

        Records of others among or before them tell that this worker, or another one, was a zombie: one of the two did
        not know yet that the partition had moved. Then the changelog counts, not the session: taken over from where
        this index has read it, it gives the owner's index what it has, and a zombie's what it missed.
        """
        expected = range(index.changelog_end, index.changelog_end + len(stored))
        if list(stored) == list(expected):
            index.commit(session, changelog_end=expected.stop)
            return
        log.warning(
            "changelog has records of another worker, read too",
            extra={"partition": partition, "offset": expected.start, "end_offset": max(stored) + 1},
        )
        await self._take_over(partition, index, expected.start, max(stored) + 1)

    async def _restored(self, partition: int) -> PartitionIndex:
        try:
            index = await self._opened(partition)
        except Exception:
            # Raised again by the first batch; without one, this is all that tells why the worker is not ready.
            log.exception("index cannot be restored", extra={"partition": partition})
            raise
        self._measure(partition, index)
        return index

    async def _opened(self, partition: int) -> PartitionIndex:
        store = self._stores(partition)
        try:
            index = self._trusted(partition, store)
            await self._catch_up(partition, index)
        except IndexDamaged as damage:
            store.distrust(str(damage))
            store.close()
            raise
        except BaseException:
            store.close()
            raise
        return index

    def _trusted(self, partition: int, store: Store) -> PartitionIndex:
        """The index in ``store``; an empty one if that is damaged, or was written by other rules."""
        reason = store.emptied_because
        try:
            index = PartitionIndex(store, window_ms=self._window_ms)
        except IndexDamaged as damage:
            reason = str(damage)
            store.clear()
            index = PartitionIndex(store, window_ms=self._window_ms)
        if reason is not None:
            log.warning("index is rebuilt from the changelog", extra={"partition": partition, "reason": reason})
        return index

    async def _catch_up(self, partition: int, index: PartitionIndex) -> None:
        tp = TP(self._changelog, partition)
        start, end = await self._transport.bounds(tp)
        if index.last_offset >= 0 and index.changelog_end < start:
            log.warning(
                "index is older than the changelog, restored from its beginning",
                extra={"partition": partition, "offset": index.changelog_end, "begin_offset": start},
            )
            index.reset()
        begin = max(start, index.changelog_end)
        if index.changelog_end > end:
            raise IndexFault(
                f"the index of partition {partition} has read {tp.topic} up to {index.changelog_end}, the topic ends "
                f"at {end}: it was deleted and made again; delete the partition's folder in STREAM_DATA_DIR"
            )
        place = {"partition": partition, "offset": begin, "end_offset": end}
        log.info("restoring index", extra={**place, "records": max(0, end - begin)})
        began = time.monotonic()
        taken = await self._take_over(partition, index, begin, end)
        index.end_restore()
        log.info("index restored", extra={**place, "records": taken, "seconds": time.monotonic() - began})

    async def _take_over(self, partition: int, index: PartitionIndex, begin: int, end: int) -> int:
        """Read the changelog from ``begin`` on, and return how many records were new."""
        ratio = self._metrics.restore_ratio.labels(str(partition))
        ratio.set(0)
        remaining = self._metrics.restore_remaining.labels(str(partition))
        remaining.set(max(0, end - begin))
        told = Told(partition, begin, end)
        taken = 0
        async for records in self._replayed(partition, begin):
            reached = records[-1].offset + 1
            taken += index.restore([_changelog_event(record) for record in records], changelog_end=reached)
            ratio.set(min(1.0, (reached - begin) / max(1, end - begin)))
            remaining.set(max(0, end - reached))
            self._metrics.restored.inc(len(records))
            told.reached(reached, time.monotonic())
            await asyncio.sleep(0)
        ratio.set(1)
        remaining.set(0)
        return taken

    async def _replayed(self, partition: int, begin: int) -> AsyncIterator[Sequence[Record]]:
        """The changelog from ``begin`` on, `RESTORED_AT_ONCE` records or more at a time."""
        gathered: list[Record] = []
        async for records in self._transport.replay(TP(self._changelog, partition), begin):
            if opening := self._open.get(partition):
                opening.reached = records[-1].offset + 1
            gathered += records
            if len(gathered) >= RESTORED_AT_ONCE:
                yield gathered
                gathered = []
        if gathered:
            yield gathered

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


class Told:
    """Tells in the log how far a restore is, every ten seconds. Times are seconds of any steady clock."""

    def __init__(self, partition: int, begin: int, end: int) -> None:
        self._partition = partition
        self._begin = begin
        self._end = end
        self._began: float | None = None
        self._last = 0.0

    def reached(self, offset: int, now: float) -> None:
        """Say so if it is time to."""
        if self._began is None:
            self._began = self._last = now
        if now - self._last < TOLD_EVERY_S:
            return
        self._last = now
        rate = (offset - self._begin) / (now - self._began)
        log.info(
            "restore progress",
            extra={
                "partition": self._partition,
                "offset": offset,
                "end_offset": self._end,
                "percent": round(100 * (offset - self._begin) / max(1, self._end - self._begin)),
                "records_per_second": round(rate),
                "seconds_left": round(max(0, self._end - offset) / rate) if rate else None,
            },
        )


def _changelog_event(record: Record) -> FingerprintEvent | RemovalEvent:
    try:
        return changelog_event(record)
    except wire.UNREADABLE as error:
        raise IndexFault(
            f"{record.topic}/{record.partition}/{record.offset} is not a fingerprint ({error}); only the deduplicate "
            "step may write to this topic"
        ) from error


def topic_partitions(assigned: Iterable[TP], topic: str) -> Sequence[int]:
    """The partitions of ``topic`` among ``assigned``."""
    return sorted(tp.partition for tp in assigned if tp.topic == topic)
