"""The normalize step turns raw records into records of the normalized topic, and dead letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stream.core.contracts import codec
from stream.core.contracts.events import NormalizedEvent, TakedownEvent
from stream.core.pipeline.normalize import Normalizer
from tests.support.pipeline import ARTICLE, NOW, PARTITION, SENT_MS, TOPICS, normalize_one, normalize_record, raw


class TestNormalizer:
    """Articles of raw records."""

    def test_an_article_is_keyed_by_its_scope(self) -> None:
        (outcome,) = normalize_record(raw({**ARTICLE, "tenant": "acme"}))
        (output,) = outcome.outputs
        assert (outcome.result, outcome.code, outcome.event_time_ms, outcome.is_repeat) == (
            "normalized",
            None,
            SENT_MS,
            False,
        )
        assert (output.topic, output.key, output.partition) == (TOPICS.normalized, b"acme/en", None)

    def test_the_origin_names_the_raw_record(self) -> None:
        origin = normalize_one(raw(ARTICLE, offset=41)).origin
        assert (origin.topic, origin.partition, origin.offset, origin.item) == (TOPICS.raw, PARTITION, 41, None)
        assert origin.timestamp == "2026-05-28T20:26:40.000Z"

    @pytest.mark.parametrize("timestamp", [None, -1, -(10**18), 10**18])
    def test_an_invalid_timestamp_of_a_record_is_ignored(self, timestamp: int | None) -> None:
        (outcome,) = Normalizer(TOPICS)(raw(ARTICLE, timestamp=timestamp), now=NOW, default_time_ms=77)
        article = codec.decode(outcome.outputs[0].value or b"", NormalizedEvent)
        assert (article.origin.timestamp, article.event_time, outcome.event_time_ms) == (None, 77, 77)

    def test_the_event_time_is_when_it_was_fetched_or_else_the_timestamp_of_its_record(self) -> None:
        assert normalize_one(raw({**ARTICLE, "fetched_at": "2026-05-01T00:00:00Z"})).event_time == 1_777_593_600_000
        assert normalize_one(raw(ARTICLE)).event_time == SENT_MS

    def test_each_article_of_an_array_has_its_own_event_id_and_item_number(self) -> None:
        outcomes = normalize_record(raw([ARTICLE, {**ARTICLE, "url": "https://b.example/2"}]))
        articles = [codec.decode(outcome.outputs[0].value or b"", NormalizedEvent) for outcome in outcomes]
        assert [article.origin.item for article in articles] == [0, 1]
        assert len({article.event_id for article in articles}) == 2

    def test_all_bad_items_of_an_array_become_one_dead_letter_that_lists_them(self) -> None:
        record = raw([{"text": "no identity"}, ARTICLE, 5, {**ARTICLE, "url": "nowhere"}])
        *good, bad = normalize_record(record)
        assert [outcome.result for outcome in good] == ["normalized"]
        (dead_letter,) = bad.outputs
        assert (bad.result, bad.code) == ("rejected", "missing_identity")
        assert dict(dead_letter.headers)["__errors.items"] == b"0,2,3"
        assert dead_letter.value == record.value

    @pytest.mark.parametrize(
        ("value", "code", "field"),
        [
            (None, "null_value", None),
            (b" \n", "empty_value", None),
            (b"\xff\xfe{}", "invalid_utf8", None),
            (b'{"text": ', "invalid_json", None),
            (b"17", "not_an_object", None),
            (b"[]", "empty_value", None),
            ({**ARTICLE, "tags": ["a", 5]}, "wrong_type", b"$.tags[1]"),
            ({"url": "https://a.example/"}, "missing_content", b"$.text"),
            ({**ARTICLE, "status": "withdrawn"}, "unknown_status", b"$.status"),
            ({"text": "x", "status": "canceled"}, "missing_identity", b"$.url"),
            ({"url": "https://a..b/", "status": "canceled"}, "invalid_url", b"$.url"),
        ],
    )
    def test_a_bad_message_becomes_a_dead_letter_with_its_original_bytes(
        self, value: Any, code: str, field: bytes | None
    ) -> None:
        original_headers = (("trace", b"\x00\xff"), ("trace", b"twice"), ("ce_id", b""))
        record = raw(value, offset=12, key=b"\x00key", headers=original_headers)
        (outcome,) = normalize_record(record)
        (dead_letter,) = outcome.outputs
        assert (outcome.result, outcome.code) == ("rejected", code)
        assert (dead_letter.topic, dead_letter.key, dead_letter.value) == (TOPICS.rejected, record.key, record.value)
        assert tuple(dead_letter.headers[:3]) == original_headers
        added = dict(dead_letter.headers[3:])
        assert added.pop("__errors.message")
        assert added.pop("__errors.field", None) == field
        assert added == {
            "__errors.code": code.encode(),
            "__errors.stage": b"normalize",
            "__errors.topic": TOPICS.raw.encode(),
            "__errors.partition": b"3",
            "__errors.offset": b"12",
            "__errors.timestamp": str(SENT_MS).encode(),
        }


class TestIdentity:
    """What makes two deliveries one event."""

    def test_without_an_id_of_the_sender_the_coordinates_of_the_record_identify_an_event(self) -> None:
        ids = [normalize_one(raw(ARTICLE, offset=offset)).event_id for offset in (1, 2, 1)]
        assert ids[0] == ids[2] != ids[1]

    def test_source_and_id_of_the_sender_identify_an_event_at_any_offset(self) -> None:
        def event_id_of(source: bytes, name: bytes, offset: int) -> str:
            return normalize_one(raw(ARTICLE, offset=offset, headers=(("ce_source", source), ("ce_id", name)))).event_id

        assert event_id_of(b"/scraper", b"17", 1) == event_id_of(b"/scraper", b"17", 2)
        identities = ((b"/scraper", b"17"), (b"/scraper", b"18"), (b"/other", b"17"))
        assert len({event_id_of(source, name, 1) for source, name in identities}) == 3

    @pytest.mark.parametrize(
        "headers", [[("ce_id", b"17")], [("ce_source", b"/s")], [("ce_id", b""), ("ce_source", b"/s")]]
    )
    def test_an_incomplete_identity_is_ignored(self, headers: list[tuple[str, bytes]]) -> None:
        assert normalize_one(raw(ARTICLE, headers=headers)).event_id == normalize_one(raw(ARTICLE)).event_id

    @pytest.mark.parametrize(
        "content_type", [b"application/cloudevents+json", b"application/cloudevents+json; charset=utf-8"]
    )
    def test_a_structured_event_is_the_same_as_one_with_headers(self, content_type: bytes) -> None:
        envelope = {"specversion": "1.0", "id": "17", "source": "/scraper", "type": "raw", "data": ARTICLE}
        structured = normalize_one(raw(envelope, headers=[("content-type", content_type)]))
        binary = normalize_one(raw(ARTICLE, headers=[("ce_id", b"17"), ("ce_source", b"/scraper")]))
        assert structured == binary

    def test_a_structured_event_may_hold_an_array(self) -> None:
        envelope = {"id": "17", "source": "/s", "data": [ARTICLE, {"text": "no identity"}]}
        good, bad = normalize_record(raw(envelope, headers=[("content-type", b"application/cloudevents+json")]))
        article = codec.decode(good.outputs[0].value or b"", NormalizedEvent)
        assert article.origin.item == 0
        assert dict(bad.outputs[0].headers)["__errors.items"] == b"1"

    @pytest.mark.parametrize(("data", "code"), [([], "empty_value"), ([ARTICLE] * 10_001, "too_many_items")])
    def test_an_array_in_a_structured_event_has_the_limits_of_any(self, data: list[Any], code: str) -> None:
        envelope = {"id": "17", "source": "/s", "data": data}
        (outcome,) = normalize_record(raw(envelope, headers=[("content-type", b"application/cloudevents+json")]))
        assert outcome.code == code

    def test_a_structured_event_without_data_is_rejected(self) -> None:
        (outcome,) = normalize_record(raw({"id": "17"}, headers=[("content-type", b"application/cloudevents+json")]))
        assert outcome.code == "not_an_object"


class TestTakedown:
    """Raw events with the status canceled."""

    @pytest.mark.parametrize("partitions", [1, 4])
    def test_a_takedown_goes_to_every_partition_of_the_normalized_topic(self, partitions: int) -> None:
        record = raw({"id": "a1", "tenant": "acme", "status": "canceled"}, offset=9)
        (outcome,) = Normalizer(TOPICS, partitions=partitions)(record, now=NOW)
        assert (outcome.result, outcome.code, outcome.event_time_ms) == ("normalized", None, SENT_MS)
        assert [output.partition for output in outcome.outputs] == list(range(partitions))
        assert {(output.topic, output.key) for output in outcome.outputs} == {(TOPICS.normalized, b"acme/*")}
        assert len({(output.value, tuple(output.headers)) for output in outcome.outputs}) == 1
        headers = dict(outcome.outputs[0].headers)
        takedown = codec.decode(outcome.outputs[0].value or b"", TakedownEvent)
        assert headers["ce_type"] == b"org.article-stream.article.takedown.v1"
        assert headers["ce_id"] == takedown.event_id.encode()
        assert (takedown.tenant, takedown.id, takedown.url_key, takedown.event_time) == ("acme", "a1", None, SENT_MS)
        assert (takedown.origin.partition, takedown.origin.offset) == (PARTITION, 9)

    def test_a_takedown_has_the_id_and_url_key_of_its_article(self) -> None:
        article = normalize_one(raw(ARTICLE))
        (outcome,) = normalize_record(raw({"url": ARTICLE["url"], "status": "canceled"}))
        takedown = codec.decode(outcome.outputs[0].value or b"", TakedownEvent)
        assert (takedown.id, takedown.url_key) == (article.id, article.url_key)

    def test_a_takedown_may_be_in_an_array_with_articles(self) -> None:
        outcomes = normalize_record(raw([ARTICLE, {"id": "a1", "status": "canceled"}, {"id": "a1"}]))
        assert [outcome.result for outcome in outcomes] == ["normalized", "normalized", "rejected"]
        takedown = codec.decode(outcomes[1].outputs[0].value or b"", TakedownEvent)
        assert takedown.origin.item == 1
        assert takedown.event_id != normalize_one(raw(ARTICLE)).event_id


def test_every_output_is_a_cloud_event() -> None:
    (outcome,) = normalize_record(raw(ARTICLE))
    headers = dict(outcome.outputs[0].headers)
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": normalize_one(raw(ARTICLE)).event_id.encode(),
        "ce_source": b"/articles.normalized",
        "ce_tenant": b"default",
        "ce_type": b"org.article-stream.article.normalized.v1",
        "ce_time": NOW.encode(),
        "content-type": b"application/json",
    }


def test_every_part_of_the_step_is_wrapped_under_its_name() -> None:
    names = []

    def wrap(name: str, step: Callable[..., Any], /) -> Callable[..., Any]:
        names.append(name)
        return step

    Normalizer(TOPICS, wrap=wrap)
    assert names == ["parse", "validate", "normalize", "encode_normalized"]
