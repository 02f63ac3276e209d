"""How a cluster grows by one event."""

from __future__ import annotations

from typing import Final

from stream.clock import rfc3339
from stream.events import ClusterEvent, FingerprintEvent

SOURCES_MAX: Final = 100


def grown(cluster: ClusterEvent | None, event: FingerprintEvent) -> ClusterEvent:
    """``cluster`` (None: not begun yet) with ``event`` in it."""
    # Files have no time of arrival: an event time of 0 is none.
    times = [rfc3339(event.event_time)] if event.event_time else []
    sources = {event.source} if event.source else set()
    published = event.published_at
    if cluster is None:
        return ClusterEvent(
            cluster_id=event.duplicate.cluster_id,
            canonical_id=event.duplicate.duplicate_of or event.id,
            size=1,
            sources=sorted(sources),
            languages=[language_of(event.scope)],
            first_seen=min(times, default=None),
            last_seen=max(times, default=None),
            earliest_published_at=published,
        )
    return ClusterEvent(
        cluster_id=cluster.cluster_id,
        canonical_id=cluster.canonical_id,
        size=cluster.size + 1,
        sources=sorted({*cluster.sources, *sources})[:SOURCES_MAX],
        languages=sorted({*cluster.languages, language_of(event.scope)}),
        first_seen=min([*times, *_known(cluster.first_seen)], default=None),
        last_seen=max([*times, *_known(cluster.last_seen)], default=None),
        earliest_published_at=min([*_known(cluster.earliest_published_at), *_known(published)], default=None),
    )


def _known(time: str | None) -> list[str]:
    return [time] if time else []


def language_of(scope: str) -> str:
    """The language of a scope, which is tenant and language."""
    return scope.rpartition("/")[2]
