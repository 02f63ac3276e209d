"""Trace context: what is valid goes from a raw record to everything made of it, and changes nothing else."""

from __future__ import annotations

from typing import Any, Final

import pytest

from stream.core.contracts.records import Headers
from stream.core.contracts.trace_context import trace_headers, trace_id
from stream.core.pipeline.outcome import Outcome
from tests.support.pipeline import ARTICLE, TOPICS, Flow, normalize_record, raw

ID: Final = b"4bf92f3577b34da6a3ce929d0e0e4736"
PARENT: Final = b"00-" + ID + b"-00f067aa0ba902b7-01"
OTHER: Final = b"00-" + ID[::-1] + b"-00f067aa0ba902b7-00"
STATE: Final = b"congo=t61rcWkgMzE,fw529a3039@dt=FfAAA"
TRACE: Final[Headers] = (("traceparent", PARENT), ("tracestate", STATE))


def parent(value: Any) -> list[tuple[str, Any]]:
    return [("traceparent", value)]


def state(*values: Any) -> list[tuple[str, Any]]:
    return [("traceparent", PARENT), *(("tracestate", value) for value in values)]


def members(count: int) -> bytes:
    return b",".join(b"k%d=v" % number for number in range(count))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], ()),
        ([("ce_id", b"7"), ("content-type", b"text/html")], ()),
        (TRACE, TRACE),
        (list(reversed(TRACE)), TRACE),
        ([("TraceParent", PARENT), ("TRACESTATE", STATE)], TRACE),
        ([("before", b"x"), *TRACE, ("baggage", b"user=7")], TRACE),
        # Of a later version: the same, or more behind it.
        (parent(b"cc-" + PARENT[3:]), (("traceparent", b"cc-" + PARENT[3:]),)),
        (parent(b"cc-" + PARENT[3:] + b"-more.to=come"), (("traceparent", b"cc-" + PARENT[3:] + b"-more.to=come"),)),
        (state(b"a=1", b"b=2"), (TRACE[0], ("tracestate", b"a=1,b=2"))),
        (state(b"a=1 ,\t,b=2"), (TRACE[0], ("tracestate", b"a=1 ,\t,b=2"))),
        (state(members(32)), (TRACE[0], ("tracestate", members(32)))),
        (state(b"a=" + b"v" * 256), (TRACE[0], ("tracestate", b"a=" + b"v" * 256))),
    ],
)
def test_valid_context_is_returned_with_lower_case_names(headers: Headers, expected: Headers) -> None:
    assert trace_headers(headers) == expected


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"00",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + b"\n",
        PARENT + b"-more",
        b"ff-" + PARENT[3:],
        b"0-" + PARENT[3:],
        b"00-" + b"0" * 32 + PARENT[35:],
        PARENT[:36] + b"0" * 16 + b"-01",
        PARENT.replace(b"-", b"_"),
        PARENT.replace(b"f", b"g"),
        b"cc-" + PARENT[3:] + b"more",
        b"cc-" + PARENT[3:] + b"-" + b"x" * 80,
        b"cc-" + PARENT[3:] + b"-\xff",
        "٠٠".encode() + PARENT[2:],
    ],
)
def test_a_traceparent_that_is_not_valid_is_left_out_with_its_tracestate(value: Any) -> None:
    assert trace_headers([*parent(value), ("tracestate", STATE)]) == ()


def test_of_two_traceparents_none_is_right() -> None:
    assert trace_headers([("traceparent", PARENT), ("Traceparent", OTHER)]) == ()


def test_a_tracestate_alone_is_nothing() -> None:
    assert trace_headers([("tracestate", STATE)]) == ()


@pytest.mark.parametrize(
    "values",
    [
        (None,),
        (b"",),
        (b" , ",),
        (b"a",),
        (b"A=1",),
        (b"a=1,a=2",),
        (b"a=1,b=\xff",),
        (b"a=1=2",),
        (b"a=",),
        (b"a b=1",),
        (b"@a=1",),
        (members(33),),
        (b"a=" + b"v" * 257,),
        (b"a=" + b"v" * 250, b"b=" + b"v" * 250, b"c=" + b"v" * 10),
    ],
)
def test_a_tracestate_that_is_not_valid_is_left_out_alone(values: tuple[Any, ...]) -> None:
    assert trace_headers(state(*values)) == (TRACE[0],)


def test_the_trace_id_is_part_of_the_traceparent() -> None:
    assert trace_id(TRACE) == ID.decode()
    assert trace_id([("traceparent", b"no")]) is None


def trace_headers_by_topic(outcomes: list[Outcome]) -> dict[str, Headers]:
    """The trace context of the outputs by topic; those of one topic have the same."""
    contexts: dict[str, Headers] = {}
    for outcome in outcomes:
        for output in outcome.outputs:
            trace = tuple(header for header in output.headers if header[0] in ("traceparent", "tracestate"))
            assert contexts.setdefault(output.topic, trace) == trace
    return contexts


def test_every_output_of_an_article_carries_its_context() -> None:
    flow = Flow()
    assert trace_headers_by_topic(flow.run(raw(ARTICLE, headers=TRACE))) == {
        TOPICS.enriched: TRACE,
        TOPICS.fingerprints: (),
    }
    copied = {**ARTICLE, "url": "https://copy.example/1"}
    headers: Headers = (("traceparent", OTHER),)
    assert trace_headers_by_topic(flow.run(raw(copied, offset=1, headers=headers))) == {
        TOPICS.duplicates: headers,
        TOPICS.clusters: headers,
        TOPICS.fingerprints: (),
    }
    # The cluster that is left, and tombstones of the article.
    takedown = {"url": copied["url"], "status": "canceled"}
    assert trace_headers_by_topic(flow.run(raw(takedown, offset=2, headers=TRACE))) == {
        TOPICS.enriched: TRACE,
        TOPICS.duplicates: TRACE,
        TOPICS.clusters: TRACE,
        TOPICS.fingerprints: (),
    }


def test_a_takedown_carries_its_context_to_every_partition() -> None:
    outcomes = normalize_record(raw({"id": "a-1", "status": "canceled"}, headers=TRACE))
    assert trace_headers_by_topic(outcomes) == {TOPICS.normalized: TRACE}


def test_articles_of_an_array_share_its_context_and_the_dead_letter_keeps_its_headers() -> None:
    *passed, dead_letter = normalize_record(raw([ARTICLE, {**ARTICLE, "id": "2"}, {"id": "3"}], headers=TRACE))
    assert len(passed) == 2
    assert trace_headers_by_topic(passed) == {TOPICS.normalized: TRACE}
    assert tuple(dead_letter.outputs[0].headers[:2]) == TRACE
    assert trace_headers_by_topic([dead_letter]) == {TOPICS.rejected: TRACE}


def test_a_repeated_delivery_carries_its_own_context() -> None:
    flow = Flow()
    event = (("ce_source", b"/scraper"), ("ce_id", b"1"))
    first = flow.run_one(ARTICLE, headers=(*event, *TRACE))
    again = flow.run_one(ARTICLE, offset=1, headers=(*event, ("traceparent", OTHER)))
    assert again.is_repeat
    assert trace_headers_by_topic([again]) == {TOPICS.enriched: (("traceparent", OTHER),)}
    assert again.outputs[0].value == first.outputs[0].value


def test_an_event_id_that_is_reused_keeps_its_headers() -> None:
    flow = Flow()
    event = (("ce_source", b"/scraper"), ("ce_id", b"1"))
    flow.run_one(ARTICLE, headers=event)
    reused = flow.run_one({**ARTICLE, "title": "Another"}, offset=1, headers=(*event, *TRACE))
    assert reused.code == "event_id_reused"
    assert trace_headers_by_topic([reused]) == {TOPICS.rejected: TRACE}


@pytest.mark.parametrize("trace", [TRACE, (("traceparent", b"not one"),), (("traceparent", None),)])
def test_values_and_keys_do_not_depend_on_it(trace: Any) -> None:
    outputs = [
        [
            (output.topic, output.key, output.value)
            for outcome in Flow().run(raw(ARTICLE, headers=headers))
            for output in outcome.outputs
        ]
        for headers in ((), trace)
    ]
    assert outputs[0] == outputs[1]
