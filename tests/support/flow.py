"""A broker with the topics of the flow, the flows that run on it, and what they publish."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from faust.types import TP

from stream.core.contracts.records import LogId, OutputRecord, Record
from stream.core.pipeline.offline import OfflineFlow
from stream.core.timestamps import format_rfc3339
from stream.runtime.app import ArticleFlow, FaultHandler
from stream.settings import STAGES, Settings, Stage
from stream.transport.record_batch import RecordBatch, consumer_of
from tests.support.flow_brokers import FlowBackend, FlowMemory

#: Seconds after which a wait has failed. Generous: a wait only takes that long when something is broken.
DEADLINE: Final = 90.0

Faults = list[tuple[str, RecordBatch, BaseException]]


async def until(condition: Callable[[], Awaitable[object] | object], what: str, *, seconds: float = DEADLINE) -> None:
    """Wait until ``condition()``, which may be a coroutine, is true."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                result = condition()
                if await result if isinstance(result, Awaitable) else result:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"not in {seconds:g} s: {what}") from None


@dataclass(slots=True)
class Running:
    """A flow that was started, and its faults."""

    flow: ArticleFlow
    faults: Faults = field(default_factory=list)

    @property
    def restored(self) -> float:
        """How many changelog records were read."""
        return self.flow.metrics.registry.get_sample_value("stream_records_restored_total") or 0

    def finished(self, topic: str) -> int:
        """How many records of ``topic`` are finished, over the partitions that this flow has."""
        return sum(state.finished for tp, state in consumer_of(self.flow.app).progress().items() if tp.topic == topic)


class Clock:
    """A monotonic clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now


class Site:
    """A broker of one test: settings, topics, flows, and what is in the topics."""

    def __init__(self, backend: FlowBackend, data_dir: Path, **settings: Any) -> None:
        self.backend = backend
        self.is_memory = isinstance(backend, FlowMemory)
        self.settings = Settings(
            broker=backend.url.removeprefix("kafka+batch://"),
            group=f"{backend.prefix}-group",
            topic_prefix=f"{backend.prefix}-",
            data_dir=data_dir,
            # The broker in this process answers at once; Kafka refuses sessions of less than six seconds.
            session_timeout_s=2 if self.is_memory else 6,
            **{"output_partitions": 2, "scope_partitions": 2, **settings},
        )
        self.topics = self.settings.topics
        #: The log of each partition of the raw topic.
        self.raw_log: LogId | None = None
        self._running: list[Running] = []

    async def create_topics(self, *, but: Sequence[str] = ()) -> None:
        """Create the topics of the flow, apart from ``but``."""
        for spec in self.settings.topic_specs:
            if spec.name not in but:
                await self.create_topic(spec.name)

    async def create_topic(self, name: str) -> None:
        """Create one topic of the flow."""
        spec = next(spec for spec in self.settings.topic_specs if spec.name == name)
        await self.backend.create(spec.name, spec.partitions, spec.config)
        if name == self.topics.raw:
            self.raw_log = LogId(await self.backend.topic_id(name), 0)

    async def send(self, *values: Any, partition: int | None = None) -> None:
        """Store messages in the raw topic: articles, arrays of them, bytes as they are, or whole records."""
        await self.backend.produce([self._to_output(value, partition) for value in values])

    def _to_output(self, value: Any, partition: int | None) -> OutputRecord:
        if isinstance(value, OutputRecord):
            return value
        content = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
        return OutputRecord(self.topics.raw, None, content, (), partition)

    async def start(
        self, steps: Sequence[Stage] = STAGES, prepare: Callable[[ArticleFlow], None] | None = None, **parts: Any
    ) -> Running:
        """Start a flow. ``parts``: arguments of `ArticleFlow`; ``prepare`` is called before the start."""
        faults: Faults = []
        on_fault: FaultHandler = parts.pop("on_fault", lambda *fault: faults.append(fault))
        flow = ArticleFlow(self.settings, steps=steps, on_fault=on_fault, **parts)
        if prepare:
            prepare(flow)
        await flow.app.start()
        running = Running(flow, faults)
        self._running.append(running)
        return running

    async def stop(self, running: Running) -> None:
        """Stop a flow as a signal would."""
        self._running.remove(running)
        await running.flow.stop()

    async def stop_all(self) -> None:
        """Stop all flows that still run."""
        for running in list(self._running):
            await self.stop(running)

    async def settle(self, *runnings: Running) -> None:
        """Wait until these flows together have processed everything in both steps."""
        await until(lambda: self._is_settled(runnings), "everything processed")

    async def _is_settled(self, runnings: Sequence[Running]) -> bool:
        assert [running.faults for running in runnings] == [[] for _ in runnings]
        for topic in (self.topics.raw, self.topics.normalized):
            if sum(running.finished(topic) for running in runnings) < await self.backend.end(topic):
                return False
        return True

    async def process(self, *values: Any) -> None:
        """Send messages and process them with a flow that is started and stopped for them."""
        await self.send(*values)
        running = await self.start()
        await self.settle(running)
        await self.stop(running)
        assert running.faults == []

    async def committed(self, topic: str) -> int:
        """What the group has committed, over all partitions."""
        partitions = await self.backend.partitions(topic)
        return sum([await self.backend.committed(self.settings.group, TP(topic, p)) or 0 for p in range(partitions)])

    async def records(self, *topics: str) -> list[Record]:
        """The records of ``topics``, partition after partition."""
        records: list[Record] = []
        for topic in topics:
            for partition in range(await self.backend.partitions(topic)):
                records += await self.backend.contents(TP(topic, partition))
        return records

    async def events(self) -> list[dict[str, Any]]:
        """The events that consumers read: new content and duplicates, without tombstones."""
        records = await self.records(self.topics.enriched, self.topics.duplicates)
        return [orjson.loads(record.value) for record in records if record.value is not None]

    async def tombstones(self, topic: str) -> set[str]:
        """The article ids of the records without a value in a topic; all are of the tenant ``default``."""
        return {
            (record.key or b"").decode().removeprefix("default/")
            for record in await self.records(topic)
            if record.value is None
        }

    async def clusters(self) -> dict[str, dict[str, Any] | None]:
        """The newest record of each cluster; None where that is a tombstone."""
        return {
            (record.key or b"").decode().removeprefix("default/"): orjson.loads(record.value) if record.value else None
            for record in await self.records(self.topics.clusters)
        }

    async def relations(self) -> dict[int, str]:
        """The relation of each event, by its offset in a raw topic of one partition; no event has two."""
        return {offset: event["duplicate"]["relation"] for offset, event in by_offset(await self.events()).items()}


def by_offset(events: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Events by their offset in the raw topic; an event that was published again must be the same.

    Without those of articles that became canonical, which have the origin of the first event.
    """
    events_by_offset: dict[int, dict[str, Any]] = {}
    for event in events:
        if event["duplicate"]["method"] == "promoted":
            continue
        assert events_by_offset.setdefault(event["origin"]["offset"], event) == event
    return events_by_offset


def verdicts(events: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Events by raw offset, without the broker's timestamp, which a run without a broker does not have."""
    return {
        offset: {**event, "origin": {**event["origin"], "timestamp": None}} for offset, event in sorted(events.items())
    }


def verdicts_without_interruption(site: Site, articles: Sequence[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """What the flow publishes for these messages if it is never interrupted."""
    public = (site.topics.enriched, site.topics.duplicates)
    outputs = [output for output in offline(site, articles) if output.topic in public and output.value is not None]
    return verdicts(by_offset(orjson.loads(output.value or b"") for output in outputs))


def offline(site: Site, messages: Sequence[dict[str, Any]]) -> list[OutputRecord]:
    """Everything that the second step publishes for these messages, without a broker."""
    flow = OfflineFlow(topics=site.topics, window_ms=site.settings.window_ms, log=site.raw_log)
    return [
        output
        for outcomes in flow.run(map(orjson.dumps, messages), now=format_rfc3339(0))
        for outcome in outcomes
        for output in outcome.outputs
    ]


def headers(record: Record) -> dict[str, str]:
    """The headers as text; no name may occur twice."""
    names = [name for name, _ in record.headers]
    assert len(set(names)) == len(names)
    return {name: value.decode() for name, value in record.headers}
