"""CloudEvents attributes on what is published, and the identity of what comes in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.cloudevents import Identity, event_id, event_identity, headers, is_structured, unwrap
from stream.core.contracts.records import Headers, InputRecord

FALLBACK = Identity("articles.raw/2", "7")
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
    assert event_id(first, None) != event_id(second, None)


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
    assert event_id(FALLBACK, None) == "87a86c3deb2ddbdd256edc27906be0d1"
    assert event_id(FALLBACK, 3) == "fd76290d074b4f65461600f3670b5cae"


PARTS = st.tuples(NAMES, NAMES, st.none() | st.integers(0, 9))


@given(PARTS, PARTS)
def test_two_events_have_one_id_only_if_they_are_one(
    first: tuple[str, str, int | None], second: tuple[str, str, int | None]
) -> None:
    ids = [event_id(Identity(source, name), item) for source, name, item in (first, second)]
    assert (ids[0] == ids[1]) is (first == second)
    assert len(ids[0]) == 32


def test_a_separator_inside_an_id_does_not_make_another_one() -> None:
    assert event_id(Identity("a\0b", "c"), None) != event_id(Identity("a", "b\0c"), None)
    assert event_id(Identity("a", "b"), 0) != event_id(Identity("a", "b\x000"), None)
