"""What an article changes in the clusters of its scope: it joins one, and others leave the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stream.core.contracts.events import FingerprintEvent
from stream.core.index import keys
from stream.core.index.cluster import Cluster, Member, begins_cluster
from stream.core.index.cluster_members import add_event

if TYPE_CHECKING:
    from stream.core.index.transaction import Transaction

#: How many entries of the queue of clusters are looked at for each article.
EXPIRED_MAX: Final = 2


def expire_clusters(transaction: Transaction, scope: str) -> list[str]:
    """Delete clusters that have left the window, and return their ids.

    A few for each article, which is more than can have been added: an article joins one cluster at most.
    """
    view, expired = transaction.scope_view(scope), list[str]()
    for _ in range(EXPIRED_MAX):
        entry = view.queue.take_before(view.horizon_s())
        if entry is None:
            break
        # Empty where its tombstone was published before; missing where it was dropped with its generation.
        value = view.get(keys.cluster_name(entry.cluster_id))
        cluster = transaction.cluster(scope, entry.cluster_id) if value else None
        if value is None or (cluster and cluster.queue_number == entry.number):
            transaction.put_cluster(scope, entry.cluster_id, None)
            expired.append(entry.cluster_id)
    return expired


def join_cluster(transaction: Transaction, event: FingerprintEvent) -> tuple[list[str], Cluster | None]:
    """Add ``event`` to its cluster, and return that; None if it begins a cluster of its own.

    Also returns the id of the cluster that ended because of that, in a list.
    """
    scope, cluster_id = event.scope, event.duplicate.cluster_id
    cluster = transaction.cluster(scope, cluster_id)
    if begins_cluster(event):
        if cluster:  # an earlier one with the same id, whose articles have left the window
            transaction.put_cluster(scope, cluster_id, None)
            return [cluster_id], None
        return [], None
    view = transaction.scope_view(scope)
    if cluster is None:
        cluster = Cluster(event.duplicate.duplicate_of or event.id)
        first = event.earlier_offset
        if first is not None and (article := transaction.find_article(scope, first)):
            add_event(view, cluster_id, cluster, Member.from_article(article, first))
    add_event(view, cluster_id, cluster, Member.from_article(event, event.offset))
    cluster.queue_number = view.queue.add(cluster_id, view.now_s)
    transaction.put_cluster(scope, cluster_id, cluster)
    return [], cluster
