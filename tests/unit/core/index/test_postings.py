"""What postings lead to, and which of them a new article adds."""

from __future__ import annotations

import pytest

from stream.core.index.keys import pack_posting, text_name, visible_postings
from stream.core.index.postings import (
    ANCHORS_SHARED_MIN,
    names_without_members,
    put_text_posting,
    rank_by_shared_anchors,
    visible_offsets,
)
from stream.core.index.scope_view import ScopeView
from stream.core.index.store import MemoryStore

WINDOW_S = 100
TEXT_HASH = "0" * 32


def postings(*seen: tuple[int, int]) -> bytes:
    """A value with a posting for each (offset, time in seconds)."""
    return b"".join(pack_posting(offset, time_s, 1) for offset, time_s in seen)


@pytest.fixture
def view() -> ScopeView:
    return ScopeView(MemoryStore(), "default/en", window_s=WINDOW_S)


def test_articles_that_share_most_anchors_come_first_then_the_earliest() -> None:
    assert rank_by_shared_anchors([[(7, 3), (5, 3)], [(7, 3), (2, 3)], [(9, 3)]], 3) == [7, 2, 5, 9]


@pytest.mark.parametrize(("anchors", "size"), [(100, 15), (15, 100), (100, 14)])
def test_the_required_number_of_anchors_is_a_share_of_the_smaller_article(anchors: int, size: int) -> None:
    enough = min(anchors, size) * ANCHORS_SHARED_MIN
    for count in (1, 2, 3):
        offsets = rank_by_shared_anchors([[(0, size)]] * count, anchors)
        assert offsets == ([0] if count >= enough else [])


def test_names_lead_to_members_only_through_recent_postings(view: ScopeView) -> None:
    view.put(b"member", postings((1, 50)))
    view.put(b"other", postings((2, 50)))
    names = [b"member", b"other", b"none"]
    assert names_without_members(view, names, {1}, 50) == [b"other", b"none"]
    assert names_without_members(view, names, {1}, 51) == names


def test_a_text_keeps_the_postings_of_its_first_visible_article_and_of_its_newest(view: ScopeView) -> None:
    name = text_name(TEXT_HASH)
    for offset, time in enumerate((0, 10, 20, 105)):
        view.advance_clock(time * 1000, offset=offset)
        put_text_posting(view, TEXT_HASH, postings((offset, time)))
        offsets = [at for at, _ in visible_postings(view.get(name))]
        assert offsets == {0: [0], 1: [0, 1], 2: [0, 2], 3: [2, 3]}[offset]


def test_articles_seen_before_the_horizon_are_not_visible(view: ScopeView) -> None:
    view.put(b"name", postings((1, 10), (2, 20)))
    assert [visible_offsets(view, b"name", horizon) for horizon in (10, 11, 21)] == [[1, 2], [2], []]
    assert visible_offsets(view, b"none", 0) == []
