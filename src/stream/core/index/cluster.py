"""A duplicate cluster as the index stores it: what is published of it, and how it is updated.

A cluster's value holds its first articles, so that it can be published without reading anything else. Further articles
have values of their own: see `stream.core.index.cluster_members`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from stream.core.contracts.events import DUPLICATE_RELATIONS, ClusterEvent, ClusterMember, FingerprintEvent, Relation
from stream.core.dedup.rules import new_cluster_id
from stream.core.index.records import StoredArticle
from stream.core.timestamps import format_rfc3339

CLUSTER_SOURCES_MAX: Final = 100
#: How many articles a cluster lists.
MEMBERS_MAX: Final = 50
#: How many offsets of events a cluster keeps, for the postings of later articles and for successors.
OFFSETS_MAX: Final = 256


class Member(msgspec.Struct, array_like=True):
    """An article of a cluster, with all its events there.

    Attributes:
        id: Id of the article.
        url: URL of its first event.
        relation: Relation of its first event.
        sources: The sources of its events, in the order in which they came.
        first_seen: Earliest event time.
        last_seen: Latest event time.
        published_at: Earliest time of publication.
        events: How many events it has.
        offset: Offset of its newest version.
        event_id: Event id of its newest version.
        revision: Revision of its newest version.
        is_enriched: Whether one of its events was published in the enriched topic.
    """

    id: str
    url: str | None
    relation: Relation
    sources: list[str]
    first_seen: str | None
    last_seen: str | None
    published_at: str | None
    events: int
    offset: int
    event_id: bytes
    revision: int
    is_enriched: bool

    @classmethod
    def from_article(cls, article: StoredArticle | FingerprintEvent, offset: int) -> Member:
        """Make the member with one event, ``article``, whose offset is ``offset``."""
        if isinstance(article, StoredArticle):
            relation, event_id = article.relation, article.event_id
        else:
            relation, event_id = article.duplicate.relation, bytes.fromhex(article.event_id)
        # Articles from files have no time of arrival, and an event time of 0.
        time = format_rfc3339(article.event_time) if article.event_time else None
        return cls(
            id=article.id,
            url=article.url,
            relation=relation,
            sources=[article.source] if article.source else [],
            first_seen=time,
            last_seen=time,
            published_at=article.published_at,
            events=1,
            offset=offset,
            event_id=event_id,
            revision=article.revision,
            is_enriched=relation not in DUPLICATE_RELATIONS,
        )

    def add(self, later: Member) -> None:
        """Add a later event of the article."""
        self.events += later.events
        self.sources += [source for source in later.sources if source not in self.sources]
        self.first_seen = _earlier(self.first_seen, later.first_seen)
        self.last_seen = _later(self.last_seen, later.last_seen)
        self.published_at = _earlier(self.published_at, later.published_at)
        self.is_enriched = self.is_enriched or later.is_enriched
        if later.relation != "outdated":
            self.offset, self.event_id, self.revision = later.offset, later.event_id, later.revision

    def to_event(self) -> ClusterMember:
        """Make what is published of it."""
        return ClusterMember(
            id=self.id,
            url=self.url,
            source=self.sources[0] if self.sources else None,
            relation=self.relation,
            first_seen=self.first_seen,
            published_at=self.published_at,
        )


class Cluster(msgspec.Struct, array_like=True):
    """A duplicate cluster.

    Attributes:
        canonical_id: Id of its first article.
        size: How many events it has.
        articles: How many articles it has.
        members: Its first `MEMBERS_MAX` articles, in the order in which they joined.
        offsets: Offsets of its first `OFFSETS_MAX` events, in order.
        unlisted: The numbers of the articles that have values of their own: the first one, and the one after the last.
        queue_number: The number of its entry in the `ExpiryQueue` that counts.

    The other fields are those of `ClusterEvent`.
    """

    canonical_id: str
    size: int = 0
    articles: int = 0
    sources: list[str] = []
    first_seen: str | None = None
    last_seen: str | None = None
    earliest_published_at: str | None = None
    members: list[Member] = []
    offsets: list[int] = []
    unlisted: tuple[int, int] = (0, 0)
    queue_number: int = -1

    def to_event(self, cluster_id: str, scope: str) -> ClusterEvent:
        """Make the event that is published for it."""
        return ClusterEvent(
            cluster_id=cluster_id,
            canonical_id=self.canonical_id,
            size=self.size,
            articles=self.articles,
            members=[member.to_event() for member in self.members],
            sources=self.sources,
            languages=[language_of(scope)],
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            earliest_published_at=self.earliest_published_at,
        )

    def find_listed(self, article_id: str) -> Member | None:
        """The member with this id, if it is one of the first."""
        return next((member for member in self.members if member.id == article_id), None)

    def count_event(self, event: Member) -> None:
        """Count one more event, of a member that is there or is added."""
        self.size += event.events
        if len(self.offsets) < OFFSETS_MAX:
            self.offsets.append(event.offset)
        self._cover(event)

    def summarize(self, members: Iterable[Member]) -> None:
        """Set sources and times to those of ``members``."""
        self.sources, self.first_seen, self.last_seen, self.earliest_published_at = [], None, None, None
        for member in members:
            self._cover(member)

    def _cover(self, member: Member) -> None:
        for source in member.sources:
            if source not in self.sources:
                self.sources = sorted([*self.sources, source])[:CLUSTER_SOURCES_MAX]
        self.first_seen = _earlier(self.first_seen, member.first_seen)
        self.last_seen = _later(self.last_seen, member.last_seen)
        self.earliest_published_at = _earlier(self.earliest_published_at, member.published_at)


def begins_cluster(event: FingerprintEvent) -> bool:
    """Whether the article begins a cluster: it is new, or linked to a round-up without being part of its story."""
    if event.duplicate.relation in ("excerpt", "expansion"):
        return event.duplicate.cluster_id == new_cluster_id(event.scope, event.id, event.text_hash)
    return event.duplicate.relation == "new"


def language_of(scope: str) -> str:
    """The language of ``scope``, which is tenant/language."""
    return scope.rpartition("/")[2]


def _earlier(first: str | None, second: str | None) -> str | None:
    return min(filter(None, (first, second)), default=None)


def _later(first: str | None, second: str | None) -> str | None:
    return max(filter(None, (first, second)), default=None)
