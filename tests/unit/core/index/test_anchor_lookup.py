"""Which anchors of a batch are shared or unique, which of them are read, and what is written under the unique ones."""

from __future__ import annotations

import numpy as np
import pytest

from stream.core.folding.hashing import Hashes
from stream.core.index.anchor_lookup import ArticleAnchors, UniqueAnchors, look_up_anchors
from stream.core.index.bloom_filter import AnchorBloomFilter
from stream.core.index.keys import anchor_names


def pack(*anchors: int) -> bytes:
    return np.array(anchors, dtype="<u8").tobytes()


def name(anchor: int) -> bytes:
    return anchor_names(np.array([anchor], dtype=np.uint64))[0]


def high(value: int) -> int:
    """An anchor that shares its name with no other one here."""
    return value << 40


class Stored:
    """Stored values by name, and the names that were read."""

    def __init__(self, *anchors: int) -> None:
        self.values = {name(anchor): b"%d" % anchor for anchor in anchors}
        self.names_read: list[bytes] = []

    def __call__(self, anchors: Hashes) -> list[bytes | None]:
        names = anchor_names(anchors)
        self.names_read += names
        return [self.values.get(name) for name in names]


def test_an_anchor_that_is_not_stored_and_that_one_article_has_is_unique() -> None:
    reader = Stored(high(5), high(6))
    packed = [pack(high(7), high(5)), pack(high(9), high(3), high(1)), pack(high(9)), b""]
    batch = look_up_anchors(packed, reader)
    assert batch.articles == [
        ArticleAnchors([name(high(5))], 1, 0),
        ArticleAnchors([name(high(9))], 2, 1),
        ArticleAnchors([name(high(9))], 0, 2),
        ArticleAnchors([], 0, 3),
    ]
    assert (batch.shared, batch.values) == ([name(high(5)), name(high(9))], [b"%d" % high(5), None])
    assert (batch.unique.tolist(), batch.owners) == ([high(1), high(3), high(7)], [1, 1, 0])
    assert reader.names_read == [name(high(number)) for number in (1, 3, 5, 7, 9)]


def test_an_anchor_that_is_new_to_the_filter_is_not_read() -> None:
    bloom_filter, reader = AnchorBloomFilter(), Stored(high(5))
    look_up_anchors([pack(high(5), high(6))], Stored(), bloom_filter=bloom_filter)
    batch = look_up_anchors([pack(high(7), high(6), high(5))], reader, bloom_filter=bloom_filter)
    assert reader.names_read == [name(high(5)), name(high(6))]
    assert (batch.shared, batch.unique.tolist()) == ([name(high(5))], [high(6), high(7)])


def test_an_anchor_with_an_empty_value_is_not_unique() -> None:
    """The empty value hides that of an older generation."""
    reader = Stored(high(1))
    reader.values[name(high(1))] = b""
    batch = look_up_anchors([pack(high(1))], reader)
    assert (batch.shared, batch.values, batch.owners) == ([name(high(1))], [b""], [])


@pytest.mark.parametrize("bloom_filter", [None, AnchorBloomFilter()])
@pytest.mark.parametrize("packed", [[pack(high(1), high(1) + 1)], [pack(high(1)), pack(high(1) + 1)]])
def test_two_anchors_with_the_same_name_are_not_unique(
    packed: list[bytes], bloom_filter: AnchorBloomFilter | None
) -> None:
    batch = look_up_anchors(packed, Stored(), bloom_filter=bloom_filter)
    assert (batch.shared, batch.owners) == ([name(high(1))], [])
    assert sum(len(article.shared) for article in batch.articles) == 2


def test_an_anchor_with_the_name_of_one_in_the_filter_is_read() -> None:
    bloom_filter, reader = AnchorBloomFilter(), Stored()
    look_up_anchors([pack(high(1))], Stored(), bloom_filter=bloom_filter)
    look_up_anchors([pack(high(1) + 1)], reader, bloom_filter=bloom_filter)
    assert reader.names_read == [name(high(1))]


@pytest.mark.parametrize("packed", [[], [b""], [b"", b""]])
def test_articles_may_have_no_anchors(packed: list[bytes]) -> None:
    batch = look_up_anchors(packed, Stored(), bloom_filter=AnchorBloomFilter())
    assert batch.articles == [ArticleAnchors([], 0, number) for number in range(len(packed))]
    assert (batch.shared, batch.values, batch.owners) == ([], [], [])


def test_unique_anchors_get_the_value_of_their_article_once() -> None:
    anchors = UniqueAnchors(np.array([high(1), high(2), high(3)], dtype=np.uint64), [1, 0, 1])
    assert list(anchors.take_puts(b"prefix")) == []
    anchors.put(1, b"one")
    assert list(anchors.take_puts(b"prefix")) == [(b"prefix" + name(high(n)), b"one") for n in (1, 3)]
    assert list(anchors.take_puts(b"prefix")) == []


@pytest.mark.parametrize(("owners", "values", "is_empty"), [([], {}, True), ([0], {}, False), ([], {0: b"x"}, False)])
def test_unique_anchors_are_empty_without_anchors_and_values(
    owners: list[int], values: dict[int, bytes], *, is_empty: bool
) -> None:
    anchors = UniqueAnchors(np.array([high(1)] * len(owners), dtype=np.uint64), owners)
    for owner, value in values.items():
        anchors.put(owner, value)
    assert anchors.is_empty is is_empty
