"""Compares what was published with the oracle, and each commit with what was stored at that moment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from stream.core.contracts.cloudevents import ORIGIN_HEADER
from stream.core.contracts.events import RecoveryEvent
from stream.core.contracts.records import LogId
from stream.core.index import keys
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.settings import Settings
from stream.state.restore.changelog_chunk import apply_records
from tests.e2e.faults.oracle import Expected, Log, Oracle, expect
from tests.e2e.faults.records import ComparableRecord, RecordId, StoredRecord, Tp, comparable
from tests.support.changelog_events import decode_changelog_event

#: Each thing that was published, and all records that have it.
Published = Mapping[ComparableRecord, Sequence[RecordId]]
_LINES_MAX: Final = 8
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """Committed offsets of the input topics, and then the ends of all topics, also of earlier generations of logs."""

    committed: Mapping[Tp, int]
    ends: Mapping[Tp, int]


@dataclass(slots=True)
class CheckResult:
    """The differences. All lists are empty if the delivery guarantee was kept.

    Attributes:
        missing: Outputs that the oracle expects and that were not published.
        different: Records that were published and that the oracle does not expect.
        stale: Keys whose last record is not the last one that the oracle expects.
        early: Offsets that were committed before all outputs were stored.
        robbed: Messages without CloudEvents headers that were rejected because another one had their identity.
        broken: Changelogs from which a restore does not give the index.
        events: How many outputs the first step should have.
        repeated: How many records were published again.
        withdrawn_unpublished: Articles that were withdrawn before they were published, which is no mistake.
    """

    missing: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    robbed: list[str] = field(default_factory=list)
    events: int = 0
    repeated: int = 0
    withdrawn_unpublished: int = 0

    @property
    def is_good(self) -> bool:
        """Nothing is lost, and nothing differs."""
        return not (self.missing or self.different or self.stale or self.early or self.broken or self.robbed)

    def lines(self) -> list[str]:
        """The first differences of each kind."""
        lines = []
        for name in ("missing", "different", "stale", "early", "broken", "robbed"):
            differences: list[str] = getattr(self, name)
            lines += [f"{name}: {line}" for line in differences[:_LINES_MAX]]
            if len(differences) > _LINES_MAX:
                lines.append(f"{name}: {len(differences)} in all")
        return lines


def check(settings: Settings, log: Log, samples: Sequence[Sample]) -> CheckResult:
    """Compare ``log`` with what the pure core says."""
    oracle = expect(settings, log)
    result = CheckResult(events=sum(len(expected.outputs) for expected in oracle.normalized))
    published = _all_published(settings, log)
    _compare(settings, oracle, published, result)
    _check_last(settings, oracle, log, result)
    _check_changelog(settings, oracle, log, result)
    _check_commits(oracle, published, samples, result, _cluster_states(settings, oracle))
    _check_identities(settings, log, result)
    return result


def _all_published(settings: Settings, log: Log) -> Published:
    """All records of each thing that was published; without a key, a repetition may be in another partition."""
    published: dict[ComparableRecord, list[RecordId]] = defaultdict(list)
    for topic, records in log.items():
        if topic != settings.topics.raw:
            for record in records:
                if not (record.is_foreign or record.is_recovery):
                    published[comparable(record, settings.topics)].append(record.record_id)
    return dict(published)


def _compare(
    settings: Settings,
    oracle: Oracle,
    published: Published,
    result: CheckResult,
) -> None:
    expected_outputs = {output for expected in (*oracle.normalized, *oracle.decided) for output in expected.outputs}
    states = _cluster_states(settings, oracle)
    later = withdrawn_later(oracle)
    for expected in (*oracle.normalized, *oracle.decided):
        for output in expected.outputs:
            if output in published or _is_overtaken(output, published, states):
                continue
            if (expected.source, output.key or b"") in later:
                result.withdrawn_unpublished += 1
            else:
                result.missing.append(f"of {expected.source}: {output}")
    for output, record_ids in published.items():
        if output not in expected_outputs:
            result.different.append(f"at {record_ids[0]}: {output}")
    result.repeated = sum(map(len, published.values())) - len(published)


def withdrawn_later(oracle: Oracle) -> set[tuple[RecordId, bytes]]:
    """Events whose article a later record of their partition withdraws: read again after a crash, none is published."""
    later: set[tuple[RecordId, bytes]] = set()
    withdrawn: dict[int, set[bytes]] = defaultdict(set)
    for expected in reversed(oracle.decided):
        withdrawn_later_on = withdrawn[expected.source.partition]
        later.update(
            (expected.source, output.key or b"") for output in expected.outputs if output.key in withdrawn_later_on
        )
        withdrawn_later_on |= expected.withdrawn
    return later


def _cluster_states(settings: Settings, oracle: Oracle) -> dict[bytes, list[ComparableRecord]]:
    """The states of each cluster that should be published, in order."""
    states: dict[bytes, list[ComparableRecord]] = defaultdict(list)
    for expected in oracle.decided:
        for output in expected.outputs:
            if output.topic == settings.topics.clusters:
                states[output.key or b""].append(output)
    return states


def _is_overtaken(
    output: ComparableRecord, published: Published, states: Mapping[bytes, list[ComparableRecord]]
) -> bool:
    """A later state of the cluster was published instead: the topic keeps the newest."""
    cluster_states = states.get(output.key or b"", ())
    if output not in cluster_states:
        return False
    return any(state in published for state in cluster_states[cluster_states.index(output) :])


def _check_last(settings: Settings, oracle: Oracle, log: Log, result: CheckResult) -> None:
    """The last record of each key must be the last one that the oracle expects."""
    topics = settings.topics
    for topic in (topics.enriched, topics.duplicates, topics.clusters):
        last_expected: dict[bytes, ComparableRecord] = {}
        partitions: dict[bytes, set[int]] = defaultdict(set)
        for expected in oracle.decided:
            for output in expected.outputs:
                if output.topic == topic:
                    last_expected[output.key or b""] = output
                    partitions[output.key or b""].add(expected.source.partition)
        last = {record.key or b"": record for record in log[topic]}
        for key, output in last_expected.items():
            # Between partitions published is no order.
            if len(partitions[key]) == 1 and key in last and last[key].value != output.value:
                result.stale.append(
                    f"the last at {last[key].record_id} is {comparable(last[key], topics)}, not {output}"
                )


def _check_changelog(settings: Settings, oracle: Oracle, log: Log, result: CheckResult) -> None:
    """A restore from the changelog must give the index that decided."""
    topic = settings.topics.fingerprints
    result.broken += oracle.misplaced
    for partition, expected in oracle.changelogs.items():
        store = MemoryStore()
        index = PartitionIndex(store, window_ms=settings.window_ms)
        records = [record for record in log[topic] if record.partition == partition]
        taken = applied_records(records)
        for start in range(0, len(records), _BATCH):
            batch = records[start : start + _BATCH]
            apply_records(index, batch, batch[-1].offset + 1, partitions=settings.scope_partitions)
        if [(r.key, r.value) for r in taken] != [(out.key, out.value) for out in expected]:
            result.broken.append(
                f"{topic}/{partition}: a restore applies {len(taken)} of {len(records)} records, not {len(expected)}"
            )
        elif _contents(store) != _contents(oracle.indexes[partition].store):
            result.broken.append(f"{topic}/{partition}: a restore gives another index")


def applied_records(records: Sequence[StoredRecord]) -> list[StoredRecord]:
    """The records of a changelog that follow each other; a restore skips the others."""
    taken, last = [], -1
    for record in records:
        if record.is_foreign:
            continue
        event = decode_changelog_event(record)
        if isinstance(event, RecoveryEvent):
            last = event.offset
        elif event.offset > last and last in (-1, event.previous):
            taken.append(record)
            last = event.offset
    return taken


def _contents(store: object) -> dict[bytes, bytes]:
    """All keys but the position, which is how far the changelog was read."""
    assert isinstance(store, MemoryStore)
    values = store.values
    return {key: value for key, value in values.items() if key != keys.POSITION}


def _check_commits(
    oracle: Oracle,
    published: Published,
    samples: Sequence[Sample],
    result: CheckResult,
    states: Mapping[bytes, list[ComparableRecord]],
) -> None:
    """Nothing may be committed before its outputs are stored."""
    later = withdrawn_later(oracle)
    queues: dict[Tp, list[Expected]] = defaultdict(list)
    for expected in (*oracle.normalized, *oracle.decided):
        queues[expected.source.topic, expected.source.partition].append(expected)
    checked: dict[Tp, int] = defaultdict(int)
    for sample in samples:
        for tp, committed in sample.committed.items():
            queue, start = queues[tp], checked[tp]
            stop = start
            while stop < len(queue) and queue[stop].source.offset < committed:
                stop += 1
            checked[tp] = stop
            for expected in queue[start:stop]:
                not_stored = [out for out in expected.outputs if not _was_stored(out, published, states, sample.ends)]
                result.early += [
                    f"{tp[0]}/{tp[1]} was committed up to {committed} before this of {expected.source} was stored "
                    f"({_ends_of(out, sample.ends)}): {out}"
                    for out in not_stored
                    if (expected.source, out.key or b"") not in later
                ]


def _check_identities(settings: Settings, log: Log, result: CheckResult) -> None:
    """The identity of a message that claims none is its own, so it is never in use."""
    raw = {(record.partition, record.offset, record.log): record for record in log[settings.topics.raw]}
    for record in log[settings.topics.rejected]:
        headers = dict(record.headers)
        if headers.get("__errors.code") != b"event_id_reused":
            continue
        source = _raw_place_of(record)
        if source and not dict(raw[source].headers).keys() & {"ce_id", ORIGIN_HEADER}:
            result.robbed.append(f"{raw[source].record_id}: {headers['__errors.message'].decode()}")


def _raw_place_of(record: StoredRecord) -> tuple[int, int, LogId | None] | None:
    """Partition, offset and log of the raw record that a dead letter of the second step comes from."""
    origin = orjson.loads(record.value or b"{}").get("origin")
    if not origin:
        return None
    log = LogId(origin["topic_id"], origin["leader_epoch"]) if origin.get("topic_id") else None
    return origin["partition"], origin["offset"], log


def _ends_of(output: ComparableRecord, ends: Mapping[Tp, int]) -> str:
    """Where the output's topic ended at that moment."""
    return ", ".join(
        f"{topic}/{partition} ends at {end}" for (topic, partition), end in ends.items() if topic == output.topic
    )


def _was_stored(
    output: ComparableRecord,
    published: Published,
    states: Mapping[bytes, list[ComparableRecord]],
    ends: Mapping[Tp, int],
) -> bool:
    cluster_states = states.get(output.key or b"", ())
    instead: Iterable[ComparableRecord] = (
        cluster_states[cluster_states.index(output) :] if output in cluster_states else (output,)
    )
    record_ids = (record_id for output in instead for record_id in published.get(output, ()))
    return any(each.offset < ends.get((each.topic, each.partition), 0) for each in record_ids)
