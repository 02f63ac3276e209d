"""Restores one index in a process of its own: ``python -m stream.state.restore.process_main``, which a worker starts.

Frames come from standard input, first a `Task`, then `Portion`s of the changelog; each is answered on standard output.
Where the input ends, the worker has no more, or is gone: what was taken over is kept, and the index closed.
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
from stream.core.contracts import codec
from stream.core.contracts.events import FingerprintEvent, RemovalEvent
from stream.core.contracts.records import Headers, InputRecord, Record
from stream.core.index.partition_index import PartitionIndex
from stream.core.pipeline.deduplicate import decode_changelog_event
from stream.errors import IndexDamaged, IndexFault
from stream.state.rocksdb_store import RocksStore

Frame = TypeVar("Frame", bound=msgspec.Struct)

#: Before each frame stands its length in so many bytes, big end first.
LENGTH_BYTES: Final = 4


class Task(msgspec.Struct, frozen=True, array_like=True):
    """Which index is restored, from which partition of the changelog."""

    folder: str
    cache_bytes: int
    window_ms: int
    topic: str
    partition: int


class Portion(msgspec.Struct, frozen=True, array_like=True):
    """Records of the changelog in order: offset, value and headers of each. All before ``changelog_end`` were read."""

    records: Sequence[tuple[int, bytes | None, Headers]]
    changelog_end: int


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """How many records of a portion were new; where ``fault`` is given, no more is taken over."""

    taken: int
    fault: str | None = None


def framed(message: msgspec.Struct) -> bytes:
    """``message`` as a frame."""
    content = msgspec.msgpack.encode(message)
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def portion_of(records: Sequence[Record], changelog_end: int) -> Portion:
    """``records`` of one partition as they are handed over."""
    return Portion([(record.offset, record.value, list(record.headers)) for record in records], changelog_end)


def event_of(record: Record) -> FingerprintEvent | RemovalEvent:
    """The event in a record of the changelog.

    Raises:
        IndexFault: it is none.
    """
    try:
        return decode_changelog_event(record)
    except codec.UNREADABLE as error:
        raise IndexFault(
            f"{record.topic}/{record.partition}/{record.offset} is not a fingerprint ({error}); only the deduplicate "
            "step may write to this topic"
        ) from error


def restore(given: BinaryIO, answers: BinaryIO) -> None:
    """Do the task that ``given`` begins with, until it ends or a fault was answered."""
    task = _read(given, Task)
    if task is None:
        return
    try:
        store = RocksStore(Path(task.folder), cache_bytes=task.cache_bytes)
        with contextlib.closing(store):
            try:
                _take_over(task, PartitionIndex(store, window_ms=task.window_ms), given, answers)
            except IndexDamaged as damage:
                store.mark_corrupt(str(damage))
                raise
    except IndexFault as fault:
        _answer(answers, Answer(0, str(fault)))


def _take_over(task: Task, index: PartitionIndex, given: BinaryIO, answers: BinaryIO) -> None:
    while portion := _read(given, Portion):
        records = [
            InputRecord(task.topic, task.partition, offset, None, None, value, headers)
            for offset, value, headers in portion.records
        ]
        taken = index.apply_changelog([event_of(record) for record in records], changelog_end=portion.changelog_end)
        _answer(answers, Answer(taken))
    index.end_restore()


def _read(given: BinaryIO, kind: type[Frame]) -> Frame | None:
    """The next frame; None where there is no whole one."""
    length = int.from_bytes(given.read(LENGTH_BYTES), "big")
    content = given.read(length)
    return msgspec.msgpack.decode(content, type=kind) if content and len(content) == length else None


def _answer(answers: BinaryIO, answer: Answer) -> None:
    answers.write(framed(answer))
    answers.flush()


def main() -> None:
    """Restore what standard input says. Signals to all processes of a service are the worker's to heed."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gc_tuning.relax()
    with contextlib.suppress(BrokenPipeError):  # nobody is there to be answered
        restore(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
