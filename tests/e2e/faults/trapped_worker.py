"""``stream worker`` with traps: ends itself at named points of a batch, and can be broken on purpose.

The production code has no hooks; what it calls is wrapped here: the producer's deliveries, the index's store,
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
from stream.runtime.app import ArticleFlow
from stream.state import rocksdb_store
from stream.state.restore.process_pool import RestoreProcessPool
from stream.state.rocksdb_store import RocksStore
from stream.transport.errors import TransportError
from stream.transport.kafka import producer, transport
from stream.transport.record_batch import RecordBatch
from tests.e2e.faults import crash_points
from tests.e2e.faults.crash_points import Trap

log = logging.getLogger("faults.worker")

_RECORDS_MIN: Final = 150
_OUTPUTS: Final = ("enriched", "duplicates", "clusters", "fingerprints")


def wrap(owner: Any, name: str, around: Callable[..., Any]) -> None:
    """Replace a method by ``around(original, self, *args)``."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return around(original, self, *args, **kwargs)

    setattr(owner, name, call)


def set_traps(trap: Trap) -> None:
    """Put the named points around what the worker calls."""
    _trap_deliveries(trap)
    _trap_store(trap)
    _trap_offsets(trap)
    _trap_restore(trap)


def _trap_deliveries(trap: Trap) -> None:
    async def deliver(original: Any, self: Any, outputs: Sequence[OutputRecord], **given: Any) -> list[RecordMetadata]:
        step = step_of(outputs)
        if step is None:
            return list(await original(self, outputs, **given))
        trap.passing(f"{step}.deliver.before")
        stored: list[RecordMetadata] = []
        if trap.is_set(f"{step}.deliver.partly"):
            stored = await original(self, outputs[: len(outputs) // 2], **given)
            trap.spring()
        for name in _OUTPUTS if step == "deduplicate" else ():
            if trap.is_set(f"{step}.deliver.{name}"):
                chosen = [out for out in outputs if out.topic.endswith(f"articles.{name}")]
                await original(self, chosen, **given)
                trap.spring()
        stored += await original(self, outputs[len(stored) :], **given)
        trap.passing(f"{step}.deliver.after")
        return stored

    wrap(producer.Producer, "produce_all", deliver)


def _trap_store(trap: Trap) -> None:
    def write(original: Any, self: RocksStore, *args: Any) -> None:
        trap.passing("index.write.before")
        original(self, *args)
        trap.passing("index.write.after")

    def close(original: Any, self: RocksStore) -> None:
        trap.passing("close.before")
        original(self)
        trap.passing("close.after")

    wrap(RocksStore, "write", write)
    wrap(RocksStore, "close", close)


def _trap_offsets(trap: Trap) -> None:
    def done(original: Any, self: RecordBatch) -> None:
        step = "normalize" if self.tp.topic.endswith("articles.raw") else "deduplicate"
        trap.passing(f"{step}.done.before")
        original(self)
        trap.passing(f"{step}.done.after")

    async def store(original: Any, self: Any, offsets: Mapping[Any, int]) -> bool:
        trap.passing("commit.before")
        stored = await original(self, offsets)
        trap.passing("commit.after")
        return bool(stored)

    wrap(RecordBatch, "done", done)
    wrap(transport.Consumer, "store", store)


def _trap_restore(trap: Trap) -> None:
    async def replay(original: Any, self: Any, *args: Any) -> AsyncIterator[Sequence[Record]]:
        trap.passing("restore.before")
        async for records in original(self, *args):
            yield records
            trap.passing("restore.partly")
        trap.passing("restore.after")

    wrap(transport.Transport, "replay", replay)


def step_of(outputs: Sequence[OutputRecord]) -> str | None:
    """Which step made these outputs; None where they do not tell: dead letters alone, or nothing."""
    names = {out.topic.rpartition("articles.")[2] for out in outputs}
    if "normalized" in names:
        return "normalize"
    return "deduplicate" if names & set(_OUTPUTS) else None


def set_clock(file: Path) -> None:
    """Let the worker's wall clock be wrong by the seconds that ``file`` tells, from one moment to the next."""

    def step_s() -> float:
        try:
            return float(file.read_text(encoding="ascii") or 0)
        except FileNotFoundError:
            return 0.0

    class Clock:
        """The module ``time``, but for the time of day."""

        def __getattr__(self, name: str) -> Any:
            return getattr(time, name)

        def time(self) -> float:
            return time.time() + step_s()

    system_clock.now_ms = lambda: int((time.time() + step_s()) * 1000)
    vars(producer)["time"] = Clock()


def set_memtable(kib: int) -> None:
    """Let RocksDB write files of ``kib`` KiB."""
    options_of = rocksdb_store._options  # noqa: SLF001 - the only place where they are made

    def options(cache_bytes: int) -> Any:
        made = options_of(cache_bytes)
        made.set_write_buffer_size(kib * 1024)
        return made

    rocksdb_store._options = options  # noqa: SLF001 - as above


def break_delivery(how: str) -> None:
    """Make the mistake that the harness has to find."""
    running: set[asyncio.Task[Any]] = set()

    async def not_awaited(
        original: Any, self: Any, outputs: Sequence[OutputRecord], **given: Any
    ) -> list[RecordMetadata]:
        task = asyncio.create_task(original(self, outputs, **given))
        running.add(task)
        task.add_done_callback(running.discard)
        return [RecordMetadata(out.topic, 0, -1) for out in outputs]

    async def swallowed(
        original: Any, self: Any, outputs: Sequence[OutputRecord], **given: Any
    ) -> list[RecordMetadata]:
        try:
            return list(await original(self, outputs, **given))
        except TransportError as error:
            log.warning("swallowed on purpose: %r", error)
            return [RecordMetadata(out.topic, 0, -1) for out in outputs]

    async def early(original: Any, self: Any, batch: RecordBatch) -> None:
        batch.done()
        await original(self, batch)

    if how == "no-await":
        wrap(producer.Producer, "produce_all", not_awaited)
    elif how == "swallow":
        wrap(producer.Producer, "produce_all", swallowed)
    elif how == "early-ack":
        wrap(ArticleFlow, "_normalize", early)
        wrap(ArticleFlow, "_deduplicate", early)
    else:
        raise SystemExit(f"{crash_points.BREAK}={how}: one of {', '.join(crash_points.BREAKS)}")


def start_processes_early() -> None:
    """Let processes do short restores too: a run is too short for long ones."""

    def init(original: Any, self: RestoreProcessPool, *args: Any, **options: Any) -> None:
        original(self, *args, **{**options, "records_min": _RECORDS_MIN})

    wrap(RestoreProcessPool, "__init__", init)


def prepare(environment: Mapping[str, str]) -> None:
    """Do what the environment asks for."""
    if limit := environment.get(crash_points.FILE_BYTES):
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), most))
    if kib := environment.get(crash_points.MEMTABLE_KIB):
        set_memtable(int(kib))
    if clock := environment.get(crash_points.CLOCK):
        set_clock(Path(clock))
    if how := environment.get(crash_points.BREAK):
        break_delivery(how)
    start_processes_early()
    orders = environment.get(crash_points.ORDERS)
    set_traps(Trap(Path(orders) if orders else None))


if __name__ == "__main__":
    prepare(os.environ)
    main(["worker"])
