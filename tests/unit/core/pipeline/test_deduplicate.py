"""The deduplicate step publishes verdicts and changelog records, and loses nothing."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from itertools import islice
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
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.outcome import TAKEDOWN_RESULTS, ArticleInfo, Outcome
from stream.core.pipeline.promotion import run_steps
from stream.errors import REJECTION_CODES
from tests.support.changelog_events import decode_changelog_event
from tests.support.pipeline import (
    ARTICLE,
    LATER,
    NOW,
    PARTITION,
    SENT_MS,
    TEXT,
    TOPICS,
    Flow,
    enriched_event_of,
    normalize_one,
    normalize_record,
    outputs_by_topic,
    raw,
)


class TestDeduplicator:
    """Verdicts on records of the normalized topic."""

    def test_a_new_article_is_published_and_its_changelog_record_goes_to_the_same_partition(self) -> None:
        (outcome,) = Flow().run(raw(ARTICLE))
        topics = outputs_by_topic(outcome)
        assert (outcome.result, set(topics)) == ("new", {TOPICS.enriched, TOPICS.fingerprints})
        event = enriched_event_of(outcome)
        assert topics[TOPICS.enriched].key == f"default/{event.id}".encode()
        assert topics[TOPICS.enriched].partition is None
        assert topics[TOPICS.fingerprints].key == b"default/en"
        assert topics[TOPICS.fingerprints].partition == PARTITION

    def test_the_changelog_record_holds_the_verdict(self) -> None:
        flow = Flow()
        outcomes = flow.run(raw(ARTICLE), raw({**ARTICLE, "url": "https://b.example/2"}, offset=1))
        records = [
            codec.decode(outputs_by_topic(outcome)[TOPICS.fingerprints].value or b"", FingerprintEvent)
            for outcome in outcomes
        ]
        assert [(record.previous, record.offset) for record in records] == [(-1, 0), (0, 1)]
        assert [record.duplicate for record in records] == [
            enriched_event_of(outcome).duplicate for outcome in outcomes
        ]
        assert records[1].source == "b.example"

    def test_a_copy_goes_to_the_duplicates_topic_with_its_cluster(self) -> None:
        _, outcome = Flow().run(raw(ARTICLE), raw({**ARTICLE, "url": "https://b.example/2"}, offset=1))
        topics = outputs_by_topic(outcome)
        assert (outcome.result, set(topics)) == ("copy", {TOPICS.duplicates, TOPICS.fingerprints, TOPICS.clusters})
        cluster = codec.decode(topics[TOPICS.clusters].value or b"", ClusterEvent)
        assert topics[TOPICS.clusters].key == f"default/{cluster.cluster_id}".encode()
        assert dict(topics[TOPICS.clusters].headers)["ce_tenant"] == b"default"
        assert (cluster.size, cluster.sources) == (2, ["amberley.example", "b.example"])

    def test_an_enriched_event_is_the_normalized_one_with_its_verdict(self) -> None:
        article = normalize_one(raw(ARTICLE))
        event = enriched_event_of(Flow().run(raw(ARTICLE))[0])
        shared = set(EnrichedEvent.__struct_fields__) & set(NormalizedEvent.__struct_fields__)
        assert set(EnrichedEvent.__struct_fields__) - shared == {"kind", "notice", "revision", "duplicate"}
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
    def test_a_visible_change_at_the_same_url_is_a_revision(self, fields: dict[str, Any], relation: str) -> None:
        flow = Flow()
        flow.run_one(ARTICLE)
        outcome = flow.run_one({**ARTICLE, **fields}, offset=1)
        assert outcome.result == relation
        assert enriched_event_of(outcome).revision == 1 + (relation == "revision")

    @pytest.mark.parametrize(
        ("text", "is_changed", "numbers"),
        [
            (TEXT, False, False),
            (TEXT.replace("fishing", "sailing"), True, False),
            (TEXT.replace("months", "14 months"), True, True),
        ],
    )
    def test_a_revision_says_what_changed(self, text: str, is_changed: bool, numbers: bool) -> None:
        flow = Flow()
        assert enriched_event_of(flow.run_one(ARTICLE)).duplicate.change is None
        change = enriched_event_of(flow.run_one({**ARTICLE, "title": "Other", "text": text}, offset=1)).duplicate.change
        assert change is not None
        assert (0 < change.tokens < 0.2, change.numbers) == (is_changed, numbers)

    def test_a_repeated_delivery_is_published_again_as_it_was_the_first_time(self) -> None:
        flow = Flow()
        headers = (("ce_source", b"/s"), ("ce_id", b"17"))
        first, *_ = flow.run(raw(ARTICLE, offset=4, headers=headers), raw({**ARTICLE, "url": "https://b.example/a"}))
        (again,) = flow.run(raw(ARTICLE, offset=9, headers=headers, timestamp=SENT_MS + 1), now=LATER)
        assert (again.result, again.is_repeat) == ("new", True)
        assert outputs_by_topic(again)[TOPICS.enriched].value == outputs_by_topic(first)[TOPICS.enriched].value
        # Another changelog record, behind later ones, would be a false beginning if the changelog were trimmed there.
        assert TOPICS.fingerprints not in outputs_by_topic(again)
        assert enriched_event_of(again).origin.offset == 4
        assert flow.index.documents == 2

    def test_an_outcome_has_the_fields_that_metrics_use(self) -> None:
        flow, headers = Flow(), (("ce_source", b"/s"), ("ce_id", b"17"))
        first = flow.run_one(ARTICLE, headers=headers)
        assert (first.event_time_ms, first.article) == (
            SENT_MS,
            ArticleInfo("en", "amberley.example", None, "2026-05-28T20:26:40.000Z"),
        )
        again = flow.run_one(ARTICLE, offset=1, headers=headers)
        assert (again.is_repeat, again.event_time_ms, again.article) == (True, SENT_MS, None)

    @pytest.mark.parametrize(
        ("fields", "domain"),
        [
            ({"id": "a", "source": {"domain": "paper.example"}}, "paper.example"),
            ({"url": "https://www.site.example/a"}, "site.example"),
            ({"url": "https://site.example/a", "source": {"domain": "paper.example"}}, "site.example"),
        ],
    )
    def test_the_changelog_has_the_domain_whose_owner_may_withdraw_the_article(
        self, fields: dict[str, object], domain: str
    ) -> None:
        (record,) = [
            each for each in Flow().run_one({**fields, "text": TEXT}).outputs if each.topic == TOPICS.fingerprints
        ]
        assert codec.decode(record.value or b"", FingerprintEvent).domain == domain

    def test_the_domain_of_an_article_without_a_url_is_that_of_its_source(self) -> None:
        outcome = Flow().run_one({"id": "a", "text": TEXT, "source": {"domain": "paper.example"}})
        assert outcome.article is not None
        assert outcome.article.domain == "paper.example"

    @pytest.mark.parametrize(
        "corrupt",
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
    def test_an_invalid_record_is_a_dead_letter(self, corrupt: Callable[[bytes], bytes | None]) -> None:
        (output,) = normalize_record(raw(ARTICLE))[0].outputs
        value = corrupt(output.value or b"")
        assert value != output.value
        values = [output.value, value, output.value]
        good, bad, copy = Flow().run_normalized([OutputRecord(TOPICS.normalized, b"key", value) for value in values])
        (dead_letter,) = bad.outputs
        assert (good.result, bad.result, bad.code, copy.is_repeat) == ("new", "rejected", "invalid_normalized", True)
        assert (dead_letter.topic, dead_letter.key, dead_letter.value) == (TOPICS.rejected, b"key", value)
        added = dict(dead_letter.headers)
        assert (added["__errors.stage"], added["__errors.offset"]) == (b"deduplicate", b"1")

    def test_another_text_with_an_event_id_in_use_is_rejected(self) -> None:
        flow = Flow()
        headers = (("ce_source", b"/s"), ("ce_id", b"17"))
        flow.run(raw(ARTICLE, offset=4, headers=headers))
        (outcome,) = flow.run(raw({**ARTICLE, "text": "Quite another text."}, offset=5, headers=headers))
        (dead_letter,) = outcome.outputs
        added = dict(dead_letter.headers)
        assert (outcome.code, added["__errors.stage"]) == ("event_id_reused", b"deduplicate")
        assert b"articles.raw/3/4" in added["__errors.message"]
        assert flow.index.documents == 1


CANCELED = {"url": ARTICLE["url"], "status": "canceled"}


def test_an_event_is_decoded_as_the_type_in_its_header() -> None:
    article, takedown = (normalize_record(raw(event))[0].outputs[0] for event in (ARTICLE, CANCELED))
    mixed = [OutputRecord(TOPICS.normalized, b"key", takedown.value, article.headers)]
    mixed += [OutputRecord(TOPICS.normalized, b"key", article.value, takedown.headers)]
    assert [outcome.code for outcome in Flow().run_normalized(mixed)] == ["invalid_normalized", None]


def test_changelog_records_are_decoded_by_type() -> None:
    outcomes = Flow().run(raw(ARTICLE), raw(CANCELED, offset=1))
    outputs = [outputs_by_topic(outcome)[TOPICS.fingerprints] for outcome in outcomes]
    events = [
        decode_changelog_event(InputRecord("log", 0, 0, None, out.key, out.value, out.headers)) for out in outputs
    ]
    assert [type(event) for event in events] == [FingerprintEvent, RemovalEvent]
    with pytest.raises(msgspec.DecodeError):
        decode_changelog_event(InputRecord("log", 0, 0, None, None, None, outputs[1].headers))


def test_every_output_is_a_cloud_event() -> None:
    copy, takedown = {**ARTICLE, "url": "https://b.example/2"}, {"url": ARTICLE["url"], "status": "canceled"}
    outcomes = Flow().run(raw(ARTICLE), raw(copy, offset=1), raw(takedown, offset=2))
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


def test_the_ce_id_of_a_cluster_record_names_what_changed_it() -> None:
    flow = Flow()
    flow.run_one(ARTICLE)
    grown_cluster = outputs_by_topic(flow.run_one({**ARTICLE, "url": "https://b.example/2"}, offset=1))[TOPICS.clusters]
    shrunk_cluster = outputs_by_topic(flow.run_one({"url": ARTICLE["url"], "status": "canceled"}, offset=2))[
        TOPICS.clusters
    ]
    cluster_id = (grown_cluster.key or b"").decode().removeprefix("default/")
    assert dict(grown_cluster.headers)["ce_id"] == f"{cluster_id}.2".encode()
    assert dict(shrunk_cluster.headers)["ce_id"].endswith(f".{cluster_id}".encode())


def test_every_part_of_the_step_is_wrapped_under_its_name() -> None:
    names = []

    def wrap(name: str, step: Callable[..., Any], /) -> Callable[..., Any]:
        names.append(name)
        return step

    Deduplicator(TOPICS, wrap=wrap)
    assert names == [
        *("decode_normalized", "fingerprint", "prefetch", "find_candidates"),
        *("decide", "record", "remove", "encode_enriched"),
    ]


def normalized_records(*urls: str) -> list[InputRecord]:
    """Records of the normalized topic: articles with the same text at ``urls``."""
    outputs = [normalize_record(raw({**ARTICLE, "url": url}, offset=n))[0].outputs[0] for n, url in enumerate(urls)]
    return [
        InputRecord(out.topic, PARTITION, n, None, out.key, out.value, out.headers) for n, out in enumerate(outputs)
    ]


def read_nothing(_offsets: Sequence[int]) -> dict[int, InputRecord]:
    return {}


URLS = [f"https://{name}.example/1" for name in "abcde"]


class TestSlices:
    """A batch is decided in slices, between which the caller may do something else."""

    @pytest.mark.parametrize("sizes", [[5], [1, 1, 1, 1, 1], [2, 3]])
    def test_each_slice_is_prepared_before_the_first_is_decided(self, sizes: list[int]) -> None:
        records, flow = iter(normalized_records(*URLS)), Flow()
        slices = [list(islice(records, size)) for size in sizes]
        transaction = flow.index.begin_transaction()
        pieces = list(run_steps(Deduplicator(TOPICS).decide_in_slices(slices, transaction, now=NOW), read_nothing))
        assert [len(outcomes) for outcomes in pieces] == [0] * len(sizes) + sizes
        results = [outcome.result for outcomes in pieces for outcome in outcomes]
        assert results == ["new", "copy", "copy", "copy", "copy"]

    def test_slices_decide_the_same_as_one_call(self) -> None:
        records = normalized_records(*URLS)
        expected = Deduplicator(TOPICS)(records, Flow().index.begin_transaction(), now=NOW)
        slices = ([record] for record in records)
        steps = Deduplicator(TOPICS).decide_in_slices(slices, Flow().index.begin_transaction(), now=NOW)
        pieces = run_steps(steps, read_nothing)
        assert [outcome for outcomes in pieces for outcome in outcomes] == expected

    def test_slices_are_taken_and_decided_one_at_a_time(self) -> None:
        parts: list[str] = []

        def wrap(name: str, step: Callable[..., Any], /) -> Callable[..., Any]:
            def record_name(*args: Any, **kwargs: Any) -> Any:
                parts.append(name)
                return step(*args, **kwargs)

            return record_name

        slices = ([record] for record in normalized_records(*URLS[:2]))
        pieces = Deduplicator(TOPICS, wrap=wrap).decide_in_slices(slices, Flow().index.begin_transaction(), now=NOW)
        done = []
        for _ in pieces:
            done.append([*parts])
            parts.clear()
        decide_steps = ["find_candidates", "decide", "record", "encode_enriched"]
        prepare_steps = ["decode_normalized", "fingerprint"]
        assert done == [prepare_steps, prepare_steps, ["prefetch", *decide_steps], decide_steps]

    def test_the_fingerprints_of_a_slice_are_released_when_it_is_decided(self) -> None:
        references: list[weakref.ref[Any]] = []

        def wrap(name: str, step: Callable[..., Any], /) -> Callable[..., Any]:
            def refer_to_fingerprints(texts: Any) -> Any:
                prints = list(step(texts))
                references.extend(weakref.ref(fingerprint.sequence) for fingerprint in prints)
                return prints

            return refer_to_fingerprints if name == "fingerprint" else step

        slices = ([record] for record in normalized_records(*URLS[:2]))
        pieces = Deduplicator(TOPICS, wrap=wrap).decide_in_slices(slices, Flow().index.begin_transaction(), now=NOW)
        alive = [sum(reference() is not None for reference in references) for _ in pieces]
        assert alive == [1, 2, 1, 0]


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
    """Each raw record with its outcomes, all decided on one index."""
    flow, processed = Flow(), []
    for offset, (value, timestamp, event) in enumerate(stream):
        headers = (("ce_source", b"/s"), ("ce_id", event)) if event is not None else ()
        record = raw(value, offset=offset, timestamp=timestamp, headers=headers)
        outcomes = []
        for outcome in normalize_record(record):
            outputs = [output for output in outcome.outputs if output.topic == TOPICS.normalized]
            outcomes += flow.run_normalized(outputs) if outputs else [outcome]
        processed.append((record, outcomes))
    return processed


@given(records)
@settings(max_examples=200, deadline=None)
def test_every_record_has_outcomes_and_dead_letters_keep_its_bytes(
    stream: list[tuple[bytes | None, int | None, bytes | None]],
) -> None:
    for record, outcomes in process(stream):
        assert outcomes
        for outcome in outcomes:
            assert outcome.outputs or outcome.result == "nothing_withdrawn"
            assert outcome.result in (*RELATIONS, *TAKEDOWN_RESULTS, "rejected")
            assert outcome.code in ({*REJECTION_CODES} if outcome.result == "rejected" else {None})
        rejected = [outcome.outputs[0] for outcome in outcomes if outcome.result == "rejected"]
        dead_letters = [output for output in rejected if dict(output.headers)["__errors.stage"] == b"normalize"]
        assert all((output.key, output.value) == (record.key, record.value) for output in dead_letters)
        items = [dict(output.headers).get("__errors.items", b"").split(b",") for output in dead_letters]
        parsed = orjson.loads(record.value or b"") if dead_letters and items[0] != [b""] else None
        if isinstance(parsed, list):
            assert len(items[0]) + len(outcomes) - 1 == len(parsed)


@given(records)
@settings(max_examples=50, deadline=None)
def test_the_same_input_gives_the_same_bytes(stream: list[tuple[bytes | None, int | None, bytes | None]]) -> None:
    assert process(stream) == process(stream)
