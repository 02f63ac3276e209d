"""Hashes of folded tokens, which depend on nothing but the code points of the token."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream.core.folding.tables import Codes

Hashes = NDArray[np.uint64]

# The base of the polynomial that hashes a token; it is odd, so it has an inverse modulo 2**64.
_BASE: Final = 0x100000001B3
_POWERS_CACHED: Final = 131_072


def hash_tokens(codes: Codes, starts: NDArray[np.intp]) -> Hashes:
    """Hash each token of ``codes``; tokens begin at ``starts``, and `GAP` between them adds nothing to a hash."""
    if not len(starts):
        return np.empty(0, np.uint64)
    # One polynomial runs over the whole text; dividing by the power at a token's start gives the token's own value.
    powers, inverses = _powers(len(codes))
    sums = np.add.reduceat(codes * powers[: len(codes)], starts)
    sums *= inverses[starts]
    return mix(sums)


def mix(values: Hashes) -> Hashes:
    """Mix each value by the finalizer of SplitMix64, which spreads the hashes evenly."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def _powers(count: int) -> tuple[Hashes, Hashes]:
    """At least ``count`` powers of the hash's base, from the first on, and their inverses, from the zeroth on."""
    return _cached_powers() if count <= _POWERS_CACHED else _compute_powers(count)


@cache
def _cached_powers() -> tuple[Hashes, Hashes]:
    return _compute_powers(_POWERS_CACHED)


def _compute_powers(count: int) -> tuple[Hashes, Hashes]:
    powers = np.full(count, _BASE, dtype=np.uint64)
    inverses = np.full(count, pow(_BASE, -1, 2**64), dtype=np.uint64)
    inverses[:1] = 1
    return np.multiply.accumulate(powers), np.multiply.accumulate(inverses)
