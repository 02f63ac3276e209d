"""An index that already holds many articles: random fingerprints with the shape of real ones, restored into RocksDB.

They go through `PartitionIndex.restore`, as a worker's index does, so what is measured afterwards has the keys, values
and levels that a worker has. Only the reading is left out: nobody knows these articles yet.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from stream.core.contracts.events import Duplicate, FingerprintEvent, Origin
from stream.core.dedup.fingerprint import FORMAT, Fingerprint
from stream.core.dedup.rules import VERSION, new_cluster_id
from stream.core.index.keys import scope_prefix
from stream.core.index.partition_index import LAYOUT_VERSION, PartitionIndex
from stream.core.timestamps import format_rfc3339
from stream.settings import DAY_MS
from stream.state.rocksdb_store import RocksStore

SCOPE: Final = "default/ar"
_PREFIX: Final = scope_prefix(SCOPE)
WINDOW_MS: Final = 7 * DAY_MS
START_MS: Final = 1_780_000_000_000
#: So far apart, ten million articles lie within the window.
APART_MS: Final = 50
BATCH: Final = 2_000
PROGRESS_EVERY: Final = 1_000_000
SETTLED_POLL_S: Final = 0.2


class Shape(NamedTuple):
    """How much of everything the fingerprint of a real article has."""

    tokens: int
    sequence: int
    anchors: int
    title: int


def shape(found: Fingerprint) -> Shape:
    """The shape of one fingerprint."""
    return Shape(found.tokens, len(found.sequence), len(found.anchors), len(found.title))


def event_time(offset: int) -> int:
    """When the article at ``offset`` was seen, in milliseconds."""
    return START_MS + offset * APART_MS


def synthetic(shapes: Sequence[Shape], first: int, count: int) -> list[FingerprintEvent]:
    """The changelog records of ``count`` unrelated articles from offset ``first`` on; the same at every call."""
    chance = np.random.default_rng([1, first])
    chosen = [shapes[number] for number in chance.integers(len(shapes), size=count).tolist()]
    hashes = _pieces(chance, [32] * count)
    sequences = _pieces(chance, [2 * one.sequence for one in chosen])
    anchors = _pieces(chance, [8 * one.anchors for one in chosen])
    titles = _pieces(chance, [2 * one.title for one in chosen])
    chunked = zip(chosen, hashes, sequences, anchors, titles, strict=True)
    return [_event(first + place, Pieces(*given)) for place, given in enumerate(chunked)]


class Pieces(NamedTuple):
    """What one synthetic article is made of: random bytes."""

    shape: Shape
    hashes: bytes
    sequence: bytes
    anchors: bytes
    title: bytes


def _event(offset: int, made: Pieces) -> FingerprintEvent:
    text_hash, display_hash = made.hashes[:16].hex(), made.hashes[16:].hex()
    name, moment = f"agency-{display_hash[:16]}", event_time(offset)
    return FingerprintEvent(
        event_id=text_hash[::-1],
        offset=offset,
        previous=offset - 1,
        event_time=moment,
        scope=SCOPE,
        id=name,
        url_key=f"paper{offset % 997}.example/politics/2026/{name}",
        source=f"paper{offset % 997}.example",
        published_at=format_rfc3339(moment),
        display_hash=display_hash,
        format=FORMAT,
        text_hash=text_hash,
        tokens=made.shape.tokens,
        is_spaced=True,
        sequence=made.sequence,
        anchors=np.sort(np.frombuffer(made.anchors, dtype="<u8")).tobytes(),
        title=np.sort(np.frombuffer(made.title, dtype="<u2")).tobytes(),
        revision=1,
        cluster_depth=0,
        duplicate=Duplicate(
            relation="new",
            is_duplicate=False,
            cluster_id=new_cluster_id(SCOPE, name, text_hash),
            method="nothing-alike",
            version=VERSION,
        ),
        origin=Origin(topic="articles.raw", partition=0, offset=offset, timestamp=format_rfc3339(moment)),
    )


def _pieces(chance: np.random.Generator, sizes: Sequence[int]) -> Iterator[bytes]:
    joined, end = chance.bytes(sum(sizes)), 0
    for size in sizes:
        yield joined[end : end + size]
        end += size


class _Unread(RocksStore):
    """A store that knows nothing but what an index keeps for itself."""

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store`."""
        if any(key.startswith(_PREFIX) for key in keys):
            return [None] * len(keys)
        return super().get_many(keys)


def filled(folder: Path, count: int, shapes: Sequence[Shape]) -> Path:
    """The folder of an index of ``count`` articles, made below ``folder`` unless it is there; goes on where it stopped.

    It is known by `LAYOUT_VERSION` and ``count``; after other changes of the index, delete it.
    """
    path = folder / f"{LAYOUT_VERSION.replace('/', '-').replace(':', '-')}-{count}"
    store = _Unread(path)
    index = PartitionIndex(store, window_ms=WINDOW_MS)
    before, started = index.documents, time.perf_counter()
    for first in range(before, count, BATCH):
        events = synthetic(shapes, first, min(BATCH, count - first))
        index.apply_changelog(events, changelog_end=events[-1].offset + 1)
        if (first + BATCH) % PROGRESS_EVERY == 0:
            rate = (first + BATCH - before) / (time.perf_counter() - started)
            print(f"  filled with {first + BATCH:,} articles, {rate:,.0f} a second", flush=True)
    if index.documents > before:
        index.end_restore()  # files that were left for later are merged now, not while something is measured
        settle(store)
    index.close()
    return path


def settle(store: RocksStore) -> None:
    """Wait until RocksDB has nothing to do any more."""
    while property_of(store, "num-running-compactions", "compaction-pending", "num-running-flushes"):
        time.sleep(SETTLED_POLL_S)


def property_of(store: RocksStore, *names: str) -> int:
    """The sum of some of RocksDB's properties."""
    database = store._db  # noqa: SLF001 - only RocksDB itself knows these
    return sum(database.property_int_value(f"rocksdb.{name}") or 0 for name in names)


def copied(path: Path, target: Path) -> Path:
    """A copy of a closed index, to be changed: RocksDB never writes to a table again, so those are linked."""

    def link(source: str, copy: str) -> None:
        (os.link if source.endswith(".sst") else shutil.copyfile)(source, copy)

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(path, target, copy_function=link)
    return target


def bytes_of(path: Path) -> int:
    """The size of the files below ``path`` that hold articles; RocksDB's own logs do not."""
    return sum(file.stat().st_size for file in path.iterdir() if file.suffix in (".sst", ".log", ".blob"))
