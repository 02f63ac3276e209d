"""The checker accepts what the core makes, and reports each way to lose or change something."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import orjson
import pytest

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import RecoveryEvent
from stream.core.contracts.records import OutputRecord
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.core.pipeline.dead_letter import build_dead_letter
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.normalize import Normalizer
from stream.errors import Rejected
from stream.settings import Settings, load_settings
from stream.transport.partitioner import partition_for
from tests.e2e.faults.checker import CheckResult, Sample, check
from tests.e2e.faults.records import StoredRecord
from tests.e2e.faults.workload import Workload

NOW: Final = "2026-05-04T06:00:00.000Z"
END_MS: Final = 1_780_000_000_000
SETTINGS: Final[Settings] = load_settings(broker="none:1", topic_prefix="", scope_partitions=2, output_partitions=2)
TOPICS: Final = SETTINGS.topics

Log = dict[str, list[StoredRecord]]


class FilledTopics:
    """Topics in memory, filled by the core as by workers."""

    def __init__(self, articles: int) -> None:
        self.log: Log = {spec.name: [] for spec in SETTINGS.topic_specs}
        self.partitions = {spec.name: spec.partitions for spec in SETTINGS.topic_specs}
        for message in Workload(5, articles, end_ms=END_MS).messages():
            self.store(OutputRecord(TOPICS.raw, message.key, message.value, message.headers), message.timestamp)
        normalizer = Normalizer(TOPICS, partitions=2, limits=SETTINGS.limits)
        for record in self.log[TOPICS.raw]:
            self.publish(outcome.outputs for outcome in normalizer(record, now=NOW))
        self.indexes = [PartitionIndex(MemoryStore(), window_ms=SETTINGS.window_ms) for _ in range(2)]
        for record in list(self.log[TOPICS.normalized]):
            self.decide(record)

    def decide(self, record: StoredRecord) -> None:
        """Do what the second step does for one record."""
        index = self.indexes[record.partition]
        transaction = index.begin_transaction()
        records = {each.offset: each for each in self.log[TOPICS.normalized] if each.partition == record.partition}
        outcomes = Deduplicator(TOPICS)([record], transaction, now=NOW, read_records=lambda _offsets: records)
        self.publish(outcome.outputs for outcome in outcomes)
        index.commit(transaction)

    def publish(self, outputs: object) -> None:
        """Store all outputs."""
        for group in outputs:  # type: ignore[attr-defined] # groups of outputs
            for output in group:
                self.store(output, END_MS)

    def store(self, out: OutputRecord, timestamp: int) -> None:
        """Store one record behind the last."""
        count = self.partitions[out.topic]
        partition = partition_for(out.key, count) if out.key is not None else 0
        partition = partition if out.partition is None else out.partition
        offset = sum(record.partition == partition for record in self.log[out.topic])
        self.log[out.topic].append(
            StoredRecord(out.topic, partition, offset, timestamp, out.key, out.value, tuple(out.headers))
        )

    def check(self, *samples: Sample) -> CheckResult:
        """The result of the checker."""
        log = {topic: sorted(rs, key=lambda r: (r.partition, r.offset)) for topic, rs in self.log.items()}
        return check(SETTINGS, log, samples)

    def ends(self) -> dict[tuple[str, int], int]:
        """Where all partitions end."""
        found: dict[tuple[str, int], int] = {}
        for topic, records in self.log.items():
            for partition in range(self.partitions[topic]):
                found[topic, partition] = sum(record.partition == partition for record in records)
        return found


@pytest.fixture(scope="module")
def filled() -> FilledTopics:
    return FilledTopics(180)


@pytest.fixture
def topics(filled: FilledTopics) -> FilledTopics:
    mine = copy.copy(filled)
    mine.log = {topic: list(records) for topic, records in filled.log.items()}
    return mine


def test_what_the_core_makes_is_good(topics: FilledTopics) -> None:
    found = topics.check(Sample(topics.ends(), topics.ends()))
    assert found.is_good, found.lines()
    assert found.events > 180
    assert found.repeated <= 30  # the scraper's own repetitions
    kinds = {topic: len(records) for topic, records in topics.log.items()}
    assert all(kinds.values()), kinds
    assert any(record.value is None for record in topics.log[TOPICS.enriched])


@pytest.mark.parametrize("name", ["normalized", "enriched", "duplicates", "rejected"])
def test_a_lost_record_is_missing(topics: FilledTopics, name: str) -> None:
    records = topics.log[getattr(TOPICS, name)]
    pairs = [(record.key, record.value) for record in records]
    withdrawn = {record.key for record in records if record.value is None}
    index = next(i for i, pair in enumerate(pairs) if pairs.count(pair) == 1 and pair[0] not in withdrawn)
    del records[index]
    key, value = pairs[index]
    missing = topics.check().missing
    beginning = (value or b"")[:60].decode("utf-8", "replace")
    assert [line for line in missing if (key or b"").decode() in line and beginning in line]


@pytest.mark.parametrize(("is_claimed", "count"), [(False, 1), (True, 0)])
def test_a_message_that_lost_its_own_identity_is_reported(topics: FilledTopics, is_claimed: bool, count: int) -> None:
    raw = {(record.partition, record.offset): record for record in topics.log[TOPICS.raw]}
    for record in topics.log[TOPICS.normalized]:
        origin = orjson.loads(record.value or b"")["origin"]
        if ("ce_id" in dict(raw[origin["partition"], origin["offset"]].headers)) is is_claimed:
            error = Rejected("event_id_reused", "another article has this event id")
            topics.store(build_dead_letter(TOPICS.rejected, record, "deduplicate", [(None, error)]), END_MS)
            break
    assert len(topics.check().robbed) == count


def test_a_lost_tombstone_is_missing(topics: FilledTopics) -> None:
    gone = next(record for record in topics.log[TOPICS.enriched] if record.value is None)
    topics.log[TOPICS.enriched] = [
        record for record in topics.log[TOPICS.enriched] if record.key != gone.key or record.value is not None
    ]
    assert any("tombstone" in line for line in topics.check().missing)


def test_a_lost_cluster_is_missing_unless_a_later_state_is_told(topics: FilledTopics) -> None:
    records = topics.log[TOPICS.clusters]
    key = next(r.key for r in records if sum(other.key == r.key for other in records) > 2)
    mine = [record for record in records if record.key == key]
    records.remove(mine[0])
    assert topics.check().is_good
    for record in mine[1:]:
        records.remove(record)
    assert any((key or b"").decode() in line for line in topics.check().missing)


@pytest.mark.parametrize("name", ["normalized", "enriched", "duplicates", "clusters", "fingerprints"])
def test_another_value_is_different(topics: FilledTopics, name: str) -> None:
    records = topics.log[getattr(TOPICS, name)]
    place = next(p for p in reversed(range(len(records))) if records[p].value)
    record = records[place]
    assert isinstance(record, StoredRecord)
    value = (record.value or b"").replace(b'":"', b'": "', 1)
    assert value != record.value
    records.append(replace(record, value=value, offset=10**6))
    assert any(name in line for line in topics.check().different)


def test_a_repetition_is_counted_and_is_no_difference(topics: FilledTopics) -> None:
    before = topics.check().repeated
    last = topics.log[TOPICS.duplicates][-1]
    topics.store(OutputRecord(last.topic, last.key, last.value, last.headers), END_MS)
    found = topics.check()
    assert found.is_good, found.lines()
    assert found.repeated == before + 1


def test_an_old_version_behind_the_newest_is_stale(topics: FilledTopics) -> None:
    records = topics.log[TOPICS.clusters]
    first = next(r for r in records if sum(other.key == r.key for other in records) > 1)
    topics.store(OutputRecord(first.topic, first.key, first.value, first.headers), END_MS)
    found = topics.check()
    assert found.stale
    assert not found.missing
    assert not found.different


@pytest.mark.parametrize("tamper", [lambda records: records[3:], lambda records: records[::-1]])
def test_a_changelog_with_a_hole_or_out_of_order_is_broken(
    topics: FilledTopics, tamper: Callable[[list[StoredRecord]], list[StoredRecord]]
) -> None:
    mine = [record for record in topics.log[TOPICS.fingerprints] if record.partition == 0]
    changed = [
        replace(record, offset=offset) for offset, record in enumerate(tamper(mine)) if isinstance(record, StoredRecord)
    ]
    topics.log[TOPICS.fingerprints] = [r for r in topics.log[TOPICS.fingerprints] if r.partition] + list(changed)
    assert topics.check().broken


@pytest.mark.parametrize("name", ["raw", "normalized"])
def test_a_commit_before_the_outputs_are_stored_is_early(topics: FilledTopics, name: str) -> None:
    source = getattr(TOPICS, name)
    ends = topics.ends()
    too_soon = {tp: end if tp[0] == source else 0 for tp, end in ends.items()}
    found = topics.check(Sample({(source, 0): 40}, too_soon))
    assert found.early
    assert not found.missing
    assert topics.check(Sample({(source, 0): 0}, too_soon), Sample({(source, 0): 40}, ends)).is_good


def test_a_letter_that_is_repeated_in_another_partition_was_stored_before(topics: FilledTopics) -> None:
    letters = topics.log[TOPICS.rejected]
    letter = next(letter for letter in letters if isinstance(letter, StoredRecord) and letter.key is None)
    ends = topics.ends()
    letters.remove(letter)
    last = sum(each.partition == 1 for each in letters)
    letters += [replace(letter, partition=1, offset=last), replace(letter, offset=ends[TOPICS.rejected, 0])]
    sample = Sample({(TOPICS.raw, 0): ends[TOPICS.raw, 0]}, {**ends, (TOPICS.rejected, 1): last + 1})
    assert topics.check(sample).is_good


def test_records_of_other_programs_and_recoveries_are_not_compared(topics: FilledTopics) -> None:
    event = RecoveryEvent(event_id="f" * 32, offset=10**6, base=0)
    headers = (("ce_type", cloudevents.RECOVERY.encode()), ("ce_id", b"f" * 32))
    topics.store(OutputRecord(TOPICS.fingerprints, b"*", codec.encode(event), headers, 0), END_MS)
    topics.store(OutputRecord(TOPICS.fingerprints, b"x", b"not ours", (), 1), END_MS)
    records = topics.log[TOPICS.fingerprints]
    records[-1] = replace(records[-1], is_foreign=True)
    found = topics.check()
    assert found.is_good, found.lines()


def test_what_was_committed_of_a_log_is_compared_with_that_log_alone(topics: FilledTopics) -> None:
    ends = topics.ends()
    earlier = Sample({(TOPICS.raw, 0): ends[TOPICS.raw, 0]}, ends)
    later = Sample({(f"{TOPICS.raw}#1", 0): ends[TOPICS.raw, 0]}, {**ends, (f"{TOPICS.raw}#1", 0): 1})
    topics.log[TOPICS.raw] += [replace(topics.log[TOPICS.raw][0], generation=1)]
    found = topics.check(earlier, later)
    assert found.is_good, found.lines()


def test_an_article_that_was_withdrawn_before_it_was_told_is_no_loss(topics: FilledTopics) -> None:
    """A worker that crashed after its changelog was stored reads the article again when it is gone already."""
    records = topics.log[TOPICS.enriched]
    withdrawn = {record.key for record in records if record.value is None}
    published = Counter(record.key for record in records if record.value is not None)
    withdrawn_unpublished = next(
        record
        for record in records
        if record.value is not None and record.key in withdrawn and published[record.key] == 1
    )
    records.remove(withdrawn_unpublished)
    found = topics.check()
    assert found.withdrawn_unpublished == 1
    assert found.is_good, found.lines()
