"""Record in, records out: topics, keys, headers, dead letters, event ids, and that nothing gets lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream import wire
from stream.errors import REJECTION_CODES
from stream.events import RELATIONS, ClusterEvent, EnrichedEvent, FingerprintEvent, NormalizedEvent
from stream.index.partition import PartitionIndex
from stream.index.store import MemoryStore
from stream.pipeline import Deduplicator, Normalizer, Outcome
from stream.records import Headers, InputRecord, Outgoing
from stream.topics import Topics

TOPICS: Final = Topics()
NOW: Final = "2026-05-04T06:00:00.000Z"
LATER: Final = "2026-05-05T07:00:00.000Z"
SENT_MS: Final = 1_780_000_000_000
PARTITION: Final = 3

TEXT: Final = (
    "The harbour council of Port Amberley approved a tidal power station beneath its old stone pier. Engineers "
    "promised that fishing boats would pass without harm, and residents who had protested for months were content."
)
ARTICLE: Final = {"url": "https://www.amberley.example/news/1?utm_source=x", "title": "Tidal power", "text": TEXT}


def raw(
    value: Any, *, offset: int = 0, timestamp: int | None = SENT_MS, key: bytes | None = b"k", headers: Headers = ()
) -> InputRecord:
    """A record of the raw topic; what is not bytes is written as JSON."""
    content = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
    return InputRecord(TOPICS.raw, PARTITION, offset, timestamp, key, content, headers)


def normalized(record: InputRecord, now: str = NOW) -> list[Outcome]:
    return Normalizer(TOPICS)(record, now=now)


def passed_on(record: InputRecord) -> NormalizedEvent:
    (outcome,) = normalized(record)
    assert outcome.result == "normalized", outcome.code
    return wire.decode(outcome.outputs[0].value or b"", NormalizedEvent)


class Flow:
    """Both steps, with an index in memory."""

    def __init__(self) -> None:
        self.index = PartitionIndex(MemoryStore(), window_ms=7 * 24 * 3600 * 1000)

    def raw(self, *records: InputRecord, now: str = NOW) -> list[Outcome]:
        """What becomes of raw records that the normalize step passes on."""
        outputs = [output for record in records for outcome in normalized(record, now) for output in outcome.outputs]
        assert {output.topic for output in outputs} == {TOPICS.normalized}
        return self.stored([(output.key, output.value) for output in outputs], now=now)

    def stored(self, values: Sequence[tuple[bytes | None, bytes | None]], now: str = NOW) -> list[Outcome]:
        """What becomes of keys and values in the normalized topic, behind what stood there before."""
        first = self.index.last_offset + 1
        records = [
            InputRecord(TOPICS.normalized, PARTITION, offset, SENT_MS, key, value)
            for offset, (key, value) in enumerate(values, start=first)
        ]
        session = self.index.session()
        outcomes = Deduplicator(TOPICS)(records, session, now=now)
        self.index.commit(session)
        return outcomes


def by_topic(outcome: Outcome) -> dict[str, Outgoing]:
    return {output.topic: output for output in outcome.outputs}


def enriched(outcome: Outcome) -> EnrichedEvent:
    topics = by_topic(outcome)
    output = topics.get(TOPICS.enriched) or topics[TOPICS.duplicates]
    return wire.decode(output.value or b"", EnrichedEvent)


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
        article = wire.decode(outcome.outputs[0].value or b"", NormalizedEvent)
        assert (article.origin.timestamp, article.event_time, outcome.time) == (None, 77, 77)

    def test_the_time_of_an_event_is_when_it_was_fetched_else_that_of_its_record(self) -> None:
        assert passed_on(raw({**ARTICLE, "fetched_at": "2026-05-01T00:00:00Z"})).event_time == 1_777_593_600_000
        assert passed_on(raw(ARTICLE)).event_time == SENT_MS

    def test_each_article_of_an_array_has_an_id_and_a_place_of_its_own(self) -> None:
        outcomes = normalized(raw([ARTICLE, {**ARTICLE, "url": "https://b.example/2"}]))
        articles = [wire.decode(outcome.outputs[0].value or b"", NormalizedEvent) for outcome in outcomes]
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
            ({**ARTICLE, "status": "canceled"}, "takedown_unsupported", b"$.status"),
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
        article = wire.decode(good.outputs[0].value or b"", NormalizedEvent)
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

    def test_another_text_under_an_id_in_use_is_rejected(self) -> None:
        flow = Flow()
        headers = (("ce_source", b"/s"), ("ce_id", b"17"))
        flow.raw(raw(ARTICLE, offset=4, headers=headers))
        (outcome,) = flow.raw(raw({**ARTICLE, "text": "Quite another text."}, offset=5, headers=headers))
        (letter,) = outcome.outputs
        added = dict(letter.headers)
        assert (outcome.code, added["__errors.stage"]) == ("event_id_reused", b"deduplicate")
        assert b"articles.raw/3/4" in added["__errors.message"]
        assert flow.index.documents == 1


class TestDeduplicator:
    """Records of the normalized topic to verdicts."""

    def test_a_new_article_is_published_and_remembered_in_the_same_partition(self) -> None:
        (outcome,) = Flow().raw(raw(ARTICLE))
        topics = by_topic(outcome)
        assert (outcome.result, set(topics)) == ("new", {TOPICS.enriched, TOPICS.fingerprints})
        event = enriched(outcome)
        assert topics[TOPICS.enriched].key == event.id.encode()
        assert topics[TOPICS.enriched].partition is None
        assert topics[TOPICS.fingerprints].key == b"default/en"
        assert topics[TOPICS.fingerprints].partition == PARTITION

    def test_the_record_for_the_changelog_says_what_was_decided(self) -> None:
        flow = Flow()
        outcomes = flow.raw(raw(ARTICLE), raw({**ARTICLE, "url": "https://b.example/2"}, offset=1))
        records = [
            wire.decode(by_topic(outcome)[TOPICS.fingerprints].value or b"", FingerprintEvent) for outcome in outcomes
        ]
        assert [(record.previous, record.offset) for record in records] == [(-1, 0), (0, 1)]
        assert [record.duplicate for record in records] == [enriched(outcome).duplicate for outcome in outcomes]
        assert records[1].source == "b.example"

    def test_a_copy_goes_to_the_duplicates_with_its_cluster(self) -> None:
        _, outcome = Flow().raw(raw(ARTICLE), raw({**ARTICLE, "url": "https://b.example/2"}, offset=1))
        topics = by_topic(outcome)
        assert (outcome.result, set(topics)) == ("copy", {TOPICS.duplicates, TOPICS.fingerprints, TOPICS.clusters})
        cluster = wire.decode(topics[TOPICS.clusters].value or b"", ClusterEvent)
        assert topics[TOPICS.clusters].key == cluster.cluster_id.encode()
        assert (cluster.size, cluster.sources) == (2, ["amberley.example", "b.example"])

    def test_an_enriched_event_is_the_normalized_one_with_its_verdict(self) -> None:
        article = passed_on(raw(ARTICLE))
        event = enriched(Flow().raw(raw(ARTICLE))[0])
        shared = set(EnrichedEvent.__struct_fields__) & set(NormalizedEvent.__struct_fields__)
        assert set(EnrichedEvent.__struct_fields__) - shared == {"revision", "duplicate"}
        assert {name: getattr(event, name) for name in shared} == {name: getattr(article, name) for name in shared}

    def test_a_repeated_delivery_is_published_again_as_it_was_the_first_time(self) -> None:
        flow = Flow()
        headers = (("ce_source", b"/s"), ("ce_id", b"17"))
        first, *_ = flow.raw(raw(ARTICLE, offset=4, headers=headers), raw({**ARTICLE, "url": "https://b.example/"}))
        (again,) = flow.raw(raw(ARTICLE, offset=9, headers=headers, timestamp=SENT_MS + 1), now=LATER)
        assert (again.result, again.is_repeat) == ("new", True)
        assert by_topic(again)[TOPICS.enriched].value == by_topic(first)[TOPICS.enriched].value
        # The changelog has it already; its record again, behind later ones, would be a false beginning when trimmed.
        assert TOPICS.fingerprints not in by_topic(again)
        assert enriched(again).origin.offset == 4
        assert flow.index.documents == 2

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda _: None,
            lambda _: b"",
            lambda _: b"not JSON",
            lambda _: b"[]",
            lambda value: value.replace(b'"event_time":1780000000000', b'"event_time":"soon"'),
            lambda value: value.replace(b'"event_time":1780000000000', b'"event_time":9000000000000000000'),
            lambda value: value.replace(b'"event_id":"', b'"event_id":"zz'),
            lambda value: value.replace(b'"content"', b'"contents"'),
        ],
    )
    def test_what_the_normalize_step_did_not_write_is_a_dead_letter(
        self, spoil: Callable[[bytes], bytes | None]
    ) -> None:
        (output,) = normalized(raw(ARTICLE))[0].outputs
        value = spoil(output.value or b"")
        assert value != output.value
        good, bad, copy = Flow().stored([(b"key", output.value), (b"key", value), (b"key", output.value)])
        (letter,) = bad.outputs
        assert (good.result, bad.result, bad.code, copy.is_repeat) == ("new", "rejected", "invalid_normalized", True)
        assert (letter.topic, letter.key, letter.value) == (TOPICS.rejected, b"key", value)
        added = dict(letter.headers)
        assert (added["__errors.stage"], added["__errors.offset"]) == (b"deduplicate", b"1")


def test_everything_published_is_a_cloud_event() -> None:
    flow = Flow()
    copies = [raw(ARTICLE), raw({**ARTICLE, "url": "https://b.example/2"}, offset=1)]
    outcomes = [*normalized(copies[0]), *flow.raw(*copies)]
    types = {}
    for output in (output for outcome in outcomes for output in outcome.outputs):
        headers = dict(output.headers)
        types[output.topic] = headers["ce_type"].decode()
        assert headers["ce_specversion"] == b"1.0"
        assert headers["ce_source"] == f"/{output.topic}".encode()
        assert headers["ce_time"] == NOW.encode()
        assert headers["content-type"] == b"application/json"
        value = orjson.loads(output.value or b"")
        event_id = value.get("event_id") or f"{value['cluster_id']}.{value['size']}"
        assert headers["ce_id"] == event_id.encode()
    assert types == {
        TOPICS.normalized: "org.article-stream.article.normalized.v1",
        TOPICS.enriched: "org.article-stream.article.enriched.v1",
        TOPICS.duplicates: "org.article-stream.article.duplicate.v1",
        TOPICS.fingerprints: "org.article-stream.article.fingerprint.v1",
        TOPICS.clusters: "org.article-stream.cluster.v1",
    }


def test_a_wrap_sees_every_step_by_its_name() -> None:
    names = []

    def wrap(name: str, step: Callable[..., Any], /) -> Callable[..., Any]:
        names.append(name)
        return step

    Normalizer(TOPICS, wrap=wrap)
    Deduplicator(TOPICS, wrap=wrap)
    assert names == [
        "parse", "validate", "normalize", "encode_normalized",
        "decode_normalized", "fingerprint", "prefetch", "find_candidates", "decide", "record", "encode_enriched",
    ]  # fmt: skip


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
texts = st.sampled_from([TEXT, TEXT[:120], f"{TEXT} {TEXT[:50]}", "قصير", ""]) | st.text(max_size=80)
articles = st.fixed_dictionaries(
    {},
    optional={
        "url": st.sampled_from(["https://a.example/1", "http://b.example/2", "nowhere", ""]),
        "id": st.sampled_from(["a", "b", " ", "x\n"]),
        "text": texts,
        "html": texts.map("<p>{}</p>".format),
        "title": texts,
        "fetched_at": st.sampled_from(["2026-05-01T00:00:00Z", "1700-01-01", "", 7_000_000_000, -1, 1e300]),
        "tenant": st.sampled_from(["acme", "default", "no good"]),
        "extra": json,
        "anything": json,
    },
)
items = articles | json
messages = st.one_of(
    st.none(), st.binary(max_size=30), items.map(orjson.dumps), st.lists(items, max_size=4).map(orjson.dumps)
)
records = st.lists(
    st.tuples(messages, st.sampled_from([None, -1, SENT_MS, 2**62]), st.sampled_from([b"1", b"2", b"\xff", None])),
    max_size=12,
)


def process(stream: list[tuple[bytes | None, int | None, bytes | None]]) -> list[tuple[InputRecord, list[Outcome]]]:
    """Each raw record with what came out of it, all through one index."""
    flow, done = Flow(), []
    for offset, (value, timestamp, event) in enumerate(stream):
        headers = (("ce_source", b"/s"), ("ce_id", event)) if event is not None else ()
        record = raw(value, offset=offset, timestamp=timestamp, headers=headers)
        outcomes = []
        for outcome in normalized(record):
            passed = [(output.key, output.value) for output in outcome.outputs if output.topic == TOPICS.normalized]
            outcomes += flow.stored(passed) if passed else [outcome]
        done.append((record, outcomes))
    return done


@given(records)
@settings(max_examples=200, deadline=None)
def test_nothing_gets_lost_whatever_comes(stream: list[tuple[bytes | None, int | None, bytes | None]]) -> None:
    for record, outcomes in process(stream):
        assert outcomes
        for outcome in outcomes:
            assert outcome.outputs
            assert outcome.result in (*RELATIONS, "rejected")
            assert outcome.code in ({*REJECTION_CODES} if outcome.result == "rejected" else {None})
        rejected = [outcome.outputs[0] for outcome in outcomes if outcome.result == "rejected"]
        whole = [letter for letter in rejected if dict(letter.headers)["__errors.stage"] == b"normalize"]
        assert all((letter.key, letter.value) == (record.key, record.value) for letter in whole)
        listed = [dict(letter.headers).get("__errors.items", b"").split(b",") for letter in whole]
        parsed = orjson.loads(record.value or b"") if whole and listed[0] != [b""] else None
        if isinstance(parsed, list):
            assert len(listed[0]) + len(outcomes) - 1 == len(parsed)


@given(records)
@settings(max_examples=50, deadline=None)
def test_the_same_input_gives_the_same_bytes(stream: list[tuple[bytes | None, int | None, bytes | None]]) -> None:
    assert process(stream) == process(stream)
