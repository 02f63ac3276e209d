"""Fingerprints in changelog records, and articles in the store."""

from __future__ import annotations

import contextlib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.contracts.events import FingerprintEvent
from stream.core.dedup.fingerprint import FORMAT, fingerprint
from stream.core.index.records import pack_article, pack_fingerprint, unpack, unpack_article
from stream.core.index.store import MemoryStore
from stream.errors import IndexDamaged
from tests.support.index import EXCERPT, REPRINT, STORY, Partition, article, part, prose

SCOPE = "default/en"


def _events() -> list[FingerprintEvent]:
    """One event of each relation."""
    partition = Partition(MemoryStore())
    partition.run(
        [
            article(EXCERPT, name="teaser", title="Ferry to Orlin"),
            article(STORY, name="story", title="Ferry to Orlin delayed"),
            article(STORY, name="story", title="Ferry to Orlin delayed"),
            article(f"{STORY} 5 more", name="story"),
            article(STORY, name="copy", source="other.example"),
            article(REPRINT, name="reprint"),
            article(part(STORY, 20, 50), name="cut"),
            article(prose("q")),
        ]
    )
    return partition.fingerprints


EVENTS = _events()


@given(st.text(max_size=300), st.none() | st.text(max_size=30))
def test_a_fingerprint_comes_out_of_the_store_as_it_went_in(text: str, title: str | None) -> None:
    found = fingerprint(text, title)
    event = msgspec.structs.replace(EVENTS[0], **pack_fingerprint(found))
    again = unpack_article(pack_article(event)).earlier(SCOPE, 5).fingerprint
    assert (again.text_hash, again.tokens, again.is_spaced) == (found.text_hash, found.tokens, found.is_spaced)
    assert np.array_equal(again.sequence, found.sequence)
    assert np.array_equal(again.title, found.title)
    assert len(again.anchors) == len(again.shingles) == 0


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.duplicate.relation)
def test_an_article_comes_out_of_the_store_as_it_went_in(event: FingerprintEvent) -> None:
    known = unpack_article(pack_article(event))
    assert known.duplicate(SCOPE) == event.duplicate
    assert known.origin_event() == event.origin
    assert known.cluster_of(SCOPE) == event.duplicate.cluster_id
    earlier = known.earlier(SCOPE, event.offset)
    assert (earlier.offset, earlier.id, earlier.source) == (event.offset, event.id, event.source)
    assert (earlier.revision, earlier.cluster_depth, earlier.display_hash) == (
        event.revision,
        event.cluster_depth,
        event.display_hash,
    )
    assert (known.event_id.hex(), known.event_time) == (event.event_id, event.event_time)


def test_every_relation_is_among_the_cases() -> None:
    relations = {event.duplicate.relation for event in EVENTS}
    assert relations == {"new", "revision", "expansion", "recrawl", "copy", "near_copy", "excerpt"}


def test_the_version_of_a_verdict_of_other_rules_is_kept() -> None:
    duplicate = msgspec.structs.replace(EVENTS[0].duplicate, version="1:other")
    event = msgspec.structs.replace(EVENTS[0], duplicate=duplicate)
    assert unpack_article(pack_article(event)).duplicate(SCOPE).version == "1:other"


def test_a_fingerprint_of_another_format_has_nothing_to_be_compared_by() -> None:
    event = msgspec.structs.replace(EVENTS[1], format=f"0{FORMAT}", sequence=b"odd", title=b"odd")
    found = unpack_article(pack_article(event)).earlier(SCOPE, 0)
    assert (len(found.fingerprint.sequence), len(found.fingerprint.title)) == (0, 0)
    assert (found.id, found.display_hash, found.revision) == (event.id, event.display_hash, event.revision)


VALUE = pack_article(EVENTS[1])


@pytest.mark.parametrize("value", [b"", b"\x00", VALUE[:-1], VALUE + b"\0", msgspec.msgpack.encode(["a", 1])])
def test_what_is_no_article_is_damage(value: bytes) -> None:
    with pytest.raises(IndexDamaged, match="no article"):
        unpack_article(value)


@given(st.integers(0, len(VALUE) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_a_changed_byte_gives_an_article_or_damage(place: int, change: int) -> None:
    damaged = VALUE[:place] + bytes([VALUE[place] ^ change]) + VALUE[place + 1 :]
    with contextlib.suppress(IndexDamaged):
        unpack_article(damaged)


@pytest.mark.parametrize("value", [b"garbage", msgspec.msgpack.encode({"a": 1})])
def test_another_value_is_damage(value: bytes) -> None:
    with pytest.raises(IndexDamaged, match="no list"):
        unpack(value, list[str])
