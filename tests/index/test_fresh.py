"""Which anchors a restore need not look up, and which article has them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.index.fresh import Anchors, Unseen, name_anchors
from stream.index.keys import anchor_names

SMALL = 2**10
NAME_MAX = 2**48 - 1


def anchors(*values: int) -> bytes:
    return np.array(values, dtype="<u8").tobytes()


def name(value: int) -> bytes:
    return anchor_names(np.array([value], dtype=np.uint64))[0]


def high(value: int) -> int:
    """An anchor whose name is that of no other one here."""
    return value << 40


@given(st.lists(st.sets(st.integers(0, NAME_MAX), max_size=50), max_size=20))
def test_what_was_taken_is_never_new_again(batches: list[set[int]]) -> None:
    unseen, taken = Unseen(SMALL), set[int]()
    for batch in batches:
        names = np.array(sorted(batch), dtype=np.uint64)
        is_new = dict(zip(names.tolist(), unseen.take(names).tolist(), strict=True))
        assert not any(is_new[known] for known in batch & taken)
        taken |= batch


def test_most_of_what_was_not_taken_is_new() -> None:
    unseen = Unseen(2**20)
    names = np.unique(np.random.default_rng(1).integers(NAME_MAX, size=100_000, dtype=np.uint64))
    unseen.take(names[::2])
    assert unseen.take(names[1::2]).mean() > 0.9


def test_nothing_is_fresh_without_a_filter() -> None:
    named = name_anchors([anchors(high(2), high(1)), anchors(high(2)), b""])
    assert named.articles == [
        Anchors([name(high(2)), name(high(1))], 0, 0),
        Anchors([name(high(2))], 0, 1),
        Anchors([], 0, 2),
    ]
    assert (named.shared, named.fresh, named.owners) == ([name(high(1)), name(high(2))], [], [])


def test_fresh_is_what_was_not_seen_and_one_article_has() -> None:
    unseen = Unseen()
    name_anchors([anchors(high(5))], unseen)
    named = name_anchors([anchors(high(7), high(5)), anchors(high(9), high(3), high(1)), anchors(high(9))], unseen)
    assert named.articles == [
        Anchors([name(high(5))], 1, 0),
        Anchors([name(high(9))], 2, 1),
        Anchors([name(high(9))], 0, 2),
    ]
    assert named.shared == [name(high(5)), name(high(9))]
    assert (named.fresh, named.owners) == ([name(high(1)), name(high(3)), name(high(7))], [1, 1, 0])


@pytest.mark.parametrize("joined", [[anchors(high(1), high(1) + 1)], [anchors(high(1)), anchors(high(1) + 1)]])
def test_two_anchors_with_one_name_are_not_fresh(joined: list[bytes]) -> None:
    named = name_anchors(joined, Unseen())
    assert (named.shared, named.fresh) == ([name(high(1))], [])


def test_a_name_that_only_differs_beyond_its_bytes_was_seen() -> None:
    unseen = Unseen()
    name_anchors([anchors(high(1))], unseen)
    assert name_anchors([anchors(high(1) + 1)], unseen).fresh == []


@pytest.mark.parametrize("joined", [[], [b""], [b"", b""]])
def test_articles_without_anchors(joined: list[bytes]) -> None:
    named = name_anchors(joined, Unseen())
    assert named.articles == [Anchors([], 0, number) for number in range(len(joined))]
