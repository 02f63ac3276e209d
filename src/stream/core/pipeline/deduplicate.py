"""The second step: fingerprint, find candidates, decide, and tell everybody; takedowns too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import (
    Article,
    Duplicate,
    EnrichedEvent,
    FingerprintEvent,
    NormalizedEvent,
    Origin,
    RemovalEvent,
    TakedownEvent,
)
from stream.core.contracts.records import Headers, OutputRecord, Record
from stream.core.contracts.topics import Topics
from stream.core.contracts.trace_context import trace_headers
from stream.core.dedup.fingerprint import Fingerprint, fingerprints
from stream.core.dedup.rules import IncomingArticle, Times, Verdict, decide
from stream.core.index.records import StoredArticle, pack_fingerprint
from stream.core.index.takedown import remove, removed_before
from stream.core.index.transaction import Decided, Transaction
from stream.core.pipeline.dead_letter import dead_letter
from stream.core.pipeline.outcome import About, Outcome, Wrap, scope_of, traced, unwrapped
from stream.errors import Rejected


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article of the normalized topic, read and fingerprinted."""

    record: Record
    article: NormalizedEvent
    subject: IncomingArticle


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A takedown of the normalized topic."""

    record: Record
    takedown: TakedownEvent


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of the normalized topic that is neither, and why."""

    record: Record
    error: Rejected


#: A record on its way through the step.
Item = Prepared | Withdrawn | Unreadable


class Deduplicator:
    """Records of one partition of the normalized topic to verdicts, through a session of its index."""

    def __init__(self, topics: Topics, *, wrap: Wrap = unwrapped) -> None:
        self._topics = topics
        self._decode = wrap("decode_normalized", _decode)
        self._fingerprint = wrap("fingerprint", fingerprints)
        self._prefetch = wrap("prefetch", Transaction.prefetch)
        self._candidates = wrap("find_candidates", Transaction.candidates)
        self._decide = wrap("decide", decide)
        self._record = wrap("record", Transaction.record)
        self._remove = wrap("remove", remove)
        self._publish = wrap("encode_enriched", self._outputs)

    def __call__(self, records: Sequence[Record], transaction: Transaction, *, now: str) -> list[Outcome]:
        """One outcome for each record, in order. The session then holds what the index has to record."""
        items = self.prepare(records)
        self.read_ahead(items, transaction)
        return self.decide(items, transaction, now=now)

    def read_ahead(self, items: Iterable[Item], transaction: Transaction) -> None:
        """Read at once what deciding ``items`` will ask for: those of the whole session, before any is decided."""
        known = [(item.subject, item.article.event_id) for item in items if isinstance(item, Prepared)]
        self._prefetch(transaction, known)

    def decide(self, items: Iterable[Item], transaction: Transaction, *, now: str) -> list[Outcome]:
        """One outcome for each item, in order."""
        return [self._one(item, transaction, now) for item in items]

    def prepare(self, records: Sequence[Record]) -> list[Item]:
        """Records, read and fingerprinted."""
        read = [self._read(record) for record in records]
        articles = [event for event in read if isinstance(event, NormalizedEvent)]
        prints = iter(self._fingerprint([(article.text, article.title) for article in articles]))
        prepared: list[Item] = []
        for record, event in zip(records, read, strict=True):
            if isinstance(event, NormalizedEvent):
                prepared.append(Prepared(record, event, incoming_article(event, next(prints))))
            elif isinstance(event, TakedownEvent):
                prepared.append(Withdrawn(record, event))
            else:
                prepared.append(Unreadable(record, event))
        return prepared

    def _read(self, record: Record) -> NormalizedEvent | TakedownEvent | Rejected:
        try:
            return self._decode(record)
        except Rejected as error:
            return error

    def _one(self, item: Item, transaction: Transaction, now: str) -> Outcome:
        if isinstance(item, Unreadable):
            return self._reject(item.record, item.error)
        outcome = (
            self._article(item, transaction, now)
            if isinstance(item, Prepared)
            else self._takedown(item, transaction, now)
        )
        if outcome.code:  # a dead letter keeps the headers of its record
            return outcome
        return traced(outcome, trace_headers(item.record.headers), but=self._topics.fingerprints)

    def _article(self, item: Prepared, transaction: Transaction, now: str) -> Outcome:
        article, subject = item.article, item.subject
        offset, time = item.record.offset, article.event_time
        before = transaction.delivered(subject.scope, article.event_id, offset=offset, time=time)
        if before is not None:
            return self._repeat(item, before, transaction, now)
        verdict = self._decide(subject, self._candidates(transaction, subject, time=time))
        changelog = []
        if offset > transaction.position.last:
            known = remembered(article, subject, verdict, offset=offset, previous=transaction.position.last)
            self._record(transaction, known)
            changelog.append(self._changelog_record(known, known.scope, item.record.partition, now))
        published = Published(verdict.duplicate, verdict.revision, article.origin)
        outputs = self._publish(item, published, transaction, now) + changelog
        return Outcome(verdict.duplicate.relation, outputs, time=time, about=about(article))

    def _repeat(self, item: Prepared, before: Decided, transaction: Transaction, now: str) -> Outcome:
        """What was decided is published again; not into the changelog, where a restore could not go on behind it."""
        known, scope, time = before.article, item.subject.scope, item.article.event_time
        if known is None:
            # Nothing is told: after a crash its takedown is read again too, and later its id may stand for another one.
            return Outcome("withdrawn", [], None, time, is_repeat=True)
        if known.display_hash.hex() != item.subject.display_hash:
            return self._reject(item.record, _reused(known))
        published = Published(known.duplicate(scope), known.revision, known.origin_event())
        outputs = self._publish(item, published, transaction, now)
        return Outcome(published.duplicate.relation, outputs, time=time, is_repeat=True)

    def _takedown(self, item: Withdrawn, transaction: Transaction, now: str) -> Outcome:
        takedown, offset = item.takedown, item.record.offset
        event = RemovalEvent(
            event_id=takedown.event_id,
            offset=offset,
            previous=transaction.position.last,
            tenant=takedown.tenant,
            id=takedown.id,
            url_key=takedown.url_key,
        )
        before = removed_before(transaction, event.event_id)
        removed = before or (self._remove(transaction, event) if offset > event.previous else None)
        if removed is None:
            return Outcome("nothing_withdrawn", [], time=takedown.event_time)
        outputs = [letter for name in removed.ids for letter in self._tombstones(name, takedown.event_id, now)]
        for cluster_id, cluster in removed.clusters.items():
            headers = _headers(self._topics.clusters, f"{takedown.event_id}.{cluster_id}", cloudevents.CLUSTER, now)
            value = codec.encode(cluster) if cluster else None
            outputs.append(OutputRecord(self._topics.clusters, cluster_id.encode(), value, headers))
        if before is None:
            outputs.append(self._changelog_record(event, f"{event.tenant}/*", item.record.partition, now))
        return Outcome("withdrawn", outputs, time=takedown.event_time, is_repeat=before is not None)

    def _tombstones(self, article_id: str, event_id: str, now: str) -> list[OutputRecord]:
        """No value under the article's key, wherever its versions were published."""
        return [
            OutputRecord(topic, article_id.encode(), None, _headers(topic, event_id, cloudevents.WITHDRAWN, now))
            for topic in (self._topics.enriched, self._topics.duplicates)
        ]

    def _outputs(self, item: Prepared, published: Published, transaction: Transaction, now: str) -> list[OutputRecord]:
        topics, article = self._topics, item.article
        topic, kind = (
            (topics.duplicates, cloudevents.DUPLICATE)
            if published.duplicate.is_duplicate
            else (topics.enriched, cloudevents.ENRICHED)
        )
        value = codec.encode(enriched(article, published))
        outputs = [OutputRecord(topic, article.id.encode(), value, _headers(topic, article.event_id, kind, now))]
        cluster = transaction.cluster(item.subject.scope, published.duplicate.cluster_id)
        if cluster:
            headers = _headers(topics.clusters, f"{cluster.cluster_id}.{cluster.size}", cloudevents.CLUSTER, now)
            outputs.append(OutputRecord(topics.clusters, cluster.cluster_id.encode(), codec.encode(cluster), headers))
        return outputs

    def _changelog_record(
        self, event: FingerprintEvent | RemovalEvent, key: str, partition: int, now: str
    ) -> OutputRecord:
        topic = self._topics.fingerprints
        kind = cloudevents.FINGERPRINT if isinstance(event, FingerprintEvent) else cloudevents.REMOVAL
        return OutputRecord(
            topic, key.encode(), codec.encode(event), _headers(topic, event.event_id, kind, now), partition
        )

    def _reject(self, record: Record, error: Rejected) -> Outcome:
        letter = dead_letter(self._topics.rejected, record, "deduplicate", [(None, error)])
        return Outcome("rejected", [letter], code=error.code)


def incoming_article(article: NormalizedEvent, found: Fingerprint) -> IncomingArticle:
    """What the decision has to know of ``article``."""
    shown = (article.content.hash, article.title, article.byline, article.dateline, *article.agencies)
    return IncomingArticle(
        id=article.id,
        scope=scope_of(article),
        url_key=article.url_key,
        source=source_of(article),
        display_hash=blake2b("\n".join(part or "" for part in shown).encode(), digest_size=16).hexdigest(),
        fingerprint=found,
        times=Times(article.published_at, article.event_time),
    )


def source_of(article: Article) -> str | None:
    """Who published it."""
    return article.source.domain or article.source.name


def about(article: Article) -> About:
    """What metrics tell of ``article``."""
    return About(
        article.language.tag,
        article.domain or article.source.domain,
        article.fetched_at,
        article.origin.timestamp,
    )


def remembered(
    article: NormalizedEvent, subject: IncomingArticle, verdict: Verdict, *, offset: int, previous: int
) -> FingerprintEvent:
    """The changelog record of a decided article."""
    return FingerprintEvent(
        event_id=article.event_id,
        offset=offset,
        previous=previous,
        event_time=article.event_time,
        scope=subject.scope,
        id=article.id,
        url_key=subject.url_key,
        source=subject.source,
        published_at=article.published_at,
        display_hash=subject.display_hash,
        revision=verdict.revision,
        cluster_depth=verdict.cluster_depth,
        earlier_offset=verdict.earlier.offset if verdict.earlier else None,
        duplicate=verdict.duplicate,
        origin=article.origin,
        **pack_fingerprint(subject.fingerprint),
    )


class Published(NamedTuple):
    """What the published event tells beyond the article; a repeated delivery keeps the origin of the first."""

    duplicate: Duplicate
    revision: int
    origin: Origin


def enriched(article: NormalizedEvent, published: Published) -> EnrichedEvent:
    """The published event."""
    fields = {name: getattr(article, name) for name in _SHARED_FIELDS}
    return EnrichedEvent(**{**fields, **published._asdict()})


def changelog_event(record: Record) -> FingerprintEvent | RemovalEvent:
    """The event in a record of the changelog.

    Raises:
        msgspec.DecodeError: it is not JSON, or has another shape.
        UnicodeDecodeError: a text in it is not UTF-8.
    """
    value = record.value or b""
    if cloudevents.event_type(record) == cloudevents.REMOVAL:
        return codec.decode(value, RemovalEvent)
    return codec.decode(value, FingerprintEvent)


def _decode(record: Record) -> NormalizedEvent | TakedownEvent:
    value = record.value or b""
    try:
        if cloudevents.event_type(record) == cloudevents.TAKEDOWN:
            return codec.decode(value, TakedownEvent)
        return codec.decode(value, NormalizedEvent)
    except codec.UNREADABLE as error:
        raise _unreadable(str(error)) from None


def _unreadable(reason: str) -> Rejected:
    return Rejected("invalid_normalized", f"{reason}; only the normalize step may write to this topic")


def _reused(known: StoredArticle) -> Rejected:
    topic, partition, offset, *_ = known.origin
    return Rejected(
        "event_id_reused",
        f"the event id stands for {known.id} at {topic}/{partition}/{offset}"
        ", whose text is another; give every event its own ce_id",
    )


def _headers(topic: str, event_id: str, kind: str, now: str) -> Headers:
    return cloudevents.headers(f"/{topic}", event_id, kind, now)


_SHARED_FIELDS: Final = tuple(
    name for name in NormalizedEvent.__struct_fields__ if name in EnrichedEvent.__struct_fields__
)
