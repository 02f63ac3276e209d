"""What postings lead to: which articles are similar to a text, and which postings a new article adds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from stream.core.contracts.events import FingerprintEvent
from stream.core.dedup.fingerprint import FORMAT
from stream.core.index import keys
from stream.core.index.anchor_lookup import ArticleAnchors
from stream.core.index.keys import POSTING_BYTES
from stream.core.index.scope_view import ScopeView

#: Two articles are compared only if they share at least this part of the anchors of the one with fewer anchors.
ANCHORS_SHARED_MIN: Final = 0.14
#: How many postings are kept under one name, the newest ones.
POSTINGS_MAX: Final = 32
#: A growing cluster refreshes its postings this many times per window, so that it stays findable.
POSTINGS_PER_WINDOW: Final = 8


def rank_by_shared_anchors(postings: Iterable[Iterable[tuple[int, int]]], anchors: int) -> list[int]:
    """Return the offsets of articles that share enough anchors, those that share most first, then by offset.

    Args:
        postings: For each anchor of a text, the (offset, number of anchors) of the articles that have it too.
        anchors: How many anchors the text has.

    >>> rank_by_shared_anchors([[(5, 2), (7, 3)], [(7, 3)], [(9, 100)]], anchors=10)
    [7, 5]
    """
    shared: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for articles in postings:
        for offset, size in articles:
            shared[offset] = shared.get(offset, 0) + 1
            sizes[offset] = size
    ranked = sorted(
        (-count, offset)
        for offset, count in shared.items()
        if count >= ANCHORS_SHARED_MIN * min(sizes[offset], anchors)
    )
    return [offset for _, offset in ranked]


def names_without_members(view: ScopeView, names: list[bytes], members: set[int], since_s: int) -> list[bytes]:
    """Those of ``names`` that have no posting of one of ``members`` that was seen at ``since_s`` or later."""
    return [
        name
        for name, value in zip(names, view.get_many(names), strict=True)
        if not value or members.isdisjoint(offset for offset, _ in keys.visible_postings(value, since_s))
    ]


def put_postings(
    view: ScopeView,
    event: FingerprintEvent,
    id_and_url_names: list[bytes],
    cluster_members: Collection[int],
    *,
    window_s: int,
) -> None:
    """Add the postings of an article: under its anchors, text, event, id and URL.

    Args:
        view: The scope of the article.
        event: The article as it was decided.
        id_and_url_names: The result of `keys.id_and_url_names`.
        cluster_members: Offsets of the articles of its cluster; empty if it is not in one.
        window_s: Length of the window, in seconds.
    """
    if event.notice == "repeated":
        put_text_posting(view, event.text_hash, keys.pack_posting(event.offset, view.now_s, 0))
    if event.notice or event.duplicate.relation == "outdated":
        _put_unlinked(view, event, id_and_url_names)
        return
    has_anchors = event.format == FORMAT
    anchors = view.article_anchors(event.anchors) if has_anchors else _NO_ANCHORS
    names = list(anchors.shared)
    if event.duplicate.relation == "revision":  # it replaces the version before it
        view.remove_postings(names, keys.posting_prefix(event.earlier_offset or 0), POSTING_BYTES)
    elif cluster_members:
        since_s = max(0, view.now_s - window_s // POSTINGS_PER_WINDOW)
        names = names_without_members(view, names, set(cluster_members), since_s)
    posting = keys.pack_posting(event.offset, view.now_s, len(names) + anchors.unique_count)
    if anchors.unique_count:
        view.put_unique(anchors.number, posting)
    if has_anchors:
        put_text_posting(view, event.text_hash, posting)
    names += [keys.event_name(event.event_id), *id_and_url_names]
    view.append(names, posting, bytes_max=POSTINGS_MAX * POSTING_BYTES)


def _put_unlinked(view: ScopeView, event: FingerprintEvent, id_and_url_names: list[bytes]) -> None:
    """Add the postings of an article to which nothing is linked: a takedown and a repeated delivery find it.

    It is a notice, or a version that arrived after a newer one. Under its id and URL it comes first, as if it had
    arrived before the others, so that it does not push them out.
    """
    posting = keys.pack_posting(event.offset, view.now_s, 0)
    for name, value in zip(id_and_url_names, view.get_many(id_and_url_names), strict=True):
        view.put(name, (posting + (value or b""))[-POSTINGS_MAX * POSTING_BYTES :])
    view.append([keys.event_name(event.event_id)], posting, bytes_max=POSTINGS_MAX * POSTING_BYTES)


def put_text_posting(view: ScopeView, text_hash: str, posting: bytes) -> None:
    """Keep the posting of the first article with this text that is still visible, and that of the newest one."""
    name = keys.text_name(text_hash)
    value = view.get(name)
    if value:
        # Postings that are no longer visible are older than the visible ones, and so come before them.
        start = len(value) - POSTING_BYTES * len(keys.visible_postings(value, view.horizon_s()))
        posting = value[start : start + POSTING_BYTES] + posting
    view.put(name, posting)


def visible_offsets(view: ScopeView, name: bytes, horizon_s: int) -> list[int]:
    """The offsets of the articles under ``name`` that were seen at ``horizon_s`` or later, oldest first."""
    return [offset for offset, _ in keys.visible_postings(view.get(name), horizon_s)]


_NO_ANCHORS: Final = ArticleAnchors([])
