"""The whole flow without a broker: both steps, with the index in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import Final

from stream.core.contracts.events import DUPLICATE_RELATIONS
from stream.core.contracts.records import InputRecord, LogId, OutputRecord
from stream.core.contracts.topics import Topics
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore, Store
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome, Wrap, no_wrap
from stream.core.pipeline.record_archive import RecordArchive
from stream.core.validation import DEFAULT_LIMITS, Limits

#: How many messages are decided in one transaction.
BATCH_MESSAGES_MAX: Final = 500


class OfflineFlow:
    """Runs both steps in turn, as if the messages came from a raw topic with one partition.

    The messages have no timestamps, so an event without ``fetched_at`` takes the latest time of the events before it.

    Args:
        topics: Names of the topics.
        window_ms: Length of the duplicate window.
        limits: Limits of a message.
        latest_ms: The time of the run, in milliseconds since 1970; None to accept any ``fetched_at``. One of more than
            a day later is dropped, as on Kafka after its record: it would move the window past everything before it.
        log: The log that the messages are a copy of; None if they come from files.
        store: Store of the index; in memory by default.
        wrap: Wraps each part of the steps, for example in a timer.

    >>> flow = OfflineFlow(window_ms=7 * 24 * 3600 * 1000)
    >>> text = b"The harbour council approved a tidal power station."
    >>> messages = [b'{"id": "%s", "text": "%s"}' % (name, text) for name in (b"first", b"second")]
    >>> [[outcome.result for outcome in outcomes] for outcomes in flow.run(messages, now="2026-05-04T06:00:00.000Z")]
    [['new'], ['copy']]
    """

    def __init__(
        self,
        *,
        topics: Topics | None = None,
        window_ms: int,
        limits: Limits = DEFAULT_LIMITS,
        latest_ms: int | None = None,
        log: LogId | None = None,
        store: Store | None = None,
        wrap: Wrap = no_wrap,
    ) -> None:
        self._topics = topics or Topics()
        self._normalizer = Normalizer(self._topics, limits=limits, wrap=wrap)
        self._deduplicator = Deduplicator(self._topics, wrap=wrap)
        self._index = PartitionIndex(store or MemoryStore(), window_ms=window_ms)
        self._raw_offset = count()
        self._normalized_offset = count()
        self._archive = RecordArchive(2 * window_ms)
        self._latest_time_ms = 0
        self._latest_ms = latest_ms
        self._log = log

    def run(self, messages: Iterable[bytes | None], *, now: str) -> Iterator[list[Outcome]]:
        """Yield the outcomes of each message in turn; ``now`` is RFC 3339, for headers."""
        iterator = iter(messages)
        while batch := list(islice(iterator, BATCH_MESSAGES_MAX)):
            yield from self._decide_batch(batch, now)

    def _decide_batch(self, messages: list[bytes | None], now: str) -> list[list[Outcome]]:
        normalized = [self._normalize(message, now) for message in messages]
        records = [self._to_record(output) for outcomes in normalized for output in _normalized_outputs(outcomes)]
        transaction = self._index.begin_transaction()
        decided = self._deduplicator(records, transaction, now=now, read_records=self._archive.read)
        self._index.commit(transaction)
        for record, outcome in zip(records, decided, strict=True):
            if outcome.result in DUPLICATE_RELATIONS and not outcome.is_repeat:
                self._archive.add(record, self._latest_time_ms)
        remaining = iter(decided)
        return [
            [next(remaining) if outcome.result == "normalized" else outcome for outcome in outcomes]
            for outcomes in normalized
        ]

    def _normalize(self, message: bytes | None, now: str) -> list[Outcome]:
        record = InputRecord(self._topics.raw, 0, next(self._raw_offset), None, None, message)
        outcomes = self._normalizer(
            record, now=now, default_time_ms=self._latest_time_ms, latest_ms=self._latest_ms, log=self._log
        )
        self._latest_time_ms = max(
            [
                self._latest_time_ms,
                *(outcome.event_time_ms for outcome in outcomes if outcome.event_time_ms is not None),
            ]
        )
        return outcomes

    def _to_record(self, output: OutputRecord) -> InputRecord:
        offset = next(self._normalized_offset)
        return InputRecord(output.topic, 0, offset, None, output.key, output.value, output.headers)


def _normalized_outputs(outcomes: list[Outcome]) -> Iterator[OutputRecord]:
    return (output for outcome in outcomes if outcome.result == "normalized" for output in outcome.outputs)
