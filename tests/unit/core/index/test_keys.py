"""Keys and postings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.dedup.fingerprint import fingerprint
from stream.core.dedup.rules import IncomingArticle
from stream.core.index import keys
from stream.core.index.keys import OFFSET_MAX, POSTING_BYTES, SECONDS_MAX, Posting, pack_posting, visible_postings
from stream.errors import IndexFault
from tests.support.index import STORY

offsets = st.integers(0, OFFSET_MAX - 1)
seconds = st.integers(0, SECONDS_MAX)


@given(st.lists(st.tuples(offsets, seconds, st.integers(0, 400)), max_size=8), seconds)
def test_postings_come_out_as_they_went_in_those_before_the_horizon_apart(
    postings: list[tuple[int, int, int]], horizon: int
) -> None:
    value = b"".join(pack_posting(Posting(*posting)) for posting in postings)
    assert len(value) == POSTING_BYTES * len(postings)
    expected = [(offset, min(anchors, 255)) for offset, seen, anchors in postings if seen >= horizon]
    assert visible_postings(value, horizon) == expected


def test_no_value_holds_no_postings() -> None:
    assert visible_postings(None) == visible_postings(b"") == []


@pytest.mark.parametrize("offset", [OFFSET_MAX, 2**63])
def test_an_offset_that_does_not_fit_is_a_fault(offset: int) -> None:
    with pytest.raises(IndexFault, match="make the topics anew"):
        pack_posting(Posting(offset, 0, 0))


@given(st.text(max_size=20), st.text(max_size=20))
def test_scopes_have_prefixes_of_their_own_apart_from_what_the_index_keeps_for_itself(one: str, other: str) -> None:
    mine = keys.scope_prefix(one)
    assert (len(mine), mine[0]) == (8, 1)
    assert (mine == keys.scope_prefix(other)) is (one == other)
    own = {keys.POSITION, keys.scope_key(mine), keys.tenant_key(one)}
    assert len(own) == 3
    assert all(key[0] == 0 for key in own)


def test_names_of_each_kind_begin_with_a_byte_of_their_own() -> None:
    subject = IncomingArticle("a", "default/en", "a.example/1", None, "0" * 32, fingerprint(STORY, None))
    name = "ab" * 16
    names = [
        keys.event_name(name),
        keys.text_name(name),
        keys.cluster_name(name),
        keys.document_name(5),
        *keys.address_names(subject),
        keys.anchor_names(subject.fingerprint.anchors)[0],
    ]
    assert len({found[0] for found in names}) == len(names) == 7


def test_an_article_without_an_address_has_an_id() -> None:
    subject = IncomingArticle("a", "default/en", None, None, "0" * 32, fingerprint(STORY, None))
    assert len(keys.address_names(subject)) == 1


@given(st.lists(offsets, unique=True, max_size=20))
def test_articles_stand_in_the_order_of_their_offsets(found: list[int]) -> None:
    assert sorted(map(keys.document_name, found)) == [keys.document_name(offset) for offset in sorted(found)]


def test_anchors_are_named_by_their_first_six_bytes_in_order() -> None:
    anchors = np.array([0x0102030405060708, 0x1112131415161718, 0xFFFFFFFFFFFFFFFF], dtype=np.uint64)
    names = keys.anchor_names(anchors)
    assert [name[1:].hex() for name in names] == ["010203040506", "111213141516", "ffffffffffff"]
    assert names == sorted(names)
    assert keys.anchor_names(anchors[:0]) == []
    assert keys.anchor_names(anchors, b"start") == [b"start" + name for name in names]


@given(st.lists(st.integers(0, 2**64 - 1), unique_by=lambda anchor: anchor >> 16, max_size=20), st.data())
def test_anchors_are_found_by_their_names(values: list[int], data: st.DataObject) -> None:
    anchors = np.array(sorted(values), dtype=np.uint64)
    chosen = data.draw(st.lists(st.sampled_from(sorted(values)), unique=True)) if values else []
    names = keys.anchor_names(np.array(chosen, dtype=np.uint64))
    assert keys.anchors_named(names, anchors).tolist() == chosen
