"""Validation of edited dead letters, and the record that is sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts import cloudevents
from stream.core.contracts.records import Headers, InputRecord
from stream.core.pipeline.dead_letter import ATTEMPTS_HEADER, DEAD_LETTER_HEADER, EDITED_HEADER
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.ownership import TakedownOwner
from stream.dead_letters.edit import check_edited_value, edited_record
from stream.dead_letters.parsed_dead_letter import DeadLetter, read_dead_letter
from stream.settings import Settings
from tests.support.articles import BRIDGE, FLOOD, HARVEST, article, dumps
from tests.unit.dead_letters.test_parsed_dead_letter import TIME, TOPICS, dead_letter_of, to_record

SETTINGS = Settings(max_text_chars=2000)
STRUCTURED: Headers = (("content-type", b"application/cloudevents+json"),)


def problems(dead_letter: DeadLetter, value: bytes, settings: Settings = SETTINGS) -> tuple[str, ...]:
    return check_edited_value(dead_letter, value, settings, now_ms=TIME).problems


def rejected(value: bytes, headers: Headers = ()) -> DeadLetter:
    """The dead letter that the normalize step makes of ``value``."""
    record = InputRecord(TOPICS.raw, 2, 7, TIME, b"k", value, headers)
    outcomes = Normalizer(TOPICS, limits=SETTINGS.limits)(record, now="")
    return read_dead_letter(to_record(outcomes[-1].outputs[0], 5))


GOOD, OTHER = article(1, BRIDGE), article(2, HARVEST)
LONG = {**article(3, FLOOD), "text": "word " * 500}
INVALID: list[tuple[str, bytes, str]] = [
    ("no JSON", b'{"id": "a"', "invalid_json: "),
    ("not UTF-8", b'{"id": "\xff"}', "invalid_utf8: "),
    ("empty", b"", "empty_value: "),
    ("a field", b'{"id": "a", "text": "t", "tags": 7}', "wrong_type: "),
    ("a limit of the settings", dumps(LONG), "text_too_large: "),
    ("an item", dumps([GOOD, {"id": "x"}]), "item 1: missing_content: "),
    ("several items", dumps([{"id": "x"}, GOOD, {"id": "y"}]), "item 0: missing_content: "),
]


@pytest.mark.parametrize(("value", "problem"), [case[1:] for case in INVALID], ids=[case[0] for case in INVALID])
def test_a_value_that_would_be_rejected_again_is_a_problem(value: bytes, problem: str) -> None:
    (found,) = problems(dead_letter_of(b"{"), value)
    assert found.startswith(problem)


def test_the_field_and_the_other_items_are_named() -> None:
    assert "($.tags)" in problems(dead_letter_of(b"{"), b'{"id": "a", "text": "t", "tags": 7}')[0]
    assert problems(dead_letter_of(b"{"), dumps([{"id": "x"}, GOOD, {"id": "y"}]))[0].endswith(
        "; items 2 are rejected, too"
    )


def test_what_the_value_contains_is_counted() -> None:
    value = dumps([GOOD, OTHER, {"id": "b", "status": "canceled"}])
    check = check_edited_value(dead_letter_of(b"["), value, SETTINGS, now_ms=TIME)
    assert (check.articles, check.takedowns, check.problems) == (2, 1, ())


def test_a_takedown_by_a_sender_that_may_not_withdraw_it_is_a_problem() -> None:
    settings = Settings(takedown_owners={"/scrapers/7": TakedownOwner(tenants=("other",))})
    value = dumps({"id": "a", "status": "canceled"})
    assert problems(dead_letter_of(b"{"), value, settings)[0].startswith("not_owner: ")


ACCEPTED_ITEMS: list[tuple[str, object, str | None]] = [
    ("only the rejected item is corrected", [GOOD, article(3, FLOOD), OTHER], None),
    ("an accepted item is changed", [{**GOOD, "title": "New"}, article(3, FLOOD), OTHER], "item 0 was accepted before"),
    ("an item is removed", [GOOD, OTHER], "keep the 3 items"),
    ("items change places", [OTHER, article(3, FLOOD), GOOD], "item 0 was accepted before"),
    ("one item is taken out of the array", article(3, FLOOD), "keep the 3 items"),
]


@pytest.mark.parametrize("headers", [(), STRUCTURED], ids=["plain", "structured"])
@pytest.mark.parametrize(
    ("after", "problem"), [case[1:] for case in ACCEPTED_ITEMS], ids=[c[0] for c in ACCEPTED_ITEMS]
)
def test_items_that_were_accepted_have_to_stay(after: object, problem: str | None, headers: Headers) -> None:
    def wrap(data: object) -> bytes:
        event = {"specversion": "1.0", "source": "/s", "id": "1", "type": "t", "data": data}
        return dumps(event if headers else data)

    dead_letter = rejected(wrap([GOOD, LONG, OTHER]), headers)
    found = problems(dead_letter, wrap(after))
    assert [text.startswith(problem) for text in found[:1]] == [True] if problem else found == ()


HEADERS: Headers = (("trace", b"\xff\x00"), ("trace", b"2"), ("ce_source", b"/s"), ("ce_id", b"1"))


@given(st.binary(), st.one_of(st.none(), st.binary()), st.sampled_from([(), HEADERS]))
def test_only_the_value_changes(value: bytes, key: bytes | None, headers: Headers) -> None:
    dead_letter = replace(dead_letter_of(b"{", key=key), headers=headers)
    out = edited_record(dead_letter, value)
    assert dead_letter.origin is not None
    assert (out.topic, out.partition) == dead_letter.origin[:2]
    assert (out.key, out.value, out.headers[: len(headers)]) == (key, value, headers)
    added = dict(out.headers[len(headers) :])
    assert added[DEAD_LETTER_HEADER] == str(dead_letter.record_id).encode()
    assert added[ATTEMPTS_HEADER] == b"1"
    assert added.get(EDITED_HEADER) == (None if value == b"{" else b"1")
    record = InputRecord(out.topic, out.partition or 0, dead_letter.origin.offset + 1, None, key, value, out.headers)
    assert cloudevents.event_identity(record, dead_letter.log) == dead_letter.identity
