"""A Bloom filter of anchors: while an index is restored from nothing, it shows which anchors need not be looked up."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream.core.folding.hashing import Hashes

#: Size of the filter in bits, 32 MiB. With the anchors of a million articles in it, one new anchor in forty is taken
#: for a known one; with those of five million, one in four.
FILTER_BITS: Final = 2**28

_BIT_MASKS: Final = np.left_shift(1, np.arange(8)).astype(np.uint8)


class AnchorBloomFilter:
    """A set of anchors that may take a new anchor for a known one, but never a known anchor for a new one.

    Each anchor sets two bits (Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970).

    Args:
        bits: Size of the filter, a power of two of at most 2**48.

    >>> bloom_filter = AnchorBloomFilter(1024)
    >>> bloom_filter.add_new(np.array([5, 6], dtype=np.uint64))
    array([ True,  True])
    >>> bloom_filter.add_new(np.array([6, 7], dtype=np.uint64))
    array([False,  True])
    """

    def __init__(self, bits: int = FILTER_BITS) -> None:
        self._mask = np.uint64(bits - 1)
        self._bytes = np.zeros(bits // 8, dtype=np.uint8)

    def add_new(self, anchors: Hashes) -> NDArray[np.bool_]:
        """Add ``anchors``, and return which of them are new: one boolean each.

        Args:
            anchors: Numbers of 48 bits, each at most once.
        """
        is_new = np.zeros(len(anchors), dtype=np.bool_)
        for bit_index in (anchors & self._mask, (anchors >> np.uint64(20)) & self._mask):
            byte_index, mask = bit_index >> np.uint64(3), _BIT_MASKS[bit_index & np.uint64(7)]
            is_new |= (self._bytes[byte_index] & mask) == 0
            np.bitwise_or.at(self._bytes, byte_index, mask)
        return is_new
