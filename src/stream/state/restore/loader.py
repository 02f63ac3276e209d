"""Opens a partition's index and brings it up to date from the changelog."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from faust.types import TP

from stream.core.contracts.records import Record
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore, Store
from stream.errors import IndexDamaged, IndexFault
from stream.observability.metrics import Metrics
from stream.settings import MIB, Settings
from stream.state.restore.process_main import event_of
from stream.state.restore.process_pool import RestoreFailed, RestoreProcesses
from stream.state.restore.progress_log import Told
from stream.state.rocksdb_store import RocksStore
from stream.transport.record_batch import BatchTransport

log = logging.getLogger(__name__)

StoreFactory = Callable[[int], Store]

#: A restore takes over so many records at a time: a fetch holds fewer, and together they are read and written faster.
RESTORED_AT_ONCE: Final = 2_000


class Restore:
    """How far one restore is."""

    #: Offset in the changelog up to which it was read.
    reached = 0
    #: All processes that restore are busy with other partitions.
    is_waiting = False


class _Taker(Protocol):
    """Where records of the changelog go."""

    taken: int

    async def take_over(self, records: Sequence[Record], changelog_end: int) -> None: ...

    async def settle(self) -> None: ...


class _Here:
    """An index that is open in this process."""

    def __init__(self, index: PartitionIndex) -> None:
        self._index = index
        self.taken = 0

    async def take_over(self, records: Sequence[Record], changelog_end: int) -> None:
        self.taken += self._index.apply_changelog([event_of(record) for record in records], changelog_end=changelog_end)
        await asyncio.sleep(0)

    async def settle(self) -> None:
        """All is."""


class IndexLoader:
    """Opens indexes. Long restores are left to ``processes``, where given: ``stores`` must be on disk then."""

    def __init__(
        self,
        transport: BatchTransport,
        changelog: str,
        stores: StoreFactory,
        *,
        window_ms: int,
        metrics: Metrics,
        processes: RestoreProcesses | None = None,
    ) -> None:
        self._transport = transport
        self._changelog = changelog
        self._stores = stores
        self._window_ms = window_ms
        self._metrics = metrics
        self._processes = processes

    async def opened(self, partition: int, restore: Restore) -> PartitionIndex:
        """The index of ``partition``, which has read the changelog to its end.

        Raises:
            IndexFault: it cannot be opened or restored.
        """
        index, begin, end = await self._begun(partition)
        place = {"partition": partition, "offset": begin, "end_offset": end}
        log.info("restoring index", extra={**place, "records": max(0, end - begin)})
        began, taken = time.monotonic(), 0
        if self._processes and self._processes.are_worth(end - begin):
            index.close()
            taken = await self._taken_apart(partition, self._processes, begin, end, restore)
            index, begin, end = await self._begun(partition)
        with _closed_on_fault(index.store):
            taken += await self.take_over(partition, index, begin, end, restore)
            index.end_restore()
        log.info("index restored", extra={**place, "records": taken, "seconds": time.monotonic() - began})
        return index

    async def take_over(self, partition: int, index: PartitionIndex, begin: int, end: int, restore: Restore) -> int:
        """Read the changelog from ``begin`` on, and return how many records were new."""
        here = _Here(index)
        await self._hand_over(partition, here, begin, end, restore)
        return here.taken

    async def _begun(self, partition: int) -> tuple[PartitionIndex, int, int]:
        """The index as it is, and where in the changelog what it has not read begins and ends."""
        store = self._stores(partition)
        with _closed_on_fault(store):
            index = self._trusted(partition, store)
            begin, end = await self._unread(partition, index)
            return index, begin, end

    def _trusted(self, partition: int, store: Store) -> PartitionIndex:
        """The index in ``store``; an empty one if that is damaged, or was written by other rules."""
        reason = store.reset_reason
        try:
            index = PartitionIndex(store, window_ms=self._window_ms)
        except IndexDamaged as damage:
            reason = str(damage)
            store.clear()
            index = PartitionIndex(store, window_ms=self._window_ms)
        if reason is not None:
            log.warning("index is rebuilt from the changelog", extra={"partition": partition, "reason": reason})
        return index

    async def _unread(self, partition: int, index: PartitionIndex) -> tuple[int, int]:
        tp = TP(self._changelog, partition)
        start, end = await self._transport.bounds(tp)
        if index.last_offset >= 0 and index.changelog_end < start:
            log.warning(
                "index is older than the changelog, restored from its beginning",
                extra={"partition": partition, "offset": index.changelog_end, "begin_offset": start},
            )
            index.reset()
        if index.changelog_end > end:
            raise IndexFault(
                f"the index of partition {partition} has read {tp.topic} up to {index.changelog_end}, the topic ends "
                f"at {end}: it was deleted and made again; delete the partition's folder in STREAM_DATA_DIR"
            )
        return max(start, index.changelog_end), end

    async def _taken_apart(
        self, partition: int, processes: RestoreProcesses, begin: int, end: int, restore: Restore
    ) -> int:
        """Have a process read the changelog from ``begin`` on, as far as it gets; how many records were new."""
        self._tell(partition, begin, begin, end)
        taken, restore.is_waiting = 0, True
        try:
            async with processes.started(partition) as process:
                restore.is_waiting = False
                try:
                    await self._hand_over(partition, process, begin, end, restore)
                finally:
                    taken = process.taken
        except RestoreFailed as failed:
            log.warning("index is restored by the worker itself", extra={"partition": partition, "reason": failed})
        finally:
            restore.is_waiting = False
        return taken

    async def _hand_over(self, partition: int, taker: _Taker, begin: int, end: int, restore: Restore) -> None:
        self._tell(partition, begin, begin, end)
        told = Told(partition, begin, end)
        async with contextlib.aclosing(self._replayed(partition, begin, restore)) as portions:
            async for records in portions:
                reached = records[-1].offset + 1
                await taker.take_over(records, reached)
                self._tell(partition, begin, reached, end)
                self._metrics.restored.inc(len(records))
                told.reached(reached, time.monotonic())
        await taker.settle()
        self._tell(partition, end, end, end)

    async def _replayed(self, partition: int, begin: int, restore: Restore) -> AsyncGenerator[Sequence[Record], None]:
        """The changelog from ``begin`` on, `RESTORED_AT_ONCE` records or more at a time."""
        gathered: list[Record] = []
        async with contextlib.aclosing(self._transport.replay(TP(self._changelog, partition), begin)) as fetches:
            async for records in fetches:
                restore.reached = records[-1].offset + 1
                gathered += records
                if len(gathered) >= RESTORED_AT_ONCE:
                    yield gathered
                    gathered = []
        if gathered:
            yield gathered

    def _tell(self, partition: int, begin: int, reached: int, end: int) -> None:
        ratio = min(1.0, (reached - begin) / (end - begin)) if end > begin else float(reached >= end)
        self._metrics.restore_ratio.labels(str(partition)).set(ratio)
        self._metrics.restore_remaining.labels(str(partition)).set(max(0, end - reached))


def new_loader(settings: Settings, transport: BatchTransport, *, metrics: Metrics) -> IndexLoader:
    """What opens the indexes that ``settings`` name."""
    topics, window_ms, cache_bytes = settings.topics, settings.window_ms, settings.index_cache_mib * MIB

    def folder_of(partition: int) -> Path:
        return settings.index_dir / f"{topics.normalized}-{partition}"

    def store_of(partition: int) -> Store:
        return MemoryStore() if settings.is_memory else RocksStore(folder_of(partition), cache_bytes=cache_bytes)

    at_once = 0 if settings.is_memory else settings.restore_processes
    processes = RestoreProcesses(
        topics.fingerprints, folder_of, cache_bytes=cache_bytes, window_ms=window_ms, at_once=at_once
    )
    return IndexLoader(
        transport, topics.fingerprints, store_of, window_ms=window_ms, metrics=metrics, processes=processes
    )


@contextlib.contextmanager
def _closed_on_fault(store: Store) -> Iterator[None]:
    """Close ``store`` unless all goes well; what is damaged is not trusted again."""
    try:
        yield
    except IndexDamaged as damage:
        store.mark_corrupt(str(damage))
        store.close()
        raise
    except BaseException:
        store.close()
        raise
