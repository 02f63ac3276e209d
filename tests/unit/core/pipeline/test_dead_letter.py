"""A dead letter is the rejected record with the reason in headers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from stream.core.contracts.events import DeadLetterHeaders
from stream.core.contracts.records import InputRecord, LogId
from stream.core.pipeline.dead_letter import LISTED_ITEMS_MAX, MESSAGE_CHARS_MAX, build_dead_letter
from stream.errors import Rejected

RECORD = InputRecord("articles.raw", 3, 12, 1_777_874_400_000, b"key", b"\xff\x00", [("ce_id", b"1"), ("own", b"\xfe")])


def added_headers(
    errors: list[tuple[int | None, Rejected]], record: InputRecord = RECORD, log: LogId | None = None
) -> dict[str, str]:
    """The headers that the dead letter adds."""
    output = build_dead_letter("articles.rejected", record, "normalize", errors, log=log)
    return {name: value.decode() for name, value in output.headers[len(record.headers) :]}


def test_key_value_and_headers_of_the_record_are_unchanged() -> None:
    output = build_dead_letter("articles.rejected", RECORD, "normalize", [(None, Rejected("invalid_utf8", "m"))])
    assert (output.topic, output.key, output.value, output.partition) == (
        "articles.rejected",
        b"key",
        b"\xff\x00",
        None,
    )
    assert list(output.headers[:2]) == list(RECORD.headers)


def test_headers_say_what_was_rejected_where_and_why() -> None:
    assert added_headers([(None, Rejected("wrong_type", "Expected `str`", field="$.id"))]) == {
        "__errors.code": "wrong_type",
        "__errors.message": "Expected `str`",
        "__errors.stage": "normalize",
        "__errors.topic": "articles.raw",
        "__errors.partition": "3",
        "__errors.offset": "12",
        "__errors.timestamp": "1777874400000",
        "__errors.field": "$.id",
    }


def test_headers_match_the_contract() -> None:
    expected = {field.encode_name for field in msgspec.structs.fields(DeadLetterHeaders)}
    assert set(added_headers([(1, Rejected("wrong_type", "m", field="$.id"))], log=LogId("A" * 22, 3))) == expected


@pytest.mark.parametrize(
    ("count", "items"),
    [(1, "0"), (2, "0,1"), (LISTED_ITEMS_MAX, None), (LISTED_ITEMS_MAX + 1, None), (10_000, None)],
)
def test_only_the_first_of_many_bad_items_are_listed(count: int, items: str | None) -> None:
    errors: list[tuple[int | None, Rejected]] = [
        (item, Rejected("missing_identity", f"no {item}")) for item in range(count)
    ]
    headers = added_headers(errors)
    indices = ",".join(map(str, range(min(count, LISTED_ITEMS_MAX))))
    assert headers["__errors.items"] == (items or (indices + ",…" if count > LISTED_ITEMS_MAX else indices))
    assert headers["__errors.message"] == "no 0"


def test_a_single_item_is_not_listed() -> None:
    assert "__errors.items" not in added_headers([(None, Rejected("invalid_json", "m"))])


def test_a_record_without_a_timestamp_has_an_empty_header() -> None:
    assert (
        added_headers([(None, Rejected("null_value", "m"))], InputRecord("t", 0, 0, None, None, None))[
            "__errors.timestamp"
        ]
        == ""
    )


@pytest.mark.parametrize("message", ["x" * 10_000, "خ" * 10_000, "half \ud800 a pair"])
def test_long_or_odd_messages_fit_into_a_header(message: str) -> None:
    headers: dict[str, Any] = added_headers([(None, Rejected("invalid_json", message))])
    assert 0 < len(headers["__errors.message"]) <= MESSAGE_CHARS_MAX
