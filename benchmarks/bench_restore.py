"""The indexes of one worker restored from nothing: by the worker itself, and by processes of their own.

As many partitions as there are cores, each with the same changelog: records of the corpus, decided on an index that is
empty at first, and the same of one tenant more after another. All that a worker does once a record was fetched is
timed: starting processes, handing records over, reading JSON, taking them over, closing and opening indexes.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from faust.types import TP

from benchmarks.corpus import rows
from benchmarks.dedup_support import decided, in_process, normalized
from benchmarks.synthetic_index import WINDOW_MS
from stream import gc_tuning
from stream.core.contracts import codec
from stream.core.contracts.events import FingerprintEvent
from stream.core.contracts.records import InputRecord, Record
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.observability.metrics import Metrics
from stream.state.partition_indexes import PartitionIndexes
from stream.state.restore.loader import IndexLoader
from stream.state.restore.process_pool import RestoreProcesses
from stream.state.rocksdb_store import RocksStore

TURNS: Final = 3
RECORDS: Final = 150_000
FETCHED: Final = 500
CACHE_BYTES: Final = 64 * 1024 * 1024


class Log:
    """The changelog in memory, the same in each partition."""

    batch_bytes = 1 << 20

    def __init__(self, values: Sequence[bytes]) -> None:
        self.values = values

    async def bounds(self, _tp: TP) -> tuple[int, int]:
        """Where it begins and ends."""
        return 0, len(self.values)

    async def replay(self, tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """Its records from ``start`` on, as many at a time as a fetch holds."""
        for first in range(start, len(self.values), FETCHED):
            values = self.values[first : first + FETCHED]
            yield [InputRecord(*tp, offset, None, None, value) for offset, value in enumerate(values, first)]


def run(corpus: Path) -> None:
    """Print the best of some turns."""
    log = Log(in_process(partial(_changelog, corpus)))
    partitions = os.cpu_count() or 1
    print(f"{partitions} partitions of {len(log.values):,} records each, one worker")
    for processes in (0, partitions):
        rate = max(in_process(partial(_rate, log, partitions, processes)) for _ in range(TURNS))
        print(f"{f'by {processes} processes' if processes else 'by itself':>16}: {rate:8,.0f} records/s")
    print("wanted: 20,000 records/s")


def _changelog(corpus: Path) -> list[bytes]:
    events = decided(PartitionIndex(MemoryStore(), window_ms=WINDOW_MS), normalized(rows(corpus))).recorded
    turns = range(-(-RECORDS // len(events)))
    return [codec.encode(event) for turn in turns for event in _of_tenant(turn, events)][:RECORDS]


def _of_tenant(number: int, events: Sequence[FingerprintEvent]) -> Iterator[FingerprintEvent]:
    """``events`` of another tenant, behind those of the tenants before."""
    behind = number * len(events)
    for event in events:
        yield msgspec.structs.replace(
            event,
            scope=f"tenant-{number}/{event.scope}",
            offset=event.offset + behind,
            previous=event.previous + behind,
            earlier_offset=None if event.earlier_offset is None else event.earlier_offset + behind,
        )


def _rate(log: Log, partitions: int, processes: int) -> float:
    """Records a second, from when the partitions are assigned until all indexes are restored."""
    gc_tuning.relax()  # as a worker does
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_restored(log, Path(folder), partitions, processes))


async def _restored(log: Log, folder: Path, partitions: int, processes: int) -> float:
    def folder_of(partition: int) -> Path:
        return folder / str(partition)

    metrics = Metrics()
    opener = IndexLoader(
        log,
        "changelog",
        lambda partition: RocksStore(folder_of(partition), cache_bytes=CACHE_BYTES),
        window_ms=WINDOW_MS,
        metrics=metrics,
        processes=RestoreProcesses(
            "changelog", folder_of, cache_bytes=CACHE_BYTES, window_ms=WINDOW_MS, at_once=processes
        ),
    )
    indexes = PartitionIndexes(opener, metrics=metrics)
    began = time.monotonic()
    indexes.assign(range(partitions))
    for partition in range(partitions):
        async with indexes.using(partition) as index:
            assert index is not None  # noqa: S101 - else the rate is that of something else
            assert index.changelog_end == len(log.values)  # noqa: S101 - as above
    seconds = time.monotonic() - began
    await indexes.close()
    return partitions * len(log.values) / seconds
