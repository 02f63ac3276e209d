"""Records of the changelog that an index cannot apply, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import orjson
import pytest

from stream.core.contracts.events import FingerprintEvent, RemovalEvent
from stream.core.contracts.records import InputRecord, RefusedBatch
from stream.core.index.changelog_records import SkippedRecord, read_changelog_record
from tests.support.articles import BRIDGE, HARVEST, article
from tests.support.changelog import changelog

FINGERPRINT, _, REMOVAL = changelog(
    [article(1, BRIDGE), article(2, HARVEST), {"url": article(1, BRIDGE)["url"], "status": "canceled"}]
)


def changed(record: InputRecord, **fields: Any) -> InputRecord:
    """The record with other values of ``fields``; a name with a dot is that of a field in another field."""
    event = orjson.loads(record.value or b"")
    for name, value in fields.items():
        outer, _, inner = name.rpartition("__")
        (event[outer] if outer else event)[inner] = value
    return replace(record, value=orjson.dumps(event))


def reason(record: InputRecord | RefusedBatch) -> tuple[str, str]:
    """Why a record is skipped."""
    result = read_changelog_record(record)
    assert isinstance(result, SkippedRecord)
    assert result.offset == record.offset
    return result.code, result.reason


def test_what_a_worker_writes_is_accepted() -> None:
    assert isinstance(read_changelog_record(FINGERPRINT), FingerprintEvent)
    assert isinstance(read_changelog_record(REMOVAL), RemovalEvent)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [((), "it has no ce_type"), ((("ce_type", b"org.example.order"),), "its type is 'org.example.order'")],
)
def test_a_record_of_another_type_is_foreign(headers: Any, expected: str) -> None:
    assert reason(replace(FINGERPRINT, headers=headers)) == ("foreign", expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "it has no value"),
        (b"", "it has no value"),
        (b"not JSON", "JSON is malformed"),
        (b"{}", "Object missing required field"),
        (b'{"event_id": 7}', "Expected `str`, got `int` - at `$.event_id`"),
        (b'{"event_id": "\xff"}', "'utf-8' codec can't decode"),
        (b'{"x": ' + b"[" * 100_000, "recursion"),
    ],
)
def test_a_value_that_cannot_be_decoded_is_unusable(value: bytes | None, expected: str) -> None:
    code, why = reason(replace(FINGERPRINT, value=value))
    assert code == "unusable"
    assert expected in why


def test_a_batch_that_was_not_unpacked_is_unusable() -> None:
    assert reason(RefusedBatch("log", 0, 9, 0, 5, "the batch is damaged")) == ("unusable", "the batch is damaged")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"offset": 2**40}, "offset"),
        ({"previous": 0}, "previous"),
        ({"log": "no leader epoch"}, "log"),
        ({"base": 2**60}, "base"),
        ({"id": ""}, "id"),
        ({"scope": "default"}, "scope"),
        ({"scope": "default/*"}, "scope"),
        ({"scope": "/en"}, "scope"),
        ({"scope": "default/en/us"}, "scope"),
        ({"text_hash": "0" * 31}, "text_hash"),
        ({"shown_hash": "g" * 32}, "shown_hash"),
        ({"published_hash": ""}, "published_hash"),
        ({"duplicate__cluster_id": "c"}, "duplicate.cluster_id"),
        ({"published_at": "zzzz"}, "published_at"),
        ({"modified_at": "2026-05-04"}, "modified_at"),
        ({"tokens": 2**63}, "tokens"),
        ({"revision": 2**63}, "revision"),
        ({"links": 2**64 - 1}, "links"),
        ({"earlier_offset": 0}, "earlier_offset"),
        ({"duplicate__relation": "revision"}, "earlier_offset"),
        ({"origin__offset": 2**63}, "origin"),
        ({"sequence": "AAAA"}, "sequence"),
        ({"title": "AAAA"}, "title"),
        ({"anchors": "AAAA"}, "anchors"),
        ({"anchors": "AAAAAAAAAAAAAAAAAAAAAA=="}, "anchors"),
    ],
)
def test_a_value_that_no_worker_writes_is_unusable(fields: dict[str, Any], name: str) -> None:
    assert reason(changed(FINGERPRINT, **fields)) == ("unusable", f"{name} is invalid")


def test_an_event_id_that_is_not_hexadecimal_is_unusable() -> None:
    headers = tuple((name, b"xyz" if name == "ce_id" else value) for name, value in FINGERPRINT.headers)
    assert reason(replace(changed(FINGERPRINT, event_id="xyz"), headers=headers)) == ("unusable", "event_id is invalid")


def test_an_event_id_that_differs_from_the_header_is_unusable() -> None:
    assert reason(changed(FINGERPRINT, event_id="0" * 32)) == ("unusable", "its ce_id is not its event_id")


@pytest.mark.parametrize("fields", [{"tenant": "a/b"}, {"tenant": ""}])
def test_a_takedown_of_an_impossible_tenant_is_unusable(fields: dict[str, Any]) -> None:
    assert reason(changed(REMOVAL, **fields)) == ("unusable", "tenant is invalid")


def test_a_fingerprint_of_another_format_is_not_checked_as_one_of_this_format() -> None:
    event = read_changelog_record(changed(FINGERPRINT, format="0", anchors="AAAA"))
    assert isinstance(event, FingerprintEvent)
    assert msgspec.structs.asdict(event)["anchors"] == b"\0\0\0"
