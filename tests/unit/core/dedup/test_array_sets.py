"""Sets and sliding windows of hashes, against plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.dedup.array_sets import isin_sorted, shingle_hashes, sorted_unique, window_minima
from stream.core.dedup.fingerprint import TokenHashes
from stream.core.folding.hashing import Hashes

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=80).map(lambda values: np.array(values, dtype=np.uint64))
FEW_HASHES = st.lists(st.integers(0, 40), max_size=30).map(lambda values: np.array(values, dtype=np.uint64))


@given(HASHES, st.integers(1, 40))
def test_minima_are_the_smallest_of_each_window(values: Hashes, window: int) -> None:
    width = min(window, len(values))
    smallest = window_minima(values, width).tolist()
    expected = [min(values[i : i + width].tolist()) for i in range(len(values) - width + 1)] if width else []
    assert smallest == expected


@given(HASHES, st.integers(1, 8))
def test_there_is_one_run_for_each_position_where_it_fits(tokens: Hashes, size: int) -> None:
    hashes = shingle_hashes(tokens, size).tolist()
    assert len(hashes) == max(0, len(tokens) - size + 1)
    assert hashes == [int(shingle_hashes(tokens[i : i + size], size)[0]) for i in range(len(hashes))]


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 6))
def test_runs_have_one_hash_if_their_tokens_are_the_same(values: list[int], size: int) -> None:
    tokens: TokenHashes = np.array([value << 14 for value in values], dtype=np.uint16)
    tuples = [tuple(values[i : i + size]) for i in range(len(values) - size + 1)]
    pairs = set(zip(tuples, shingle_hashes(tokens, size).tolist(), strict=True))
    assert len({run for run, _ in pairs}) == len({value for _, value in pairs}) == len(pairs)


@given(FEW_HASHES, FEW_HASHES)
def test_isin_sorted_finds_the_values_that_both_arrays_have(values: Hashes, others: Hashes) -> None:
    expected = [value in set(others.tolist()) for value in values.tolist()]
    assert isin_sorted(values, np.sort(others)).tolist() == expected


@given(FEW_HASHES)
def test_unique_sorts_and_drops_repeats(values: Hashes) -> None:
    assert sorted_unique(values).tolist() == sorted(set(values.tolist()))
    assert sorted_unique(np.sort(values), is_sorted=True).tolist() == sorted(set(values.tolist()))


@pytest.mark.parametrize(
    ("size", "expected"), [(3, [0x0003_0002_0001]), (4, [0x0004_0003_0002_0001]), (5, [0xB082_8C12_1743_158F])]
)
def test_a_shingle_that_fits_into_64_bits_is_its_own_hash(size: int, expected: list[int]) -> None:
    assert shingle_hashes(np.arange(1, size + 1, dtype=np.uint16), size).tolist() == expected
