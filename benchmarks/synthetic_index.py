"""Makes an index with many articles in RocksDB: random fingerprints with the shape of real ones.

They are applied as changelog records, as in a restore, so keys, values and levels are those of a worker's index. Only
look-ups are skipped, since none of the articles is in the index yet.
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
#: Time between articles; ten million of them are within the window.
INTERVAL_MS: Final = 50
BATCH: Final = 2_000
PROGRESS_EVERY: Final = 1_000_000
SETTLED_POLL_S: Final = 0.2


class Shape(NamedTuple):
    """The sizes of the fingerprint of a real article."""

    tokens: int
    sequence: int
    anchors: int
    title: int


def shape(fingerprint: Fingerprint) -> Shape:
    """The shape of a fingerprint."""
    anchors, title = len(fingerprint.anchors), len(fingerprint.title)
    return Shape(fingerprint.tokens, len(fingerprint.sequence), anchors, title)


def event_time(offset: int) -> int:
    """When the article at ``offset`` was seen, in milliseconds."""
    return START_MS + offset * INTERVAL_MS


def synthetic(shapes: Sequence[Shape], first: int, count: int) -> list[FingerprintEvent]:
    """Make the changelog records of ``count`` unrelated articles from offset ``first`` on; the same in every call."""
    generator = np.random.default_rng([1, first])
    sample = [shapes[number] for number in generator.integers(len(shapes), size=count).tolist()]
    hashes = _random_bytes(generator, [32] * count)
    sequences = _random_bytes(generator, [2 * shape.sequence for shape in sample])
    anchors = _random_bytes(generator, [8 * shape.anchors for shape in sample])
    titles = _random_bytes(generator, [2 * shape.title for shape in sample])
    articles = map(SyntheticArticle, sample, hashes, sequences, anchors, titles)
    return [_event(offset, article) for offset, article in enumerate(articles, first)]


class SyntheticArticle(NamedTuple):
    """The random bytes of one article."""

    shape: Shape
    hashes: bytes
    sequence: bytes
    anchors: bytes
    title: bytes


def _event(offset: int, article: SyntheticArticle) -> FingerprintEvent:
    text_hash, display_hash = article.hashes[:16].hex(), article.hashes[16:].hex()
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
        tokens=article.shape.tokens,
        is_spaced=True,
        sequence=article.sequence,
        anchors=np.sort(np.frombuffer(article.anchors, dtype="<u8")).tobytes(),
        title=np.sort(np.frombuffer(article.title, dtype="<u2")).tobytes(),
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


def _random_bytes(generator: np.random.Generator, sizes: Sequence[int]) -> Iterator[bytes]:
    content, end = generator.bytes(sum(sizes)), 0
    for size in sizes:
        yield content[end : end + size]
        end += size


class _WriteOnlyStore(RocksStore):
    """A store that finds none of the keys of the scope."""

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store`."""
        if any(key.startswith(_PREFIX) for key in keys):
            return [None] * len(keys)
        return super().get_many(keys)


def fill_index(folder: Path, count: int, shapes: Sequence[Shape]) -> Path:
    """Make an index of ``count`` articles below ``folder``, or continue one that was interrupted; return its folder.

    An existing index is recognized by `LAYOUT_VERSION` and ``count``; delete it after other changes of the index.
    """
    path = folder / f"{LAYOUT_VERSION.replace('/', '-').replace(':', '-')}-{count}"
    store = _WriteOnlyStore(path)
    index = PartitionIndex(store, window_ms=WINDOW_MS)
    before, started = index.documents, time.perf_counter()
    for first in range(before, count, BATCH):
        events = synthetic(shapes, first, min(BATCH, count - first))
        index.apply_changelog(events, changelog_end=events[-1].offset + 1)
        if (first + BATCH) % PROGRESS_EVERY == 0:
            rate = (first + BATCH - before) / (time.perf_counter() - started)
            print(f"  filled with {first + BATCH:,} articles, {rate:,.0f} per second", flush=True)
    if index.documents > before:
        index.end_restore()  # so that files are merged now, and not during a measurement
        settle(store)
    index.close()
    return path


def settle(store: RocksStore) -> None:
    """Wait until RocksDB has no work in the background."""
    while property_sum(store, "num-running-compactions", "compaction-pending", "num-running-flushes"):
        time.sleep(SETTLED_POLL_S)


def property_sum(store: RocksStore, *names: str) -> int:
    """The sum of some of RocksDB's properties."""
    database = store._db  # noqa: SLF001 - the store does not offer these
    return sum(database.property_int_value(f"rocksdb.{name}") or 0 for name in names)


def copy_index(path: Path, target: Path) -> Path:
    """Copy a closed index; its tables are hard links, since RocksDB never changes a table."""

    def link(source: str, copy: str) -> None:
        (os.link if source.endswith(".sst") else shutil.copyfile)(source, copy)

    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(path, target, copy_function=link)
    return target


def size_bytes_of(path: Path) -> int:
    """The size of the files below ``path`` that hold articles, so without RocksDB's own logs."""
    return sum(file.stat().st_size for file in path.iterdir() if file.suffix in (".sst", ".log", ".blob"))
