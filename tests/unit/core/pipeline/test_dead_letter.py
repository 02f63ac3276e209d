"""A rejected record goes on as it came, with the reason in headers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from stream.core.contracts.events import DeadLetterHeaders
from stream.core.contracts.records import InputRecord
from stream.core.pipeline.dead_letter import ITEMS_NAMED_MAX, MESSAGE_CHARS_MAX, dead_letter
from stream.errors import Rejected

RECORD = InputRecord("articles.raw", 3, 12, 1_777_874_400_000, b"key", b"\xff\x00", [("ce_id", b"1"), ("own", b"\xfe")])


def added(errors: list[tuple[int | None, Rejected]], record: InputRecord = RECORD) -> dict[str, str]:
    """Return the headers that the dead letter adds."""
    letter = dead_letter("articles.rejected", record, "normalize", errors)
    return {name: value.decode() for name, value in letter.headers[len(record.headers) :]}


def test_key_value_and_headers_stay_as_they_came() -> None:
    letter = dead_letter("articles.rejected", RECORD, "normalize", [(None, Rejected("invalid_utf8", "m"))])
    assert (letter.topic, letter.key, letter.value, letter.partition) == (
        "articles.rejected",
        b"key",
        b"\xff\x00",
        None,
    )
    assert list(letter.headers[:2]) == list(RECORD.headers)


def test_headers_tell_what_where_and_why() -> None:
    assert added([(None, Rejected("wrong_type", "Expected `str`", field="$.id"))]) == {
        "__errors.code": "wrong_type",
        "__errors.message": "Expected `str`",
        "__errors.stage": "normalize",
        "__errors.topic": "articles.raw",
        "__errors.partition": "3",
        "__errors.offset": "12",
        "__errors.timestamp": "1777874400000",
        "__errors.field": "$.id",
    }


def test_headers_are_those_of_the_contract() -> None:
    known = {field.encode_name for field in msgspec.structs.fields(DeadLetterHeaders)}
    assert set(added([(1, Rejected("wrong_type", "m", field="$.id"))])) == known


@pytest.mark.parametrize(
    ("count", "items"),
    [(1, "0"), (2, "0,1"), (ITEMS_NAMED_MAX, None), (ITEMS_NAMED_MAX + 1, None), (10_000, None)],
)
def test_of_many_bad_items_the_first_are_named(count: int, items: str | None) -> None:
    errors: list[tuple[int | None, Rejected]] = [
        (item, Rejected("missing_identity", f"no {item}")) for item in range(count)
    ]
    found = added(errors)
    named = ",".join(map(str, range(min(count, ITEMS_NAMED_MAX))))
    assert found["__errors.items"] == (items or (named + ",…" if count > ITEMS_NAMED_MAX else named))
    assert found["__errors.message"] == "no 0"


def test_one_message_names_no_items() -> None:
    assert "__errors.items" not in added([(None, Rejected("invalid_json", "m"))])


def test_a_record_without_time_has_an_empty_one() -> None:
    assert (
        added([(None, Rejected("null_value", "m"))], InputRecord("t", 0, 0, None, None, None))["__errors.timestamp"]
        == ""
    )


@pytest.mark.parametrize("message", ["x" * 10_000, "خ" * 10_000, "half \ud800 a pair"])
def test_long_or_odd_messages_fit_into_a_header(message: str) -> None:
    found: dict[str, Any] = added([(None, Rejected("invalid_json", message))])
    assert 0 < len(found["__errors.message"]) <= MESSAGE_CHARS_MAX
