"""Indexes restored from nothing: by one worker, and by as many as there are cores at once, each a partition of its own.

What a worker does once a changelog record is there is timed: reading JSON, and taking it over. Records are those of
the corpus, decided on an index that is empty at first.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.corpus import rows
from benchmarks.dedup_core import decided, in_process, normalized, take_over
from benchmarks.signatures import WINDOW_MS
from stream import collector, wire
from stream.index.partition import PartitionIndex
from stream.index.rocks import RocksStore
from stream.index.store import MemoryStore

TURNS: Final = 3


def run(corpus: Path, articles: int) -> None:
    """Print the best of some turns."""
    changelog = in_process(partial(_changelog, corpus, articles))
    for workers in sorted({1, os.cpu_count() or 1}):
        rate = max(_together(changelog, workers) for _ in range(TURNS))
        print(f"{workers} at once, of {len(changelog):,} records each: {rate:8,.0f} records/s")
    print("wanted: 20,000 records/s")


def _changelog(corpus: Path, articles: int) -> list[bytes]:
    index = PartitionIndex(MemoryStore(), window_ms=WINDOW_MS)
    return [wire.encode(event) for event in decided(index, normalized(rows(corpus))[:articles]).recorded]


def _together(changelog: list[bytes], workers: int) -> float:
    """Records a second, from when all are ready until the last one is done."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, spawn.Manager() as manager, spawn.Pool(workers) as pool:
        gate = manager.Barrier(workers)
        given = [(changelog, Path(folder) / str(number), gate) for number in range(workers)]
        spans = pool.starmap(_restored, given, chunksize=1)
    began, ended = min(start for start, _ in spans), max(end for _, end in spans)
    return workers * len(changelog) / (ended - began)


def _restored(changelog: list[bytes], folder: Path, gate: threading.Barrier) -> tuple[float, float]:
    collector.relax()  # as a worker does
    index = PartitionIndex(RocksStore(folder), window_ms=WINDOW_MS)
    gate.wait()
    began = time.monotonic()
    take_over(index, changelog)
    index.end_restore()
    ended = time.monotonic()
    index.close()
    return began, ended
