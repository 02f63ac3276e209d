"""A changelog without a broker, and indexes that are restored from it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

from faust.types import TP

from stream.core.contracts.records import InputRecord, Record
from stream.core.index.store import MemoryStore, Store
from stream.core.log_position import LogState
from stream.core.pipeline.offline import OfflineFlow
from stream.core.timestamps import format_rfc3339
from stream.observability.metrics import Metrics
from stream.settings import DAY_MS
from stream.state.partition_indexes import PartitionIndexes
from stream.state.restore.loader import RECORDS_PER_CHUNK, IndexLoader
from stream.state.restore.process_pool import RestoreProcessPool
from stream.transport.commit_metadata import CommitMetadata
from tests.support.articles import dumps, generate_articles

WINDOW_MS = 7 * DAY_MS


def changelog(articles: Sequence[dict[str, Any]]) -> list[InputRecord]:
    """The changelog of one partition after these articles and takedowns."""
    flow = OfflineFlow(window_ms=WINDOW_MS)
    outputs = [
        output
        for outcomes in flow.run(map(dumps, articles), now=format_rfc3339(0))
        for outcome in outcomes
        for output in outcome.outputs
        if output.topic == "articles.fingerprints"
    ]
    return [
        InputRecord("log", 0, offset, 0, output.key, output.value, output.headers)
        for offset, output in enumerate(outputs)
    ]


RECORDS = changelog(generate_articles(12, seed=61))


class Log:
    """A transport with one changelog, whose replays wait while `go` is not set."""

    batch_bytes = 1 << 20

    def __init__(self, records: Sequence[InputRecord] = RECORDS) -> None:
        self.records = list(records)
        self.start = 0
        self.topic_id = "A" * 22
        #: The state of each partition of the normalized topic; None if there is no such topic.
        self.normalized: LogState | None = None
        self.replayed_from: list[int] = []
        self.go = asyncio.Event()
        self.go.set()

    async def bounds(self, tp: TP) -> tuple[int, int]:
        """Return the log's start and end."""
        assert tp.topic == "log"
        return self.start, len(self.records)

    async def log_states(self, epochs: Mapping[TP, int | None]) -> dict[TP, LogState]:
        """Return the log's state."""
        changelog = LogState(self.topic_id, 0, self.start, len(self.records), None)
        states = {tp: changelog if tp.topic == "log" else self.normalized for tp in epochs}
        return {tp: state for tp, state in states.items() if state}

    async def read_one(self, _tp: TP, offset: int) -> Record | None:
        """Return one record."""
        return next((record for record in self.records[self.start :] if record.offset == offset), None)

    async def read_records(self, _tp: TP, offsets: Sequence[int]) -> dict[int, Record]:
        """Return the records at ``offsets``."""
        return {offset: self.records[offset] for offset in offsets}

    async def replay(self, _tp: TP, start: int) -> AsyncGenerator[Sequence[Record], None]:
        """Yield the records from ``start`` on, five at a time."""
        self.replayed_from.append(start)
        await self.go.wait()
        for first in range(start, len(self.records), 5):
            yield self.records[first : first + 5]


class CountingStore(MemoryStore):
    """A store in memory that records whether it was closed, and why it was marked as corrupt."""

    is_closed = False
    marked_corrupt: str | None = None

    def mark_corrupt(self, reason: str) -> None:
        """Record the reason."""
        assert not self.is_closed
        self.marked_corrupt = reason

    def close(self) -> None:
        """Record that it is closed."""
        assert not self.is_closed
        self.is_closed = True


class Site:
    """Indexes over one changelog, and the stores that were made for them."""

    def __init__(
        self,
        log: Log,
        stores: Callable[[int], Store] | None = None,
        *,
        processes: RestoreProcessPool | None = None,
        records_per_chunk: int = RECORDS_PER_CHUNK,
    ) -> None:
        self.log = log
        self.metrics = Metrics()
        self.stores: list[Store] = []
        #: What the group has committed along with the offsets of each partition.
        self.committed: CommitMetadata | None = None
        self._make_store = stores or (lambda _partition: CountingStore())
        loader = IndexLoader(
            log,
            "log",
            self._open,
            window_ms=WINDOW_MS,
            normalized="normalized",
            committed=self._committed,
            metrics=self.metrics,
            processes=processes,
            records_per_chunk=records_per_chunk,
        )
        self.indexes = PartitionIndexes(loader, metrics=self.metrics)

    async def _committed(self, _partition: int) -> CommitMetadata | None:
        return self.committed

    def _open(self, partition: int) -> Store:
        self.stores.append(self._make_store(partition))
        return self.stores[-1]

    @property
    def are_closed(self) -> list[bool]:
        """For each store that was made, whether it is closed."""
        return [store.is_closed for store in self.stores if isinstance(store, CountingStore)]

    def value(self, name: str, partition: int | None = None) -> float | None:
        """The value of a metric."""
        return self.metrics.registry.get_sample_value(name, {} if partition is None else {"partition": str(partition)})


async def documents(indexes: PartitionIndexes, partition: int = 0) -> int:
    """How many articles an index has, once it is restored."""
    async with indexes.acquire(partition) as index:
        assert index is not None
        return index.documents


async def restored_stores(site: Site) -> list[CountingStore]:
    """The stores, once the index of partition 0 is restored."""
    await documents(site.indexes)
    return [store for store in site.stores if isinstance(store, CountingStore)]
