"""A takedown: what an index forgets, and what becomes of the clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stream.core.contracts.events import ClusterEvent, RemovalEvent
from stream.core.index import keys
from stream.core.index.records import StoredArticle, Takedown
from stream.core.index.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Removed:
    """What a takedown removed: the ids of articles, and the clusters that they were in as they stand now.

    A cluster that has nothing left is None.
    """

    ids: list[str]
    clusters: dict[str, ClusterEvent | None]


def remove(transaction: Transaction, event: RemovalEvent) -> Removed | None:
    """Forget every version of the articles with the id or the address of ``event``, whatever their language.

    None if there is none. What led to a removed article leads to another one of its cluster, if one is left, best of
    all to one with the same text: later articles of a cluster have few anchors of their own (see `Transaction.record`).
    """
    told = Takedown([], [])
    for language in transaction.languages(event.tenant):
        _remove_from(transaction, f"{event.tenant}/{language}", event, told)
    if not told.ids:
        return None
    transaction.put_takedown(event.event_id, told)
    transaction.position.last = event.offset
    return removed_before(transaction, event.event_id)


def removed_before(transaction: Transaction, event_id: str) -> Removed | None:
    """What this takedown removed when it was first delivered; None if nothing."""
    told = transaction.takedown(event_id)
    if told is None:
        return None
    return Removed(
        told.ids, {cluster_id: transaction.cluster(scope, cluster_id) for scope, cluster_id in told.clusters}
    )


def _remove_from(transaction: Transaction, scope: str, event: RemovalEvent, told: Takedown) -> None:
    versions = dict(_versions(transaction, scope, event))
    for offset, article in versions.items():
        stand_in = _stand_in(transaction, scope, article, set(versions))
        transaction.put_removed(scope, offset, stand_in)
    told.ids += sorted({article.id for article in versions.values()} - set(told.ids))
    by_cluster: dict[str, dict[int, StoredArticle]] = {}
    for offset, article in versions.items():
        by_cluster.setdefault(article.cluster_of(scope), {})[offset] = article
    for cluster_id, articles in by_cluster.items():
        _shrink(transaction, scope, cluster_id, articles, told)


def _versions(transaction: Transaction, scope: str, event: RemovalEvent) -> Iterator[tuple[int, StoredArticle]]:
    """Every article at the address of ``event``, newest first: each names the version before it."""
    view, seen = transaction.scope(scope), set[int]()
    for name in keys.address_names(event):
        for place, _ in reversed(keys.visible_postings(view.get(name))):
            offset: int | None = place
            while (
                offset is not None and offset not in seen and (article := transaction.held(scope, offset)) is not None
            ):
                seen.add(offset)
                yield offset, article
                offset = article.earlier_offset if article.relation in ("recrawl", "revision") else None


def _stand_in(transaction: Transaction, scope: str, article: StoredArticle, leaving: set[int]) -> int | None:
    cluster = transaction.cluster_state(scope, article.cluster_of(scope))
    members = cluster.members if cluster else []
    left = [
        (offset, other) for offset in members if offset not in leaving and (other := transaction.held(scope, offset))
    ]
    same = (offset for offset, other in left if other.text_hash == article.text_hash)
    return next(same, left[0][0] if left else None)


def _shrink(
    transaction: Transaction, scope: str, cluster_id: str, articles: dict[int, StoredArticle], told: Takedown
) -> None:
    cluster = transaction.cluster_state(scope, cluster_id)
    if cluster is None:  # it had one article, and was never published
        return
    left = (transaction.held(scope, offset) for offset in cluster.members if offset not in articles)
    first = next((article.id for article in left if article), None)
    is_canonical = cluster.canonical_id in {article.id for article in articles.values()}
    canonical_id = first if is_canonical else cluster.canonical_id
    told.clusters.append((scope, cluster_id))
    if canonical_id is None:
        transaction.put_cluster(scope, cluster_id, None)
    else:
        cluster.remove(set(articles), canonical_id)
        transaction.put_cluster(scope, cluster_id, cluster)
