"""The articles of a cluster: adds an event, and removes articles, so that the cluster is as if they had never come.

The first `MEMBERS_MAX` articles are in the cluster's value. Each further one has a value of its own, under a number
that is looked up by its id. These values are read for events of such an article, and for takedowns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

import msgspec

from stream.core.index import keys
from stream.core.index.cluster import MEMBERS_MAX, OFFSETS_MAX, Cluster, Member
from stream.core.index.records import unpack
from stream.core.index.scope_view import ScopeView


def add_event(view: ScopeView, cluster_id: str, cluster: Cluster, event: Member) -> None:
    """Add an event to a cluster, which is changed in place.

    Args:
        view: The scope of the cluster.
        cluster_id: Id of the cluster.
        cluster: The cluster.
        event: The article as a member with this event alone.
    """
    cluster.count_event(event)
    listed = cluster.find_listed(event.id)
    if listed:
        listed.add(event)
        return
    first, end = cluster.unlisted
    if first == end and len(cluster.members) < MEMBERS_MAX:
        cluster.members.append(event)
        cluster.articles += 1
        return
    number, member = _find_unlisted(view, cluster_id, cluster, event.id) or (end, None)
    if member:
        member.add(event)
    else:
        cluster.articles += 1
        cluster.unlisted = (first, end + 1)
        view.put(keys.member_number_name(cluster_id, event.id), number.to_bytes(4, "big"))
    _put_member(view, cluster_id, number, member or event)


def remove_articles(
    view: ScopeView, cluster_id: str, cluster: Cluster, ids: Collection[str], offsets: Collection[int]
) -> bool:
    """Remove the articles with these ids from a cluster, which is changed in place; return whether any remains.

    Sources and times become those of the remaining articles. Of a cluster with more than `MEMBERS_MAX` articles that
    lasts for longer than the window, those that are not listed and were not seen in the window are counted only.

    Args:
        view: The scope of the cluster.
        cluster_id: Id of the cluster.
        cluster: The cluster.
        ids: Ids of the articles.
        offsets: The offsets of their events.
    """
    removed = [member for member in cluster.members if member.id in ids]
    removed += _take_unlisted(view, cluster_id, cluster, ids)
    cluster.size -= sum(member.events for member in removed)
    cluster.articles -= len(removed)
    cluster.members = [member for member in cluster.members if member.id not in ids]
    unlisted = dict(_unlisted_members(view, cluster_id, cluster))
    for number in list(unlisted)[: MEMBERS_MAX - len(cluster.members)]:
        member = unlisted.pop(number)
        cluster.members.append(member)
        _delete_member(view, cluster_id, number, member.id)
    end = cluster.unlisted[1]
    cluster.unlisted = (next(iter(unlisted), end), end)
    cluster.summarize(chain(cluster.members, unlisted.values()))
    remaining = [offset for offset in cluster.offsets if offset not in offsets]
    newest = sorted({member.offset for member in chain(cluster.members, unlisted.values())}.difference(remaining))
    cluster.offsets = sorted([*remaining, *newest][:OFFSETS_MAX])
    return bool(cluster.members)


def _take_unlisted(view: ScopeView, cluster_id: str, cluster: Cluster, ids: Collection[str]) -> Iterator[Member]:
    """Delete and yield the articles with these ids that are not listed."""
    for article_id in ids:
        numbered = _find_unlisted(view, cluster_id, cluster, article_id)
        if numbered:
            number, member = numbered
            _delete_member(view, cluster_id, number, article_id)
            yield member


def _unlisted_members(view: ScopeView, cluster_id: str, cluster: Cluster) -> Iterator[tuple[int, Member]]:
    numbers = range(*cluster.unlisted)
    values = view.get_many([keys.member_name(cluster_id, number) for number in numbers])
    return ((number, unpack(value, Member)) for number, value in zip(numbers, values, strict=True) if value)


def _find_unlisted(view: ScopeView, cluster_id: str, cluster: Cluster, article_id: str) -> tuple[int, Member] | None:
    """The article with this id and its number, if it is not listed and has not left the index."""
    first, end = cluster.unlisted
    if first == end:
        return None
    value = view.get(keys.member_number_name(cluster_id, article_id))
    number = int.from_bytes(value, "big") if value else end
    if not first <= number < end:
        return None
    value = view.get(keys.member_name(cluster_id, number))
    member = unpack(value, Member) if value else None
    # An earlier cluster with this id, which has left the window, may have left the number.
    return (number, member) if member and member.id == article_id else None


def _put_member(view: ScopeView, cluster_id: str, number: int, member: Member) -> None:
    view.put(keys.member_name(cluster_id, number), msgspec.msgpack.encode(member))


def _delete_member(view: ScopeView, cluster_id: str, number: int, article_id: str) -> None:
    view.put(keys.member_name(cluster_id, number), b"")
    view.put(keys.member_number_name(cluster_id, article_id), b"")
