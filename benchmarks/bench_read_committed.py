"""Measures what it costs to read committed records only: the isolation level of all consumers of this project.

A reader as the transport makes it reads one partition of a real broker in turn with both levels; the records are those
of an idempotent producer, without transactions, as workers write them.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
import uuid
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]  # it ships no types
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from benchmarks.bench_worker import start_kafka
from stream.transport.kafka.aiokafka_patches import READ_COMMITTED, READ_UNCOMMITTED

RECORDS: Final = 200_000
VALUE_BYTES: Final = 1_500
RUNS: Final = 7


async def write(broker: str, topic: str) -> None:
    """Write the records, compressed."""
    producer = AIOKafkaProducer(bootstrap_servers=broker, enable_idempotence=True, max_batch_size=512 * 1024)
    await producer.start()
    try:
        text = os.urandom(VALUE_BYTES // 2).hex().encode()
        for start in range(0, RECORDS, 5_000):
            sent = [await producer.send(topic, b"%d" % n + text, partition=0) for n in range(start, start + 5_000)]
            await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def read(broker: str, topic: str, isolation_level: str) -> tuple[float, float]:
    """Read everything; returns seconds, and seconds of CPU of this process."""
    reader = AIOKafkaConsumer(
        bootstrap_servers=broker, group_id=None, auto_offset_reset="earliest", isolation_level=isolation_level
    )
    await reader.start()
    try:
        reader.assign([TopicPartition(topic, 0)])
        started_at, started_cpu, records = time.perf_counter(), time.process_time(), 0
        while records < RECORDS:
            for fetched in (await reader.getmany(timeout_ms=1000)).values():
                records += len(fetched)
        return time.perf_counter() - started_at, time.process_time() - started_cpu
    finally:
        await reader.stop()


async def measure(broker: str) -> None:
    """Print the ratio of the levels, each run next to one of the other level."""
    topic = f"bench-{uuid.uuid4().hex}"
    with KafkaAdminClient(bootstrap_servers=broker) as admin:
        admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    await write(broker, topic)
    await read(broker, topic, READ_COMMITTED)  # fills the page cache
    ratios, cpu_ratios = [], []
    for run in range(RUNS):
        levels = (READ_COMMITTED, READ_UNCOMMITTED) if run % 2 else (READ_UNCOMMITTED, READ_COMMITTED)
        seconds = {level: await read(broker, topic, level) for level in levels}
        (committed_s, committed_cpu), (all_s, all_cpu) = seconds[READ_COMMITTED], seconds[READ_UNCOMMITTED]
        ratios.append(committed_s / all_s)
        cpu_ratios.append(committed_cpu / all_cpu)
        print(f"committed {RECORDS / committed_s:,.0f}/s, all {RECORDS / all_s:,.0f}/s")
    print(f"time: {statistics.median(ratios):.3f}, CPU: {statistics.median(cpu_ratios):.3f} of reading all records")


def run() -> None:
    """Measure on a broker of its own."""
    with start_kafka() as broker:
        asyncio.run(measure(broker))
