"""Raw records in, records of the normalized topic and dead letters out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stream.core.contracts import codec
from stream.core.contracts.events import NormalizedEvent, TakedownEvent
from stream.core.pipeline.normalize import Normalizer
from tests.support.pipeline import ARTICLE, NOW, PARTITION, SENT_MS, TOPICS, normalized, passed_on, raw


class TestNormalizer:
    """Raw records to the normalized topic."""

    def test_passes_an_article_on_under_the_key_of_its_scope(self) -> None:
        (outcome,) = normalized(raw({**ARTICLE, "tenant": "acme"}))
        (output,) = outcome.outputs
        assert (outcome.result, outcome.code, outcome.time, outcome.is_repeat) == ("normalized", None, SENT_MS, False)
        assert (output.topic, output.key, output.partition) == (TOPICS.normalized, b"acme/en", None)

    def test_tells_where_the_event_stood(self) -> None:
        origin = passed_on(raw(ARTICLE, offset=41)).origin
        assert (origin.topic, origin.partition, origin.offset, origin.item) == (TOPICS.raw, PARTITION, 41, None)
        assert origin.timestamp == "2026-05-28T20:26:40.000Z"

    @pytest.mark.parametrize("timestamp", [None, -1, -(10**18), 10**18])
    def test_a_record_without_a_time_that_can_be_one_has_none(self, timestamp: int | None) -> None:
        (outcome,) = Normalizer(TOPICS)(raw(ARTICLE, timestamp=timestamp), now=NOW, time=77)
        article = codec.decode(outcome.outputs[0].value or b"", NormalizedEvent)
        assert (article.origin.timestamp, article.event_time, outcome.time) == (None, 77, 77)

    def test_the_time_of_an_event_is_when_it_was_fetched_else_that_of_its_record(self) -> None:
        assert passed_on(raw({**ARTICLE, "fetched_at": "2026-05-01T00:00:00Z"})).event_time == 1_777_593_600_000
        assert passed_on(raw(ARTICLE)).event_time == SENT_MS

    def test_each_article_of_an_array_has_an_id_and_a_place_of_its_own(self) -> None:
        outcomes = normalized(raw([ARTICLE, {**ARTICLE, "url": "https://b.example/2"}]))
        articles = [codec.decode(outcome.outputs[0].value or b"", NormalizedEvent) for outcome in outcomes]
        assert [article.origin.item for article in articles] == [0, 1]
        assert len({article.event_id for article in articles}) == 2

    def test_the_bad_ones_of_an_array_become_one_dead_letter_that_lists_them(self) -> None:
        record = raw([{"text": "no identity"}, ARTICLE, 5, {**ARTICLE, "url": "nowhere"}])
        *good, bad = normalized(record)
        assert [outcome.result for outcome in good] == ["normalized"]
        (letter,) = bad.outputs
        assert (bad.result, bad.code) == ("rejected", "missing_identity")
        assert dict(letter.headers)["__errors.items"] == b"0,2,3"
        assert letter.value == record.value

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
    def test_a_bad_message_becomes_a_dead_letter_as_it_came(self, value: Any, code: str, field: bytes | None) -> None:
        given_headers = (("trace", b"\x00\xff"), ("trace", b"twice"), ("ce_id", b""))
        record = raw(value, offset=12, key=b"\x00key", headers=given_headers)
        (outcome,) = normalized(record)
        (letter,) = outcome.outputs
        assert (outcome.result, outcome.code) == ("rejected", code)
        assert (letter.topic, letter.key, letter.value) == (TOPICS.rejected, record.key, record.value)
        assert tuple(letter.headers[:3]) == given_headers
        added = dict(letter.headers[3:])
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

    def test_coordinates_where_the_sender_gives_no_id(self) -> None:
        ids = [passed_on(raw(ARTICLE, offset=offset)).event_id for offset in (1, 2, 1)]
        assert ids[0] == ids[2] != ids[1]

    def test_source_and_id_of_the_sender_wherever_the_record_stands(self) -> None:
        def sent(source: bytes, name: bytes, offset: int) -> str:
            return passed_on(raw(ARTICLE, offset=offset, headers=(("ce_source", source), ("ce_id", name)))).event_id

        assert sent(b"/scraper", b"17", 1) == sent(b"/scraper", b"17", 2)
        assert len({sent(b"/scraper", b"17", 1), sent(b"/scraper", b"18", 1), sent(b"/other", b"17", 1)}) == 3

    @pytest.mark.parametrize(
        "headers", [[("ce_id", b"17")], [("ce_source", b"/s")], [("ce_id", b""), ("ce_source", b"/s")]]
    )
    def test_half_an_identity_is_none(self, headers: list[tuple[str, bytes]]) -> None:
        assert passed_on(raw(ARTICLE, headers=headers)).event_id == passed_on(raw(ARTICLE)).event_id

    @pytest.mark.parametrize(
        "content_type", [b"application/cloudevents+json", b"application/cloudevents+json; charset=utf-8"]
    )
    def test_a_structured_event_is_the_same_as_one_with_headers(self, content_type: bytes) -> None:
        envelope = {"specversion": "1.0", "id": "17", "source": "/scraper", "type": "raw", "data": ARTICLE}
        structured = passed_on(raw(envelope, headers=[("content-type", content_type)]))
        binary = passed_on(raw(ARTICLE, headers=[("ce_id", b"17"), ("ce_source", b"/scraper")]))
        assert structured == binary

    def test_a_structured_event_may_hold_an_array(self) -> None:
        envelope = {"id": "17", "source": "/s", "data": [ARTICLE, {"text": "no identity"}]}
        good, bad = normalized(raw(envelope, headers=[("content-type", b"application/cloudevents+json")]))
        article = codec.decode(good.outputs[0].value or b"", NormalizedEvent)
        assert article.origin.item == 0
        assert dict(bad.outputs[0].headers)["__errors.items"] == b"1"

    @pytest.mark.parametrize(("data", "code"), [([], "empty_value"), ([ARTICLE] * 10_001, "too_many_items")])
    def test_an_array_in_a_structured_event_has_the_limits_of_any(self, data: list[Any], code: str) -> None:
        envelope = {"id": "17", "source": "/s", "data": data}
        (outcome,) = normalized(raw(envelope, headers=[("content-type", b"application/cloudevents+json")]))
        assert outcome.code == code

    def test_a_structured_event_without_data_is_rejected(self) -> None:
        (outcome,) = normalized(raw({"id": "17"}, headers=[("content-type", b"application/cloudevents+json")]))
        assert outcome.code == "not_an_object"


class TestTakedown:
    """Raw events with the status canceled."""

    @pytest.mark.parametrize("partitions", [1, 4])
    def test_goes_to_every_partition_of_the_normalized_topic(self, partitions: int) -> None:
        record = raw({"id": "a1", "tenant": "acme", "status": "canceled"}, offset=9)
        (outcome,) = Normalizer(TOPICS, partitions=partitions)(record, now=NOW)
        assert (outcome.result, outcome.code, outcome.time) == ("normalized", None, SENT_MS)
        assert [output.partition for output in outcome.outputs] == list(range(partitions))
        assert {(output.topic, output.key) for output in outcome.outputs} == {(TOPICS.normalized, b"acme/*")}
        assert len({(output.value, tuple(output.headers)) for output in outcome.outputs}) == 1
        headers = dict(outcome.outputs[0].headers)
        takedown = codec.decode(outcome.outputs[0].value or b"", TakedownEvent)
        assert headers["ce_type"] == b"org.article-stream.article.takedown.v1"
        assert headers["ce_id"] == takedown.event_id.encode()
        assert (takedown.tenant, takedown.id, takedown.url_key, takedown.event_time) == ("acme", "a1", None, SENT_MS)
        assert (takedown.origin.partition, takedown.origin.offset) == (PARTITION, 9)

    def test_names_the_address_as_its_article_does(self) -> None:
        article = passed_on(raw(ARTICLE))
        (outcome,) = normalized(raw({"url": ARTICLE["url"], "status": "canceled"}))
        takedown = codec.decode(outcome.outputs[0].value or b"", TakedownEvent)
        assert (takedown.id, takedown.url_key) == (article.id, article.url_key)

    def test_may_stand_in_an_array_with_articles(self) -> None:
        outcomes = normalized(raw([ARTICLE, {"id": "a1", "status": "canceled"}, {"id": "a1"}]))
        assert [outcome.result for outcome in outcomes] == ["normalized", "normalized", "rejected"]
        takedown = codec.decode(outcomes[1].outputs[0].value or b"", TakedownEvent)
        assert takedown.origin.item == 1
        assert takedown.event_id != passed_on(raw(ARTICLE)).event_id


def test_everything_passed_on_is_a_cloud_event() -> None:
    (outcome,) = normalized(raw(ARTICLE))
    headers = dict(outcome.outputs[0].headers)
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": passed_on(raw(ARTICLE)).event_id.encode(),
        "ce_source": b"/articles.normalized",
        "ce_type": b"org.article-stream.article.normalized.v1",
        "ce_time": NOW.encode(),
        "content-type": b"application/json",
    }


def test_a_wrap_sees_every_step_by_its_name() -> None:
    names = []

    def wrap(name: str, step: Callable[..., Any], /) -> Callable[..., Any]:
        names.append(name)
        return step

    Normalizer(TOPICS, wrap=wrap)
    assert names == ["parse", "validate", "normalize", "encode_normalized"]
