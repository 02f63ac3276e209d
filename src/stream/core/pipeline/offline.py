"""The whole flow without a broker: messages in, outcomes out, the index in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count, islice

from stream.core.contracts.records import InputRecord, OutputRecord
from stream.core.contracts.topics import Topics
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore, Store
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome, Wrap, unwrapped
from stream.core.validation import DEFAULT_LIMITS, Limits

BATCH = 500


class OfflineFlow:
    """Both steps behind each other, as if the messages stood in a raw topic of one partition.

    Messages have no time of a broker, so an event without ``fetched_at`` takes the time of the event before it.
    """

    def __init__(
        self,
        *,
        topics: Topics | None = None,
        window_ms: int,
        limits: Limits = DEFAULT_LIMITS,
        store: Store | None = None,
        wrap: Wrap = unwrapped,
    ) -> None:
        self._topics = topics or Topics()
        self._normalizer = Normalizer(self._topics, limits=limits, wrap=wrap)
        self._deduplicator = Deduplicator(self._topics, wrap=wrap)
        self._index = PartitionIndex(store or MemoryStore(), window_ms=window_ms)
        self._raw_offset = count()
        self._normalized_offset = count()
        self._time = 0

    def run(self, messages: Iterable[bytes | None], *, now: str) -> Iterator[list[Outcome]]:
        """The outcomes of each message in turn; ``now`` is RFC 3339, for headers."""
        iterator = iter(messages)
        while batch := list(islice(iterator, BATCH)):
            yield from self._batch(batch, now)

    def _batch(self, messages: list[bytes | None], now: str) -> list[list[Outcome]]:
        normalized = [self._normalize(message, now) for message in messages]
        records = [self._stored(output) for outcomes in normalized for output in _passed_on(outcomes)]
        transaction = self._index.transaction()
        decided = iter(self._deduplicator(records, transaction, now=now))
        self._index.commit(transaction)
        return [
            [next(decided) if outcome.result == "normalized" else outcome for outcome in outcomes]
            for outcomes in normalized
        ]

    def _normalize(self, message: bytes | None, now: str) -> list[Outcome]:
        record = InputRecord(self._topics.raw, 0, next(self._raw_offset), None, None, message)
        outcomes = self._normalizer(record, now=now, time=self._time)
        self._time = max([self._time, *(outcome.time for outcome in outcomes if outcome.time is not None)])
        return outcomes

    def _stored(self, output: OutputRecord) -> InputRecord:
        offset = next(self._normalized_offset)
        return InputRecord(output.topic, 0, offset, None, output.key, output.value, output.headers)


def _passed_on(outcomes: list[Outcome]) -> Iterator[OutputRecord]:
    return (output for outcome in outcomes if outcome.result == "normalized" for output in outcome.outputs)
