"""Collects what `plan_recovery` needs from a Kafka cluster. Writes nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # it ships no types
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.client import AIOKafkaClient  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
from faust.types import TP

from stream.core.contracts import codec
from stream.core.contracts.events import ChangelogEvent, ChangelogMark, DecidedUpTo, Origin
from stream.core.contracts.records import Record
from stream.core.index.changelog_chain import find_last
from stream.core.index.changelog_records import SkippedRecord, read_changelog_record
from stream.core.index.recovery import decided_up_to
from stream.core.log_position import LogState
from stream.errors import BrokerError, BrokerNotReady
from stream.kafka.aiokafka_closing import close_cancelled_bootstraps, close_consumer
from stream.kafka.connection_check import check_connection
from stream.kafka.log_identity import fetch_log_states
from stream.kafka.security import load_access
from stream.recovery.facts import CommittedOffset, IndexFacts, InputFacts
from stream.settings import Settings
from stream.transport.commit_metadata import CommitMetadata
from stream.transport.log_checks import epoch_to_ask

close_cancelled_bootstraps()

REQUEST_TIMEOUT_MS: Final = 15_000
#: Offsets that are read back from the end of a changelog at first, to find its last record.
_TAIL_OFFSETS: Final = 200
_POLL_MS: Final = 1_000
#: A broker that sends nothing for this long although there is something to read is considered gone.
_SILENCE_S: Final = 30.0


class LogFacts(NamedTuple):
    """The facts of all logs of the flow.

    Attributes:
        raw: The partitions of the raw topic.
        indexes: The partitions of the normalized topic, with their changelogs.
        members: How many workers the group has now.
    """

    raw: Sequence[InputFacts]
    indexes: Sequence[IndexFacts]
    members: int


class _OriginOfEvent(msgspec.Struct):
    """All that is needed of a normalized event or a takedown."""

    origin: Origin


async def collect_log_facts(settings: Settings) -> LogFacts:
    """Collect the facts of all logs.

    Raises:
        SettingsError: TLS or SASL settings cannot be used.
        BrokerError: The broker cannot be reached, or refuses.
    """
    async with _clients(settings) as clients:
        return await _Collector(settings, *clients).collect()


@contextlib.asynccontextmanager
async def _clients(settings: Settings) -> AsyncIterator[tuple[Any, Any, Any]]:
    """An admin client, a consumer outside any group, and a client for other requests; their errors are translated."""
    access = load_access(settings)
    await asyncio.to_thread(check_connection, settings.servers, access)
    arguments = {
        "bootstrap_servers": settings.servers,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        **access.for_aiokafka(),
    }
    admin = AIOKafkaAdminClient(**arguments)
    reader = AIOKafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        **arguments,
    )
    client = AIOKafkaClient(**arguments)
    try:
        await admin.start()
        await reader.start()
        await client.bootstrap()
        yield admin, reader, client
    except KafkaError as error:
        kind = BrokerNotReady if error.retriable else BrokerError
        raise kind(f"{settings.broker}: {error}; try again, and if it persists, run: stream doctor") from error
    finally:
        await client.close()
        await admin.close()
        try:
            await reader.stop()
        finally:
            await close_consumer(reader)


class _Collector:
    """The queries of one collection."""

    def __init__(self, settings: Settings, admin: Any, reader: Any, client: Any) -> None:
        self._settings = settings
        self._topics = settings.topics
        self._admin = admin
        self._reader = reader
        self._client = client
        self._committed: Mapping[TP, CommittedOffset] = {}

    async def collect(self) -> LogFacts:
        inputs = await self._partitions(self._topics.raw, self._topics.normalized)
        self._committed = await self._fetch_committed(inputs)
        states = await fetch_log_states(self._client, {tp: self._epoch(tp) for tp in inputs})
        facts = [InputFacts(*tp, self._committed.get(tp), states[tp]) for tp in inputs if tp in states]
        partitions = await self._partitions(self._topics.fingerprints)
        changelogs = await fetch_log_states(self._client, dict.fromkeys(partitions))
        indexes = [
            await self._collect_index(each, changelogs[changelog])
            for each in facts
            if each.topic == self._topics.normalized
            and (changelog := TP(self._topics.fingerprints, each.partition)) in changelogs
        ]
        raw = [each for each in facts if each.topic == self._topics.raw]
        return LogFacts(raw, indexes, await self._count_members())

    async def _partitions(self, *topics: str) -> list[TP]:
        described = await self._admin.describe_topics()  # all: describing one by its name may create it
        return sorted(
            TP(topic["topic"], partition["partition"])
            for topic in described
            if topic["topic"] in topics
            for partition in topic["partitions"]
        )

    async def _fetch_committed(self, tps: Sequence[TP]) -> dict[TP, CommittedOffset]:
        if not tps:
            return {}
        wanted = [TopicPartition(*tp) for tp in tps]
        entries = await self._admin.list_consumer_group_offsets(self._settings.group, partitions=wanted)
        return {
            TP(*tp): CommittedOffset(entry.offset, CommitMetadata.decode(entry.metadata))
            for tp, entry in entries.items()
            if entry.offset >= 0
        }

    def _epoch(self, tp: TP) -> int | None:
        """The leader epoch whose end is to be asked for."""
        committed = self._committed.get(tp)
        return epoch_to_ask(committed.position.log) if committed else None

    async def _count_members(self) -> int:
        (response,) = await self._admin.describe_consumer_groups([self._settings.group])
        ((*_, members),) = [group[:6] for group in response.groups]
        return len(members)

    async def _collect_index(self, facts: InputFacts, changelog: LogState) -> IndexFacts:
        tp, normalized = TP(self._topics.fingerprints, facts.partition), TP(facts.topic, facts.partition)
        mark = facts.committed.mark if facts.committed else None
        holds_mark = await self._holds(tp, mark, changelog)
        last = await self._read_last(tp, changelog, is_incomplete=not holds_mark)
        index = IndexFacts(facts, facts.state, changelog, last, holds_mark)
        position = index.decided_position
        if position is not None:
            states = await fetch_log_states(self._client, {normalized: epoch_to_ask(position.log)})
            index = replace(index, decided_state=states.get(normalized, facts.state))
        return index if index.holds_mark else replace(index, decided=await self._read_decided(index))

    async def _holds(self, tp: TP, mark: ChangelogMark | None, state: LogState) -> bool:
        """Whether the changelog has the record ``mark``; True if that has been deleted by retention, or is None."""
        if mark is None or (mark.topic_id == state.topic_id and mark.offset < state.start):
            return True
        if mark.topic_id != state.topic_id or mark.offset >= state.end:
            return False
        # To the end: a generator that is left early gives the partition back later, when another one is read.
        records = [record async for record in self._read(tp, mark.offset, mark.offset + 1)]
        return any(_event_id(record) == mark.event_id for record in records)

    async def _read_last(self, tp: TP, state: LogState, *, is_incomplete: bool) -> ChangelogEvent | None:
        """The last event of the changelog; markers of transactions and records that are skipped may come after it."""
        length = _TAIL_OFFSETS
        while state.end > state.start:
            begin = max(state.start, state.end - length)
            results = [read_changelog_record(record) async for record in self._read(tp, begin, state.end)]
            events = [
                None if isinstance(result, SkippedRecord) else result
                for result in results
                if not (isinstance(result, SkippedRecord) and result.code == "foreign")
            ]
            last = find_last(events, is_incomplete=is_incomplete)
            if last is not None:
                return last
            if begin == state.start:
                break
            length *= 10
        return None

    async def _read_decided(self, facts: IndexFacts) -> list[DecidedUpTo]:
        """How far each raw partition was decided: what the normalized topic had before the committed offset."""
        committed, state = facts.input.committed, facts.input.state
        if committed is None:
            return []
        change = facts.change
        end = min(committed.offset, change.keep_until if change else committed.offset, state.end)
        origins = []
        async for record in self._read(TP(facts.input.topic, facts.input.partition), state.start, end):
            with contextlib.suppress(*codec.UNREADABLE):  # it became a dead letter
                origins.append(codec.decode(record.value or b"", _OriginOfEvent).origin)
        return decided_up_to(origins)

    async def _read(self, tp: TP, begin: int, end: int) -> AsyncIterator[Record]:
        """The records from ``begin`` up to ``end``."""
        partition = TopicPartition(*tp)
        self._reader.assign([partition])
        try:
            self._reader.seek(partition, begin)
            deadline = asyncio.get_running_loop().time() + _SILENCE_S
            while (reached := await self._reader.position(partition)) < end:
                fetched = await self._reader.getmany(partition, timeout_ms=_POLL_MS)
                for record in fetched.get(partition, ()):
                    if record.offset < end:
                        yield cast("Record", record)
                now = asyncio.get_running_loop().time()
                if await self._reader.position(partition) > reached:
                    deadline = now + _SILENCE_S
                elif now > deadline:
                    raise BrokerNotReady(f"{tp.topic}-{tp.partition}: no answer at offset {reached}; try again")
        finally:
            self._reader.unsubscribe()


def _event_id(record: Record) -> str:
    return (dict(record.headers).get("ce_id") or b"").decode("utf-8", "replace")
