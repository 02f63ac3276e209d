"""The encoding of fingerprints in changelog records, and of articles in the store."""

from __future__ import annotations

import contextlib

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.contracts.events import FingerprintEvent
from stream.core.dedup.articles import Times
from stream.core.dedup.fingerprint import FORMAT, compute_fingerprint
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
def test_a_stored_fingerprint_decodes_as_encoded(text: str, title: str | None) -> None:
    original = compute_fingerprint(text, title)
    event = msgspec.structs.replace(EVENTS[0], **pack_fingerprint(original))
    decoded = unpack_article(pack_article(event)).to_indexed_article(SCOPE, 5).fingerprint
    expected = (original.text_hash, original.tokens, original.is_spaced)
    assert (decoded.text_hash, decoded.tokens, decoded.is_spaced) == expected
    assert np.array_equal(decoded.sequence, original.sequence)
    assert np.array_equal(decoded.title, original.title)
    assert len(decoded.anchors) == len(decoded.shingles) == 0


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.duplicate.relation)
def test_a_stored_article_decodes_as_encoded(event: FingerprintEvent) -> None:
    article = unpack_article(pack_article(event))
    assert article.to_duplicate(SCOPE) == event.duplicate
    assert article.to_origin() == event.origin
    assert article.resolve_cluster_id(SCOPE) == event.duplicate.cluster_id
    indexed = article.to_indexed_article(SCOPE, event.offset)
    assert (indexed.offset, indexed.id, indexed.source) == (event.offset, event.id, event.source)
    assert (indexed.revision, indexed.cluster_depth, indexed.display_hash) == (
        event.revision,
        event.cluster_depth,
        event.display_hash,
    )
    assert (article.event_id.hex(), article.event_time) == (event.event_id, event.event_time)


def test_a_stored_article_keeps_its_times_and_its_domain() -> None:
    event = msgspec.structs.replace(
        EVENTS[0],
        published_at="2026-05-03T01:00:00Z",
        modified_at="2026-05-04T02:00:00Z",
        domain="paper.example",
    )
    article = unpack_article(pack_article(event))
    assert (article.published_at, article.modified_at) == (event.published_at, event.modified_at)
    assert article.domain == event.domain
    times = article.to_indexed_article(SCOPE, event.offset).times
    assert times == Times(event.published_at, event.event_time, event.modified_at)


def test_the_cases_cover_every_relation() -> None:
    relations = {event.duplicate.relation for event in EVENTS}
    assert relations == {"new", "revision", "expansion", "recrawl", "copy", "near_copy", "excerpt"}


def test_a_verdict_of_other_rules_keeps_its_version() -> None:
    duplicate = msgspec.structs.replace(EVENTS[0].duplicate, version="1:other")
    event = msgspec.structs.replace(EVENTS[0], duplicate=duplicate)
    assert unpack_article(pack_article(event)).to_duplicate(SCOPE).version == "1:other"


def test_a_fingerprint_of_another_format_is_not_compared() -> None:
    event = msgspec.structs.replace(EVENTS[1], format=f"0{FORMAT}", sequence=b"odd", title=b"odd")
    indexed = unpack_article(pack_article(event)).to_indexed_article(SCOPE, 0)
    assert (len(indexed.fingerprint.sequence), len(indexed.fingerprint.title)) == (0, 0)
    assert (indexed.id, indexed.display_hash, indexed.revision) == (event.id, event.display_hash, event.revision)


VALUE = pack_article(EVENTS[1])


@pytest.mark.parametrize("value", [b"", b"\x00", VALUE[:-1], VALUE + b"\0", msgspec.msgpack.encode(["a", 1])])
def test_a_value_that_is_not_an_article_is_damage(value: bytes) -> None:
    with pytest.raises(IndexDamaged, match="not an article"):
        unpack_article(value)


@given(st.integers(0, len(VALUE) - 1), st.integers(1, 255))
@settings(max_examples=300)
def test_a_changed_byte_decodes_as_an_article_or_is_damage(index: int, change: int) -> None:
    damaged = VALUE[:index] + bytes([VALUE[index] ^ change]) + VALUE[index + 1 :]
    with contextlib.suppress(IndexDamaged):
        unpack_article(damaged)


@pytest.mark.parametrize("value", [b"garbage", msgspec.msgpack.encode({"a": 1})])
def test_a_value_of_another_type_is_damage(value: bytes) -> None:
    with pytest.raises(IndexDamaged, match="not a list"):
        unpack(value, list[str])


def test_a_stored_article_has_the_url_of_its_event() -> None:
    event = msgspec.structs.replace(EVENTS[0], url="https://paper.example/ferry")
    assert unpack_article(pack_article(event)).url == "https://paper.example/ferry"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.duplicate.relation)
def test_a_stored_article_knows_the_one_before_it(event: FingerprintEvent) -> None:
    assert unpack_article(pack_article(event)).earlier_offset == event.earlier_offset
