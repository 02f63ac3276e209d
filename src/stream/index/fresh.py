"""Anchors by name, and which names a restore need not look up: those that an index which began empty never had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.fold import Hashes
from stream.index.keys import NAME_SHIFT, anchor_names

#: Of the filter: 32 MiB. With the anchors of a million articles in it, one new name in forty is taken for a known one,
#: of five million one in four.
FILTER_BITS: Final = 2**28

_BITS: Final = np.left_shift(1, np.arange(8)).astype(np.uint8)


class Unseen:
    """A filter of all anchors that were restored since the index was empty (Bloom 1970, two bits a name).

    A new name may be taken for a known one, never a known name for a new one. ``bits``: a power of two, at most 2**48.
    """

    def __init__(self, bits: int = FILTER_BITS) -> None:
        self._mask = np.uint64(bits - 1)
        self._held = np.zeros(bits // 8, dtype=np.uint8)

    def take(self, names: Hashes) -> NDArray[np.bool_]:
        """Tell which of ``names`` (numbers of 48 bits, each once) were not taken before, and take them."""
        is_new = np.zeros(len(names), dtype=np.bool_)
        for place in (names & self._mask, (names >> np.uint64(20)) & self._mask):
            at, bit = place >> np.uint64(3), _BITS[place & np.uint64(7)]
            is_new |= (self._held[at] & bit) == 0
            np.bitwise_or.at(self._held, at, bit)
        return is_new


class Anchors(NamedTuple):
    """The anchors of one article of a batch.

    ``shared``: names to look up, in order; ``fresh``: how many more there are, which are in no other article;
    ``number``: that of the article in the batch.
    """

    shared: list[bytes]
    fresh: int = 0
    number: int = 0


class Named(NamedTuple):
    """The anchors of a batch.

    ``shared`` and ``fresh``: names, sorted, each once; ``owners``: the number of the article that has each fresh one.
    """

    articles: list[Anchors]
    shared: list[bytes]
    fresh: list[bytes]
    owners: list[int]


def name_anchors(joined: Sequence[bytes], unseen: Unseen | None = None) -> Named:
    """The names of the anchors (8 bytes each) of several articles.

    Fresh are those that ``unseen`` has not seen and only one article has; none of them without it.
    """
    sizes = [len(anchors) // 8 for anchors in joined]
    found = np.frombuffer(b"".join(joined), dtype="<u8") >> NAME_SHIFT
    each, places, counts = np.unique(found, return_inverse=True, return_counts=True)
    is_fresh = unseen.take(each) & (counts == 1) if unseen else np.zeros(len(each), dtype=np.bool_)
    names = np.empty(len(each), dtype=object)
    names[:] = anchor_names(each << NAME_SHIFT)
    owners = np.repeat(np.arange(len(joined)), sizes)
    owner_of = np.empty(len(each), dtype=np.intp)
    owner_of[places] = owners
    is_shared = ~is_fresh[places]
    shared, start, articles = names[places[is_shared]].tolist(), 0, []
    kept = np.bincount(owners[is_shared], minlength=len(joined)).tolist()
    for number, (size, count) in enumerate(zip(sizes, kept, strict=True)):
        articles.append(Anchors(shared[start : start + count], size - count, number))
        start += count
    return Named(articles, names[~is_fresh].tolist(), names[is_fresh].tolist(), owner_of[is_fresh].tolist())
