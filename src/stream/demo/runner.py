"""Send the feed through a worker on ``memory://`` and collect what becomes of each article."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any, Final, NamedTuple

import orjson

from stream.core.contracts.records import OutputRecord, Record
from stream.core.pipeline.dead_letter import HEADER_PREFIX
from stream.core.pipeline.promotion import PROMOTED
from stream.demo.feed import WITHDRAWN_RESULT, Sample
from stream.errors import StreamError
from stream.runtime.app import ArticleFlow
from stream.settings import Settings, load_settings
from stream.transport.memory.transport import MemoryBroker

#: Limit for one message; the worker publishes within milliseconds unless something is broken.
ANSWER_TIMEOUT_S: Final = 20.0
_POLL_S: Final = 0.005


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came out for one article.

    ``number``: of its message, from 1. ``result``: a relation, a rejection code, or `WITHDRAWN_RESULT`. ``event``: the
    published event; None for a rejected or withdrawn article, whose ``reason`` is the error message or the id of the
    withdrawn article. ``explanation``: as in `Sample`.
    """

    number: int
    result: str
    expected: str
    note: str
    event: dict[str, Any] | None = None
    reason: str | None = None
    explanation: str | None = None

    @property
    def label(self) -> str:
        """Its name on the screen: ``#28``, or ``#28b`` for the second article of a message."""
        item = self.event["origin"]["item"] if self.event else None
        return f"#{self.number}" + ("" if item is None else ascii_lowercase[item])

    @property
    def is_expected(self) -> bool:
        """Whether it is what the feed expects."""
        return self.result == self.expected


class _Published(NamedTuple):
    """What the flow published for one article; the fields are those of `Arrival`."""

    result: str
    event: dict[str, Any] | None = None
    reason: str | None = None


class Demo:
    """A broker in memory with its topics, and the flow on it."""

    def __init__(self, *, web_port: int | None = None) -> None:
        name = f"demo-{uuid.uuid4().hex[:8]}"
        self.settings: Settings = load_settings(
            broker=f"memory://{name}",
            web_port=web_port or free_port(),
            topic_prefix="",
            session_timeout_s=6.0,
        )
        self.broker = MemoryBroker.get_or_create(name)
        for spec in self.settings.topic_specs:
            self.broker.create_topic(spec.name, spec.partitions, spec.config)
        self.flow = ArticleFlow(self.settings)
        self._positions: dict[str, int] = {}

    @property
    def url(self) -> str:
        """The URL of the worker's pages."""
        return f"http://{self.settings.web_host}:{self.settings.web_port}"

    async def feed(self, samples: Sequence[Sample], *, pause_s: float) -> AsyncIterator[Arrival]:
        """Send ``samples`` one after the other and yield what becomes of each article. The flow must be running.

        Raises:
            StreamError: nothing was published for a message.
        """
        for number, sample in enumerate(samples, 1):
            self.broker.produce(OutputRecord(self.settings.topics.raw, None, sample.value))
            published = await self._wait_for(number, len(sample.expected))
            for (result, event, reason), expected in zip(published, sample.expected, strict=True):
                yield Arrival(number, result, expected, sample.note, event, reason, sample.explanation)
            await asyncio.sleep(pause_s)

    async def _wait_for(self, number: int, count: int) -> list[_Published]:
        published: list[_Published] = []
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                while len(published) < count:
                    await asyncio.sleep(_POLL_S)
                    published += self._read_published()
        except TimeoutError:
            raise StreamError(
                f"nothing was published for message {number} of the demo within {ANSWER_TIMEOUT_S:g} s"
            ) from None
        return sorted(published, key=lambda item: ((item.event or {}).get("origin") or {}).get("item") or 0)

    def _read_published(self) -> list[_Published]:
        topics = self.settings.topics
        published: list[_Published] = []
        for record in self._read_new(topics.enriched, topics.duplicates):
            if record.value is not None:
                event = orjson.loads(record.value)
                if event["duplicate"]["method"] == PROMOTED:  # an article that was shown before
                    continue
                published.append(_Published(event["duplicate"]["relation"], event))
            elif record.topic == topics.enriched:  # the tombstone in the other topic is the same
                published.append(_Published(WITHDRAWN_RESULT, reason=dict(record.headers)["ce_articleid"].decode()))
        for record in self._read_new(topics.rejected):
            headers = {name.removeprefix(HEADER_PREFIX): value.decode() for name, value in record.headers}
            field = f"{headers['field']}: " if "field" in headers else ""
            published.append(_Published(headers["code"], reason=field + headers["message"]))
        return published

    def _read_new(self, *topics: str) -> list[Record]:
        """The records of ``topics`` that have not been read yet."""
        records: list[Record] = []
        for topic in topics:
            for partition in range(self.broker.partitions_for(topic)):
                name = f"{topic}/{partition}"
                new = self.broker.records(topic, partition, self._positions.get(name, 0))
                self._positions[name] = self._positions.get(name, 0) + len(new)
                records += new
        return records


def free_port() -> int:
    """Find a port on the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
