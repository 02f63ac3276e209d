"""CloudEvents attributes on what is published, and the identity of what comes in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.cloudevents import (
    ORIGIN_HEADER,
    Identity,
    event_id,
    event_identity,
    headers,
    is_structured,
    unwrap,
)
from stream.core.contracts.records import Headers, InputRecord, LogId

FALLBACK = Identity("articles.raw/2//", "7", is_claimed=False)
NAMES = st.text(st.characters(), max_size=12)


def record(event_headers: Headers = ()) -> InputRecord:
    """Return a record with these headers."""
    return InputRecord("articles.raw", 2, 7, None, None, b"{}", event_headers)


def test_a_published_record_has_every_attribute() -> None:
    assert dict(headers("/articles.enriched", "خ1", "article.enriched.v1", "2026-05-04T06:00:00.000Z")) == {
        "ce_specversion": b"1.0",
        "ce_id": "خ1".encode(),
        "ce_source": b"/articles.enriched",
        "ce_type": b"org.article-stream.article.enriched.v1",
        "ce_time": b"2026-05-04T06:00:00.000Z",
        "content-type": b"application/json",
    }


def test_source_and_id_of_the_sender_are_the_identity() -> None:
    assert event_identity(record([("ce_source", b"/scraper"), ("ce_id", b"1")])) == Identity("/scraper", "1")


@pytest.mark.parametrize(
    "event_headers", [[], [("ce_id", b"1")], [("ce_source", b"s")], [("ce_source", b"s"), ("ce_id", b"")]]
)
def test_without_source_or_id_the_coordinates_are_the_identity(event_headers: Headers) -> None:
    assert event_identity(record(event_headers)) == FALLBACK


def test_ids_that_are_no_utf8_stay_apart() -> None:
    first, second = (event_identity(record([("ce_source", b"s"), ("ce_id", raw)])) for raw in (b"\xff", b"\xfe"))
    assert event_id(first, None, scope="t/en") != event_id(second, None, scope="t/en")


@pytest.mark.parametrize(
    ("event_headers", "structured"),
    [
        ([("content-type", b"application/cloudevents+json; charset=UTF-8")], True),
        ([("content-type", b"Application/CloudEvents+JSON")], True),
        ([("content-type", b"application/json")], False),
        ([("content-type", None)], False),
        ([], False),
    ],
)
def test_the_content_type_marks_structured_events(event_headers: Any, structured: bool) -> None:
    assert is_structured(record(event_headers)) is structured


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        ({"source": "s", "id": "1", "data": {"a": 1}}, ({"a": 1}, Identity("s", "1"))),
        ({"source": "s", "data": [1]}, ([1], FALLBACK)),
        ({"source": "s", "id": 1, "data": {}}, ({}, FALLBACK)),
        ({"source": "", "id": "1", "data": {}}, ({}, FALLBACK)),
        ({"source": "s", "id": "1", "data_base64": "e30="}, (None, Identity("s", "1"))),
    ],
)
def test_a_structured_event_is_unwrapped(envelope: dict[str, Any], expected: tuple[Any, Identity]) -> None:
    assert unwrap(envelope, FALLBACK) == expected


def test_known_event_ids_do_not_change() -> None:
    """They are stored in indexes and in what consumers keep."""
    assert event_id(FALLBACK, None, scope="default/en") == "170270e28a3d233eac242f98730ba672"
    assert event_id(FALLBACK, 3, scope="default/en") == "a77bbc8bc7137a74fdc5df48d5f92d42"


PARTS = st.tuples(
    NAMES, NAMES, st.none() | st.integers(0, 9), st.booleans(), st.sampled_from(["a/en", "a/fr", "b/en", "a/*"])
)


@given(PARTS, PARTS)
def test_two_events_have_one_id_only_if_they_are_one(
    first: tuple[str, str, int | None, bool, str], second: tuple[str, str, int | None, bool, str]
) -> None:
    ids = [
        event_id(Identity(source, name, is_claimed), item, scope=scope)
        for source, name, item, is_claimed, scope in (first, second)
    ]
    assert (ids[0] == ids[1]) is (first == second)
    assert len(ids[0]) == 32


def test_a_separator_inside_an_id_does_not_make_another_one() -> None:
    pairs: list[tuple[Identity, int | None]]
    pairs = [(Identity("a\0b", "c"), None), (Identity("a", "b\0c"), None)]
    pairs += [(Identity("a", "b"), 0), (Identity("a", "b\x000"), None)]
    assert len({event_id(identity, item, scope="t/en") for identity, item in pairs}) == len(pairs)


LOG = LogId("AAAAAAAAAAAAAAAAAAAAAA", 3)


def test_coordinates_contain_the_log() -> None:
    logs = [None, LOG, LOG._replace(leader_epoch=4), LOG._replace(topic_id="BBBBBBBBBBBBBBBBBBBBBB")]
    assert len({event_identity(record(), log) for log in logs}) == len(logs)


@pytest.mark.parametrize("log", [None, LOG])
def test_no_producer_can_claim_the_coordinates_of_another_record(log: LogId | None) -> None:
    victim = event_identity(record(), log)
    forged = event_identity(record([("ce_source", victim.source.encode()), ("ce_id", victim.id.encode())]), log)
    assert event_id(forged, None, scope="t/en") != event_id(victim, None, scope="t/en")
    _, wrapped = unwrap({"source": victim.source, "id": victim.id, "data": {}}, victim)
    assert event_id(wrapped, None, scope="t/en") != event_id(victim, None, scope="t/en")


@pytest.mark.parametrize(
    ("origin", "log", "is_accepted"),
    [
        ("articles.raw/2/AAAAAAAAAAAAAAAAAAAAAA/3/6", LOG, True),
        ("articles.raw/2/AAAAAAAAAAAAAAAAAAAAAA/2/6", LOG, True),
        ("articles.raw/2/BBBBBBBBBBBBBBBBBBBBBB/9/6", LOG, True),  # the topic was recreated since
        ("articles.raw/2///6", None, True),
        ("articles.raw/2/AAAAAAAAAAAAAAAAAAAAAA/3/7", LOG, False),  # not earlier
        ("articles.raw/2/AAAAAAAAAAAAAAAAAAAAAA/3/8", LOG, False),
        ("articles.raw/2/AAAAAAAAAAAAAAAAAAAAAA/4/6", LOG, False),  # an epoch to come
        ("articles.raw/1/AAAAAAAAAAAAAAAAAAAAAA/3/6", LOG, False),  # another partition
        ("articles.other/2/AAAAAAAAAAAAAAAAAAAAAA/3/6", LOG, False),
        ("articles.raw/2/AAAAAAAAAAAAAAAAAAAAAA/3/-6", LOG, False),
        ("articles.raw/2/AAAAAAAAAAAAAAAAAAAAAA/3/06", LOG, False),
        ("articles.raw/2/AAAAAAAAAAAAAAAAAAAAAA/3/6", None, False),
        ("articles.raw/2/6", LOG, False),
        ("", LOG, False),
    ],
)
def test_a_requeued_record_has_the_coordinates_of_an_earlier_one(
    origin: str, log: LogId | None, is_accepted: bool
) -> None:
    identity = event_identity(record([(ORIGIN_HEADER, origin.encode())]), log)
    source, _, offset = origin.rpartition("/")
    expected = Identity(source, offset, is_claimed=False) if is_accepted else event_identity(record(), log)
    assert identity == expected
