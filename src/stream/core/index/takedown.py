"""Applies a takedown to an index: which articles are deleted, and what remains of their clusters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stream.core.contracts.events import VERSION_RELATIONS, ClusterEvent, RemovalEvent
from stream.core.index import keys
from stream.core.index.records import StoredArticle, StoredTakedown
from stream.core.index.transaction import Transaction


@dataclass(frozen=True, slots=True)
class TakedownResult:
    """What a takedown changed.

    Attributes:
        ids: Ids of the articles that were deleted.
        clusters: The clusters that they were in, by id, as they are now; None for a cluster that is empty.
    """

    ids: list[str]
    clusters: dict[str, ClusterEvent | None]


def apply_takedown(transaction: Transaction, event: RemovalEvent) -> TakedownResult | None:
    """Delete every version of the articles with the id or the URL of ``event``, in all languages of the tenant.

    Postings that lead to a deleted article then lead to its successor, another article of its cluster: one with the
    same text if there is one. Later articles of a cluster have few postings of their own (see `Transaction.add`), so
    they would not be found otherwise.

    Returns:
        What was changed; None if there is no such article.
    """
    takedown = StoredTakedown([], [])
    for language in transaction.languages(event.tenant):
        _apply_to_scope(transaction, f"{event.tenant}/{language}", event, takedown)
    if not takedown.ids:
        return None
    transaction.put_takedown(event.event_id, takedown)
    transaction.position.last = event.offset
    return find_takedown_result(transaction, event.event_id)


def find_takedown_result(transaction: Transaction, event_id: str) -> TakedownResult | None:
    """Return what a takedown changed when it was applied; None if it was not, or changed nothing."""
    takedown = transaction.find_takedown(event_id)
    if takedown is None:
        return None
    clusters = {cluster_id: transaction.cluster_event(scope, cluster_id) for scope, cluster_id in takedown.clusters}
    return TakedownResult(takedown.ids, clusters)


def _apply_to_scope(transaction: Transaction, scope: str, event: RemovalEvent, takedown: StoredTakedown) -> None:
    versions = dict(_versions(transaction, scope, event))
    for offset, article in versions.items():
        successor = _choose_successor(transaction, scope, article, set(versions))
        transaction.delete_article(scope, offset, successor)
    takedown.ids += sorted({article.id for article in versions.values()} - set(takedown.ids))
    by_cluster: dict[str, dict[int, StoredArticle]] = {}
    for offset, article in versions.items():
        by_cluster.setdefault(article.resolve_cluster_id(scope), {})[offset] = article
    for cluster_id, articles in by_cluster.items():
        _shrink_cluster(transaction, scope, cluster_id, articles, takedown)


def _versions(transaction: Transaction, scope: str, event: RemovalEvent) -> Iterator[tuple[int, StoredArticle]]:
    """Yield the offset and the article of every version; each version refers to the one before it."""
    view, seen = transaction.scope_view(scope), set[int]()
    for name in keys.id_and_url_names(event):
        for newest, _ in reversed(keys.visible_postings(view.get(name))):
            offset: int | None = newest
            while offset is not None and offset not in seen:
                article = transaction.find_article(scope, offset)
                if article is None:
                    break
                seen.add(offset)
                yield offset, article
                offset = article.earlier_offset if article.relation in VERSION_RELATIONS else None


def _choose_successor(transaction: Transaction, scope: str, article: StoredArticle, deleted: set[int]) -> int | None:
    cluster = transaction.cluster(scope, article.resolve_cluster_id(scope))
    members = cluster.members if cluster else []
    remaining = [
        (offset, member)
        for offset in members
        if offset not in deleted and (member := transaction.find_article(scope, offset))
    ]
    same_text = (offset for offset, member in remaining if member.text_hash == article.text_hash)
    return next(same_text, remaining[0][0] if remaining else None)


def _shrink_cluster(
    transaction: Transaction, scope: str, cluster_id: str, articles: dict[int, StoredArticle], takedown: StoredTakedown
) -> None:
    cluster = transaction.cluster(scope, cluster_id)
    if cluster is None:  # it had one article, and was never published
        return
    remaining = (transaction.find_article(scope, offset) for offset in cluster.members if offset not in articles)
    first_id = next((article.id for article in remaining if article), None)
    is_canonical = cluster.canonical_id in {article.id for article in articles.values()}
    canonical_id = first_id if is_canonical else cluster.canonical_id
    takedown.clusters.append((scope, cluster_id))
    if canonical_id is None:
        transaction.put_cluster(scope, cluster_id, None)
    else:
        cluster.remove(set(articles), canonical_id)
        transaction.put_cluster(scope, cluster_id, cluster)
