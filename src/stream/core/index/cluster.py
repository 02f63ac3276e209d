"""What the index keeps of a duplicate cluster, and how it grows and shrinks."""

from __future__ import annotations

from typing import Final

import msgspec

from stream.core.contracts.events import ClusterEvent, FingerprintEvent
from stream.core.dedup.rules import new_cluster_id
from stream.core.index.records import StoredArticle
from stream.core.timestamps import format_rfc3339

SOURCES_MAX: Final = 100
#: The first members are known by their offsets; of a larger cluster the others are only counted.
MEMBERS_MAX: Final = 256


class Cluster(msgspec.Struct, array_like=True):
    """A duplicate cluster. ``members``: offsets of its first `MEMBERS_MAX` articles, in order."""

    canonical_id: str
    size: int
    sources: list[str]
    languages: list[str]
    first_seen: str | None
    last_seen: str | None
    earliest_published_at: str | None
    members: list[int]

    @classmethod
    def begun(cls, canonical_id: str) -> Cluster:
        """A cluster whose first article is going to be ``canonical_id``."""
        return cls(canonical_id, 0, [], [], None, None, None, [])

    def event(self, cluster_id: str) -> ClusterEvent:
        """What consumers are told of it."""
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
        """Count ``article`` in."""
        # Files have no time of arrival: an event time of 0 is none.
        seen = [format_rfc3339(article.event_time)] if article.event_time else []
        self.size += 1
        self.sources = sorted({*self.sources, *_known(article.source)})[:SOURCES_MAX]
        self.languages = sorted({*self.languages, language_of(scope)})
        self.first_seen = min([*seen, *_known(self.first_seen)], default=None)
        self.last_seen = max([*seen, *_known(self.last_seen)], default=None)
        published = [*_known(self.earliest_published_at), *_known(article.published_at)]
        self.earliest_published_at = min(published, default=None)
        if len(self.members) < MEMBERS_MAX:
            self.members.append(offset)

    def remove(self, offsets: set[int], canonical_id: str) -> None:
        """Take the articles at ``offsets`` out; ``canonical_id`` is the first of those that stay."""
        self.size -= len(offsets)
        self.members = [offset for offset in self.members if offset not in offsets]
        self.canonical_id = canonical_id


def begins_cluster(event: FingerprintEvent) -> bool:
    """The article is the first one of its cluster: it is new, or only an item of a round-up that is linked."""
    if event.duplicate.relation in ("excerpt", "expansion"):
        return event.duplicate.cluster_id == new_cluster_id(event.scope, event.id, event.text_hash)
    return event.duplicate.relation == "new"


def language_of(scope: str) -> str:
    """The language of a scope, which is tenant and language."""
    return scope.rpartition("/")[2]


def _known(value: str | None) -> list[str]:
    return [value] if value else []
