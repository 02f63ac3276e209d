"""Workers on the broker in memory."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from faust.types import TP

from stream.core.contracts.records import OutputRecord
from tests.support.transports import numbered_records, until

if TYPE_CHECKING:
    import faust

    from stream.transport.record_batch import RecordBatch
    from tests.support.transports import Apps, MemoryBackend


async def test_a_worker_reads_records_from_another_thread(apps: Apps, memory: MemoryBackend) -> None:
    memory.broker.create_topic("t", 2)
    seen: list[int] = []

    async def handler(_app: faust.App, batch: RecordBatch) -> None:
        seen.extend(int(record.value or b"") for record in batch)
        batch.done()

    await apps.start(apps.make(memory, "t", handler))
    for n in range(20):
        await asyncio.to_thread(memory.broker.produce, OutputRecord("t", b"%d" % n, b"%d" % n))
        await until(lambda n=n: n in seen, "the record")  # type: ignore[misc]
    assert seen == list(range(20))


async def test_a_worker_goes_on_after_deleted_records(apps: Apps, memory: MemoryBackend) -> None:
    memory.broker.create_topic("t", 1)
    memory.broker.produce_all(numbered_records("t", range(10)))
    memory.broker.commit(f"{memory.prefix}-group", {TP("t", 0): 2})
    memory.broker.trim(TP("t", 0), 6)
    seen: list[int] = []

    async def handler(_app: faust.App, batch: RecordBatch) -> None:
        seen.extend(record.offset for record in batch)
        batch.done()

    await apps.start(apps.make(memory, "t", handler))
    await until(lambda: len(seen) == 4, "the rest")
    assert seen == [6, 7, 8, 9]
