"""The duplicate decision on one core, with an empty index and with large ones; then compared with other libraries.

Fingerprint, look-up, decision and insert are timed in batches, as in the deduplicate step, without reading and writing
JSON. Each size is measured in a process of its own, on a copy of an index that is built once: see
`benchmarks.synthetic_index`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from benchmarks import bench_dedup_vs_minhash
from benchmarks.corpus import rows
from benchmarks.dedup_support import (
    MIB,
    Pass,
    apply_changelog,
    decide_all,
    normalize_all,
    resident_bytes,
    run_in_process,
)
from benchmarks.synthetic_index import (
    SCOPE,
    WINDOW_MS,
    Shape,
    copy_index,
    event_time,
    fill_index,
    property_sum,
    settle,
    shape,
    size_bytes_of,
)
from stream import gc_tuning
from stream.core.contracts import codec
from stream.core.contracts.events import FingerprintEvent, NormalizedEvent
from stream.core.dedup.articles import IncomingArticle
from stream.core.dedup.fingerprint import compute_fingerprints
from stream.core.index.partition_index import PartitionIndex
from stream.core.pipeline.decided_events import incoming_article
from stream.core.pipeline.outcome import scope_of
from stream.state.rocksdb_store import RocksStore

#: The sizes take turns, so that other load on the machine affects all of them.
TURNS: Final = 3
#: One in this many articles is looked up and not recorded.
HELD_BACK_EVERY: Final = 3
#: Look-ups before the timing starts, so that the caches are filled as in a worker that has run for long.
WARM_UP: Final = 1_000
GOALS: Final = (
    "goals: 5,000 articles/s at 1 M, 80 % of that at 10 M; p99 of a look-up 5 ms; "
    "an article 1,500 bytes on disk and 150 of memory"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Measurements on an index of ``indexed`` articles with ``articles`` more: sizes in bytes, times in seconds."""

    indexed: int
    articles: int
    best: Pass
    lookups_s: list[float]
    disk_before: int
    disk_after: int
    resident: int
    caches: int
    readers: int
    restored: int
    restore_cpu: float
    restore_wall: float


def run(corpus: Path, indexed: Sequence[int], folder: Path) -> None:
    """Print the figures for an empty index and for each size in ``indexed``, then those of the other libraries."""
    articles = normalize_all(rows(corpus))
    fingerprints = compute_fingerprints((article.text, article.title) for article in articles)
    shapes = [shape(fingerprint) for fingerprint in fingerprints]
    mean = np.mean(shapes, axis=0)
    print(f"{len(articles)} articles, a mean of {mean[0]:.0f} tokens and {mean[2]:.1f} anchors")
    folder.mkdir(parents=True, exist_ok=True)
    paths = {count: _build_index(folder, count, shapes) for count in sorted({0, *indexed})}
    # In the same folder as the indexes: files can be hard-linked on one file system only.
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        turns = [
            [run_in_process(partial(_measure, count, articles, paths[count], Path(scratch))) for count in paths]
            for _ in range(TURNS)
        ]
        _print([_best(figures) for figures in zip(*turns, strict=True)])
        bench_dedup_vs_minhash.run(corpus, articles, Path(scratch))


def _build_index(folder: Path, count: int, shapes: Sequence[Shape]) -> Path:
    started = time.perf_counter()
    path = fill_index(folder, count, shapes)
    print(f"index of {count:,} articles: {path}, ready in {time.perf_counter() - started:.0f} s", flush=True)
    return path


def _measure(count: int, articles: Sequence[NormalizedEvent], source: Path, scratch: Path) -> Figures:
    """Measure one turn on the index in ``source``, which holds ``count`` articles."""
    later = [_at(article, count + i) for i, article in enumerate(articles)]
    held_back = _subjects(later[::HELD_BACK_EVERY])
    recorded = [article for i, article in enumerate(later) if i % HELD_BACK_EVERY]
    gc_tuning.tune_gc()  # as a worker does
    before = resident_bytes()
    path = copy_index(source, scratch / "measured")
    store = RocksStore(path)
    index = PartitionIndex(store, window_ms=WINDOW_MS)
    _time_lookups(index, held_back[:WARM_UP])
    result = decide_all(index, recorded)
    lookups = _time_lookups(index, held_back)
    resident, readers = resident_bytes() - before, property_sum(store, "estimate-table-readers-mem")
    caches = property_sum(store, "block-cache-usage", "cur-size-all-mem-tables")
    settle(store)
    index.close()
    disk_after = size_bytes_of(path)
    restore_cpu, restore_wall = _time_restore(copy_index(source, path), result.recorded)
    return Figures(
        indexed=count,
        articles=len(recorded),
        best=result,
        lookups_s=lookups,
        disk_before=size_bytes_of(source),
        disk_after=disk_after,
        resident=resident,
        caches=caches,
        readers=readers,
        restored=len(result.recorded),
        restore_cpu=restore_cpu,
        restore_wall=restore_wall,
    )


def _best(turns: Sequence[Figures]) -> Figures:
    """Combine turns: the shortest times, all look-ups, and memory and disk of the first turn."""
    passes = [turn.best for turn in turns]
    best = min(passes, key=lambda result: result.cpu)
    return replace(
        turns[0],
        best=replace(
            best,
            wall=min(result.wall for result in passes),
            parts={name: min(result.parts[name] for result in passes) for name in best.parts},
        ),
        lookups_s=[seconds for turn in turns for seconds in turn.lookups_s],
        restore_cpu=min(turn.restore_cpu for turn in turns),
        restore_wall=min(turn.restore_wall for turn in turns),
    )


def _at(article: NormalizedEvent, offset: int) -> NormalizedEvent:
    """Move ``article`` into the scope of those in the index, after them in time."""
    tenant, _, language = SCOPE.partition("/")
    moved = msgspec.structs.replace(
        article,
        event_time=event_time(offset),
        tenant=tenant,
        language=msgspec.structs.replace(article.language, tag=language),
    )
    assert scope_of(moved) == SCOPE  # noqa: S101 - else nothing would be found
    return moved


def _subjects(articles: Sequence[NormalizedEvent]) -> list[tuple[IncomingArticle, int]]:
    prints = compute_fingerprints((article.text, article.title) for article in articles)
    return [
        (incoming_article(article, fingerprint), article.event_time)
        for article, fingerprint in zip(articles, prints, strict=True)
    ]


def _time_lookups(index: PartitionIndex, subjects: Iterable[tuple[IncomingArticle, int]]) -> list[float]:
    """Time each look-up in seconds, alone and without prefetching."""
    seconds = []
    for subject, moment in subjects:
        started = time.perf_counter()
        index.begin_transaction().find_candidates(subject, time_ms=moment)
        seconds.append(time.perf_counter() - started)
    return seconds


def _time_restore(path: Path, events: Sequence[FingerprintEvent]) -> tuple[float, float]:
    """Time the restore of ``events`` from JSON: CPU seconds and wall seconds."""
    values = [codec.encode(event) for event in events]
    index = PartitionIndex(RocksStore(path), window_ms=WINDOW_MS)
    cpu, wall = time.process_time(), time.perf_counter()
    apply_changelog(index, values)
    seconds = time.process_time() - cpu, time.perf_counter() - wall
    index.close()
    return seconds


def _print(figures: Sequence[Figures]) -> None:
    first = next((turn for turn in figures if turn.indexed), figures[0])
    print(f"\n{GOALS}")
    print(f"\n{'indexed':>11} {'articles/CPU s':>15} {'/s':>7} {'ratio':>6}  µs an article, by part")
    for turn in figures:
        best, count = turn.best, turn.articles
        parts = ", ".join(f"{name} {seconds / count * 1e6:.0f}" for name, seconds in best.parts.items())
        ratio = first.best.cpu / best.cpu
        print(f"{turn.indexed:11,} {count / best.cpu:15,.0f} {count / best.wall:7,.0f} {ratio:6.2f}  {parts}")
    print(f"\n{'indexed':>11} {'look-up p50':>12} {'p99':>8} {'max':>8}    restore/CPU s      /s  relations")
    for turn in figures:
        p50, p99, most = (float(np.percentile(turn.lookups_s, share)) * 1e3 for share in (50, 99, 100))
        rates = f"{turn.restored / turn.restore_cpu:15,.0f} {turn.restored / turn.restore_wall:7,.0f}"
        relations = ", ".join(f"{name} {count}" for name, count in turn.best.relations.items())
        print(f"{turn.indexed:11,} {p50:9.2f} ms {p99:5.2f} ms {most:5.2f} ms  {rates}  {relations}")
    print(f"\n{'indexed':>11} {'bytes on disk an article':>25} {'of memory':>10} {'readers':>8}   resident, caches")
    for turn in figures:
        _print_size(turn, figures[0])


def _print_size(figures: Figures, empty: Figures) -> None:
    """Print sizes. Memory per article is what the index needs beyond its caches, and beyond the empty index."""
    articles = figures.indexed or figures.articles
    disk = figures.disk_before if figures.indexed else figures.disk_after
    beyond = (figures.resident - figures.caches) - (empty.resident - empty.caches)
    memory, readers = (f"{bytes_ / articles:.0f}" if figures.indexed else "" for bytes_ in (beyond, figures.readers))
    size = f"{figures.resident / MIB:.0f} MiB, {figures.caches / MIB:.0f} MiB"
    print(f"{figures.indexed:11,} {disk / articles:25,.0f} {memory:>10} {readers:>8}   {size}")
