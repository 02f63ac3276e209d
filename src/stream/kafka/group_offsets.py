"""What the broker knows of the group: where partitions end, what is committed, when a record was stored.

Asked with clients of its own, outside the group: the worker's consumer shares its connection with fetches and
heartbeats, and tells nothing of partitions that other workers have.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # it ships no types
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # type: ignore[import-untyped]
from aiokafka.errors import GroupLoadInProgressError, for_code  # type: ignore[import-untyped]
from faust.types import TP

from stream.kafka.security import load_access
from stream.settings import Settings

#: Milliseconds that one request may take.
_REQUEST_MS: Final = 10_000
#: Seconds between two looks at how many partitions there are: all topics are asked for, since asking for one by its
#: name may make it.
_PARTITIONS_EVERY_S: Final = 300.0
#: Seconds to wait for the records whose time is asked for.
_READ_S: Final = 5.0
#: Bytes of one partition, and of one answer, that the broker may send for them; a larger first batch comes whole.
_PARTITION_BYTES: Final = 16 * 1024
_ANSWER_BYTES: Final = 1024 * 1024
#: Seconds that closing may take where no broker answers.
_CLOSE_S: Final = 1.0


class GroupOffsets(Protocol):
    """One broker, asked for one group. What it raises is the client's: nothing is known then."""

    async def partitions(self, topics: Sequence[str]) -> list[TP]:
        """All partitions of ``topics``; of those that exist and may be seen."""

    async def bounds(self, partitions: Sequence[TP]) -> dict[TP, tuple[int, int]]:
        """Where each log begins and ends."""

    async def committed(self, partitions: Sequence[TP]) -> dict[TP, int]:
        """The offsets that the group has committed, for those partitions that have one."""

    async def times(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        """When the record at each offset, or the next one behind it, was stored, in milliseconds since 1970.

        Without those that tell no time, or could not be read soon.
        """

    async def retention_s(self, topic: str) -> float | None:
        """How many seconds the topic's records are kept, infinite for ever; None if that cannot be told.

        Raises:
            KafkaError: not now, or not to us.
        """

    async def close(self) -> None:
        """Close connections; raises nothing."""


class KafkaGroupOffsets:
    """A Kafka cluster. Connects at the first question."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: AIOKafkaAdminClient | None = None
        self._reader: AIOKafkaConsumer | None = None
        self._partitions: list[TP] = []
        self._looked_at = -math.inf

    async def partitions(self, topics: Sequence[str]) -> list[TP]:
        """See `GroupOffsets`."""
        now = time.monotonic()
        if now - self._looked_at > _PARTITIONS_EVERY_S:
            described = await (await self._admins()).describe_topics()
            self._partitions = sorted(
                TP(topic["topic"], found["partition"])
                for topic in described
                if topic["topic"] in topics
                for found in topic["partitions"]
            )
            self._looked_at = now
        return self._partitions

    async def bounds(self, partitions: Sequence[TP]) -> dict[TP, tuple[int, int]]:
        """See `GroupOffsets`."""
        reader, wanted = await self._readers(), _theirs(partitions)
        first, last = await asyncio.gather(reader.beginning_offsets(wanted), reader.end_offsets(wanted))
        return {TP(*tp): (first[tp], last[tp]) for tp in wanted}

    async def committed(self, partitions: Sequence[TP]) -> dict[TP, int]:
        """See `GroupOffsets`."""
        admin = await self._admins()
        found = await admin.list_consumer_group_offsets(self._settings.group, partitions=_theirs(partitions))
        return committed_of({TP(*tp): there.offset for tp, there in found.items()}, partitions)

    async def times(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        """See `GroupOffsets`."""
        reader = await self._readers()
        found: dict[TopicPartition, int] = {}
        reader.assign(_theirs(offsets))
        try:
            for tp, offset in offsets.items():
                reader.seek(TopicPartition(*tp), offset)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_READ_S):
                    while missing := [tp for tp in _theirs(offsets) if tp not in found]:
                        fetched = await reader.getmany(*missing, timeout_ms=1000, max_records=1)
                        found |= {tp: records[0].timestamp for tp, records in fetched.items() if records}
        finally:
            reader.unsubscribe()  # or it would read on
        return {TP(*tp): stored for tp, stored in found.items() if stored >= 0}

    async def retention_s(self, topic: str) -> float | None:
        """See `GroupOffsets`."""
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": "", "retention.ms": ""})
        (answer,) = await (await self._admins()).describe_configs([resource])
        ((code, message, _, _, entries),) = answer.resources
        if code:
            raise for_code(code)(message)
        config = {name: value for name, value, *_ in entries}
        if "delete" not in config.get("cleanup.policy", "delete"):
            return math.inf
        kept = int(config["retention.ms"])
        return math.inf if kept < 0 else kept / 1000

    async def close(self) -> None:
        """See `GroupOffsets`."""
        admin, reader, self._admin, self._reader = self._admin, self._reader, None, None
        self._looked_at = -math.inf
        if admin is not None:
            await _ended(admin.close())
        if reader is not None:
            await _ended(reader.stop())
            # Without a broker, aiokafka lets the end of its own fetch escape before it has closed its connections.
            await _ended(reader._client.close())  # noqa: SLF001 - there is no other way to them

    async def _admins(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(**self._arguments())
            await self._admin.start()
        return self._admin

    async def _readers(self) -> AIOKafkaConsumer:
        if self._reader is None:
            self._reader = AIOKafkaConsumer(
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=_PARTITION_BYTES,
                fetch_max_bytes=_ANSWER_BYTES,
                **self._arguments(),
            )
            await self._reader.start()
        return self._reader

    def _arguments(self) -> dict[str, Any]:
        given = load_access(self._settings).for_aiokafka()
        return {"bootstrap_servers": self._settings.servers, "request_timeout_ms": _REQUEST_MS, **given}


def committed_of(found: Mapping[TP, int], asked: Sequence[TP]) -> dict[TP, int]:
    """The offsets in an answer for ``asked``, without those of partitions that have none (-1).

    Raises:
        KafkaError: the answer is an error, such as of a group that is still being loaded. aiokafka 0.14 looks at the
            errors of single partitions alone, and then gives no partition at all.
    """
    if not found.keys() >= set(asked):
        raise GroupLoadInProgressError
    return {tp: offset for tp, offset in found.items() if offset >= 0}


def _theirs(partitions: Iterable[TP]) -> list[TopicPartition]:
    return [TopicPartition(*tp) for tp in partitions]


async def _ended(closing: Any) -> None:
    """Await ``closing``, but not for long, and whatever it raises; our own cancellation is raised again."""
    task = asyncio.ensure_future(closing)
    await asyncio.wait([task], timeout=_CLOSE_S)
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_CLOSE_S)
    if task.done() and not task.cancelled():
        task.exception()  # looked at: it is of no use any more
