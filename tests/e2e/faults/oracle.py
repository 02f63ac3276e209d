"""What has to be in the topics: the pure core replayed over what reached them.

The raw topic tells what the normalized one and the dead letters have to hold; the normalized topic, partition by
partition in the order of its offsets, tells everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from stream.core.contracts.records import Headers, OutputRecord, Record
from stream.core.contracts.topics import Topics
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome
from stream.settings import Settings

#: Headers carry the time of processing; the oracle's stay out of the comparison.
_NOW: Final = "2026-01-01T00:00:00.000Z"
_BATCH: Final = 200


class Place(NamedTuple):
    """Where a record was read that something had to be made of."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """As logs write it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class Written(NamedTuple):
    """A record as consumers compare it. ``headers``: of dead letters, where they tell why."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    def __str__(self) -> str:
        """Topic, key, and the beginning of the value."""
        value = "tombstone" if self.value is None else self.value[:160].decode("utf-8", "replace")
        return f"{self.topic} {(self.key or b'').decode('utf-8', 'replace')} {value}"


@dataclass(slots=True)
class Expected:
    """What one record leads to. ``withdrawn``: the ids that it takes down."""

    place: Place
    outputs: list[Written]
    withdrawn: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class Oracle:
    """What is expected, in the order in which it is read.

    ``changelogs``: the changelog of each partition, in order. ``indexes``: what each partition's index holds then.
    """

    normalized: list[Expected] = field(default_factory=list)
    decided: list[Expected] = field(default_factory=list)
    changelogs: dict[int, list[Written]] = field(default_factory=dict)
    indexes: dict[int, PartitionIndex] = field(default_factory=dict)


def expect(settings: Settings, log: Mapping[str, Sequence[Record]]) -> Oracle:
    """What has to be, by what is in the raw and the normalized topic of ``log``."""
    topics, oracle = settings.topics, Oracle()
    normalizer = Normalizer(topics, partitions=settings.scope_partitions, limits=settings.limits)
    for record in log[topics.raw]:
        outputs = [output for outcome in normalizer(record, now=_NOW) for output in outcome.outputs]
        oracle.normalized.append(Expected(_place(record), [written(out, topics) for out in outputs]))
    for partition in range(settings.scope_partitions):
        records = [record for record in log[topics.normalized] if record.partition == partition]
        index = PartitionIndex(MemoryStore(), window_ms=settings.window_ms)
        oracle.decided += _decided(topics, records, index)
        oracle.indexes[partition] = index
        oracle.changelogs[partition] = [
            output
            for found in oracle.decided
            for output in found.outputs
            if found.place.partition == partition and output.topic == topics.fingerprints
        ]
    return oracle


def _decided(topics: Topics, records: Sequence[Record], index: PartitionIndex) -> Iterator[Expected]:
    deduplicator = Deduplicator(topics)
    for start in range(0, len(records), _BATCH):
        batch, transaction = records[start : start + _BATCH], index.begin_transaction()
        outcomes = deduplicator(batch, transaction, now=_NOW)
        index.commit(transaction)
        for record, outcome in zip(batch, outcomes, strict=True):
            outputs = [written(output, topics) for output in outcome.outputs]
            yield Expected(_place(record), outputs, _withdrawn(topics, outcome))


def _withdrawn(topics: Topics, outcome: Outcome) -> set[bytes]:
    return {out.key or b"" for out in outcome.outputs if out.value is None and out.topic == topics.enriched}


def written(record: Record | OutputRecord, topics: Topics) -> Written:
    """A record, stored or to be stored, as it is compared."""
    headers = tuple(map(tuple, record.headers)) if record.topic == topics.rejected else ()
    return Written(record.topic, record.key, record.value, headers)  # type: ignore[arg-type] # tuple(pair) is a pair


def _place(record: Record) -> Place:
    return Place(record.topic, record.partition, record.offset)
