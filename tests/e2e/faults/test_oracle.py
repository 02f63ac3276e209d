"""The oracle follows an index across logs that went back."""

from __future__ import annotations

import orjson
import pytest

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import RecoveryEvent
from stream.core.contracts.records import LogId, OutputRecord
from stream.core.pipeline.normalize import Normalizer
from stream.settings import Settings, load_settings
from tests.e2e.faults.oracle import Log, Oracle, expect, recoveries_before
from tests.e2e.faults.records import RecordId, StoredRecord
from tests.support.articles import BRIDGE, FLOOD, HARVEST, article

SETTINGS: Settings = load_settings(broker="none:1", topic_prefix="", scope_partitions=1, output_partitions=1)
TOPICS = SETTINGS.topics
OLD, NEW = LogId("o" * 22, 0), LogId("n" * 22, 0)


def stored(topic: str, offset: int, output: OutputRecord, log: LogId, generation: int = 0) -> StoredRecord:
    return StoredRecord(topic, 0, offset, 0, output.key, output.value, output.headers, log, generation)


def normalized(*articles: dict[str, object]) -> list[OutputRecord]:
    """What the first step makes of articles."""
    normalizer = Normalizer(TOPICS, partitions=1, limits=SETTINGS.limits)
    raw = [
        StoredRecord(TOPICS.raw, 0, offset, 0, None, orjson.dumps(each), (("ce_id", b"%d" % offset),), OLD)
        for offset, each in enumerate(articles)
    ]
    outcomes = [outcome for record in raw for outcome in normalizer(record, now="2026-05-04T06:00:00.000Z")]
    return [output for outcome in outcomes for output in outcome.outputs]


def recovery(offset: int, base: int, number: int = 0) -> RecoveryEvent:
    return RecoveryEvent(event_id=f"{number:032x}", offset=offset, base=base, log=str(NEW))


def changelog(*events: RecoveryEvent) -> list[StoredRecord]:
    """The recoveries as they are stored."""
    kind = ("ce_type", cloudevents.RECOVERY.encode())
    return [
        StoredRecord(TOPICS.fingerprints, 0, offset, 0, b"*", codec.encode(event), (kind,))
        for offset, event in enumerate(events)
    ]


def log(records: list[StoredRecord], *events: RecoveryEvent) -> Log:
    empty: dict[str, list[StoredRecord]] = {spec.name: [] for spec in SETTINGS.topic_specs}
    return {**empty, TOPICS.normalized: records, TOPICS.fingerprints: changelog(*events)}


def decisions(oracle: Oracle) -> list[tuple[int, str]]:
    """The offsets in the changelog of all decisions, and their relations."""
    events = [orjson.loads(record.value or b"") for record in oracle.changelogs[0]]
    return [(event["offset"], event["duplicate"]["relation"]) for event in events]


class TestRecoveriesBefore:
    """Where recoveries come in the order of the normalized records."""

    @staticmethod
    def positions(*places: tuple[int, int]) -> list[StoredRecord]:
        """Records of these generations and offsets."""
        return [
            stored(TOPICS.normalized, offset, OutputRecord("", None, b""), OLD, number) for number, offset in places
        ]

    def test_a_new_generation_begins_with_the_recovery_that_changes_the_base(self) -> None:
        records = self.positions((0, 0), (0, 1), (1, 0), (1, 1))
        assert list(recoveries_before(records, [recovery(1, 2)])) == [0, 0, 1, 1]

    def test_a_recovery_of_the_changelog_comes_behind_what_is_decided(self) -> None:
        records = self.positions((0, 0), (0, 1), (0, 2))
        assert list(recoveries_before(records, [recovery(1, 0)])) == [0, 0, 1]

    def test_recoveries_of_both_follow_each_other(self) -> None:
        records = self.positions((0, 0), (0, 1), (1, 0), (1, 1), (2, 1))
        events = [recovery(1, 0, 1), recovery(1, 2, 2), recovery(2, 2, 3), recovery(3, 3, 4)]
        assert list(recoveries_before(records, events)) == [0, 0, 2, 3, 4]

    def test_a_generation_without_records_has_its_recovery_too(self) -> None:
        records = self.positions((0, 0), (2, 0))
        assert list(recoveries_before(records, [recovery(0, 1, 1), recovery(4, 5, 2)])) == [0, 2]


def test_articles_of_the_new_log_are_decided_after_those_of_the_old_one() -> None:
    outputs = normalized(article(1, BRIDGE), article(2, FLOOD), article(3, HARVEST), article(4, BRIDGE))
    records = [stored(TOPICS.normalized, offset, out, OLD) for offset, out in enumerate(outputs[:2])]
    records += [stored(TOPICS.normalized, offset, out, NEW, 1) for offset, out in enumerate(outputs[2:])]
    oracle = expect(SETTINGS, log(records, recovery(1, 2), recovery(1, 2)))
    assert decisions(oracle) == [(0, "new"), (1, "new"), (2, "new"), (3, "copy")]
    assert oracle.misplaced == []
    assert [expected.source for expected in oracle.decided][2:] == [
        RecordId("articles.normalized#1", 0, 0),
        RecordId("articles.normalized#1", 0, 1),
    ]


@pytest.mark.parametrize("event", [recovery(0, 1), recovery(1, 0), recovery(1, 1)])
def test_a_recovery_after_which_offsets_repeat_is_misplaced(event: RecoveryEvent) -> None:
    outputs = normalized(article(1, BRIDGE), article(2, FLOOD), article(3, HARVEST))
    records = [stored(TOPICS.normalized, offset, out, OLD) for offset, out in enumerate(outputs[:2])]
    records.append(stored(TOPICS.normalized, 0, outputs[2], NEW, 1))
    assert expect(SETTINGS, log(records, event)).misplaced


def test_without_a_recovery_the_new_log_is_misplaced() -> None:
    outputs = normalized(article(1, BRIDGE), article(2, FLOOD))
    records = [stored(TOPICS.normalized, 0, outputs[0], OLD), stored(TOPICS.normalized, 0, outputs[1], NEW, 1)]
    assert expect(SETTINGS, log(records)).misplaced
