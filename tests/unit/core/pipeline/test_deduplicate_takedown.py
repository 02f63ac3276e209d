"""Takedowns in the deduplicate step: what is published for them, and for later events."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import ClusterEvent, Duplicate, EnrichedEvent, RemovalEvent
from stream.core.contracts.records import InputRecord, LogId, OutputRecord
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.outcome import Outcome
from stream.core.pipeline.promotion import run_steps
from tests.support.index import START_MS, WINDOW_MS, Partition, article, takedown
from tests.support.pipeline import (
    ARTICLE,
    NOW,
    PARTITION,
    SENT_MS,
    TEXT,
    TOPICS,
    Flow,
    enriched_event_of,
    normalize_record,
    outputs_by_topic,
    raw,
)

#: Another article, in another language.
ARABIC = {
    "url": "https://ar.amberley.example/1",
    "text": "وافق مجلس ميناء أمبرلي على إقامة محطة لتوليد الكهرباء من المد والجزر تحت الرصيف الحجري القديم. "
    "وقال المهندسون إن قوارب الصيد ستمر دون ضرر، وإن السكان الذين احتجوا شهورا راضون عن الخطة الجديدة.",
}


CANCELED = {"url": ARTICLE["url"], "status": "canceled"}
COPY = {**ARTICLE, "url": "https://b.example/2"}


def tombstones(outcome: Outcome) -> dict[str, list[str]]:
    """The keys of the tombstones in each topic, without the tenant, which is ``default``."""
    keys: dict[str, list[str]] = {}
    for output in outcome.outputs:
        if output.value is None:
            tenant, _, name = (output.key or b"").decode().partition("/")
            assert tenant == "default"
            keys.setdefault(output.topic, []).append(name)
    return keys


def test_a_takedown_publishes_tombstones_in_both_topics_and_a_changelog_record() -> None:
    flow = Flow()
    name = enriched_event_of(flow.run_one(ARTICLE)).id
    outcome = flow.run_one(CANCELED, offset=1)
    assert (outcome.result, outcome.code, outcome.event_time_ms, outcome.is_repeat) == (
        "withdrawn",
        None,
        SENT_MS,
        False,
    )
    assert tombstones(outcome) == {TOPICS.enriched: [name], TOPICS.duplicates: [name]}
    record = outputs_by_topic(outcome)[TOPICS.fingerprints]
    event = codec.decode(record.value or b"", RemovalEvent)
    assert (record.key, record.partition) == (b"default/*", PARTITION)
    assert (event.offset, event.previous, event.tenant, event.id) == (1, 0, "default", name)
    assert TOPICS.clusters not in outputs_by_topic(outcome)


def test_the_changelog_says_in_which_log_a_takedown_was() -> None:
    index = PartitionIndex(MemoryStore(), window_ms=WINDOW_MS)
    event = takedown("a")
    headers = cloudevents.headers("/normalized", event.event_id, cloudevents.TAKEDOWN, NOW)
    record = InputRecord(TOPICS.normalized, 0, 0, None, b"", codec.encode(event), headers)
    steps = Deduplicator(TOPICS).decide_in_slices(
        [[record]], index.begin_transaction(), now=NOW, log=LogId("topic-id", 3)
    )
    outcomes = [outcome for part in run_steps(steps, lambda _offsets: {}) for outcome in part]
    (output,) = [each for each in outcomes[0].outputs if each.topic == TOPICS.fingerprints]
    assert codec.decode(output.value or b"", RemovalEvent).log == "topic-id/3"


def test_an_article_that_was_taken_down_is_no_longer_found() -> None:
    flow = Flow()
    flow.run_one(ARTICLE)
    flow.run_one(CANCELED, offset=1)
    assert flow.run_one(COPY, offset=2).result == "new"
    again = enriched_event_of(flow.run_one(ARTICLE, offset=3))
    assert (again.duplicate.relation, again.revision) == ("copy", 1)


@pytest.mark.parametrize("takedown", [{"id": "a1", "status": "canceled"}, CANCELED])
def test_the_id_or_the_url_is_enough(takedown: dict[str, Any]) -> None:
    flow = Flow()
    flow.run_one({**ARTICLE, "id": "a1"})
    assert tombstones(flow.run_one(takedown, offset=1)) == {TOPICS.enriched: ["a1"], TOPICS.duplicates: ["a1"]}


def test_every_version_is_deleted_under_every_id_it_had() -> None:
    flow = Flow()
    versions = [{**ARTICLE, "id": name, "text": f"{TEXT} {name}"} for name in ("a1", "a1", "a2")]
    assert [flow.run_one(version, offset=n).result for n, version in enumerate(versions)][-1] == "revision"
    outcome = flow.run_one(CANCELED, offset=3)
    assert tombstones(outcome)[TOPICS.enriched] == tombstones(outcome)[TOPICS.duplicates] == ["a1", "a2"]
    assert flow.run_one({**COPY, "text": f"{TEXT} a1"}, offset=4).result == "new"


def test_its_cluster_shrinks_and_gets_another_canonical_article() -> None:
    flow = Flow()
    first, second = enriched_event_of(flow.run_one(ARTICLE)), enriched_event_of(flow.run_one(COPY, offset=1))
    outcome = flow.run_one(CANCELED, offset=2)
    cluster = codec.decode(outputs_by_topic(outcome)[TOPICS.clusters].value or b"", ClusterEvent)
    assert (cluster.cluster_id, cluster.size) == (first.duplicate.cluster_id, 1)
    assert cluster.canonical_id == second.id
    third = enriched_event_of(flow.run_one({**ARTICLE, "url": "https://c.example/3"}, offset=3))
    assert (third.duplicate.relation, third.duplicate.duplicate_of) == ("copy", second.id)
    assert third.duplicate.cluster_id == cluster.cluster_id


def promoted_events(outcome: Outcome) -> list[EnrichedEvent]:
    return [
        codec.decode(output.value, EnrichedEvent)
        for output in outcome.outputs
        if output.topic == TOPICS.enriched and output.value is not None
    ]


class TestPromotion:
    """The article that becomes canonical is published in the enriched topic, where it was not."""

    def test_its_text_is_published_as_new_under_an_id_of_its_own(self) -> None:
        flow = Flow()
        flow.run_one(ARTICLE)
        copy = enriched_event_of(flow.run_one({**COPY, "tags": ["harbour"]}, offset=1))
        outcome = flow.run_one(CANCELED, offset=2)
        (event,) = promoted_events(outcome)
        verdict = Duplicate(
            relation="new",
            is_duplicate=False,
            cluster_id=copy.duplicate.cluster_id,
            method="promoted",
            version=copy.duplicate.version,
        )
        assert event == msgspec.structs.replace(copy, event_id=event.event_id, duplicate=verdict)
        assert event.event_id != copy.event_id
        record = next(out for out in outcome.outputs if out.topic == TOPICS.enriched and out.value)
        headers = dict(record.headers)
        assert record.key == f"default/{copy.id}".encode()
        assert (headers["ce_id"], headers["ce_tenant"]) == (event.event_id.encode(), b"default")
        assert headers["ce_type"] == b"org.article-stream.article.enriched.v1"
        assert tombstones(outcome)[TOPICS.duplicates] != [copy.id]
        assert outcome.lost_promotions == []

    def test_it_has_the_trace_of_the_takedown(self) -> None:
        flow = Flow()
        flow.run_one(ARTICLE)
        flow.run_one(COPY, offset=1)
        trace = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        outcome = flow.run_one(CANCELED, offset=2, headers=(trace,))
        assert [trace in tuple(out.headers) for out in outcome.outputs if out.topic == TOPICS.enriched] == [True, True]

    def test_its_newest_version_is_published(self) -> None:
        flow = Flow()
        flow.run_one(ARTICLE)
        flow.run_one(COPY, offset=1)
        flow.run_one({**COPY, "tags": ["newest"]}, offset=2)
        (event,) = promoted_events(flow.run_one(CANCELED, offset=3))
        assert event.tags == ["newest"]

    def test_nothing_is_published_again_if_the_next_article_is_in_the_topic_already(self) -> None:
        flow = Flow()
        flow.run_one({**ARTICLE, "text": TEXT[:110]})
        assert flow.run_one(COPY, offset=1).result == "expansion"
        outcome = flow.run_one(CANCELED, offset=2)
        assert (promoted_events(outcome), list(outcome.promotions)) == ([], [])
        assert TOPICS.clusters in outputs_by_topic(outcome)

    def test_nothing_is_published_again_if_another_article_is_withdrawn(self) -> None:
        flow = Flow()
        flow.run_one(ARTICLE)
        flow.run_one(COPY, offset=1)
        assert promoted_events(flow.run_one({**CANCELED, "url": COPY["url"]}, offset=2)) == []

    def test_each_article_that_becomes_canonical_in_turn_is_published_once(self) -> None:
        flow = Flow()
        urls = [f"https://{name}.example/1" for name in "abcd"]
        ids = [enriched_event_of(flow.run_one({**ARTICLE, "url": url}, offset=n)).id for n, url in enumerate(urls)]
        takedowns = [flow.run_one({**CANCELED, "url": url}, offset=4 + n) for n, url in enumerate(urls)]
        assert [[event.id for event in promoted_events(outcome)] for outcome in takedowns] == [
            *([name] for name in ids[1:]),
            [],
        ]

    def test_an_article_of_the_same_batch_is_published(self) -> None:
        outcomes = Flow().run(raw(ARTICLE), raw(COPY, offset=1), raw(CANCELED, offset=2))
        assert len(promoted_events(outcomes[2])) == 1

    @pytest.mark.parametrize("is_restored", [False, True])
    def test_a_takedown_that_is_consumed_again_publishes_the_same_bytes(self, is_restored: bool) -> None:
        outputs = [
            normalize_record(raw(event, offset=n))[0].outputs[0] for n, event in enumerate((ARTICLE, COPY, CANCELED))
        ]
        flow = Flow()
        first = flow.run_normalized(outputs)
        again = (flow.restore_from(first) if is_restored else flow).run_normalized(outputs[2:], first=2)[0]
        enriched = [[out for out in each.outputs if out.topic == TOPICS.enriched] for each in (first[2], again)]
        assert enriched[0] == enriched[1]
        assert len(enriched[0]) == 2

    def test_a_takedown_that_is_sent_again_publishes_nothing(self) -> None:
        flow, headers = Flow(), (("ce_source", b"/s"), ("ce_id", b"t"))
        flow.run_one(ARTICLE)
        flow.run_one(COPY, offset=1)
        flow.run_one(CANCELED, offset=2, headers=headers)
        again = flow.run_one(CANCELED, offset=3, headers=headers)
        assert (again.is_repeat, list(again.outputs), list(again.promotions)) == (True, [], [])

    @pytest.mark.parametrize("instead", [None, ARTICLE, CANCELED])
    def test_an_article_whose_record_is_gone_is_reported(self, instead: dict[str, Any] | None) -> None:
        flow = Flow()
        flow.run_one(ARTICLE)
        flow.run_one(COPY, offset=1)
        record = flow.records.pop(1)
        if instead:  # another record is at its offset, since the log went back
            (output,) = normalize_record(raw(instead))[0].outputs
            flow.records[1] = dataclasses.replace(record, value=output.value, headers=output.headers)
        outcome = flow.run_one(CANCELED, offset=2)
        assert promoted_events(outcome) == []
        assert [promotion.offset for promotion in outcome.lost_promotions] == [1]
        assert TOPICS.clusters in outputs_by_topic(outcome)

    def test_records_are_asked_for_once_for_each_slice(self) -> None:
        flow = Flow()
        urls = [f"https://{name}.example/1" for name in "abcd"]
        events = [{**ARTICLE, "url": url} for url in urls] + [{**CANCELED, "url": url} for url in urls[:2]]
        outputs = [normalize_record(raw(event, offset=n))[0].outputs[0] for n, event in enumerate(events)]
        flow.run_normalized(outputs[:4])
        takedowns = [
            InputRecord(TOPICS.normalized, PARTITION, 4 + n, SENT_MS, out.key, out.value, out.headers)
            for n, out in enumerate(outputs[4:])
        ]
        asked: list[list[int]] = []

        def read(offsets: Sequence[int]) -> dict[int, InputRecord]:
            asked.append(list(offsets))
            return flow.records

        Deduplicator(TOPICS)(takedowns, flow.index.begin_transaction(), now=NOW, read_records=read)
        assert asked == [[1, 2]]


def test_an_empty_cluster_gets_a_tombstone() -> None:
    flow = Flow()
    cluster_id = enriched_event_of(flow.run_one(ARTICLE)).duplicate.cluster_id
    flow.run_one(COPY, offset=1)
    flow.run_one(CANCELED, offset=2)
    outcome = flow.run_one({**CANCELED, "url": COPY["url"]}, offset=3)
    assert tombstones(outcome)[TOPICS.clusters] == [cluster_id]


def test_a_takedown_covers_all_languages_of_its_tenant_and_no_other_tenant() -> None:
    flow = Flow()
    articles = [{**ARTICLE, "id": "x"}, {**ARABIC, "id": "x"}, {**ARTICLE, "id": "x", "tenant": "acme"}]
    assert [flow.run_one(article, offset=n).result for n, article in enumerate(articles)] == ["new"] * 3
    assert flow.run_one({"id": "x", "status": "canceled"}, offset=3).result == "withdrawn"
    results = [flow.run_one({**article, "id": f"y{n}"}, offset=4 + n).result for n, article in enumerate(articles)]
    assert results == ["new", "new", "recrawl"]


def test_a_takedown_of_an_unknown_article_publishes_nothing() -> None:
    flow = Flow()
    flow.run_one(ARTICLE)
    outcome = flow.run_one({**CANCELED, "url": "https://nowhere.example/a"}, offset=1)
    assert (outcome.result, outcome.event_time_ms) == ("nothing_withdrawn", SENT_MS)
    assert [output.topic for output in outcome.outputs] == [TOPICS.fingerprints]
    assert flow.run_one(COPY, offset=2).result == "copy"


def test_a_takedown_works_in_the_batch_of_its_article() -> None:
    outcomes = Flow().run(raw(ARTICLE), raw(CANCELED, offset=1), raw(COPY, offset=2))
    assert [outcome.result for outcome in outcomes] == ["new", "withdrawn", "new"]


def test_an_event_that_was_taken_down_is_not_published_when_it_is_consumed_again() -> None:
    flow, headers = Flow(), (("ce_source", b"/s"), ("ce_id", b"17"))
    (outcome,) = normalize_record(raw(ARTICLE, headers=headers))
    flow.run_normalized(outcome.outputs)
    flow.run_one(CANCELED, offset=1)
    (again,) = flow.run_normalized(outcome.outputs, first=0)
    assert (again.result, again.is_repeat, list(again.outputs)) == ("withdrawn", True, [])
    assert again.event_time_ms == SENT_MS


def test_a_takedown_that_is_consumed_again_publishes_its_tombstones_again() -> None:
    outputs = [
        normalize_record(raw(event, offset=n))[0].outputs[0] for n, event in enumerate((ARTICLE, COPY, CANCELED))
    ]
    first = Flow().run_normalized(outputs)
    again = Flow().restore_from(first).run_normalized(outputs[2:], first=2)[0]
    assert (again.result, again.is_repeat, again.event_time_ms) == ("withdrawn", True, SENT_MS)
    assert tombstones(again) == tombstones(first[2])
    assert outputs_by_topic(again)[TOPICS.clusters] == outputs_by_topic(first[2])[TOPICS.clusters]
    assert TOPICS.fingerprints not in outputs_by_topic(again)


def test_a_restored_index_lacks_the_article_too() -> None:
    flow = Flow()
    outcomes = flow.run(raw(ARTICLE), raw(COPY, offset=1), raw(CANCELED, offset=2))
    restored = flow.restore_from(outcomes)
    assert restored.index.last_offset == 2
    third = {**ARTICLE, "url": "https://c.example/3"}
    events = [enriched_event_of(each.run(raw(third, offset=3))[0]) for each in (flow, restored)]
    assert events[0] == events[1]


def test_no_version_is_found_though_another_article_had_its_url_in_between() -> None:
    flow = Flow()
    first = {**ARTICLE, "id": "a", "url": "https://x.example/1"}
    foreign_event = {
        "id": "b",
        "url": "https://x.example/2",
        "text": "The orchards of Lower Aldersey were picked late this year.",
    }
    for offset, event in enumerate((first, foreign_event, {**foreign_event, "id": "a", "title": "Apples"})):
        flow.run_one(event, offset=offset)
    flow.run_one({"id": "a", "status": "canceled"}, offset=3)
    assert flow.run_one(COPY, offset=4).result == "new"


def test_a_late_repeat_of_a_deleted_event_leaves_a_newer_article_alone() -> None:
    flow, headers = Flow(), (("ce_source", b"/s"), ("ce_id", b"17"))
    flow.run_one(ARTICLE, headers=headers)
    flow.run_one(CANCELED, offset=1)
    assert flow.run_one(ARTICLE, offset=2).result == "new"
    assert tombstones(flow.run_one(ARTICLE, offset=3, headers=headers)) == {}


@pytest.mark.parametrize("value", [None, b"", b"[]", b'{"event_id":"17"}'])
def test_an_invalid_takedown_is_a_dead_letter(value: bytes | None) -> None:
    (output,) = normalize_record(raw(CANCELED))[0].outputs
    (outcome,) = Flow().run_normalized([OutputRecord(TOPICS.normalized, b"key", value, output.headers)])
    assert (outcome.result, outcome.code) == ("rejected", "invalid_normalized")


def test_another_takedown_with_a_used_event_id_is_rejected_and_the_reason_names_the_first_one() -> None:
    partition = Partition(MemoryStore())
    partition.deliver([takedown("first", event="e")])
    (outcome,) = partition.deliver([takedown("second", event="e")])
    assert outcome.code == "event_id_reused"
    assert b"which withdraws first" in dict(outcome.outputs[0].headers)["__errors.message"]


def test_a_takedown_whose_result_is_forgotten_keeps_its_time() -> None:
    partition = Partition(MemoryStore())
    partition.deliver([article(TEXT)], offsets=[9])
    (outcome,) = partition.deliver([takedown("a")], offsets=[5])
    assert (outcome.result, outcome.event_time_ms, outcome.is_repeat) == ("nothing_withdrawn", START_MS, True)
