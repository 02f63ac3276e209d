"""Raw records, and both steps with an index in memory, for tests of the steps."""

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
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.outcome import Outcome
from tests.support.changelog_events import decode_changelog_event

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
    """A record of the raw topic; a value other than bytes is encoded as JSON."""
    content = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
    return InputRecord(TOPICS.raw, PARTITION, offset, timestamp, key, content, headers)


def normalize_record(record: InputRecord, now: str = NOW) -> list[Outcome]:
    return Normalizer(TOPICS)(record, now=now)


def normalize_one(record: InputRecord) -> NormalizedEvent:
    (outcome,) = normalize_record(record)
    assert outcome.result == "normalized", outcome.code
    return codec.decode(outcome.outputs[0].value or b"", NormalizedEvent)


class Flow:
    """Both steps, with an index in memory."""

    def __init__(self) -> None:
        self.index = PartitionIndex(MemoryStore(), window_ms=7 * 24 * 3600 * 1000)
        self.records: dict[int, InputRecord] = {}
        self._end = 0

    def run(self, *records: InputRecord, now: str = NOW) -> list[Outcome]:
        """Run raw records, none of which is rejected by the normalize step, through both steps."""
        outputs = [
            output for record in records for outcome in normalize_record(record, now) for output in outcome.outputs
        ]
        assert {output.topic for output in outputs} == {TOPICS.normalized}
        return self.run_normalized(outputs, now=now)

    def run_one(self, value: Any, *, offset: int = 0, headers: Headers = (), now: str = NOW) -> Outcome:
        """Run one raw event through both steps."""
        (outcome,) = self.run(raw(value, offset=offset, headers=headers), now=now)
        return outcome

    def run_normalized(
        self, outputs: Sequence[OutputRecord], *, first: int | None = None, now: str = NOW
    ) -> list[Outcome]:
        """Decide records of the normalized topic, from offset ``first`` on, by default behind the earlier ones."""
        self._end = self._end if first is None else first
        records = [
            InputRecord(TOPICS.normalized, PARTITION, offset, SENT_MS, output.key, output.value, output.headers)
            for offset, output in enumerate(outputs, start=self._end)
        ]
        self._end += len(records)
        transaction = self.index.begin_transaction()
        self.records.update({record.offset: record for record in records})
        read = self.records.copy
        outcomes = Deduplicator(TOPICS)(records, transaction, now=now, read_records=lambda _offsets: read())
        self.index.commit(transaction)
        return outcomes

    def restore_from(self, outcomes: Sequence[Outcome]) -> Flow:
        """Make another flow, whose index is restored from the changelog records in ``outcomes``."""
        restored = Flow()
        restored.records.update(self.records)
        outputs = [output for outcome in outcomes for output in outcome.outputs if output.topic == TOPICS.fingerprints]
        records = [InputRecord("log", 0, 0, None, output.key, output.value, output.headers) for output in outputs]
        restored.index.apply_changelog(
            [decode_changelog_event(record) for record in records], changelog_end=len(records)
        )
        return restored


def outputs_by_topic(outcome: Outcome) -> dict[str, OutputRecord]:
    return {output.topic: output for output in outcome.outputs}


def enriched_event_of(outcome: Outcome) -> EnrichedEvent:
    topics = outputs_by_topic(outcome)
    output = topics.get(TOPICS.enriched) or topics[TOPICS.duplicates]
    return codec.decode(output.value or b"", EnrichedEvent)
