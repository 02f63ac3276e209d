"""What has to be in the topics: the pure core replayed over the topics themselves.

The raw topic determines the normalized topic and the dead letters; the normalized topic, partition by partition in the
order of its offsets, determines everything else. Where a log went back, the recovery in the changelog says how the
offsets continue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Final, cast

from stream.core.contracts.events import RecoveryEvent
from stream.core.contracts.topics import Topics
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome
from stream.core.pipeline.promotion import Records, run_steps
from stream.settings import Settings
from tests.e2e.faults.records import ComparableRecord, RecordId, StoredRecord, comparable
from tests.support.changelog_events import decode_changelog_event

#: Each topic's records, by partition, generation and offset.
Log = Mapping[str, Sequence[StoredRecord]]

#: Headers carry the time of processing; the oracle's stay out of the comparison.
_NOW: Final = "2026-01-01T00:00:00.000Z"
_BATCH: Final = 200


@dataclass(slots=True)
class Expected:
    """The outputs of one input record, ``source``. ``withdrawn``: the ids that it withdraws."""

    source: RecordId
    outputs: list[ComparableRecord]
    withdrawn: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class Oracle:
    """The expected outputs of both steps, in the order of their input records.

    Attributes:
        normalized: Of the first step.
        decided: Of the second step.
        changelogs: The changelog of each partition, in order.
        indexes: Each partition's index in the end.
        misplaced: Recoveries after which offsets would not continue.
    """

    normalized: list[Expected] = field(default_factory=list)
    decided: list[Expected] = field(default_factory=list)
    changelogs: dict[int, list[ComparableRecord]] = field(default_factory=dict)
    indexes: dict[int, PartitionIndex] = field(default_factory=dict)
    misplaced: list[str] = field(default_factory=list)


def expect(settings: Settings, log: Log) -> Oracle:
    """Return what the raw and the normalized topic in ``log`` lead to."""
    topics, oracle = settings.topics, Oracle()
    normalizer = Normalizer(topics, partitions=settings.scope_partitions, limits=settings.limits)
    for record in log[topics.raw]:
        outcomes = normalizer(record, now=_NOW, log=record.log)
        outputs = [output for outcome in outcomes for output in outcome.outputs]
        oracle.normalized.append(Expected(record.record_id, [comparable(out, topics) for out in outputs]))
    for partition in range(settings.scope_partitions):
        replay = _Replay(topics, PartitionIndex(MemoryStore(), window_ms=settings.window_ms), oracle)
        replay.run(
            [record for record in log[topics.normalized] if record.partition == partition],
            _recoveries([record for record in log[topics.fingerprints] if record.partition == partition]),
        )
        oracle.indexes[partition] = replay.index
        oracle.changelogs[partition] = [
            output
            for expected in oracle.decided
            for output in expected.outputs
            if expected.source.partition == partition and output.topic == topics.fingerprints
        ]
    return oracle


def _recoveries(changelog: Sequence[StoredRecord]) -> list[RecoveryEvent]:
    """The recoveries in the changelog of a partition; one that was written again after a fault counts once."""
    events = [cast("RecoveryEvent", decode_changelog_event(record)) for record in changelog if record.is_recovery]
    return [event for number, event in enumerate(events) if event.event_id not in {e.event_id for e in events[:number]}]


def recoveries_before(records: Sequence[StoredRecord], recoveries: Sequence[RecoveryEvent]) -> Iterator[int]:
    """Yield for each record of a partition how many of its recoveries come before it.

    A new generation begins with the recovery that changes the base. One that does not is for a changelog that went
    back, and comes behind what it says is decided.
    """
    count = base = generation = 0

    def is_same_log() -> bool:
        return count < len(recoveries) and recoveries[count].base == base

    for record in records:
        for _ in range(record.generation - generation):
            while is_same_log():
                count += 1
            if count < len(recoveries):
                base = recoveries[count].base
                count += 1
        generation = record.generation
        while is_same_log() and record.offset + base > recoveries[count].offset:
            count += 1
        yield count


class _Replay:
    """Decides the records of one partition, and adds what is expected to an oracle."""

    def __init__(self, topics: Topics, index: PartitionIndex, oracle: Oracle) -> None:
        self.index = index
        self._topics = topics
        self._oracle = oracle
        self._deduplicator = Deduplicator(topics)

    def run(self, records: Sequence[StoredRecord], recoveries: Sequence[RecoveryEvent]) -> None:
        counts = dict(
            zip((record.record_id for record in records), recoveries_before(records, recoveries), strict=True)
        )
        applied = 0
        # Workers' batches are of one log each.
        for _, group in groupby(records, lambda record: (record.log, record.generation, counts[record.record_id])):
            of_log = list(group)
            for event in recoveries[applied : counts[of_log[0].record_id]]:
                self._recover(event)
                applied += 1
            # Offsets of dead letters may repeat: the index knows nothing of them.
            first, decided = of_log[0], self.index.last_offset
            if first.offset + self.index.position.base <= decided:
                self._oracle.misplaced.append(f"{first.record_id} would be decided again: {decided} is decided")
            readable = _readable(records, first)
            for start in range(0, len(of_log), _BATCH):
                self._decide(of_log[start : start + _BATCH], readable)

    def _recover(self, event: RecoveryEvent) -> None:
        if event.offset < self.index.last_offset:
            decided = self.index.last_offset
            self._oracle.misplaced.append(f"{event} names less than was decided: {decided}")
        self.index.apply_changelog([event], changelog_end=self.index.changelog_end + 1)

    def _decide(self, batch: Sequence[StoredRecord], readable: Records) -> None:
        transaction = self.index.begin_transaction()
        steps = self._deduplicator.decide_in_slices([batch], transaction, now=_NOW, log=batch[0].log)
        outcomes = chain.from_iterable(run_steps(steps, lambda _offsets: readable))
        for record, outcome in zip(batch, outcomes, strict=True):
            outputs = [comparable(output, self._topics) for output in outcome.outputs]
            self._oracle.decided.append(Expected(record.record_id, outputs, self._withdrawn_ids(outcome)))
        self.index.commit(transaction)

    def _withdrawn_ids(self, outcome: Outcome) -> set[bytes]:
        return {out.key or b"" for out in outcome.outputs if out.value is None and out.topic == self._topics.enriched}


def _readable(records: Sequence[StoredRecord], current: StoredRecord) -> dict[int, StoredRecord]:
    """The records by offset that the log has when ``current`` is decided: also what a truncation has left."""
    readable: dict[int, StoredRecord] = {}
    for generation, group in groupby(records, lambda record: record.generation):
        stored = list(group)
        if generation <= current.generation and _topic_id(stored[0]) == _topic_id(current):
            readable = {offset: record for offset, record in readable.items() if offset < stored[0].offset}
            readable |= {record.offset: record for record in stored}
    return readable


def _topic_id(record: StoredRecord) -> str | None:
    return record.log.topic_id if record.log else None
