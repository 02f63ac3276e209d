"""Looks up the anchors of a batch: those that several articles share, and those that a single article has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.folding.hashing import Hashes
from stream.core.index.bloom_filter import AnchorBloomFilter
from stream.core.index.keys import NAME_SHIFT, anchor_names

#: Returns the stored value of each of some sorted anchors, None where there is none.
ReadAnchors = Callable[[Hashes], list[bytes | None]]


class ArticleAnchors(NamedTuple):
    """The anchors of one article of a batch.

    Attributes:
        shared: Names of the anchors that other articles may have too, sorted.
        unique_count: How many more anchors it has, which no other article has.
        number: Which article of the batch it is, from 0.
    """

    shared: list[bytes]
    unique_count: int = 0
    number: int = 0


class BatchAnchors(NamedTuple):
    """The anchors of all articles of a batch.

    Attributes:
        articles: Those of each article.
        shared: Names of the shared anchors, sorted, each once.
        values: The stored value of each of ``shared``, None where there is none.
        unique: Anchors that are not in the store and that a single article of the batch has, sorted.
        owners: For each of ``unique``, the number of that article.
    """

    articles: list[ArticleAnchors]
    shared: list[bytes]
    values: list[bytes | None]
    unique: Hashes
    owners: list[int]


def look_up_anchors(
    packed: Sequence[bytes], read: ReadAnchors, *, bloom_filter: AnchorBloomFilter | None = None, salt: int = 0
) -> BatchAnchors:
    """Read the anchors of several articles of one scope, and separate the shared anchors from the unique ones.

    Args:
        packed: The anchors of each article, 8 bytes each, little-endian.
        read: Reads the store.
        bloom_filter: Holds every anchor in the store; unique anchors that are new to it are not read.
        salt: A number of 48 bits that distinguishes the scope's anchors from those of other scopes in the filter.
    """
    sizes = [len(anchors) // 8 for anchors in packed]
    all_anchors = np.frombuffer(b"".join(packed), dtype="<u8") >> NAME_SHIFT
    distinct, inverse, counts = np.unique(all_anchors, return_inverse=True, return_counts=True)
    is_unique = counts == 1
    is_read = np.ones(len(distinct), dtype=np.bool_)
    if bloom_filter is not None:
        is_read = ~(is_unique & bloom_filter.add_new(distinct ^ np.uint64(salt)))
    distinct = distinct << NAME_SHIFT
    values = read(distinct[is_read])
    is_unique[is_read.nonzero()[0][[i for i, value in enumerate(values) if value is not None]]] = False
    names = np.empty(len(distinct), dtype=object)
    names[~is_unique] = shared = anchor_names(distinct[~is_unique])
    owners = np.empty(len(distinct), dtype=np.intp)
    owners[inverse] = np.repeat(np.arange(len(packed)), sizes)
    return BatchAnchors(
        articles=_split_by_article(sizes, names[inverse]),
        shared=shared,
        values=list(compress(values, (~is_unique[is_read]).tolist())),
        unique=distinct[is_unique],
        owners=owners[is_unique].tolist(),
    )


def _split_by_article(sizes: Sequence[int], names: NDArray[np.object_]) -> list[ArticleAnchors]:
    """Split ``names``, those of all articles in order with None for each unique anchor."""
    articles, start = [], 0
    for number, size in enumerate(sizes):
        shared = [name for name in names[start : start + size].tolist() if name is not None]
        articles.append(ArticleAnchors(shared, size - len(shared), number))
        start += size
    return articles


class UniqueAnchors:
    """The unique anchors of a batch, and the value to be written under those of each article.

    They are nearly all anchors of a batch, and no decision in it reads them, so their keys are made in bulk at the end.
    """

    def __init__(self, anchors: Hashes, owners: list[int]) -> None:
        self._anchors = anchors
        self._owners = owners
        self._values: dict[int, bytes] = {}

    @property
    def is_empty(self) -> bool:
        """There are no anchors, and no values."""
        return not self._owners and not self._values

    def put(self, owner: int, value: bytes) -> None:
        """Write ``value`` under all unique anchors of the article ``owner`` of the batch."""
        self._values[owner] = value

    def take_puts(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return the keys below ``prefix`` that were written, with their values, and forget the values."""
        values, self._values = self._values, {}
        anchors, owners = self._anchors, self._owners
        if not values:
            return iter(())
        if len(values) < len(set(owners)):  # some articles of the batch were not recorded
            is_written = [owner in values for owner in owners]
            anchors, owners = anchors[is_written], list(compress(owners, is_written))
        return zip(anchor_names(anchors, prefix), map(values.__getitem__, owners), strict=True)
