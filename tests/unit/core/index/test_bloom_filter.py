"""The Bloom filter never takes a known anchor for a new one, and rarely a new one for a known one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stream.core.index.bloom_filter import AnchorBloomFilter

BITS = 2**10
ANCHOR_MAX = 2**48 - 1


@given(st.lists(st.sets(st.integers(0, ANCHOR_MAX), max_size=50), max_size=20))
def test_an_anchor_that_was_added_is_never_new_again(batches: list[set[int]]) -> None:
    bloom_filter, added = AnchorBloomFilter(BITS), set[int]()
    for batch in batches:
        anchors = np.array(sorted(batch), dtype=np.uint64)
        is_new = dict(zip(anchors.tolist(), bloom_filter.add_new(anchors).tolist(), strict=True))
        assert not any(is_new[anchor] for anchor in batch & added)
        added |= batch


def test_most_anchors_that_were_not_added_are_new() -> None:
    bloom_filter = AnchorBloomFilter(2**20)
    anchors = np.unique(np.random.default_rng(1).integers(ANCHOR_MAX, size=100_000, dtype=np.uint64))
    bloom_filter.add_new(anchors[::2])
    assert bloom_filter.add_new(anchors[1::2]).mean() > 0.9
