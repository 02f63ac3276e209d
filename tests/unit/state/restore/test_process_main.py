"""The restore as its process does it: frames in, results out, an index on disk."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from stream.core.contracts.records import InputRecord, Record, RefusedBatch
from stream.core.index.changelog_records import SkippedRecord
from stream.core.index.partition_index import PartitionIndex
from stream.errors import IndexDamaged
from stream.state.restore.changelog_chunk import apply_records
from stream.state.restore.process_main import (
    LENGTH_BYTES,
    ChunkResult,
    RestoreRequest,
    encode_frame,
    run_restore,
    to_chunk,
)
from stream.state.rocksdb_store import RocksStore
from stream.transport.partitioner import partition_for
from tests.support.articles import generate_articles, with_takedowns
from tests.support.changelog import RECORDS, WINDOW_MS, changelog
from tests.support.restore import contents

MESSAGES = with_takedowns(generate_articles(60, seed=62), seed=62)


def frames(folder: Path, chunks: Sequence[Sequence[Record]]) -> bytes:
    """The frames that a worker sends."""
    request = RestoreRequest(str(folder), 1 << 20, WINDOW_MS, "log", 0)
    return encode_frame(request) + b"".join(
        encode_frame(to_chunk(records, records[-1].offset + 1)) for records in chunks
    )


def results_of(sent: bytes, store_type: type[RocksStore] = RocksStore) -> list[ChunkResult]:
    """The results for the frames ``sent``."""
    results = io.BytesIO()
    run_restore(io.BytesIO(sent), results, store_type=store_type)
    return list(_decode_results(results.getvalue()))


def _decode_results(data: bytes) -> Iterator[ChunkResult]:
    while data:
        length = int.from_bytes(data[:LENGTH_BYTES], "big")
        yield msgspec.msgpack.decode(data[LENGTH_BYTES : LENGTH_BYTES + length], type=ChunkResult)
        data = data[LENGTH_BYTES + length :]


def restore_in_process(folder: Path, chunks: Sequence[Sequence[InputRecord]]) -> None:
    """Restore the index in ``folder`` without a process."""
    index = PartitionIndex(RocksStore(folder), window_ms=WINDOW_MS)
    for records in chunks:
        apply_records(index, records, records[-1].offset + 1)
    index.end_restore()
    index.close()


def test_the_index_equals_the_one_that_a_worker_restores_itself(tmp_path: Path) -> None:
    records = changelog(MESSAGES)
    assert len({dict(record.headers)["ce_type"] for record in records}) == 2  # takedowns are among them
    chunks = [records[start : start + 17] for start in range(0, len(records), 17)]
    results = results_of(frames(tmp_path / "subprocess", chunks))
    assert [result.applied for result in results] == [len(records) for records in chunks]
    restore_in_process(tmp_path / "worker", chunks)
    assert contents(tmp_path / "subprocess") == contents(tmp_path / "worker")


def test_records_that_were_applied_before_are_not_new(tmp_path: Path) -> None:
    assert results_of(frames(tmp_path / "0", [RECORDS[:7]])) == [ChunkResult(7)]
    assert results_of(frames(tmp_path / "0", [RECORDS[:9], RECORDS[9:]])) == [ChunkResult(2), ChunkResult(3)]


@pytest.mark.parametrize("missing", [1, 40, 300])
def test_an_input_that_is_cut_off_leaves_the_index_of_what_came_before(tmp_path: Path, missing: int) -> None:
    sent = frames(tmp_path / "0", [RECORDS[:5], RECORDS[5:]])
    assert results_of(sent[:-missing]) == [ChunkResult(5)]
    restore_in_process(tmp_path / "worker", [RECORDS[:5]])
    assert contents(tmp_path / "0") == contents(tmp_path / "worker")


@pytest.mark.parametrize("length", [0, 2, 10])
def test_without_a_request_nothing_is_done(tmp_path: Path, length: int) -> None:
    assert results_of(frames(tmp_path / "0", [])[:length]) == []
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_cannot_be_used_is_skipped_and_named_also_in_a_chunk_of_its_own(tmp_path: Path) -> None:
    results = results_of(frames(tmp_path / "0", [RECORDS[:5], [replace(RECORDS[5], value=b"{}")], RECORDS[6:]]))
    reason = "Object missing required field `event_id`"
    assert results == [ChunkResult(5), ChunkResult(0, skipped=[SkippedRecord(5, "unusable", reason)]), ChunkResult(6)]


def test_a_batch_that_was_not_unpacked_is_skipped_with_its_reason(tmp_path: Path) -> None:
    refused = RefusedBatch("log", 0, 5, None, 4, "the record batch at offsets 4 to 5 is too large")
    (result,) = results_of(frames(tmp_path / "0", [[*RECORDS[:4], refused, *RECORDS[6:]]]))
    assert result == ChunkResult(10, skipped=[SkippedRecord(5, "unusable", refused.reason)])


def test_the_scopes_of_other_partitions_are_skipped(tmp_path: Path) -> None:
    expected = partition_for(b"default/en", 3)
    for partition in range(3):
        request = RestoreRequest(str(tmp_path / str(partition)), 1 << 20, WINDOW_MS, "log", partition, partitions=3)
        (result,) = results_of(encode_frame(request) + encode_frame(to_chunk(RECORDS, 12)))
        english = [record.offset for record in RECORDS if record.key == b"default/en"]
        skipped = {record.offset for record in result.skipped if record.reason.startswith("default/en belongs")}
        assert english
        assert skipped == (set() if partition == expected else set(english))


def test_an_index_that_is_open_elsewhere_gives_a_fault(tmp_path: Path) -> None:
    open_elsewhere = RocksStore(tmp_path / "0")
    (result,) = results_of(frames(tmp_path / "0", [RECORDS]))
    assert "in use by another worker" in str(result.fault)
    open_elsewhere.close()


class DamagedStore(RocksStore):
    """A store that turns out to be damaged when an article is looked up."""

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Fail at any key but those that the index keeps for itself."""
        if any(not key.startswith(b"\0") for key in keys):
            raise IndexDamaged("a block does not match its checksum")
        return [None] * len(keys)


def test_a_damaged_index_is_reset_when_it_is_opened_again(tmp_path: Path) -> None:
    (result,) = results_of(frames(tmp_path / "0", [RECORDS]), DamagedStore)
    assert result.fault == "a block does not match its checksum"
    again = RocksStore(tmp_path / "0")
    assert again.reset_reason == result.fault
    again.close()
