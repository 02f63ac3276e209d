"""Which articles a text is compared with."""

from __future__ import annotations

import pytest

from stream.core.index.candidates import (
    ANCHORS_SHARED_MIN,
    QUOTING_MAX,
    QUOTING_PER_ANCHOR,
    choose_quoting,
    rank_by_resemblance,
    rank_by_shared_anchors,
)


def test_articles_that_share_most_anchors_come_first_then_the_earliest() -> None:
    assert rank_by_shared_anchors([[(7, 3), (5, 3)], [(7, 3), (2, 3)], [(9, 3)]], 3) == [7, 2, 5, 9]


@pytest.mark.parametrize(("anchors", "size"), [(100, 15), (15, 100), (100, 14)])
def test_the_required_number_of_anchors_is_a_share_of_the_smaller_article(anchors: int, size: int) -> None:
    enough = min(anchors, size) * ANCHORS_SHARED_MIN
    for count in (1, 2, 3):
        offsets = rank_by_shared_anchors([[(0, size)]] * count, anchors)
        assert offsets == ([0] if count >= enough else [])


def test_of_articles_that_share_the_same_anchors_the_shortest_comes_first() -> None:
    assert rank_by_resemblance([[(1, 90), (2, 3), (3, 40)]] * 3, 3) == [2, 3, 1]


def test_an_article_that_shares_more_of_its_anchors_comes_before_a_shorter_one() -> None:
    assert rank_by_resemblance([[(1, 4), (2, 1)], [(1, 4)], [(1, 4)]], 4) == [1, 2]


def test_each_common_anchor_has_some_of_the_chosen_articles() -> None:
    common = [[(offset, 9) for offset in range(first, first + 20)] for first in (0, 100, 200)]
    chosen = choose_quoting(common, quoted={219, 218})
    assert [sum(offset // 100 == part for offset in chosen) for part in range(3)] == [QUOTING_PER_ANCHOR] * 3
    assert not {218, 219} & set(chosen)


def test_the_number_of_chosen_articles_is_limited() -> None:
    common = [[(offset, 9) for offset in range(first, first + 20)] for first in range(0, 1000, 50)]
    assert len(choose_quoting(common, quoted=())) == QUOTING_MAX
