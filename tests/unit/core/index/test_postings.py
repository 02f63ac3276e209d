"""What postings lead to, and which of them a new article leaves."""

from __future__ import annotations

import pytest

from stream.core.index.keys import Posting, pack_posting, text_name, visible_postings
from stream.core.index.postings import ANCHORS_SHARED_MIN, most_shared, not_leading, put_text, visible
from stream.core.index.scope_view import ScopeView
from stream.core.index.store import MemoryStore

WINDOW_S = 100
TEXT_HASH = "0" * 32


def postings(*seen: tuple[int, int]) -> bytes:
    """A value with a posting for each (offset, time in seconds)."""
    return b"".join(pack_posting(Posting(offset, time, 1)) for offset, time in seen)


@pytest.fixture
def view() -> ScopeView:
    return ScopeView(MemoryStore(), "default/en", window_s=WINDOW_S)


def test_those_that_share_most_come_first_then_the_first_ones() -> None:
    assert most_shared([[(7, 3), (5, 3)], [(7, 3), (2, 3)], [(9, 3)]], 3) == [7, 2, 5, 9]


@pytest.mark.parametrize(("anchors", "size"), [(100, 15), (15, 100), (100, 14)])
def test_enough_is_a_share_of_the_one_with_fewer_anchors(anchors: int, size: int) -> None:
    enough = min(anchors, size) * ANCHORS_SHARED_MIN
    for count in (1, 2, 3):
        found = most_shared([[(0, size)]] * count, anchors)
        assert found == ([0] if count >= enough else [])


def test_names_lead_to_members_as_long_as_their_postings_are_young(view: ScopeView) -> None:
    view.put(b"member", postings((1, 50)))
    view.put(b"other", postings((2, 50)))
    names = [b"member", b"other", b"none"]
    assert not_leading(view, names, {1}, 50) == [b"other", b"none"]
    assert not_leading(view, names, {1}, 51) == names


def test_of_one_text_the_first_visible_article_and_the_newest_stay(view: ScopeView) -> None:
    name = text_name(TEXT_HASH)
    for offset, time in enumerate((0, 10, 20, 105)):
        view.advance(time * 1000, offset=offset)
        put_text(view, TEXT_HASH, postings((offset, time)))
        before = [found for found, _ in visible_postings(view.get(name))]
        assert before == {0: [0], 1: [0, 1], 2: [0, 2], 3: [2, 3]}[offset]


def test_what_was_seen_before_the_horizon_is_not_visible(view: ScopeView) -> None:
    view.put(b"name", postings((1, 10), (2, 20)))
    assert [visible(view, b"name", horizon) for horizon in (10, 11, 21)] == [[1, 2], [2], []]
    assert visible(view, b"none", 0) == []
