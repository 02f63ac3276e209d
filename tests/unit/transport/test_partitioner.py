"""The partition of a key is the one that Kafka's other clients choose."""

from __future__ import annotations

from aiokafka.partitioner import murmur2 as reference  # type: ignore[import-untyped]  # no types
from hypothesis import given
from hypothesis import strategies as st

from stream.transport.partitioner import murmur2, partition_for


@given(st.binary(max_size=40))
def test_the_hash_is_kafkas_murmur2(data: bytes) -> None:
    assert murmur2(data) == reference(data)


@given(st.binary(max_size=40), st.integers(1, 50))
def test_the_partition_of_a_key_is_kafkas(key: bytes, partitions: int) -> None:
    assert partition_for(key, partitions) == (reference(key) & 0x7FFFFFFF) % partitions
