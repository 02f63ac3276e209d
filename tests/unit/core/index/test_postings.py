"""Which postings a new article adds, and which of the earlier ones stay."""

from __future__ import annotations

import pytest

from stream.core.index.keys import pack_posting, text_name, visible_postings
from stream.core.index.postings import (
    NEWEST_POSTINGS,
    OLDEST_POSTINGS,
    POSTINGS_MAX,
    drop_posting,
    names_without_members,
    put_text_posting,
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


def sized(*sizes: int, start_s: int = 50) -> bytes:
    """A value with a posting for each number of anchors, one second apart."""
    return b"".join(pack_posting(offset, start_s + offset, size) for offset, size in enumerate(sizes))


def test_the_longest_article_between_the_oldest_and_the_newest_is_dropped() -> None:
    sizes = [*[200] * OLDEST_POSTINGS, 5, 30, 90, 90, 7, *[220] * NEWEST_POSTINGS]
    remaining = [offset for offset, _ in visible_postings(drop_posting(sized(*sizes), 0))]
    assert remaining == [offset for offset in range(len(sizes)) if offset != OLDEST_POSTINGS + 2]


def test_postings_outside_the_window_are_dropped_first() -> None:
    value = sized(*[1] * (POSTINGS_MAX + 1))
    assert [offset for offset, _ in visible_postings(drop_posting(value, 53))] == list(range(3, POSTINGS_MAX + 1))
