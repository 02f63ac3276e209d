"""The steps in order, record in and records out, for every shell: Faust, files, tests, benchmarks.

Raw bytes are validated and normalized by `Normalizer`; `Deduplicator` fingerprints, finds candidates and
decides. Neither knows a broker, a file or the time of day: ``now`` is handed in, and only headers carry it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, Protocol, TypeVar

import msgspec
import orjson

from stream import cloudevents, wire
from stream.clock import rfc3339
from stream.deadletters import dead_letter
from stream.dedup import Subject, Verdict, decide
from stream.errors import Rejected
from stream.events import ClusterEvent, EnrichedEvent, FingerprintEvent, NormalizedEvent, Origin
from stream.fingerprint import Fingerprint, fingerprint
from stream.index.packing import pack_fingerprint
from stream.index.session import Session
from stream.normalize import Arrival, normalize
from stream.normalize.language import primary_language
from stream.records import Headers, Outgoing, Record
from stream.topics import Topics
from stream.validate import DEFAULT_LIMITS, Limits, articles_in, read_message, validate

P = ParamSpec("P")
R = TypeVar("R")


class Wrap(Protocol):
    """Puts something around a named step, such as a timer; gives back the step."""

    def __call__(self, name: str, step: Callable[P, R], /) -> Callable[P, R]:
        """``step``, wrapped."""


def unwrapped(_name: str, step: Callable[P, R], /) -> Callable[P, R]:
    """The step as it is."""
    return step


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event.

    ``result`` is ``normalized``, a relation, or ``rejected``; ``code`` the rejection code. ``time``: when the
    event was fetched, in milliseconds. ``is_repeat``: it was decided before, and is published again.
    """

    result: str
    outputs: Sequence[Outgoing]
    code: str | None = None
    time: int | None = None
    is_repeat: bool = False


class Normalizer:
    """Records of the raw topic to records of the normalized topic and dead letters. Stateless."""

    def __init__(self, topics: Topics, *, limits: Limits = DEFAULT_LIMITS, wrap: Wrap = unwrapped) -> None:
        self._topics = topics
        self._limits = limits
        self._parse = wrap("parse", read_message)
        self._validate = wrap("validate", validate)
        self._normalize = wrap("normalize", normalize)
        self._publish = wrap("encode_normalized", self._outgoing)

    def __call__(self, record: Record, *, now: str, time: int = 0) -> list[Outcome]:
        """The outcome of each article in ``record``, and one of all that were rejected.

        ``now``: RFC 3339, for headers. ``time``: milliseconds, for events without a time of their own in
        records without one.
        """
        try:
            items, identity, is_array = self._items(record)
        except Rejected as error:
            return [self._reject(record, [(None, error)])]
        outcomes: list[Outcome] = []
        rejected: list[tuple[int | None, Rejected]] = []
        for position, item in enumerate(items):
            place = position if is_array else None
            try:
                article = self._article(record, item, place, cloudevents.event_id(identity, place), time)
            except Rejected as error:
                rejected.append((place, error))
            else:
                outcomes.append(Outcome("normalized", [self._publish(article, now)], time=article.event_time))
        if rejected:
            outcomes.append(self._reject(record, rejected))
        return outcomes

    def _items(self, record: Record) -> tuple[list[Any], cloudevents.Identity, bool]:
        parsed, identity = self._parse(record.value, self._limits), cloudevents.identity(record)
        if cloudevents.is_structured(record) and isinstance(parsed, dict):
            parsed, identity = cloudevents.unwrap(parsed, identity)
        return articles_in(parsed, self._limits), identity, isinstance(parsed, list)

    def _article(self, record: Record, item: Any, place: int | None, event_id: str, time: int) -> NormalizedEvent:
        timestamp = _timestamp(record)
        origin = Origin(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=rfc3339(timestamp) if timestamp is not None else None,
            item=place,
        )
        arrival = Arrival(event_id, origin, timestamp, timestamp if timestamp is not None else time)
        return self._normalize(self._validate(item, self._limits), arrival)

    def _outgoing(self, article: NormalizedEvent, now: str) -> Outgoing:
        topic = self._topics.normalized
        headers = _headers(topic, article.event_id, "article.normalized.v1", now)
        return Outgoing(topic, scope_of(article).encode(), wire.encode(article), headers)

    def _reject(self, record: Record, errors: Sequence[tuple[int | None, Rejected]]) -> Outcome:
        letter = dead_letter(self._topics.rejected, record, "normalize", errors)
        return Outcome("rejected", [letter], code=errors[0][1].code)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record of the normalized topic, read and fingerprinted, or the reason why it cannot be."""

    record: Record
    article: NormalizedEvent | None = None
    subject: Subject | None = None
    error: Rejected | None = None


class Deduplicator:
    """Records of one partition of the normalized topic to verdicts, through a session of its index."""

    def __init__(self, topics: Topics, *, wrap: Wrap = unwrapped) -> None:
        self._topics = topics
        self._decode = wrap("decode_normalized", _decode)
        self._fingerprint = wrap("fingerprint", fingerprint)
        self._prefetch = wrap("prefetch", Session.prefetch)
        self._candidates = wrap("find_candidates", Session.candidates)
        self._decide = wrap("decide", decide)
        self._record = wrap("record", Session.record)
        self._publish = wrap("encode_enriched", self._outputs)

    def __call__(self, records: Sequence[Record], session: Session, *, now: str) -> list[Outcome]:
        """One outcome for each record, in order. The session then holds what the index has to record."""
        prepared = [self._prepare(record) for record in records]
        known = [(item.subject, item.article.event_id) for item in prepared if item.subject and item.article]
        self._prefetch(session, known)
        return [self._one(item, session, now) for item in prepared]

    def _prepare(self, record: Record) -> Prepared:
        try:
            article = self._decode(record.value)
        except Rejected as error:
            return Prepared(record, error=error)
        return Prepared(record, article, subject_of(article, self._fingerprint(article.text, article.title)))

    def _one(self, item: Prepared, session: Session, now: str) -> Outcome:
        article, subject = item.article, item.subject
        if article is None or subject is None:
            return self._reject(item.record, item.error or _unreadable("no value"))
        offset, time = item.record.offset, article.event_time
        known = session.delivered(subject.scope, article.event_id, offset=offset, time=time)
        if known is not None and known.content_hash != article.content.hash:
            return self._reject(item.record, _reused(known))
        is_repeat = known is not None
        if known is None:
            verdict = self._decide(subject, self._candidates(session, subject, time=time))
            known = remembered(article, subject, verdict, offset=offset, previous=session.position.last)
        is_recorded = not is_repeat and offset > session.position.last
        if is_recorded:
            self._record(session, known)
        cluster = session.cluster(subject.scope, known.duplicate.cluster_id)
        outputs = self._publish(article, known, cluster, now)
        if is_recorded:
            outputs.append(self._changelog_record(known, item.record.partition, now))
        return Outcome(known.duplicate.relation, outputs, time=time, is_repeat=is_repeat)

    def _outputs(
        self, article: NormalizedEvent, known: FingerprintEvent, cluster: ClusterEvent | None, now: str
    ) -> list[Outgoing]:
        topics, event_id = self._topics, article.event_id
        topic, kind = (
            (topics.duplicates, "article.duplicate.v1")
            if known.duplicate.is_duplicate
            else (topics.enriched, "article.enriched.v1")
        )
        value = wire.encode(enriched(article, known))
        outputs = [Outgoing(topic, article.id.encode(), value, _headers(topic, event_id, kind, now))]
        if cluster and cluster.size > 1:
            headers = _headers(topics.clusters, f"{cluster.cluster_id}.{cluster.size}", "cluster.v1", now)
            outputs.append(Outgoing(topics.clusters, cluster.cluster_id.encode(), wire.encode(cluster), headers))
        return outputs

    def _changelog_record(self, known: FingerprintEvent, partition: int, now: str) -> Outgoing:
        """What the index recorded. Not for repeats: a restore that began at an old record could not go on behind it."""
        topic = self._topics.fingerprints
        headers = _headers(topic, known.event_id, "article.fingerprint.v1", now)
        return Outgoing(topic, known.scope.encode(), wire.encode(known), headers, partition)

    def _reject(self, record: Record, error: Rejected) -> Outcome:
        letter = dead_letter(self._topics.rejected, record, "deduplicate", [(None, error)])
        return Outcome("rejected", [letter], code=error.code)


def scope_of(article: NormalizedEvent) -> str:
    """Tenant and language: everything that can be a copy of each other has one scope, and so one partition."""
    return f"{article.tenant}/{primary_language(article.language.tag)}"


def subject_of(article: NormalizedEvent, found: Fingerprint) -> Subject:
    """What the decision has to know of ``article``."""
    return Subject(
        id=article.id,
        scope=scope_of(article),
        url_key=article.url_key,
        source=article.source.domain or article.source.name,
        print=found,
    )


def remembered(
    article: NormalizedEvent, subject: Subject, verdict: Verdict, *, offset: int, previous: int
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
        content_hash=article.content.hash,
        revision=verdict.revision,
        duplicate=verdict.duplicate,
        origin=article.origin,
        **pack_fingerprint(subject.print),
    )


def enriched(article: NormalizedEvent, known: FingerprintEvent) -> EnrichedEvent:
    """The published event; a repeated delivery keeps the origin of the first."""
    fields = {name: getattr(article, name) for name in _SHARED_FIELDS}
    return EnrichedEvent(**{**fields, "origin": known.origin}, revision=known.revision, duplicate=known.duplicate)


def _decode(value: bytes | None) -> NormalizedEvent:
    try:
        return wire.decode(value or b"", NormalizedEvent)
    except (msgspec.ValidationError, orjson.JSONDecodeError) as error:
        raise _unreadable(str(error)) from None


def _unreadable(reason: str) -> Rejected:
    return Rejected("invalid_normalized", f"{reason}; only the normalize step may write to this topic")


def _reused(known: FingerprintEvent) -> Rejected:
    return Rejected(
        "event_id_reused",
        f"the event id stands for {known.id} at {known.origin.topic}/{known.origin.partition}/{known.origin.offset}"
        ", whose text is another; give every event its own ce_id",
    )


def _headers(topic: str, event_id: str, kind: str, now: str) -> Headers:
    return cloudevents.headers(f"/{topic}", event_id, kind, now)


def _timestamp(record: Record) -> int | None:
    """The record's time in milliseconds, if it is one: producers set it, and clients write -1 for none."""
    timestamp = record.timestamp
    return timestamp if timestamp is not None and 0 <= timestamp <= _TIMESTAMP_MAX else None


#: The last millisecond of the year 9999.
_TIMESTAMP_MAX: Final = 253_402_300_799_999
_SHARED_FIELDS: Final = tuple(
    name for name in NormalizedEvent.__struct_fields__ if name in EnrichedEvent.__struct_fields__
)
