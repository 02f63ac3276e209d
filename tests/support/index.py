"""Articles for tests of the index, and a partition that decides them as the deduplicate step does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Final, NamedTuple

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import (
    ChangelogEvent,
    ClusterEvent,
    Content,
    Duplicate,
    EnrichedEvent,
    FingerprintEvent,
    Language,
    NormalizedEvent,
    Origin,
    Source,
    TakedownEvent,
)
from stream.core.contracts.records import InputRecord, OutputRecord
from stream.core.contracts.topics import Topics
from stream.core.index.partition_index import PartitionIndex, Transaction
from stream.core.index.scope_view import REDELIVERED_OFFSETS_MAX
from stream.core.index.store import Store
from stream.core.pipeline.deduplicate import Deduplicator
from stream.core.pipeline.outcome import Outcome
from stream.core.timestamps import format_rfc3339
from tests.support.changelog_events import decode_changelog_event

HOUR_MS: Final = 3600 * 1000
DAY_MS: Final = 24 * HOUR_MS
WINDOW_MS: Final = 7 * DAY_MS
START_MS: Final = 1_780_000_000_000
NOW: Final = "2026-05-04T06:00:00.000Z"
TOPICS: Final = Topics()

Event = NormalizedEvent | TakedownEvent
#: An offset in the normalized topic, and the event at it.
Delivery = tuple[int, Event]

#: More offsets than may be consumed again after a crash.
FAR: Final = REDELIVERED_OFFSETS_MAX + 1

_numbers = count()


def article(
    text: str,
    *,
    name: str | None = None,
    event: str | None = None,
    time: int = START_MS,
    tenant: str = "default",
    language: str = "en",
    title: str | None = None,
    source: str = "paper.example",
) -> NormalizedEvent:
    """An article as the normalize step outputs it, each from a raw record of its own.

    Without a ``name`` its id and URL are its own, or those of its ``event``.
    """
    name = name or f"article-{event or next(_numbers)}"
    return NormalizedEvent(
        event_id=_event_id(event),
        id=name,
        tenant=tenant,
        title=title,
        text=text,
        language=Language(tag=language, confidence=1.0, direction="ltr"),
        source=Source(domain=source),
        fetched_at=format_rfc3339(time),
        content=Content(
            chars=len(text), words=len(text.split()), hash="sha256:" + hashlib.sha256(text.encode()).hexdigest()
        ),
        origin=Origin(topic=TOPICS.raw, partition=0, offset=next(_numbers)),
        url_key=f"{source}/{name}",
        event_time=time,
    )


def takedown(
    name: str = "url-" + 24 * "0", *, url_key: str | None = None, tenant: str = "default", event: str | None = None
) -> TakedownEvent:
    """A takedown as the normalize step outputs it: of the id ``name``, or without one, and of ``url_key``."""
    return TakedownEvent(
        event_id=_event_id(event),
        tenant=tenant,
        id=name,
        url_key=url_key,
        event_time=START_MS,
        origin=Origin(topic=TOPICS.raw, partition=0, offset=next(_numbers)),
    )


def _event_id(event: str | None) -> str:
    return hashlib.blake2b((event or f"event-{next(_numbers)}").encode(), digest_size=16).hexdigest()


def prose(seed: str, words: int = 60) -> str:
    """Text that shares nothing with the text of another ``seed``."""
    return " ".join(f"{seed}{_letters(i)}" for i in range(words))


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def part(text: str, start: int, stop: int) -> str:
    """Some of the words of ``text``."""
    return " ".join(text.split()[start:stop])


STORY: Final = prose("s", 80)
EXCERPT: Final = part(STORY, 0, 30)
REPRINT: Final = f"{part(STORY, 0, 70)} {prose('t', 8)}"


class ArticleResult(NamedTuple):
    """What was published for one article."""

    verdict: Duplicate
    revision: int
    is_repeat: bool
    cluster: ClusterEvent | None


class TakedownEffects(NamedTuple):
    """What was published for a takedown.

    Attributes:
        tombstones: Topic and id of each.
        clusters: By id; None for a tombstone.
    """

    result: str
    tombstones: list[tuple[str, str]]
    clusters: dict[str, ClusterEvent | None]


class Partition:
    """A partition of the normalized topic with its index, and the changelog that it wrote."""

    def __init__(
        self, store: Store, *, window_ms: int = WINDOW_MS, records: dict[int, InputRecord] | None = None
    ) -> None:
        #: The partition's log, by offset: that of an earlier partition, or a new one.
        self.records: dict[int, InputRecord] = {} if records is None else records
        self.index = PartitionIndex(store, window_ms=window_ms)
        self.changelog: list[ChangelogEvent] = []
        self._decide = Deduplicator(TOPICS)

    @property
    def fingerprints(self) -> list[FingerprintEvent]:
        """The changelog without takedowns."""
        return [event for event in self.changelog if isinstance(event, FingerprintEvent)]

    def run(
        self, articles: Sequence[NormalizedEvent], *, sizes: Iterable[int] = (), offsets: Sequence[int] | None = None
    ) -> list[ArticleResult]:
        """Decide ``articles`` at ``offsets``, by default the next ones, in batches of ``sizes``."""
        return [_article_result(outcome) for outcome in self.deliver(articles, sizes=sizes, offsets=offsets)]

    def run_one(self, article: NormalizedEvent, *, offset: int | None = None) -> ArticleResult:
        """Decide one article in a batch of its own."""
        return self.run([article], offsets=None if offset is None else [offset])[0]

    def run_takedown(self, event: Event, *, offset: int | None = None) -> TakedownEffects:
        """Decide a takedown, or an article that was taken down, in a batch of its own."""
        outcome = self.deliver([event], offsets=None if offset is None else [offset])[0]
        return TakedownEffects(
            outcome.result,
            [(output.topic, _key(output)) for output in outcome.outputs if _is_tombstone(output)],
            {_key(output): _cluster(output) for output in outcome.outputs if output.topic == TOPICS.clusters},
        )

    def deliver(
        self, events: Sequence[Event], *, sizes: Iterable[int] = (), offsets: Sequence[int] | None = None
    ) -> list[Outcome]:
        """Decide ``events`` as `run` does, and return their outcomes."""
        first = self.index.last_offset + 1
        deliveries = list(zip(offsets or range(first, first + len(events)), events, strict=True))
        outcomes: list[Outcome] = []
        for batch in _batches(deliveries, sizes):
            transaction = self.index.begin_transaction()
            outcomes += self.decide(batch, transaction)
            self.index.commit(transaction)
        return outcomes

    def decide(self, deliveries: Sequence[Delivery], transaction: Transaction) -> list[Outcome]:
        """Decide events in ``transaction`` without a commit."""
        records = [_record(*delivery) for delivery in deliveries]
        self.records.update({record.offset: record for record in records})
        outcomes = self._decide(records, transaction, now=NOW, read_records=lambda _offsets: self.records)
        for outcome in outcomes:
            self.changelog += [
                decode_changelog_event(InputRecord(output.topic, 0, 0, None, b"", output.value, output.headers))
                for output in outcome.outputs
                if output.topic == TOPICS.fingerprints
            ]
        return outcomes


def _record(offset: int, event: Event) -> InputRecord:
    kind = cloudevents.TAKEDOWN if isinstance(event, TakedownEvent) else cloudevents.NORMALIZED
    headers = cloudevents.headers("/normalized", event.event_id, kind, NOW)
    return InputRecord(TOPICS.normalized, 0, offset, None, b"", codec.encode(event), headers)


def _article_result(outcome: Outcome) -> ArticleResult:
    by_topic = {output.topic: output.value or b"" for output in outcome.outputs}
    article = codec.decode(by_topic.get(TOPICS.enriched) or by_topic[TOPICS.duplicates], EnrichedEvent)
    cluster = by_topic.get(TOPICS.clusters)
    return ArticleResult(
        article.duplicate,
        article.revision,
        outcome.is_repeat,
        codec.decode(cluster, ClusterEvent) if cluster else None,
    )


def _is_tombstone(output: OutputRecord) -> bool:
    return output.value is None and output.topic in (TOPICS.enriched, TOPICS.duplicates)


def _key(output: OutputRecord) -> str:
    """The id in the key, which follows the tenant."""
    return (output.key or b"").decode().partition("/")[2]


def _cluster(output: OutputRecord) -> ClusterEvent | None:
    return codec.decode(output.value, ClusterEvent) if output.value else None


def _batches(deliveries: Sequence[Delivery], sizes: Iterable[int]) -> Iterator[Sequence[Delivery]]:
    start = 0
    for size in sizes:
        if start < len(deliveries):
            yield deliveries[start : start + size]
        start += size
    if start < len(deliveries):
        yield deliveries[start:]
