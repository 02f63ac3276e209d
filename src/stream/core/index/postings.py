"""Which postings a new article adds, and which of the earlier ones stay."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from stream.core.contracts.events import FingerprintEvent
from stream.core.dedup.fingerprint import FORMAT
from stream.core.index import keys
from stream.core.index.anchor_lookup import ArticleAnchors
from stream.core.index.keys import POSTING_BYTES
from stream.core.index.scope_view import ScopeView

#: How many postings are kept under one name.
POSTINGS_MAX: Final = 32
#: Under an anchor, these are the oldest ones and the newest ones; of the others, those of the longest articles go.
OLDEST_POSTINGS: Final = 8
NEWEST_POSTINGS: Final = 16
#: A growing cluster refreshes its postings this many times per window, so that it stays findable.
POSTINGS_PER_WINDOW: Final = 8


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
    horizon_s = view.horizon_s()
    view.append(names, posting, bytes_max=_BYTES_MAX, shorten=lambda value: drop_posting(value, horizon_s))
    view.append([keys.event_name(event.event_id), *id_and_url_names], posting, bytes_max=_BYTES_MAX)


def _put_unlinked(view: ScopeView, event: FingerprintEvent, id_and_url_names: list[bytes]) -> None:
    """Add the postings of an article to which nothing is linked: a takedown and a repeated delivery find it.

    It is a notice, or a version that arrived after a newer one. Under its id and URL it comes first, as if it had
    arrived before the others, so that it does not push them out.
    """
    posting = keys.pack_posting(event.offset, view.now_s, 0)
    for name, value in zip(id_and_url_names, view.get_many(id_and_url_names), strict=True):
        view.put(name, (posting + (value or b""))[-_BYTES_MAX:])
    view.append([keys.event_name(event.event_id)], posting, bytes_max=_BYTES_MAX)


def drop_posting(value: bytes, horizon_s: int) -> bytes:
    """Drop postings of an anchor that has too many: those seen before ``horizon_s``, or else the least useful one.

    An anchor of boilerplate has thousands of articles, and any few of them show that it is common. An anchor of a story
    that many articles quote has to lead to the story, which is older than most of them or shorter than all of them.

    Args:
        value: The postings, oldest first, all of which but the first of them fit.
        horizon_s: The beginning of the window, in seconds since 1970.
    """
    visible = len(keys.visible_postings(value, horizon_s)) * POSTING_BYTES
    if visible < len(value):
        return value[len(value) - visible :]
    sizes = keys.anchor_counts(value)[OLDEST_POSTINGS:-NEWEST_POSTINGS]
    start = (OLDEST_POSTINGS + sizes.index(max(sizes))) * POSTING_BYTES
    return value[:start] + value[start + POSTING_BYTES :]


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


_BYTES_MAX: Final = POSTINGS_MAX * POSTING_BYTES
_NO_ANCHORS: Final = ArticleAnchors([])
