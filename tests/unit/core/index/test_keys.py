"""The names of keys, and the encoding of postings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.dedup.articles import IncomingArticle
from stream.core.dedup.fingerprint import compute_fingerprint
from stream.core.index import keys
from stream.core.index.keys import OFFSET_MAX, POSTING_BYTES, SECONDS_MAX, pack_posting, visible_postings
from stream.errors import IndexFault
from tests.support.index import STORY

offsets = st.integers(0, OFFSET_MAX - 1)
seconds = st.integers(0, SECONDS_MAX)


@given(st.lists(st.tuples(offsets, seconds, st.integers(0, 400)), max_size=8), seconds)
def test_postings_decode_as_encoded_except_those_before_the_horizon(
    postings: list[tuple[int, int, int]], horizon: int
) -> None:
    value = b"".join(pack_posting(*posting) for posting in postings)
    assert len(value) == POSTING_BYTES * len(postings)
    expected = [(offset, min(anchors, 255)) for offset, seen, anchors in postings if seen >= horizon]
    assert visible_postings(value, horizon) == expected


@given(offsets, seconds)
def test_a_posting_begins_with_the_prefix_of_its_offset(offset: int, seen_s: int) -> None:
    assert pack_posting(offset, seen_s, 1).startswith(keys.posting_prefix(offset))


def test_a_missing_value_holds_no_postings() -> None:
    assert visible_postings(None) == visible_postings(b"") == []


@pytest.mark.parametrize("offset", [OFFSET_MAX, 2**63])
def test_an_offset_that_does_not_fit_is_a_fault(offset: int) -> None:
    with pytest.raises(IndexFault, match="create the topics anew"):
        pack_posting(offset, 0, 0)


@given(st.text(max_size=20), st.text(max_size=20))
def test_keys_of_scopes_never_collide_with_each_other_or_with_those_of_the_index(first: str, second: str) -> None:
    prefix = keys.scope_prefix(first)
    assert (len(prefix), prefix[0]) == (8, 1)
    assert (prefix == keys.scope_prefix(second)) is (first == second)
    own = {keys.POSITION, keys.scope_key(prefix), keys.tenant_key(first)}
    assert len(own) == 3
    assert all(key[0] == 0 for key in own)


def test_names_of_each_kind_begin_with_a_different_byte() -> None:
    article = IncomingArticle("a", "default/en", "a.example/1", None, "0" * 32, compute_fingerprint(STORY, None))
    hex_id = "ab" * 16
    names = [
        keys.event_name(hex_id),
        keys.text_name(hex_id),
        keys.cluster_name(hex_id),
        keys.document_name(5),
        *keys.id_and_url_names(article),
        keys.anchor_names(article.fingerprint.anchors)[0],
    ]
    assert len({name[0] for name in names}) == len(names) == 7


def test_an_article_without_a_url_is_named_by_its_id() -> None:
    article = IncomingArticle("a", "default/en", None, None, "0" * 32, compute_fingerprint(STORY, None))
    assert len(keys.id_and_url_names(article)) == 1


@given(st.lists(offsets, unique=True, max_size=20))
def test_articles_are_sorted_by_offset(unsorted: list[int]) -> None:
    assert sorted(map(keys.document_name, unsorted)) == [keys.document_name(offset) for offset in sorted(unsorted)]


def test_anchors_are_named_by_their_first_six_bytes_in_order() -> None:
    anchors = np.array([0x0102030405060708, 0x1112131415161718, 0xFFFFFFFFFFFFFFFF], dtype=np.uint64)
    names = keys.anchor_names(anchors)
    assert [name[1:].hex() for name in names] == ["010203040506", "111213141516", "ffffffffffff"]
    assert names == sorted(names)
    assert keys.anchor_names(anchors[:0]) == []
    assert keys.anchor_names(anchors, b"prefix") == [b"prefix" + name for name in names]


@given(st.lists(st.integers(0, 2**64 - 1), unique_by=lambda anchor: anchor >> 16, max_size=20), st.data())
def test_anchors_are_selected_by_their_names(values: list[int], data: st.DataObject) -> None:
    anchors = np.array(sorted(values), dtype=np.uint64)
    selection = data.draw(st.lists(st.sampled_from(sorted(values)), unique=True)) if values else []
    names = keys.anchor_names(np.array(selection, dtype=np.uint64))
    assert keys.select_anchors(names, anchors).tolist() == selection
