"""Anchors by name, and those that no other article has, which are written in bulk; a restore need not look them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.folding import Hashes
from stream.core.index.keys import NAME_SHIFT, anchor_names

#: Of the filter: 32 MiB. With the anchors of a million articles in it, one new name in forty is taken for a known one,
#: of five million one in four.
FILTER_BITS: Final = 2**28

_BITS: Final = np.left_shift(1, np.arange(8)).astype(np.uint8)


class AnchorBloomFilter:
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

    ``shared``: names of those that other articles may have, in order; ``fresh``: how many more there are, which no
    other one has; ``number``: that of the article in the batch.
    """

    shared: list[bytes]
    fresh: int = 0
    number: int = 0


class Named(NamedTuple):
    """The anchors of a batch.

    ``shared``: names, sorted, each once, and ``values``: what stands under them; ``fresh``: anchors that have nothing
    under their names, sorted, and ``owners``: the number of the only article that has each.
    """

    articles: list[Anchors]
    shared: list[bytes]
    values: list[bytes | None]
    fresh: Hashes
    owners: list[int]


#: What stands under the names of sorted anchors.
LookUp = Callable[[Hashes], list[bytes | None]]


def name_anchors(
    joined: Sequence[bytes], look_up: LookUp, *, unseen: AnchorBloomFilter | None = None, salt: int = 0
) -> Named:
    """Name the anchors (8 bytes each) of several articles of one scope.

    Fresh are those that only one of them has and nothing stands under; what ``unseen`` has not seen is not looked up.
    ``salt``: a number of 48 bits, so that it tells scopes with the same articles apart.
    """
    sizes = [len(anchors) // 8 for anchors in joined]
    found = np.frombuffer(b"".join(joined), dtype="<u8") >> NAME_SHIFT
    each, places, counts = np.unique(found, return_inverse=True, return_counts=True)
    is_fresh = counts == 1
    asked = ~(is_fresh & unseen.take(each ^ np.uint64(salt))) if unseen else np.ones(len(each), dtype=np.bool_)
    each = each << NAME_SHIFT
    known = look_up(each[asked])
    held = asked.nonzero()[0][[place for place, value in enumerate(known) if value is not None]]
    is_fresh[held] = False
    names = np.empty(len(each), dtype=object)
    names[~is_fresh] = shared = anchor_names(each[~is_fresh])
    owners = np.repeat(np.arange(len(joined)), sizes)
    owner_of = np.empty(len(each), dtype=np.intp)
    owner_of[places] = owners
    return Named(
        articles=_by_article(sizes, names[places]),
        shared=shared,
        values=[value for value, is_one in zip(known, is_fresh[asked].tolist(), strict=True) if not is_one],
        fresh=each[is_fresh],
        owners=owner_of[is_fresh].tolist(),
    )


def _by_article(sizes: Sequence[int], names: NDArray[np.object_]) -> list[Anchors]:
    """``names``: those of all articles behind each other, None for each fresh one."""
    articles, start = [], 0
    for number, size in enumerate(sizes):
        shared = [name for name in names[start : start + size].tolist() if name is not None]
        articles.append(Anchors(shared, size - len(shared), number))
        start += size
    return articles
