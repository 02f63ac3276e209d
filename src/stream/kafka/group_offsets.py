"""Log ends, committed offsets and record times of a consumer group, as the broker knows them.

Uses clients of its own, outside the group: the worker's consumer shares its connection with fetches and heartbeats,
and knows nothing about the partitions of other workers.
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

from stream.kafka.aiokafka_closing import close_cancelled_bootstraps, close_consumer
from stream.kafka.security import load_access
from stream.settings import Settings

close_cancelled_bootstraps()

#: Time-out of one request.
_REQUEST_TIMEOUT_MS: Final = 10_000
#: How long the list of partitions is cached. Refreshing it describes all topics, since describing one by its name may
#: create it.
_PARTITIONS_TTL_S: Final = 300.0
#: Time-out for reading the records whose time is wanted.
_READ_TIMEOUT_S: Final = 5.0
#: Limits of one fetch, for a partition and in total. A first batch that is larger arrives whole.
_PARTITION_FETCH_BYTES: Final = 16 * 1024
_FETCH_BYTES: Final = 1024 * 1024
#: Time-out of closing a client if the broker does not answer.
_CLOSE_TIMEOUT_S: Final = 1.0


class GroupOffsets(Protocol):
    """What a broker knows about one consumer group. Every method may raise what the client raises."""

    async def partitions(self, topics: Sequence[str]) -> list[TP]:
        """All partitions of those ``topics`` that exist and are visible."""

    async def bounds(self, partitions: Sequence[TP]) -> dict[TP, tuple[int, int]]:
        """The first offset and the end of each log."""

    async def committed(self, partitions: Sequence[TP]) -> dict[TP, int]:
        """The committed offsets of the group, for those partitions that have one."""

    async def times(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        """The time of the record at each offset, or of the next one after it, in milliseconds since 1970.

        Records without a time, or that could not be read in time, are left out.
        """

    async def retention_s(self, topic: str) -> float | None:
        """How many seconds the topic keeps its records; infinity without a limit, None if unknown.

        Raises:
            KafkaError: the broker does not answer, or denies access.
        """

    async def close(self) -> None:
        """Close connections; raises nothing."""


class KafkaGroupOffsets:
    """`GroupOffsets` of a Kafka cluster. Connects when it is first used, and again after `close`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: AIOKafkaAdminClient | None = None
        self._reader: AIOKafkaConsumer | None = None
        self._partitions: list[TP] = []
        self._partitions_read_at = -math.inf

    async def partitions(self, topics: Sequence[str]) -> list[TP]:
        """See `GroupOffsets`."""
        now = time.monotonic()
        if now - self._partitions_read_at > _PARTITIONS_TTL_S:
            described = await (await self._open_admin()).describe_topics()
            self._partitions = sorted(
                TP(topic["topic"], partition["partition"])
                for topic in described
                if topic["topic"] in topics
                for partition in topic["partitions"]
            )
            self._partitions_read_at = now
        return self._partitions

    async def bounds(self, partitions: Sequence[TP]) -> dict[TP, tuple[int, int]]:
        """See `GroupOffsets`."""
        reader, tps = await self._open_reader(), _to_aiokafka(partitions)
        first, last = await asyncio.gather(reader.beginning_offsets(tps), reader.end_offsets(tps))
        return {TP(*tp): (first[tp], last[tp]) for tp in tps}

    async def committed(self, partitions: Sequence[TP]) -> dict[TP, int]:
        """See `GroupOffsets`."""
        admin = await self._open_admin()
        response = await admin.list_consumer_group_offsets(self._settings.group, partitions=_to_aiokafka(partitions))
        return committed_offsets({TP(*tp): entry.offset for tp, entry in response.items()}, partitions)

    async def times(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        """See `GroupOffsets`."""
        reader = await self._open_reader()
        times: dict[TopicPartition, int] = {}
        reader.assign(_to_aiokafka(offsets))
        try:
            for tp, offset in offsets.items():
                reader.seek(TopicPartition(*tp), offset)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_READ_TIMEOUT_S):
                    while missing := [tp for tp in _to_aiokafka(offsets) if tp not in times]:
                        fetched = await reader.getmany(*missing, timeout_ms=1000, max_records=1)
                        times |= {tp: records[0].timestamp for tp, records in fetched.items() if records}
        finally:
            reader.unsubscribe()  # else it goes on fetching
        return {TP(*tp): time_ms for tp, time_ms in times.items() if time_ms >= 0}

    async def retention_s(self, topic: str) -> float | None:
        """See `GroupOffsets`."""
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, {"cleanup.policy": "", "retention.ms": ""})
        (response,) = await (await self._open_admin()).describe_configs([resource])
        ((code, message, _, _, entries),) = response.resources
        if code:
            raise for_code(code)(message)
        config = {name: value for name, value, *_ in entries}
        if "delete" not in config.get("cleanup.policy", "delete"):
            return math.inf
        retention_ms = int(config["retention.ms"])
        return math.inf if retention_ms < 0 else retention_ms / 1000

    async def close(self) -> None:
        """See `GroupOffsets`."""
        admin, reader, self._admin, self._reader = self._admin, self._reader, None, None
        self._partitions_read_at = -math.inf
        if admin is not None:
            await _close_quietly(admin.close())
        if reader is not None:
            await _close_quietly(reader.stop())
            await _close_quietly(close_consumer(reader))

    async def _open_admin(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            self._admin = AIOKafkaAdminClient(**self._arguments())
            await self._admin.start()
        return self._admin

    async def _open_reader(self) -> AIOKafkaConsumer:
        if self._reader is None:
            self._reader = AIOKafkaConsumer(
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
                fetch_max_bytes=_FETCH_BYTES,
                **self._arguments(),
            )
            await self._reader.start()
        return self._reader

    def _arguments(self) -> dict[str, Any]:
        access = load_access(self._settings).for_aiokafka()
        return {
            "bootstrap_servers": self._settings.servers,
            "request_timeout_ms": _REQUEST_TIMEOUT_MS,
            **access,
        }


def committed_offsets(response: Mapping[TP, int], requested: Sequence[TP]) -> dict[TP, int]:
    """The offsets in a response for ``requested``, without partitions that have none (-1).

    Raises:
        KafkaError: the response is an error, such as that the group is still being loaded. aiokafka 0.14 looks at the
            errors of single partitions only, and returns no partition at all then.
    """
    if not response.keys() >= set(requested):
        raise GroupLoadInProgressError
    return {tp: offset for tp, offset in response.items() if offset >= 0}


def _to_aiokafka(partitions: Iterable[TP]) -> list[TopicPartition]:
    return [TopicPartition(*tp) for tp in partitions]


async def _close_quietly(closing: Any) -> None:
    """Await ``closing`` for a limited time and drop what it raises; a cancellation of the caller is raised."""
    task = asyncio.ensure_future(closing)
    await asyncio.wait([task], timeout=_CLOSE_TIMEOUT_S)
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_CLOSE_TIMEOUT_S)
    if task.done() and not task.cancelled():
        task.exception()  # retrieved, or asyncio logs it
