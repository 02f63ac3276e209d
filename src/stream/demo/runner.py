"""Sends the feed through a worker on ``memory://`` and collects what becomes of each article."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from stream.core.contracts.records import OutputRecord, Record
from stream.core.pipeline.dead_letter import HEADER_PREFIX
from stream.demo.feed import WITHDRAWN, Sample
from stream.errors import StreamError
from stream.runtime.app import ArticleFlow
from stream.settings import Settings, load_settings
from stream.transport.memory.transport import MemoryBroker

#: Seconds for one message; the worker answers in milliseconds unless something is broken.
ANSWER_TIMEOUT_S: Final = 20.0
_POLL_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came out for one article. ``result``: a relation, a rejection code, or `WITHDRAWN`.

    ``event``: None if it was rejected or withdrawn; ``reason``: why, or what was withdrawn.
    """

    number: int
    result: str
    expected: str
    note: str
    event: dict[str, Any] | None = None
    reason: str | None = None

    @property
    def is_expected(self) -> bool:
        """It came out as the feed's author meant it to."""
        return self.result == self.expected


class Demo:
    """A broker in memory, its topics, and the flow on it."""

    def __init__(self, *, web_port: int | None = None) -> None:
        name = f"demo-{uuid.uuid4().hex[:8]}"
        self.settings: Settings = load_settings(
            broker=f"memory://{name}",
            web_port=web_port or free_port(),
            topic_prefix="",
            session_timeout_s=6.0,
        )
        self.broker = MemoryBroker.named(name)
        for spec in self.settings.topic_specs:
            self.broker.create_topic(spec.name, spec.partitions, spec.config)
        self.flow = ArticleFlow(self.settings)
        self._read: dict[str, int] = {}

    @property
    def url(self) -> str:
        """Where the worker's pages are."""
        return f"http://{self.settings.web_host}:{self.settings.web_port}"

    async def feed(self, samples: Sequence[Sample], *, pause_s: float) -> AsyncIterator[Arrival]:
        """Send ``samples`` one after the other and give what becomes of each article. The flow must be running.

        Raises:
            StreamError: a message got no answer.
        """
        for number, sample in enumerate(samples, 1):
            self.broker.produce(OutputRecord(self.settings.topics.raw, None, sample.value))
            found = await self._answers(number, len(sample.expected))
            for (result, event, reason), expected in zip(found, sample.expected, strict=True):
                yield Arrival(number, result, expected, sample.note, event, reason)
            await asyncio.sleep(pause_s)

    async def _answers(self, number: int, count: int) -> list[tuple[str, dict[str, Any] | None, str | None]]:
        found: list[tuple[str, dict[str, Any] | None, str | None]] = []
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                while len(found) < count:
                    await asyncio.sleep(_POLL_S)
                    found += self._published()
        except TimeoutError:
            raise StreamError(f"message {number} of the demo got no answer in {ANSWER_TIMEOUT_S:g} s") from None
        return sorted(found, key=lambda answer: ((answer[1] or {}).get("origin") or {}).get("item") or 0)

    def _published(self) -> list[tuple[str, dict[str, Any] | None, str | None]]:
        topics = self.settings.topics
        answers: list[tuple[str, dict[str, Any] | None, str | None]] = []
        for record in self._new(topics.enriched, topics.duplicates):
            if record.value is not None:
                event = orjson.loads(record.value)
                answers.append((event["duplicate"]["relation"], event, None))
            elif record.topic == topics.enriched:  # the other topic has the same tombstone
                answers.append((WITHDRAWN, None, (record.key or b"").decode()))
        for record in self._new(topics.rejected):
            headers = {name.removeprefix(HEADER_PREFIX): value.decode() for name, value in record.headers}
            field = f"{headers['field']}: " if "field" in headers else ""
            answers.append((headers["code"], None, field + headers["message"]))
        return answers

    def _new(self, *topics: str) -> list[Record]:
        """Records that were not read before."""
        found: list[Record] = []
        for topic in topics:
            for partition in range(self.broker.partitions_for(topic)):
                place = f"{topic}/{partition}"
                records = self.broker.records(topic, partition, self._read.get(place, 0))
                self._read[place] = self._read.get(place, 0) + len(records)
                found += records
        return found


def free_port() -> int:
    """A port on the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
