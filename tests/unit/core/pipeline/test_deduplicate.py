"""Records of the normalized topic in; verdicts, tombstones and changelog records out; and that nothing gets lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.contracts import codec
from stream.core.contracts.events import (
    RELATIONS,
    ClusterEvent,
    EnrichedEvent,
    FingerprintEvent,
    NormalizedEvent,
    RemovalEvent,
)
from stream.core.contracts.records import InputRecord, OutputRecord
from stream.core.pipeline.deduplicate import Deduplicator, decode_changelog_event
from stream.core.pipeline.outcome import TAKEDOWN_RESULTS, Outcome
from stream.errors import REJECTION_CODES
from tests.support.pipeline import (
    ARTICLE,
    LATER,
    NOW,
    PARTITION,
    SENT_MS,
    TEXT,
    TOPICS,
    Flow,
    by_topic,
    enriched,
    normalized,
    passed_on,
    raw,
)


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
            codec.decode(by_topic(outcome)[TOPICS.fingerprints].value or b"", FingerprintEvent) for outcome in outcomes
        ]
        assert [(record.previous, record.offset) for record in records] == [(-1, 0), (0, 1)]
        assert [record.duplicate for record in records] == [enriched(outcome).duplicate for outcome in outcomes]
        assert records[1].source == "b.example"

    def test_a_copy_goes_to_the_duplicates_with_its_cluster(self) -> None:
        _, outcome = Flow().raw(raw(ARTICLE), raw({**ARTICLE, "url": "https://b.example/2"}, offset=1))
        topics = by_topic(outcome)
        assert (outcome.result, set(topics)) == ("copy", {TOPICS.duplicates, TOPICS.fingerprints, TOPICS.clusters})
        cluster = codec.decode(topics[TOPICS.clusters].value or b"", ClusterEvent)
        assert topics[TOPICS.clusters].key == cluster.cluster_id.encode()
        assert (cluster.size, cluster.sources) == (2, ["amberley.example", "b.example"])

    def test_an_enriched_event_is_the_normalized_one_with_its_verdict(self) -> None:
        article = passed_on(raw(ARTICLE))
        event = enriched(Flow().raw(raw(ARTICLE))[0])
        shared = set(EnrichedEvent.__struct_fields__) & set(NormalizedEvent.__struct_fields__)
        assert set(EnrichedEvent.__struct_fields__) - shared == {"revision", "duplicate"}
        assert {name: getattr(event, name) for name in shared} == {name: getattr(article, name) for name in shared}

    @pytest.mark.parametrize(
        ("fields", "relation"),
        [
            ({}, "recrawl"),
            ({"tags": ["energy"], "section": "local", "summary": "a", "extra": {"n": 1}}, "recrawl"),
            ({"text": TEXT.replace(". ", ".  ")}, "recrawl"),
            ({"text": TEXT + " Nobody was hurt."}, "revision"),
            ({"text": TEXT.replace("Amberley", "amberley")}, "revision"),
            ({"title": "Tidal power at last"}, "revision"),
            ({"title": None}, "revision"),
            ({"text": f"By Ada Quill\n{TEXT}"}, "revision"),
            ({"text": f"AMBERLEY (Reuters) - {TEXT}"}, "revision"),
            ({"text": f"{TEXT} (AFP)"}, "revision"),
        ],
    )
    def test_at_one_address_what_readers_see_is_a_revision(self, fields: dict[str, Any], relation: str) -> None:
        flow = Flow()
        flow.run_one(ARTICLE)
        outcome = flow.run_one({**ARTICLE, **fields}, offset=1)
        assert outcome.result == relation
        assert enriched(outcome).revision == 1 + (relation == "revision")

    @pytest.mark.parametrize(
        ("text", "is_changed", "numbers"),
        [
            (TEXT, False, False),
            (TEXT.replace("fishing", "sailing"), True, False),
            (TEXT.replace("months", "14 months"), True, True),
        ],
    )
    def test_a_revision_tells_what_changed(self, text: str, is_changed: bool, numbers: bool) -> None:
        flow = Flow()
        assert enriched(flow.run_one(ARTICLE)).duplicate.change is None
        change = enriched(flow.run_one({**ARTICLE, "title": "Other", "text": text}, offset=1)).duplicate.change
        assert change is not None
        assert (0 < change.tokens < 0.2, change.numbers) == (is_changed, numbers)

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
        values = [output.value, value, output.value]
        good, bad, copy = Flow().stored([OutputRecord(TOPICS.normalized, b"key", value) for value in values])
        (letter,) = bad.outputs
        assert (good.result, bad.result, bad.code, copy.is_repeat) == ("new", "rejected", "invalid_normalized", True)
        assert (letter.topic, letter.key, letter.value) == (TOPICS.rejected, b"key", value)
        added = dict(letter.headers)
        assert (added["__errors.stage"], added["__errors.offset"]) == (b"deduplicate", b"1")

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


CANCELED = {"url": ARTICLE["url"], "status": "canceled"}


def test_an_event_is_read_as_what_its_header_says() -> None:
    article, takedown = (normalized(raw(event))[0].outputs[0] for event in (ARTICLE, CANCELED))
    mixed = [OutputRecord(TOPICS.normalized, b"key", takedown.value, article.headers)]
    mixed += [OutputRecord(TOPICS.normalized, b"key", article.value, takedown.headers)]
    assert [outcome.code for outcome in Flow().stored(mixed)] == ["invalid_normalized", None]


def test_changelog_records_are_read_by_their_type() -> None:
    outcomes = Flow().raw(raw(ARTICLE), raw(CANCELED, offset=1))
    outputs = [by_topic(outcome)[TOPICS.fingerprints] for outcome in outcomes]
    events = [
        decode_changelog_event(InputRecord("log", 0, 0, None, out.key, out.value, out.headers)) for out in outputs
    ]
    assert [type(event) for event in events] == [FingerprintEvent, RemovalEvent]
    with pytest.raises(msgspec.DecodeError):
        decode_changelog_event(InputRecord("log", 0, 0, None, None, None, outputs[1].headers))


def test_everything_published_is_a_cloud_event() -> None:
    copy, takedown = {**ARTICLE, "url": "https://b.example/2"}, {"url": ARTICLE["url"], "status": "canceled"}
    outcomes = Flow().raw(raw(ARTICLE), raw(copy, offset=1), raw(takedown, offset=2))
    types = set()
    for output in (output for outcome in outcomes for output in outcome.outputs):
        headers = dict(output.headers)
        assert headers["ce_specversion"] == b"1.0"
        assert headers["ce_source"] == f"/{output.topic}".encode()
        assert headers["ce_time"] == NOW.encode()
        assert headers["content-type"] == b"application/json"
        kind = headers["ce_type"].decode().removeprefix("org.article-stream.")
        types.add((output.topic, kind, output.value is None))
        if output.value and kind != "cluster.v1":
            assert headers["ce_id"] == orjson.loads(output.value)["event_id"].encode()
    assert types == {
        (TOPICS.enriched, "article.enriched.v1", False),
        (TOPICS.duplicates, "article.duplicate.v1", False),
        (TOPICS.fingerprints, "article.fingerprint.v1", False),
        (TOPICS.clusters, "cluster.v1", False),
        (TOPICS.enriched, "article.withdrawn.v1", True),
        (TOPICS.duplicates, "article.withdrawn.v1", True),
        (TOPICS.fingerprints, "article.removal.v1", False),
    }


def test_the_id_of_a_cluster_record_tells_what_changed_it() -> None:
    flow = Flow()
    flow.run_one(ARTICLE)
    grown = by_topic(flow.run_one({**ARTICLE, "url": "https://b.example/2"}, offset=1))[TOPICS.clusters]
    shrunk = by_topic(flow.run_one({"url": ARTICLE["url"], "status": "canceled"}, offset=2))[TOPICS.clusters]
    cluster_id = (grown.key or b"").decode()
    assert dict(grown.headers)["ce_id"] == f"{cluster_id}.2".encode()
    assert dict(shrunk.headers)["ce_id"].endswith(f".{cluster_id}".encode())


def test_a_wrap_sees_every_step_by_its_name() -> None:
    names = []

    def wrap(name: str, step: Callable[..., Any], /) -> Callable[..., Any]:
        names.append(name)
        return step

    Deduplicator(TOPICS, wrap=wrap)
    assert names == [
        *("decode_normalized", "fingerprint", "prefetch", "find_candidates"),
        *("decide", "record", "remove", "encode_enriched"),
    ]


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
        "status": st.sampled_from(["usable", "canceled", "canceled", "lost"]),
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
            passed = [output for output in outcome.outputs if output.topic == TOPICS.normalized]
            outcomes += flow.stored(passed) if passed else [outcome]
        done.append((record, outcomes))
    return done


@given(records)
@settings(max_examples=200, deadline=None)
def test_nothing_gets_lost_whatever_comes(stream: list[tuple[bytes | None, int | None, bytes | None]]) -> None:
    for record, outcomes in process(stream):
        assert outcomes
        for outcome in outcomes:
            assert outcome.outputs or outcome.result == "nothing_withdrawn"
            assert outcome.result in (*RELATIONS, *TAKEDOWN_RESULTS, "rejected")
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
