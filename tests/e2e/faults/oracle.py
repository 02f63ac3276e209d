"""What has to be in the topics: the pure core replayed over the topics themselves.

The raw topic determines the normalized topic and the dead letters; the normalized topic, partition by partition in the
order of its offsets, determines everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Final, NamedTuple

from stream.core.contracts.records import Headers, LogId, OutputRecord, Record
from stream.core.contracts.topics import Topics
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome
from stream.core.pipeline.promotion import run_steps
from stream.settings import Settings

#: Headers carry the time of processing; the oracle's stay out of the comparison.
_NOW: Final = "2026-01-01T00:00:00.000Z"
_BATCH: Final = 200


class RecordId(NamedTuple):
    """Topic, partition and offset of a record."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        """The form that logs use."""
        return f"{self.topic}/{self.partition}/{self.offset}"


class ComparableRecord(NamedTuple):
    """A record without what may differ between runs. ``headers``: only of dead letters, which have the reason there."""

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
    """The outputs of one input record, ``source``. ``withdrawn``: the ids that it withdraws."""

    source: RecordId
    outputs: list[ComparableRecord]
    withdrawn: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class Oracle:
    """The expected outputs of both steps, in the order of their input records.

    ``changelogs``: the changelog of each partition, in order. ``indexes``: each partition's index in the end.
    """

    normalized: list[Expected] = field(default_factory=list)
    decided: list[Expected] = field(default_factory=list)
    changelogs: dict[int, list[ComparableRecord]] = field(default_factory=dict)
    indexes: dict[int, PartitionIndex] = field(default_factory=dict)


#: Returns which log of its topic a record is in.
FindLog = Callable[[Record], LogId | None]


def expect(settings: Settings, log: Mapping[str, Sequence[Record]], find_log: FindLog) -> Oracle:
    """Return what the raw and the normalized topic in ``log`` lead to."""
    topics, oracle = settings.topics, Oracle()
    normalizer = Normalizer(topics, partitions=settings.scope_partitions, limits=settings.limits)
    for record in log[topics.raw]:
        outcomes = normalizer(record, now=_NOW, log=find_log(record))
        outputs = [output for outcome in outcomes for output in outcome.outputs]
        oracle.normalized.append(Expected(_id_of(record), [comparable(out, topics) for out in outputs]))
    for partition in range(settings.scope_partitions):
        records = [record for record in log[topics.normalized] if record.partition == partition]
        index = PartitionIndex(MemoryStore(), window_ms=settings.window_ms)
        oracle.decided += _replay_decisions(topics, records, index, find_log)
        oracle.indexes[partition] = index
        oracle.changelogs[partition] = [
            output
            for expected in oracle.decided
            for output in expected.outputs
            if expected.source.partition == partition and output.topic == topics.fingerprints
        ]
    return oracle


def _replay_decisions(
    topics: Topics, records: Sequence[Record], index: PartitionIndex, find_log: FindLog
) -> Iterator[Expected]:
    deduplicator = Deduplicator(topics)
    by_offset = {record.offset: record for record in records}
    for log, batch in _batches(records, find_log):
        transaction = index.begin_transaction()
        steps = deduplicator.decide_in_slices([batch], transaction, now=_NOW, log=log)
        outcomes = chain.from_iterable(run_steps(steps, lambda _offsets: by_offset))
        for record, outcome in zip(batch, outcomes, strict=True):
            outputs = [comparable(output, topics) for output in outcome.outputs]
            yield Expected(_id_of(record), outputs, _withdrawn_ids(topics, outcome))
        index.commit(transaction)


def _batches(records: Sequence[Record], find_log: FindLog) -> Iterator[tuple[LogId | None, Sequence[Record]]]:
    """Cut ``records`` into batches; as workers' batches, each is of one log."""
    for log, group in groupby(records, find_log):
        of_log = list(group)
        for start in range(0, len(of_log), _BATCH):
            yield log, of_log[start : start + _BATCH]


def _withdrawn_ids(topics: Topics, outcome: Outcome) -> set[bytes]:
    return {out.key or b"" for out in outcome.outputs if out.value is None and out.topic == topics.enriched}


def comparable(record: Record | OutputRecord, topics: Topics) -> ComparableRecord:
    """Return what is compared of a record, stored or to be stored."""
    headers = tuple(map(tuple, record.headers)) if record.topic == topics.rejected else ()
    return ComparableRecord(record.topic, record.key, record.value, headers)  # type: ignore[arg-type] # tuple(pair) is a pair


def _id_of(record: Record) -> RecordId:
    return RecordId(record.topic, record.partition, record.offset)
