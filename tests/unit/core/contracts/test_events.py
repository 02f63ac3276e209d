"""The event types: constants that belong together, shapes of ids and times, and the way to bytes and back."""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
import pytest
from scripts import generate_contracts

from stream.core.contracts import codec
from stream.core.contracts.events import (
    DUPLICATE_RELATIONS,
    RELATIONS,
    Article,
    ClusterEvent,
    EnrichedEvent,
    FingerprintEvent,
    NormalizedEvent,
    RecoveryEvent,
    Relation,
    RemovalEvent,
    Status,
    TakedownEvent,
)
from stream.core.contracts.topics import Topics
from stream.core.timestamps import format_rfc3339
from stream.core.validation import RAW_FIELDS, STATUSES
from stream.errors import REJECTION_CODES, Rejected

TIME = re.compile(generate_contracts.load("cluster")["properties"]["first_seen"]["pattern"])
PUBLISHED = [
    ("normalized", NormalizedEvent),
    ("takedown", TakedownEvent),
    ("enriched", EnrichedEvent),
    ("duplicate", EnrichedEvent),
    ("cluster", ClusterEvent),
    ("fingerprint", FingerprintEvent),
    ("removal", RemovalEvent),
    ("recovery", RecoveryEvent),
]


def test_relations_are_listed_once_each() -> None:
    assert get_args(Relation) == RELATIONS
    assert len(set(RELATIONS)) == 8
    assert set(RELATIONS) == DUPLICATE_RELATIONS | {"new", "revision", "expansion"}
    assert not {"new", "revision", "expansion"} & DUPLICATE_RELATIONS


def test_statuses_of_validation_are_those_of_the_contract() -> None:
    assert get_args(Status) == STATUSES


def test_raw_fields_are_published_under_the_same_names() -> None:
    assert RAW_FIELDS - set(Article.__struct_fields__) == {"html", "status"}


def test_enriched_event_is_the_article_with_its_verdict() -> None:
    added = set(EnrichedEvent.__struct_fields__) - set(Article.__struct_fields__)
    assert added == {"kind", "notice", "revision", "duplicate"}
    assert set(NormalizedEvent.__struct_fields__) - set(Article.__struct_fields__) == {"url_key", "event_time"}


@pytest.mark.parametrize(("name", "kind"), PUBLISHED)
def test_events_survive_the_wire(name: str, kind: type[msgspec.Struct]) -> None:
    example = generate_contracts.examples()[name]
    event = msgspec.convert(example, kind)
    assert msgspec.to_builtins(event) == example
    assert codec.decode(codec.encode(event), kind) == event
    assert codec.encode(event) == codec.encode(codec.decode(codec.encode(event), kind))


@pytest.mark.parametrize("epoch_ms", [0, -1, 1_777_874_400_000, -62_135_596_800_000, 253_402_300_799_999])
def test_times_have_one_shape(epoch_ms: int) -> None:
    assert TIME.search(format_rfc3339(epoch_ms))


@pytest.mark.parametrize(
    "time", ["2026-05-04T06:00:00Z", "2026-05-04T06:00:00.000+00:00", "2026-05-04 06:00:00.000Z", "2026-05-04"]
)
def test_times_in_other_formats_are_invalid(time: str) -> None:
    assert not TIME.search(time)


@pytest.mark.parametrize("epoch_ms", [-62_135_596_800_001, 253_402_300_800_000])
def test_event_time_that_no_date_can_write_is_not_decoded(epoch_ms: int) -> None:
    with pytest.raises(OverflowError):
        format_rfc3339(epoch_ms)
    timed = {"normalized": NormalizedEvent, "takedown": TakedownEvent, "fingerprint": FingerprintEvent}
    for name, kind in timed.items():
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(generate_contracts.examples()[name] | {"event_time": epoch_ms}, kind)


@pytest.mark.parametrize("event_id", ["", "a-1", "0" * 31, "0" * 33, "G" * 32, "A" * 32])
def test_normalized_event_with_another_kind_of_id_is_not_decoded(event_id: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(generate_contracts.examples()["normalized"] | {"event_id": event_id}, NormalizedEvent)


@pytest.mark.parametrize(
    "change", [{"text": None}, {"language": "ar"}, {"origin": {"topic": "a", "partition": -1, "offset": 0}}]
)
def test_normalized_event_of_another_shape_is_not_decoded(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(generate_contracts.examples()["normalized"] | change, NormalizedEvent)


@pytest.mark.parametrize(
    "change", [{"id": None}, {"tenant": None}, {"event_time": None}, {"origin": None}, {"url_key": 7}]
)
def test_takedown_of_another_shape_is_not_decoded(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(generate_contracts.examples()["takedown"] | change, TakedownEvent)


def test_unknown_fields_of_a_later_version_are_ignored() -> None:
    example = generate_contracts.examples()["enriched"]
    assert msgspec.convert(example | {"later": 1}, EnrichedEvent) == msgspec.convert(example, EnrichedEvent)


def test_topics_with_a_prefix() -> None:
    assert Topics.with_prefix("a.").raw == "a.articles.raw"
    assert len({getattr(Topics(), name) for name in Topics.__slots__}) == 7


def test_rejection_codes_are_short_names_with_a_meaning() -> None:
    for code, meaning in REJECTION_CODES.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]+", code)
        assert meaning
    with pytest.raises(ValueError, match="unknown rejection code 'dislike'"):
        Rejected("dislike", "a message")
