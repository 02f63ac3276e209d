"""Which anchors no other article has, which of them a restore need not look up, and whose they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.folding import Hashes
from stream.core.index.anchor_lookup import AnchorBloomFilter, Anchors, name_anchors
from stream.core.index.keys import anchor_names

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
    unseen, taken = AnchorBloomFilter(SMALL), set[int]()
    for batch in batches:
        names = np.array(sorted(batch), dtype=np.uint64)
        is_new = dict(zip(names.tolist(), unseen.take(names).tolist(), strict=True))
        assert not any(is_new[known] for known in batch & taken)
        taken |= batch


def test_most_of_what_was_not_taken_is_new() -> None:
    unseen = AnchorBloomFilter(2**20)
    names = np.unique(np.random.default_rng(1).integers(NAME_MAX, size=100_000, dtype=np.uint64))
    unseen.take(names[::2])
    assert unseen.take(names[1::2]).mean() > 0.9


class Held:
    """What stands under names, and which of them were looked up."""

    def __init__(self, *values: int) -> None:
        self.values = {name(value): b"%d" % value for value in values}
        self.asked: list[bytes] = []

    def __call__(self, found: Hashes) -> list[bytes | None]:
        names = anchor_names(found)
        self.asked += names
        return [self.values.get(one) for one in names]


def test_fresh_is_what_nothing_stands_under_and_one_article_has() -> None:
    held = Held(high(5), high(6))
    joined = [anchors(high(7), high(5)), anchors(high(9), high(3), high(1)), anchors(high(9)), b""]
    named = name_anchors(joined, held)
    assert named.articles == [
        Anchors([name(high(5))], 1, 0),
        Anchors([name(high(9))], 2, 1),
        Anchors([name(high(9))], 0, 2),
        Anchors([], 0, 3),
    ]
    assert (named.shared, named.values) == ([name(high(5)), name(high(9))], [b"%d" % high(5), None])
    assert (named.fresh.tolist(), named.owners) == ([high(1), high(3), high(7)], [1, 1, 0])
    assert held.asked == [name(high(number)) for number in (1, 3, 5, 7, 9)]


def test_what_was_not_seen_is_not_looked_up() -> None:
    unseen, held = AnchorBloomFilter(), Held(high(5))
    name_anchors([anchors(high(5), high(6))], Held(), unseen=unseen)
    named = name_anchors([anchors(high(7), high(6), high(5))], held, unseen=unseen)
    assert held.asked == [name(high(5)), name(high(6))]
    assert (named.shared, named.fresh.tolist()) == ([name(high(5))], [high(6), high(7)])


def test_what_stands_empty_is_not_fresh() -> None:
    """It hides what an older generation has."""
    held = Held(high(1))
    held.values[name(high(1))] = b""
    named = name_anchors([anchors(high(1))], held)
    assert (named.shared, named.values, named.owners) == ([name(high(1))], [b""], [])


@pytest.mark.parametrize("unseen", [None, AnchorBloomFilter()])
@pytest.mark.parametrize("joined", [[anchors(high(1), high(1) + 1)], [anchors(high(1)), anchors(high(1) + 1)]])
def test_two_anchors_with_one_name_are_not_fresh(joined: list[bytes], unseen: AnchorBloomFilter | None) -> None:
    named = name_anchors(joined, Held(), unseen=unseen)
    assert (named.shared, named.owners) == ([name(high(1))], [])
    assert sum(len(article.shared) for article in named.articles) == 2


def test_a_name_that_only_differs_beyond_its_bytes_was_seen() -> None:
    unseen, held = AnchorBloomFilter(), Held()
    name_anchors([anchors(high(1))], Held(), unseen=unseen)
    name_anchors([anchors(high(1) + 1)], held, unseen=unseen)
    assert held.asked == [name(high(1))]


@pytest.mark.parametrize("joined", [[], [b""], [b"", b""]])
def test_articles_without_anchors(joined: list[bytes]) -> None:
    named = name_anchors(joined, Held(), unseen=AnchorBloomFilter())
    assert named.articles == [Anchors([], 0, number) for number in range(len(joined))]
    assert (named.shared, named.values, named.owners) == ([], [], [])
