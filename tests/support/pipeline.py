"""Raw records, and both steps with an index in memory: what the tests of the steps share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from stream.core.contracts import codec
from stream.core.contracts.events import EnrichedEvent, NormalizedEvent
from stream.core.contracts.records import Headers, InputRecord, OutputRecord
from stream.core.contracts.topics import Topics
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.core.pipeline.deduplicate import Deduplicator, decode_changelog_event
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome

TOPICS: Final = Topics()
NOW: Final = "2026-05-04T06:00:00.000Z"
LATER: Final = "2026-05-05T07:00:00.000Z"
SENT_MS: Final = 1_780_000_000_000
PARTITION: Final = 3

TEXT: Final = (
    "The harbour council of Port Amberley approved a tidal power station beneath its old stone pier. Engineers "
    "promised that fishing boats would pass without harm, and residents who had protested for months were content."
)
ARTICLE: Final = {"url": "https://www.amberley.example/news/1?utm_source=x", "title": "Tidal power", "text": TEXT}


def raw(
    value: Any, *, offset: int = 0, timestamp: int | None = SENT_MS, key: bytes | None = b"k", headers: Headers = ()
) -> InputRecord:
    """A record of the raw topic; what is not bytes is written as JSON."""
    content = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
    return InputRecord(TOPICS.raw, PARTITION, offset, timestamp, key, content, headers)


def normalized(record: InputRecord, now: str = NOW) -> list[Outcome]:
    return Normalizer(TOPICS)(record, now=now)


def passed_on(record: InputRecord) -> NormalizedEvent:
    (outcome,) = normalized(record)
    assert outcome.result == "normalized", outcome.code
    return codec.decode(outcome.outputs[0].value or b"", NormalizedEvent)


class Flow:
    """Both steps, with an index in memory."""

    def __init__(self) -> None:
        self.index = PartitionIndex(MemoryStore(), window_ms=7 * 24 * 3600 * 1000)
        self._end = 0

    def raw(self, *records: InputRecord, now: str = NOW) -> list[Outcome]:
        """What becomes of raw records that the normalize step passes on."""
        outputs = [output for record in records for outcome in normalized(record, now) for output in outcome.outputs]
        assert {output.topic for output in outputs} == {TOPICS.normalized}
        return self.stored(outputs, now=now)

    def run_one(self, value: Any, *, offset: int = 0, headers: Headers = (), now: str = NOW) -> Outcome:
        """What becomes of one raw event."""
        (outcome,) = self.raw(raw(value, offset=offset, headers=headers), now=now)
        return outcome

    def stored(self, outputs: Sequence[OutputRecord], *, first: int | None = None, now: str = NOW) -> list[Outcome]:
        """What becomes of records in the normalized topic, from offset ``first`` on, else behind those before."""
        self._end = self._end if first is None else first
        records = [
            InputRecord(TOPICS.normalized, PARTITION, offset, SENT_MS, output.key, output.value, output.headers)
            for offset, output in enumerate(outputs, start=self._end)
        ]
        self._end += len(records)
        transaction = self.index.begin_transaction()
        outcomes = Deduplicator(TOPICS)(records, transaction, now=now)
        self.index.commit(transaction)
        return outcomes

    def restored(self, outcomes: Sequence[Outcome]) -> Flow:
        """Another one, whose index is made from the changelog records in ``outcomes``."""
        again = Flow()
        outputs = [output for outcome in outcomes for output in outcome.outputs if output.topic == TOPICS.fingerprints]
        records = [InputRecord("log", 0, 0, None, output.key, output.value, output.headers) for output in outputs]
        again.index.apply_changelog([decode_changelog_event(record) for record in records], changelog_end=len(records))
        return again


def by_topic(outcome: Outcome) -> dict[str, OutputRecord]:
    return {output.topic: output for output in outcome.outputs}


def enriched(outcome: Outcome) -> EnrichedEvent:
    topics = by_topic(outcome)
    output = topics.get(TOPICS.enriched) or topics[TOPICS.duplicates]
    return codec.decode(output.value or b"", EnrichedEvent)
