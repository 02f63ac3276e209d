"""Applies a takedown to an index: which articles are deleted, and what remains of their clusters."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stream.core.contracts.events import VERSION_RELATIONS, ClusterEvent, RemovalEvent
from stream.core.dedup.versions import is_url_id
from stream.core.index import keys
from stream.core.index.cluster import Cluster
from stream.core.index.cluster_members import remove_articles
from stream.core.index.records import Promotion, StoredArticle, StoredTakedown
from stream.core.index.transaction import Transaction


@dataclass(frozen=True, slots=True)
class TakedownResult:
    """What a takedown changed.

    Attributes:
        ids: Ids of the articles that were deleted.
        clusters: The clusters that they were in, by id, as they are now; None for a cluster that is empty.
        promotions: The articles that are published again.
    """

    ids: list[str]
    clusters: dict[str, ClusterEvent | None]
    promotions: list[Promotion]


def apply_takedown(transaction: Transaction, event: RemovalEvent) -> TakedownResult:
    """Delete every version of the articles with the id or the URL of ``event``, in all languages of the tenant.

    Postings that lead to a deleted article then lead to its successor, another article of its cluster: one with the
    same text if there is one. Later articles of a cluster have few postings of their own (see `Transaction.add`), so
    they would not be found otherwise. The result is stored even if there is no such article: a takedown that is
    repeated after the article came must not withdraw it.
    """
    takedown = StoredTakedown(event.offset, 0, (event.id, event.url_key), [], [])
    for language in transaction.languages(event.tenant):
        _apply_to_scope(transaction, f"{event.tenant}/{language}", event, takedown)
    transaction.put_takedown(event, takedown)
    return takedown_result(transaction, takedown)


def find_foreign_domain(transaction: Transaction, event: RemovalEvent, domains: Sequence[str]) -> str | None:
    """Return the domain of an article that ``event`` would withdraw and that is not below one of ``domains``.

    Returns:
        None if there is no such article; "" for an article without a domain.
    """
    for language in transaction.languages(event.tenant):
        for _, article in _versions(transaction, f"{event.tenant}/{language}", event):
            if not is_in_domains(article.domain, domains):
                return article.domain or ""
    return None


def is_in_domains(domain: str | None, domains: Sequence[str]) -> bool:
    """Whether ``domain`` is one of ``domains`` or a subdomain of one.

    >>> is_in_domains("news.paper.example", ["paper.example"]), is_in_domains("newspaper.example", ["paper.example"])
    (True, False)
    """
    return domain is not None and any(f".{domain}".endswith(f".{allowed}") for allowed in domains)


def takedown_result(transaction: Transaction, takedown: StoredTakedown) -> TakedownResult:
    """What a takedown changed when it was applied, with the clusters as they are now."""
    clusters = {cluster_id: transaction.cluster_event(scope, cluster_id) for scope, cluster_id in takedown.clusters}
    return TakedownResult(takedown.ids, clusters, takedown.promotions)


def _apply_to_scope(transaction: Transaction, scope: str, event: RemovalEvent, takedown: StoredTakedown) -> None:
    versions = dict(_versions(transaction, scope, event))
    takedown.ids += sorted({article.id for article in versions.values()} - set(takedown.ids))
    by_cluster: dict[str, dict[int, StoredArticle]] = {}
    for offset, article in versions.items():
        by_cluster.setdefault(article.resolve_cluster_id(scope), {})[offset] = article
    for cluster_id, articles in by_cluster.items():
        remaining = _shrink_cluster(transaction, (scope, cluster_id), articles, event, takedown)
        for offset, article in articles.items():
            transaction.delete_article(scope, offset, _choose_successor(article, remaining))


def _versions(transaction: Transaction, scope: str, event: RemovalEvent) -> Iterator[tuple[int, StoredArticle]]:
    """Yield the offset and the article of every version; each version refers to the one before it.

    Where an article that is found by its URL has versions at other URLs, they are yielded too: tombstones are by id.
    """
    view, seen, ids = transaction.scope_view(scope), set[int](), {event.id}
    names = deque(keys.id_and_url_names(event))
    while names:
        for newest, _ in reversed(keys.visible_postings(view.get(names.popleft()))):
            offset: int | None = newest
            while offset is not None and offset not in seen:
                article = transaction.find_article(scope, offset)
                if article is None:
                    break
                seen.add(offset)
                if article.id != event.id and not (is_url_id(event.id) or is_url_id(article.id)):
                    break  # an article of its own at the same URL
                yield offset, article
                if article.id not in ids:
                    ids.add(article.id)
                    names.append(keys.id_name(article.id))
                offset = article.earlier_offset if article.relation in VERSION_RELATIONS else None


def _promote(cluster: Cluster, cluster_id: str, takedown_event_id: str) -> Iterator[Promotion]:
    """Make the first article canonical, and yield it if it was never in the enriched topic."""
    article = cluster.members[0]
    cluster.canonical_id = article.id
    if not article.is_enriched:
        article.is_enriched = True
        yield Promotion.of_takedown(
            takedown_event_id,
            article.id,
            cluster_id,
            offset=article.offset,
            event_id=article.event_id,
            revision=article.revision,
        )


def _choose_successor(article: StoredArticle, remaining: dict[int, StoredArticle]) -> int | None:
    same_text = (offset for offset, member in remaining.items() if member.text_hash == article.text_hash)
    return next(same_text, next(iter(remaining), None))


def _shrink_cluster(
    transaction: Transaction,
    key: tuple[str, str],
    articles: dict[int, StoredArticle],
    event: RemovalEvent,
    takedown: StoredTakedown,
) -> dict[int, StoredArticle]:
    """Remove ``articles`` from a cluster, and return the first of those that remain, by offset."""
    scope, cluster_id = key
    cluster = transaction.cluster(scope, cluster_id)
    if cluster is None:  # it had one article, and was never published
        return {}
    ids = sorted({article.id for article in articles.values()})
    remains = remove_articles(transaction.scope_view(scope), cluster_id, cluster, ids, set(articles))
    takedown.clusters.append(key)
    if not remains:
        transaction.put_cluster(scope, cluster_id, None)
        return {}
    if cluster.canonical_id in ids:
        takedown.promotions += _promote(cluster, cluster_id, event.event_id)
    transaction.put_cluster(scope, cluster_id, cluster)
    members = ((offset, transaction.find_article(scope, offset)) for offset in cluster.offsets)
    return {offset: article for offset, article in members if article}
