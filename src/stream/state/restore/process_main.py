"""Restores one index in a process of its own, which a worker starts: ``python -m stream.state.restore.process_main``.

Standard input carries frames: a `RestoreRequest`, then `ChangelogChunk`s. Each chunk is answered with a `ChunkResult`
frame on standard output. At the end of the input (the worker has sent everything, or has died) the index is closed
with all that was applied.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import msgspec

from stream import gc_tuning
from stream.core.contracts.records import Headers, InputRecord, Record, RefusedBatch
from stream.core.index.changelog_records import SkippedRecord
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import guard_store
from stream.errors import IndexFault
from stream.state.restore.changelog_chunk import apply_records
from stream.state.rocksdb_store import RocksStore

Frame = TypeVar("Frame", bound=msgspec.Struct)

#: A frame is the length of its content in this many bytes (big endian), then the content (MessagePack).
LENGTH_BYTES: Final = 4


class RestoreRequest(msgspec.Struct, frozen=True, array_like=True):
    """Which index to restore, and from which partition of the changelog."""

    folder: str
    cache_bytes: int
    window_ms: int
    topic: str
    partition: int
    partitions: int | None = None


class ChangelogChunk(msgspec.Struct, frozen=True, array_like=True):
    """Consecutive changelog records. ``changelog_end``: the offset after them.

    Of each record: offset, value, headers, and the reason why its batch was not unpacked, if it was not.
    """

    records: Sequence[tuple[int, bytes | None, Headers, str | None]]
    changelog_end: int


class ChunkResult(msgspec.Struct, frozen=True, array_like=True):
    """How many records of a chunk were new, and which were skipped. After a ``fault`` no more chunks are applied."""

    applied: int
    fault: str | None = None
    skipped: list[SkippedRecord] = []


def encode_frame(message: msgspec.Struct) -> bytes:
    """Return ``message`` as a frame."""
    content = msgspec.msgpack.encode(message)
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def to_chunk(records: Sequence[Record], changelog_end: int) -> ChangelogChunk:
    """Return ``records``, which are of one partition, as a chunk."""
    sent = [
        (record.offset, record.value, list(record.headers), record.reason if isinstance(record, RefusedBatch) else None)
        for record in records
    ]
    return ChangelogChunk(sent, changelog_end)


def run_restore(frames: BinaryIO, results: BinaryIO, *, store_type: type[RocksStore] = RocksStore) -> None:
    """Restore the index that the first frame asks for, until the frames end or a fault was sent."""
    request = _read_frame(frames, RestoreRequest)
    if request is None:
        return
    try:
        store = store_type(Path(request.folder), cache_bytes=request.cache_bytes)
        with contextlib.closing(store), guard_store(store):
            _apply_chunks(request, PartitionIndex(store, window_ms=request.window_ms), frames, results)
    except IndexFault as fault:
        _write_result(results, ChunkResult(0, str(fault)))


def _apply_chunks(request: RestoreRequest, index: PartitionIndex, frames: BinaryIO, results: BinaryIO) -> None:
    while chunk := _read_frame(frames, ChangelogChunk):
        records = [_to_record(request, *sent) for sent in chunk.records]
        applied, skipped = apply_records(index, records, chunk.changelog_end, partitions=request.partitions)
        _write_result(results, ChunkResult(applied, skipped=skipped))
    index.end_restore()


def _to_record(
    request: RestoreRequest, offset: int, value: bytes | None, headers: Headers, refusal: str | None
) -> Record:
    if refusal is not None:
        return RefusedBatch(request.topic, request.partition, offset, None, offset, refusal)
    return InputRecord(request.topic, request.partition, offset, None, None, value, headers)


def _read_frame(frames: BinaryIO, kind: type[Frame]) -> Frame | None:
    """The next frame; None at the end of the input, also if it ends within a frame."""
    length = int.from_bytes(frames.read(LENGTH_BYTES), "big")
    content = frames.read(length)
    return msgspec.msgpack.decode(content, type=kind) if content and len(content) == length else None


def _write_result(results: BinaryIO, result: ChunkResult) -> None:
    results.write(encode_frame(result))
    results.flush()


def main() -> None:
    """Restore what standard input asks for."""
    # A supervisor sends SIGTERM to all processes of the service; the worker ends this one by closing its input.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gc_tuning.tune_gc()
    with contextlib.suppress(BrokenPipeError):  # the worker is gone, and nobody reads the results
        run_restore(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
