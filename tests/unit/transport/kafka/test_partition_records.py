"""Unit tests of `stream.transport.kafka.partition_records`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition  # type: ignore[import-untyped]  # it ships no types

from stream.core.contracts.records import RefusedBatch
from stream.kafka.record_batches import DECOMPRESSED_BYTES_MAX
from stream.transport.kafka.partition_records import BoundedPartitionRecords, BoundedRecords
from tests.support.record_batches import CODECS, bomb, record_batch, replace_records

VALUES = [b"harbour", b"", "ميناء فيلمورا".encode() * 500]


def unpack(*batches: bytes, start: int = 0) -> Sequence[Any]:
    records = BoundedRecords(b"".join(batches))
    return list(BoundedPartitionRecords(TopicPartition("articles.raw", 3), records, [], start, None, None, True, 0))


@pytest.mark.parametrize("codec", [None, *CODECS])
def test_batches_within_the_bound_are_read_in_every_codec(codec: str | None) -> None:
    records = unpack(record_batch(VALUES, codec_name=codec), record_batch(VALUES, codec_name=codec, first_offset=3))
    assert [(record.offset, record.value) for record in records] == list(enumerate(VALUES * 2))
    first = records[0]
    assert (first.topic, first.partition, first.key, first.headers) == (
        "articles.raw",
        3,
        b"key",
        (("name", b"header"),),
    )
    assert first.timestamp == 1_777_896_000_000


@pytest.mark.parametrize("codec", CODECS)
def test_a_bomb_takes_the_place_of_its_records_and_the_next_batch_is_read(codec: str) -> None:
    before = record_batch(VALUES, codec_name=codec)
    after = record_batch([b"after"], codec_name=codec, first_offset=4)
    *_, refused, last = unpack(before, bomb(codec, DECOMPRESSED_BYTES_MAX + 1, first_offset=3), after)
    assert isinstance(refused, RefusedBatch)
    assert (refused.topic, refused.partition, refused.first_offset, refused.offset) == ("articles.raw", 3, 3, 3)
    assert f"larger than {DECOMPRESSED_BYTES_MAX} bytes" in refused.reason
    assert codec in refused.reason
    assert (last.offset, last.value) == (4, b"after")


@pytest.mark.parametrize("codec", CODECS)
def test_damaged_records_are_refused_with_the_offsets_of_all(codec: str) -> None:
    batch = record_batch(VALUES, codec_name=codec, first_offset=20)
    (refused,) = unpack(replace_records(batch, b"\xff" * 40))
    assert isinstance(refused, RefusedBatch)
    assert (refused.first_offset, refused.offset) == (20, 22)
    assert "offsets 20 to 22" in refused.reason
    assert "damaged" in refused.reason


def test_a_batch_that_is_cut_off_is_left_for_the_next_fetch() -> None:
    batch = record_batch(VALUES, codec_name="zstd")
    assert len(unpack(batch, batch[:30])) == len(VALUES)


@pytest.mark.parametrize("codec", [None, "gzip"])
def test_reading_ends_where_the_leader_epoch_changes(codec: str | None) -> None:
    batches = [
        record_batch([b"a", b"b"], codec_name=codec, leader_epoch=3),
        record_batch([b"c"], first_offset=2, leader_epoch=3),
        record_batch([b"d"], codec_name=codec, first_offset=3, leader_epoch=5),
        record_batch([b"e"], first_offset=4, leader_epoch=4),
    ]
    stored = BoundedRecords(b"".join(batches))
    records = BoundedPartitionRecords(TopicPartition("articles.raw", 3), stored, [], 0, None, None, True, 0)
    seen = []
    while True:
        offsets = [record.offset for record in records]
        seen.append((records.leader_epoch, offsets, records.next_fetch_offset, records.is_at_end))
        if not records.begin_next_epoch():
            break
    assert seen == [(3, [0, 1, 2], 3, True), (5, [3], 4, True), (4, [4], 5, True)]


def test_aborted_transactions_stay_known_in_the_next_leader_epoch() -> None:
    """The epochs of one fetch share what the broker said about transactions."""
    stored = BoundedRecords(record_batch([b"a"], leader_epoch=3) + record_batch([b"b"], first_offset=1, leader_epoch=4))
    records = BoundedPartitionRecords(TopicPartition("articles.raw", 3), stored, [(7, 0)], 0, None, None, True, 1)
    assert [record.offset for record in records] == [0]
    assert records.begin_next_epoch()
    assert [record.offset for record in records] == [1]
    assert not records.begin_next_epoch()
