"""A duplicate cluster as the index stores it, and how it grows and shrinks."""

from __future__ import annotations

from typing import Final

import msgspec

from stream.core.contracts.events import ClusterEvent, FingerprintEvent
from stream.core.dedup.rules import new_cluster_id
from stream.core.index.records import StoredArticle
from stream.core.timestamps import format_rfc3339

CLUSTER_SOURCES_MAX: Final = 100
#: A cluster stores the offsets of its first members; further members are only counted.
MEMBERS_MAX: Final = 256


class Cluster(msgspec.Struct, array_like=True):
    """A duplicate cluster.

    Attributes:
        size: How many articles it has.
        members: Offsets of its first `MEMBERS_MAX` articles, in order.

    The other fields are those of `ClusterEvent`.
    """

    canonical_id: str
    size: int
    sources: list[str]
    languages: list[str]
    first_seen: str | None
    last_seen: str | None
    earliest_published_at: str | None
    members: list[int]

    @classmethod
    def empty(cls, canonical_id: str) -> Cluster:
        """Return an empty cluster; ``canonical_id`` is its first article."""
        return cls(canonical_id, 0, [], [], None, None, None, [])

    def to_event(self, cluster_id: str) -> ClusterEvent:
        """Make the event that is published for it."""
        return ClusterEvent(
            cluster_id=cluster_id,
            canonical_id=self.canonical_id,
            size=self.size,
            sources=self.sources,
            languages=self.languages,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            earliest_published_at=self.earliest_published_at,
        )

    def add(self, article: StoredArticle | FingerprintEvent, scope: str, offset: int) -> None:
        """Add ``article``, whose offset is ``offset``."""
        # Articles from files have no time of arrival, and an event time of 0.
        times = [format_rfc3339(article.event_time)] if article.event_time else []
        self.size += 1
        self.sources = sorted({*self.sources, *_as_list(article.source)})[:CLUSTER_SOURCES_MAX]
        self.languages = sorted({*self.languages, language_of(scope)})
        self.first_seen = min([*times, *_as_list(self.first_seen)], default=None)
        self.last_seen = max([*times, *_as_list(self.last_seen)], default=None)
        published = [*_as_list(self.earliest_published_at), *_as_list(article.published_at)]
        self.earliest_published_at = min(published, default=None)
        if len(self.members) < MEMBERS_MAX:
            self.members.append(offset)

    def remove(self, offsets: set[int], canonical_id: str) -> None:
        """Remove the articles at ``offsets``; ``canonical_id`` is the first of those that remain."""
        self.size -= len(offsets)
        self.members = [offset for offset in self.members if offset not in offsets]
        self.canonical_id = canonical_id


def begins_cluster(event: FingerprintEvent) -> bool:
    """Whether the article begins a cluster: it is new, or linked to a round-up without being part of its story."""
    if event.duplicate.relation in ("excerpt", "expansion"):
        return event.duplicate.cluster_id == new_cluster_id(event.scope, event.id, event.text_hash)
    return event.duplicate.relation == "new"


def language_of(scope: str) -> str:
    """The language of ``scope``, which is tenant/language."""
    return scope.rpartition("/")[2]


def _as_list(value: str | None) -> list[str]:
    return [value] if value else []
