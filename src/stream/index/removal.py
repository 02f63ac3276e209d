"""A takedown: what an index forgets, and what becomes of the clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stream.events import ClusterEvent, RemovalEvent
from stream.index import keys
from stream.index.packing import Article
from stream.index.session import Session


@dataclass(slots=True)
class Removed:
    """What a takedown removed: the ids of articles, and the clusters that they were in as they stand now.

    A cluster that has nothing left is None.
    """

    ids: list[str] = field(default_factory=list)
    clusters: dict[str, ClusterEvent | None] = field(default_factory=dict)


def remove(session: Session, event: RemovalEvent) -> Removed:
    """Forget every version of the articles with the id or the address of ``event``, whatever their language.

    What led to a removed article leads to another one of its cluster, if one is left, best of all to one with the same
    text: later articles of a cluster have few anchors of their own (see `Session.record`).
    """
    removed = Removed()
    for language in session.languages(event.tenant):
        _remove_from(session, f"{event.tenant}/{language}", event, removed)
    if removed.ids:
        session.position.last = event.offset
    return removed


def _remove_from(session: Session, scope: str, event: RemovalEvent, removed: Removed) -> None:
    versions = dict(_versions(session, scope, event))
    for offset, article in versions.items():
        stand_in = _stand_in(session, scope, article, set(versions))
        session.put_removed(scope, offset, stand_in)
    removed.ids += sorted({article.id for article in versions.values()} - set(removed.ids))
    by_cluster: dict[str, dict[int, Article]] = {}
    for offset, article in versions.items():
        by_cluster.setdefault(article.cluster_of(scope), {})[offset] = article
    for cluster_id, articles in by_cluster.items():
        _shrink(session, scope, cluster_id, articles, removed)


def _versions(session: Session, scope: str, event: RemovalEvent) -> Iterator[tuple[int, Article]]:
    """Every article at the address of ``event``, newest first: each names the version before it."""
    view = session.scope(scope)
    for name in keys.address_names(event):
        for place, _ in keys.visible_postings(view.get(name)):
            offset: int | None = place
            while offset is not None and (article := session.held(scope, offset)) is not None:
                yield offset, article
                offset = article.earlier_offset if article.relation in ("recrawl", "revision") else None


def _stand_in(session: Session, scope: str, article: Article, leaving: set[int]) -> int | None:
    cluster = session.cluster_state(scope, article.cluster_of(scope))
    members = cluster.members if cluster else []
    left = [(offset, other) for offset in members if offset not in leaving and (other := session.held(scope, offset))]
    same = (offset for offset, other in left if other.text_hash == article.text_hash)
    return next(same, left[0][0] if left else None)


def _shrink(session: Session, scope: str, cluster_id: str, articles: dict[int, Article], removed: Removed) -> None:
    cluster = session.cluster_state(scope, cluster_id)
    if cluster is None:  # it had one article, and was never published
        return
    left = (session.held(scope, offset) for offset in cluster.members if offset not in articles)
    first = next((article.id for article in left if article), None)
    is_canonical = cluster.canonical_id in {article.id for article in articles.values()}
    canonical_id = first if is_canonical else cluster.canonical_id
    if canonical_id is None:
        session.put_cluster(scope, cluster_id, None)
        removed.clusters[cluster_id] = None
        return
    cluster.remove(set(articles), canonical_id)
    session.put_cluster(scope, cluster_id, cluster)
    removed.clusters[cluster_id] = cluster.event(cluster_id)
