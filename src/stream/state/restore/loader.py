"""Opens a partition's index and brings it up to date from the changelog."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from faust.types import TP

from stream.core.contracts.records import Record
from stream.core.index.changelog_records import SkippedRecord
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore, Store, guard_store
from stream.core.log_position import LogState
from stream.errors import IndexDamaged, LogWentBack
from stream.observability.metrics import Metrics
from stream.settings import MIB, Settings
from stream.state.restore.changelog_check import ChangelogCheck
from stream.state.restore.changelog_chunk import apply_records
from stream.state.restore.process_main import RestoreRequest
from stream.state.restore.process_pool import RECORDS_MIN, RestoreFailed, RestoreProcessPool
from stream.state.restore.progress_log import RestoreProgressLog
from stream.state.restore.skip_report import SkipReport
from stream.state.rocksdb_store import RocksStore
from stream.transport.commit_metadata import CommitMetadata
from stream.transport.record_batch import BatchTransport

log = logging.getLogger(__name__)

StoreFactory = Callable[[int], Store]
CommittedMetadata = Callable[[int], Awaitable[CommitMetadata | None]]

#: Records that a restore applies at a time: more than one fetch holds, because larger chunks are written faster.
RECORDS_PER_CHUNK: Final = 2_000


@dataclass(slots=True)
class RestoreProgress:
    """How far one restore has got.

    ``reached``: the changelog was read up to this offset. ``is_waiting``: all processes are busy with other partitions.
    """

    reached: int = 0
    is_waiting: bool = False


class RestoreTarget(Protocol):
    """Where changelog records are applied."""

    #: How many records were new.
    applied: int
    #: The records that were skipped and not reported yet.
    skipped: list[SkippedRecord]

    async def apply(self, records: Sequence[Record], changelog_end: int) -> None:
        """Apply ``records``; all before the offset ``changelog_end`` are read then."""

    async def drain(self) -> None:
        """Wait until everything is applied."""


class InProcessTarget:
    """Applies changelog records to an index that is open in this process."""

    def __init__(self, index: PartitionIndex, *, partitions: int | None = None) -> None:
        self._index = index
        self._partitions = partitions
        self.applied = 0
        self.skipped: list[SkippedRecord] = []

    async def apply(self, records: Sequence[Record], changelog_end: int) -> None:
        """See `RestoreTarget`."""
        applied, skipped = apply_records(self._index, records, changelog_end, partitions=self._partitions)
        self.applied += applied
        self.skipped += skipped
        await asyncio.sleep(0)

    async def drain(self) -> None:
        """See `RestoreTarget`; `apply` leaves nothing to wait for."""


class IndexLoader:
    """Opens indexes and restores them.

    Args:
        transport: Reads the changelog.
        changelog: The name of its topic.
        stores: Opens the store of a partition.
        normalized: The name of the topic whose records are decided.
        committed: Returns what the group has committed with the offset of a partition of ``normalized``.
        window_ms: How far back articles are remembered.
        metrics: Shows how far restores have got.
        processes: Does the long restores, if given; the stores must be on disk then.
        records_per_chunk: Records that are applied at a time.
        partitions: How many partitions the changelog has: see `apply_records`.
        skips: Reports the records that are skipped.
    """

    def __init__(
        self,
        transport: BatchTransport,
        changelog: str,
        stores: StoreFactory,
        *,
        normalized: str,
        committed: CommittedMetadata,
        window_ms: int,
        metrics: Metrics,
        processes: RestoreProcessPool | None = None,
        records_per_chunk: int = RECORDS_PER_CHUNK,
        partitions: int | None = None,
        skips: SkipReport | None = None,
    ) -> None:
        self._transport = transport
        self._changelog = changelog
        self._normalized = normalized
        self._committed = committed
        self._stores = stores
        self._window_ms = window_ms
        self._metrics = metrics
        self._processes = processes
        self._records_per_chunk = records_per_chunk
        self._partitions = partitions
        self._skips = skips or SkipReport(changelog, metrics)

    async def load(self, partition: int, progress: RestoreProgress) -> PartitionIndex:
        """Open the index of ``partition`` and apply the changelog up to its end.

        Raises:
            IndexFault: The index cannot be opened or restored.
            LogWentBack: The changelog or the normalized topic has lost what was decided.
        """
        check = ChangelogCheck(self._transport, TP(self._changelog, partition), TP(self._normalized, partition))
        index, begin, end = await self._open_store(partition, check)
        self._skips.begin(partition, is_empty=index.changelog_end == 0)
        fields = {"partition": partition, "offset": begin, "end_offset": end}
        log.info("restoring index", extra={**fields, "records": max(0, end - begin)})
        started_at, applied = time.monotonic(), 0
        if self._processes and self._processes.is_worthwhile(end - begin):
            index.close()
            applied = await self._restore_in_subprocess(partition, self._processes, begin, end, progress)
            index, begin, end = await self._open_store(partition, check)
        with guard_store(index.store, close_on_error=True):
            applied += await self.replay(partition, index, begin, end, progress)
            index.end_restore()
            await check.require_normalized(index.position)
        log.info("index restored", extra={**fields, "records": applied, "seconds": time.monotonic() - started_at})
        return index

    async def replay(
        self, partition: int, index: PartitionIndex, begin: int, end: int, progress: RestoreProgress
    ) -> int:
        """Apply the changelog from ``begin`` on to ``index``, and return how many records were new."""
        target = InProcessTarget(index, partitions=self._partitions)
        await self._stream_changelog(partition, target, begin, end, progress)
        return target.applied

    def went_back(self, partition: int, index: PartitionIndex, offset: int) -> LogWentBack:
        """The error for a changelog in which a record was stored at ``offset``, which the index has read before."""
        what = f"a record was stored at offset {offset}, but the index has read up to {index.changelog_end}"
        return LogWentBack(self._changelog, partition, "truncated", what)

    async def _open_store(self, partition: int, check: ChangelogCheck) -> tuple[PartitionIndex, int, int]:
        """The index as it is on disk, and the range of changelog offsets that it has not read."""
        state = await check.look_up()
        metadata = await self._committed(partition)
        await check.require(metadata.changelog if metadata else None, state)
        store = self._stores(partition)
        with guard_store(store, close_on_error=True):
            index = self._open_or_reset(partition, store)
            return index, await self._find_begin(partition, index, check, state), state.end

    def _open_or_reset(self, partition: int, store: Store) -> PartitionIndex:
        """The index in ``store``; an empty one if the store is damaged or was written by other rules."""
        reason = store.reset_reason
        try:
            index = PartitionIndex(store, window_ms=self._window_ms)
        except IndexDamaged as damage:
            reason = str(damage)
            store.clear()
            index = PartitionIndex(store, window_ms=self._window_ms)
        if reason is not None:
            log.warning("rebuilding the index from the changelog", extra={"partition": partition, "reason": reason})
        return index

    async def _find_begin(self, partition: int, index: PartitionIndex, check: ChangelogCheck, state: LogState) -> int:
        """The offset in the changelog at which the index goes on."""
        known = {"partition": partition, "offset": index.changelog_end}
        if not await check.holds(index.position.mark, state) or index.changelog_end > state.end:
            begin = await check.find_continuation(index.position, state)
            log.warning("index goes on at the recovery", extra={**known, "begin_offset": begin})
            index.follow_changelog(state.topic_id, begin=begin)
        elif index.last_offset >= 0 and index.changelog_end < state.start:
            log.warning(
                "index is older than the changelog; restoring it from the beginning",
                extra={**known, "begin_offset": state.start},
            )
            index.reset()
        if index.position.changelog_id != state.topic_id:
            index.follow_changelog(state.topic_id)
        return max(state.start, index.changelog_end)

    async def _restore_in_subprocess(
        self, partition: int, processes: RestoreProcessPool, begin: int, end: int, progress: RestoreProgress
    ) -> int:
        """Let a process apply the changelog from ``begin`` on, as far as it gets; return how many records were new."""
        self._report(partition, begin, begin, end)
        applied, progress.is_waiting = 0, True
        try:
            async with processes.start(partition) as process:
                progress.is_waiting = False
                try:
                    await self._stream_changelog(partition, process, begin, end, progress)
                finally:
                    applied = process.applied
        except RestoreFailed as failure:
            log.warning(
                "restore process failed; the worker restores the index itself",
                extra={"partition": partition, "reason": failure},
            )
        finally:
            progress.is_waiting = False
        return applied

    async def _stream_changelog(
        self, partition: int, target: RestoreTarget, begin: int, end: int, progress: RestoreProgress
    ) -> None:
        """Apply the changelog from ``begin`` on to ``target``."""
        self._report(partition, begin, begin, end)
        progress_log = RestoreProgressLog(partition, begin, end)
        async with contextlib.aclosing(self._read_chunks(partition, begin, progress)) as chunks:
            async for records in chunks:
                reached = records[-1].offset + 1
                await target.apply(records, reached)
                self._skips.report(partition, target)
                self._report(partition, begin, reached, end)
                self._metrics.restored.inc(len(records))
                progress_log.update(reached, time.monotonic())
        await target.drain()
        self._skips.report(partition, target)
        self._report(partition, end, end, end)

    async def _read_chunks(
        self, partition: int, begin: int, progress: RestoreProgress
    ) -> AsyncGenerator[Sequence[Record], None]:
        """The changelog from ``begin`` on, ``records_per_chunk`` records or more at a time."""
        chunk: list[Record] = []
        async with contextlib.aclosing(self._transport.replay(TP(self._changelog, partition), begin)) as fetches:
            async for records in fetches:
                progress.reached = records[-1].offset + 1
                chunk += records
                if len(chunk) >= self._records_per_chunk:
                    yield chunk
                    chunk = []
        if chunk:
            yield chunk

    def _report(self, partition: int, begin: int, reached: int, end: int) -> None:
        """Set the metrics of a restore."""
        ratio = min(1.0, (reached - begin) / (end - begin)) if end > begin else float(reached >= end)
        self._metrics.restore_ratio.labels(str(partition)).set(ratio)
        self._metrics.restore_remaining.labels(str(partition)).set(max(0, end - reached))


def new_loader(
    settings: Settings,
    transport: BatchTransport,
    *,
    committed: CommittedMetadata,
    metrics: Metrics,
    process_records_min: int = RECORDS_MIN,
) -> IndexLoader:
    """Return the loader of the indexes that ``settings`` describe.

    ``committed``: see `IndexLoader`.
    ``process_records_min``: restores of fewer records are done by the worker itself.
    """
    topics, window_ms, cache_bytes = settings.topics, settings.window_ms, settings.index_cache_mib * MIB

    def folder_of(partition: int) -> Path:
        return settings.index_dir / f"{topics.normalized}-{partition}"

    def open_store(partition: int) -> Store:
        return MemoryStore() if settings.is_memory else RocksStore(folder_of(partition), cache_bytes=cache_bytes)

    def request_for(partition: int) -> RestoreRequest:
        return RestoreRequest(
            str(folder_of(partition)), cache_bytes, window_ms, topics.fingerprints, partition, settings.scope_partitions
        )

    size = 0 if settings.is_memory else settings.restore_processes
    processes = RestoreProcessPool(request_for, size=size, records_min=process_records_min)
    return IndexLoader(
        transport,
        topics.fingerprints,
        open_store,
        normalized=topics.normalized,
        committed=committed,
        window_ms=window_ms,
        metrics=metrics,
        processes=processes,
        partitions=settings.scope_partitions,
        skips=SkipReport(topics.fingerprints, metrics, None if settings.is_memory else folder_of),
    )
