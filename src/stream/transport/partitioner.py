"""Which partition a key belongs to: murmur2, exactly as Kafka's Java client does it."""

from __future__ import annotations

import struct
from functools import lru_cache

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit hash that Kafka's clients use, unsigned."""
    length = len(data)
    whole = length & ~3
    h = _SEED ^ length
    for (k,) in struct.iter_unpack("<I", data[:whole]):
        k = (k * _M) & _MASK  # noqa: PLW2901  # the algorithm works on it in place
        k = ((k ^ (k >> 24)) * _M) & _MASK  # noqa: PLW2901
        h = ((h * _M) & _MASK) ^ k
    if tail := data[whole:]:
        h = ((h ^ int.from_bytes(tail, "little")) * _M) & _MASK
    h = ((h ^ (h >> 13)) * _M) & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=1 << 14)
def partition_for(key: bytes, partitions: int) -> int:
    """Return the partition of ``key`` in a topic of ``partitions``. Cached: most records have one of few keys."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
