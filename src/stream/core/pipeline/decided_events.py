"""The events of a decided article: the one that is published, and the one in the changelog."""

from __future__ import annotations

from hashlib import blake2b
from operator import attrgetter
from typing import Final, NamedTuple

from stream.core.contracts import codec
from stream.core.contracts.events import (
    Article,
    Duplicate,
    EnrichedEvent,
    FingerprintEvent,
    Kind,
    NormalizedEvent,
    Notice,
    Origin,
)
from stream.core.dedup.articles import IncomingArticle, Times
from stream.core.dedup.fingerprint import Fingerprint
from stream.core.dedup.rules import Verdict
from stream.core.index.records import Position, StoredArticle, pack_fingerprint
from stream.core.notices.form import find_notice
from stream.core.pipeline.outcome import ArticleInfo, scope_of


def incoming_article(event: NormalizedEvent, fingerprint: Fingerprint) -> IncomingArticle:
    """Build the rules' input from an event."""
    notice, notice_tokens = find_notice(event.text, event.language.tag, tokens=len(fingerprint.sequence))
    displayed = (event.content.hash, event.title, event.byline, event.dateline, *event.agencies)
    return IncomingArticle(
        id=event.id,
        scope=scope_of(event),
        url_key=event.url_key,
        source=source_of(event),
        display_hash=blake2b("\n".join(part or "" for part in displayed).encode(), digest_size=16).hexdigest(),
        fingerprint=fingerprint,
        times=Times(event.published_at, event.event_time, event.modified_at),
        notice=notice,
        notice_tokens=notice_tokens,
    )


def source_of(article: Article) -> str | None:
    """The domain of the publisher, or its name."""
    return article.source.domain or article.source.name


def article_info(event: NormalizedEvent, verdict: Verdict) -> ArticleInfo:
    """Extract the fields that metrics use."""
    return ArticleInfo(
        event.language.tag,
        event.domain or event.source.domain,
        event.fetched_at,
        event.origin.timestamp,
        verdict.notice,
    )


def fingerprint_event(
    event: NormalizedEvent, article: IncomingArticle, verdict: Verdict, position: Position, *, offset: int
) -> FingerprintEvent:
    """Make the changelog record of a decided article.

    Args:
        event: The article as it was consumed.
        article: The article as it was decided.
        verdict: The decision.
        position: How far the index has read before it.
        offset: Its offset, as ``position`` counts.
    """
    return FingerprintEvent(
        event_id=event.event_id,
        offset=offset,
        previous=position.last,
        log=position.log,
        base=position.base,
        event_time=event.event_time,
        scope=article.scope,
        id=event.id,
        url=event.url,
        url_key=article.url_key,
        source=article.source,
        published_at=event.published_at,
        modified_at=_latest_modification(event, verdict),
        display_hash=article.display_hash,
        published_hash=hash_published_fields(event),
        domain=event.domain or event.source.domain,
        notice=verdict.notice,
        recognized_offsets=[article.offset for article in verdict.recognized],
        revision=verdict.revision,
        cluster_depth=verdict.cluster_depth,
        earlier_offset=verdict.earlier.offset if verdict.earlier else None,
        duplicate=verdict.duplicate,
        origin=event.origin,
        **pack_fingerprint(article.fingerprint),
    )


def _latest_modification(event: NormalizedEvent, verdict: Verdict) -> str | None:
    """The latest ``modified_at`` of the article's versions: one without it does not make an older one acceptable."""
    times = [event.modified_at]
    if verdict.duplicate.relation in ("recrawl", "revision") and verdict.earlier:
        times.append(verdict.earlier.times.modified)
    return max(filter(None, times), default=None)


class VerdictFields(NamedTuple):
    """The fields of an enriched event that depend on the decision; a repeated delivery has those of the first one."""

    duplicate: Duplicate
    revision: int
    origin: Origin
    notice: Notice | None


def enriched_event(event: NormalizedEvent, fields: VerdictFields) -> EnrichedEvent:
    """Make the event that is published for an article."""
    shared = {name: getattr(event, name) for name in _SHARED_FIELDS}
    kind: Kind = "notice" if fields.notice else "article"
    return EnrichedEvent(**{**shared, **fields._asdict(), "kind": kind})


def hash_published_fields(event: NormalizedEvent) -> str:
    """Hash all that is published of an article besides its verdict and its origin: 32 hexadecimal digits."""
    # The text is in it as the hash in `content`.
    return blake2b(codec.encode(_hashed_fields(event)), digest_size=16).hexdigest()


def find_difference(stored: StoredArticle, event: NormalizedEvent, article: IncomingArticle) -> str | None:
    """Say what differs from the first delivery of an event; None if nothing does."""
    if stored.display_hash.hex() != article.display_hash:
        return "which has a different text, title or credits"
    if stored.id != event.id:
        return "which has a different id"
    if stored.published_hash and stored.published_hash.hex() != hash_published_fields(event):
        return "which differs in other fields, such as the URL, dates, tags or extra"
    return None


_SHARED_FIELDS: Final = tuple(
    name for name in NormalizedEvent.__struct_fields__ if name in EnrichedEvent.__struct_fields__
)
_hashed_fields: Final = attrgetter(*(name for name in _SHARED_FIELDS if name not in ("event_id", "text", "origin")))
