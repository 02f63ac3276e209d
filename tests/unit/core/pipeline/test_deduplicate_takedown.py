"""Takedowns in the deduplicate step: what is published for them, and for later events."""

from __future__ import annotations

from typing import Any

import pytest

from stream.core.contracts import codec
from stream.core.contracts.events import ClusterEvent, RemovalEvent
from stream.core.contracts.records import OutputRecord
from stream.core.pipeline.outcome import Outcome
from tests.support.pipeline import (
    ARTICLE,
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


def test_a_takedown_that_is_consumed_again_publishes_its_tombstones_again() -> None:
    outputs = [
        normalize_record(raw(event, offset=n))[0].outputs[0] for n, event in enumerate((ARTICLE, COPY, CANCELED))
    ]
    first = Flow().run_normalized(outputs)
    again = Flow().restore_from(first).run_normalized(outputs[2:], first=2)[0]
    assert (again.result, again.is_repeat) == ("withdrawn", True)
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
