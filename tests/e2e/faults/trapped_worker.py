"""``stream worker`` with traps: kills itself at named points of a batch, and can be broken on purpose.

The production code has no hooks; this module wraps what it calls: the producer's deliveries, the index's store,
`RecordBatch.done` and the consumer's commits.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import resource
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from stream import system_clock
from stream.cli import main
from stream.core.contracts.records import OutputRecord, Record, RecordMetadata
from stream.runtime import worker
from stream.runtime.app import ArticleFlow
from stream.state import rocksdb_store
from stream.state.restore.changelog_check import ChangelogCheck
from stream.state.restore.process_pool import RestoreProcessPool
from stream.state.rocksdb_store import RocksStore
from stream.transport import log_checks
from stream.transport.errors import TransportError
from stream.transport.kafka import producer, transport
from stream.transport.record_batch import RecordBatch
from tests.e2e.faults import crash_points
from tests.e2e.faults.crash_points import Trap

log = logging.getLogger("faults.worker")

_RECORDS_MIN: Final = 150
_REPORT_S: Final = 1.0
_OUTPUTS: Final = ("enriched", "duplicates", "clusters", "fingerprints")


def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Replace a method by ``around(original, self, *args)``."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return around(original, self, *args, **kwargs)

    setattr(owner, name, call)


def set_traps(trap: Trap) -> None:
    """Set the named points around what the worker calls."""
    _trap_deliveries(trap)
    _trap_store(trap)
    _trap_offsets(trap)
    _trap_restore(trap)


def _trap_deliveries(trap: Trap) -> None:
    async def deliver(
        original: Any, self: Any, outputs: Sequence[OutputRecord], **options: Any
    ) -> list[RecordMetadata]:
        step = step_of(outputs)
        if step is None:
            return list(await original(self, outputs, **options))
        trap.reach(f"{step}.deliver.before")
        stored: list[RecordMetadata] = []
        if trap.claims(f"{step}.deliver.partly"):
            stored = await original(self, outputs[: len(outputs) // 2], **options)
            trap.fire()
        for name in _OUTPUTS if step == "deduplicate" else ():
            if trap.claims(f"{step}.deliver.{name}"):
                chosen = [out for out in outputs if out.topic.endswith(f"articles.{name}")]
                await original(self, chosen, **options)
                trap.fire()
        stored += await original(self, outputs[len(stored) :], **options)
        trap.reach(f"{step}.deliver.after")
        return stored

    wrap(producer.KafkaBatchProducer, "produce_all", deliver)


def _trap_store(trap: Trap) -> None:
    def write(original: Any, self: RocksStore, *args: Any) -> None:
        trap.reach("index.write.before")
        original(self, *args)
        trap.reach("index.write.after")

    def close(original: Any, self: RocksStore) -> None:
        trap.reach("close.before")
        original(self)
        trap.reach("close.after")

    wrap(RocksStore, "write", write)
    wrap(RocksStore, "close", close)


def _trap_offsets(trap: Trap) -> None:
    def done(original: Any, self: RecordBatch) -> None:
        step = "normalize" if self.tp.topic.endswith("articles.raw") else "deduplicate"
        trap.reach(f"{step}.done.before")
        original(self)
        trap.reach(f"{step}.done.after")

    async def commit(original: Any, self: Any, *args: Any) -> bool:
        trap.reach("commit.before")
        is_committed = await original(self, *args)
        trap.reach("commit.after")
        return bool(is_committed)

    wrap(RecordBatch, "done", done)
    wrap(transport.KafkaBatchConsumer, "commit_offsets", commit)


def _trap_restore(trap: Trap) -> None:
    async def replay(original: Any, self: Any, *args: Any) -> AsyncIterator[Sequence[Record]]:
        trap.reach("restore.before")
        async for records in original(self, *args):
            yield records
            trap.reach("restore.partly")
        trap.reach("restore.after")

    wrap(transport.Transport, "replay", replay)


def step_of(outputs: Sequence[OutputRecord]) -> str | None:
    """The step that made these outputs; None if unknown: dead letters alone, or nothing."""
    names = {out.topic.rpartition("articles.")[2] for out in outputs}
    if "normalized" in names:
        return "normalize"
    return "deduplicate" if names & set(_OUTPUTS) else None


def set_clock(file: Path) -> None:
    """Make the worker's wall clock wrong by the seconds in ``file``, which may change at any moment."""

    def step_s() -> float:
        try:
            return float(file.read_text(encoding="ascii") or 0)
        except FileNotFoundError:
            return 0.0

    system_clock.now_ms = lambda: int((time.time() + step_s()) * 1000)


def set_memtable(kib: int) -> None:
    """Make RocksDB write files of ``kib`` KiB."""
    options_of = rocksdb_store._options  # noqa: SLF001 - the only place where they are made

    def options(cache_bytes: int) -> Any:
        made = options_of(cache_bytes)
        made.set_write_buffer_size(kib * 1024)
        return made

    rocksdb_store._options = options  # noqa: SLF001 - as above


def break_worker(how: str) -> None:
    """Make the mistake that the checker has to find."""
    running: set[asyncio.Task[Any]] = set()

    async def not_awaited(
        original: Any, self: Any, outputs: Sequence[OutputRecord], **options: Any
    ) -> list[RecordMetadata]:
        task = asyncio.create_task(original(self, outputs, **options))
        running.add(task)
        task.add_done_callback(running.discard)
        return [RecordMetadata(out.topic, 0, -1) for out in outputs]

    async def swallowed(
        original: Any, self: Any, outputs: Sequence[OutputRecord], **options: Any
    ) -> list[RecordMetadata]:
        try:
            return list(await original(self, outputs, **options))
        except TransportError as error:
            log.warning("swallowed on purpose: %r", error)
            return [RecordMetadata(out.topic, 0, -1) for out in outputs]

    async def early(original: Any, self: Any, batch: RecordBatch) -> None:
        batch.done()
        await original(self, batch)

    if how == "blind":
        close_eyes()
    elif how == "no-await":
        wrap(producer.KafkaBatchProducer, "produce_all", not_awaited)
    elif how == "swallow":
        wrap(producer.KafkaBatchProducer, "produce_all", swallowed)
    elif how == "early-ack":
        wrap(ArticleFlow, "_normalize", early)
        wrap(ArticleFlow, "_deduplicate", early)
    else:
        raise SystemExit(f"{crash_points.BREAK}={how}: one of {', '.join(crash_points.BREAKS)}")


def close_eyes() -> None:
    """Do not notice that a log went back."""

    async def unchanged(*_args: Any, **_options: Any) -> bool:
        return False

    async def held(*_args: Any) -> bool:
        return True

    log_checks.describe_change = lambda *_: None  # type: ignore[attr-defined] # imported there, where it is called
    wrap(log_checks.TopicWatch, "observe", lambda *_: None)
    wrap(ChangelogCheck, "holds", held)
    worker.has_changed_logs = unchanged  # type: ignore[attr-defined] # as above


def start_processes_early() -> None:
    """Let processes do short restores too: a run is too short for long ones."""

    def init(original: Any, self: RestoreProcessPool, *args: Any, **options: Any) -> None:
        original(self, *args, **{**options, "records_min": _RECORDS_MIN})

    wrap(RestoreProcessPool, "__init__", init)


def end_early_after_log_changes() -> None:
    """Do not leave a minute for scraping the metrics: nobody does."""
    patient = worker.has_changed_logs  # type: ignore[attr-defined] # imported there, where it is called
    worker.has_changed_logs = functools.partial(patient, report_s=_REPORT_S)  # type: ignore[attr-defined] # as above


def prepare(environment: Mapping[str, str]) -> None:
    """Do what the environment asks for."""
    if limit := environment.get(crash_points.FILE_BYTES):
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), most))
    if kib := environment.get(crash_points.MEMTABLE_KIB):
        set_memtable(int(kib))
    if clock := environment.get(crash_points.CLOCK):
        set_clock(Path(clock))
    end_early_after_log_changes()
    if how := environment.get(crash_points.BREAK):
        break_worker(how)
    start_processes_early()
    orders = environment.get(crash_points.ORDERS)
    set_traps(Trap(Path(orders) if orders else None))


if __name__ == "__main__":
    prepare(os.environ)
    main(["worker"])
