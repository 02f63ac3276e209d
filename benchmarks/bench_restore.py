"""Measures the restore of all indexes of a worker from nothing: in the worker itself, and in restore processes.

There are as many partitions as cores, each with the same changelog: the records of the corpus, decided on an empty
index, and repeated for one tenant after another. The time covers all that a worker does after a record was fetched:
starting processes, sending records to them, decoding JSON, applying records, closing and opening indexes.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from faust.types import TP

from benchmarks.corpus import rows
from benchmarks.dedup_support import decide_all, normalize_all, run_in_process
from benchmarks.synthetic_index import WINDOW_MS
from stream import gc_tuning
from stream.core.contracts import codec
from stream.core.contracts.events import FingerprintEvent
from stream.core.contracts.records import InputRecord, Record
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.core.log_position import LogState
from stream.observability.metrics import Metrics
from stream.state.partition_indexes import PartitionIndexes
from stream.state.restore.loader import IndexLoader
from stream.state.restore.process_main import RestoreRequest
from stream.state.restore.process_pool import RestoreProcessPool
from stream.state.rocksdb_store import RocksStore

RUNS: Final = 3
RECORDS: Final = 150_000
FETCH_RECORDS: Final = 500
CACHE_BYTES: Final = 64 * 1024 * 1024


class Log:
    """The changelog in memory, the same in each partition."""

    batch_bytes = 1 << 20

    def __init__(self, values: Sequence[bytes]) -> None:
        self.values = values

    async def bounds(self, _tp: TP) -> tuple[int, int]:
        """Its first offset, and the offset behind its last record."""
        return 0, len(self.values)

    async def read_one(self, _tp: TP, _offset: int) -> None:
        """No record is asked for: the index is empty, and nothing was committed."""

    async def log_states(self, epochs: Mapping[TP, int | None]) -> dict[TP, LogState]:
        """The state of each partition."""
        return {tp: LogState("A" * 22, 0, 0, len(self.values), epoch_end=len(self.values)) for tp in epochs}

    async def read_records(self, tp: TP, offsets: Sequence[int]) -> dict[int, Record]:
        """Return the records at ``offsets``."""
        return {offset: InputRecord(*tp, offset, None, None, self.values[offset]) for offset in offsets}

    async def replay(self, tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """Yield its records from ``start`` on, as many at a time as a fetch holds."""
        for first in range(start, len(self.values), FETCH_RECORDS):
            values = self.values[first : first + FETCH_RECORDS]
            yield [InputRecord(*tp, offset, None, None, value) for offset, value in enumerate(values, first)]


def run(corpus: Path) -> None:
    """Print the best rate of some runs."""
    log = Log(run_in_process(partial(_changelog, corpus)))
    partitions = os.cpu_count() or 1
    print(f"{partitions} partitions of {len(log.values):,} records each, one worker")
    for processes in (0, partitions):
        rate = max(run_in_process(partial(_rate, log, partitions, processes)) for _ in range(RUNS))
        print(f"{f'in {processes} processes' if processes else 'in the worker':>16}: {rate:8,.0f} records/s")
    print("goal: 20,000 records/s")


def _changelog(corpus: Path) -> list[bytes]:
    events = decide_all(PartitionIndex(MemoryStore(), window_ms=WINDOW_MS), normalize_all(rows(corpus))).recorded
    tenants = range(-(-RECORDS // len(events)))
    return [codec.encode(event) for tenant in tenants for event in _move_to_tenant(tenant, events)][:RECORDS]


def _move_to_tenant(tenant: int, events: Sequence[FingerprintEvent]) -> Iterator[FingerprintEvent]:
    """Yield ``events`` as those of another tenant, behind those of the tenants before it."""
    shift = tenant * len(events)
    for event in events:
        yield msgspec.structs.replace(
            event,
            scope=f"tenant-{tenant}/{event.scope}",
            offset=event.offset + shift,
            previous=event.previous + shift,
            earlier_offset=None if event.earlier_offset is None else event.earlier_offset + shift,
        )


def _rate(log: Log, partitions: int, processes: int) -> float:
    """Records per second, from the assignment of the partitions until all indexes are restored."""
    gc_tuning.tune_gc()  # as a worker does
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure_restore(log, Path(folder), partitions, processes))


async def _nothing_committed(_partition: int) -> None:
    return None


async def _measure_restore(log: Log, folder: Path, partitions: int, processes: int) -> float:
    def folder_of(partition: int) -> Path:
        return folder / str(partition)

    metrics = Metrics()
    opener = IndexLoader(
        log,
        "changelog",
        lambda partition: RocksStore(folder_of(partition), cache_bytes=CACHE_BYTES),
        normalized="normalized",
        committed=_nothing_committed,
        window_ms=WINDOW_MS,
        metrics=metrics,
        processes=RestoreProcessPool(
            lambda partition: RestoreRequest(str(folder_of(partition)), CACHE_BYTES, WINDOW_MS, "changelog", partition),
            size=processes,
        ),
    )
    indexes = PartitionIndexes(opener, metrics=metrics)
    started = time.monotonic()
    indexes.assign(range(partitions))
    for partition in range(partitions):
        async with indexes.acquire(partition) as index:
            assert index is not None  # noqa: S101 - otherwise the rate is that of something else
            assert index.changelog_end == len(log.values)  # noqa: S101 - as above
    seconds = time.monotonic() - started
    await indexes.close()
    return partitions * len(log.values) / seconds
