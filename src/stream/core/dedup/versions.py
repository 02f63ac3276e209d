"""Which earlier article an incoming one is a version of: the one with its id, or one at its URL.

A URL may hold several articles: the posts of a live blog, or the items of a feed that share a link. So articles with
different ids at one URL are versions of each other only if their texts are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from stream.core.dedup.requirements import NO_SEPARATION, has_enough_overlap, has_enough_tokens
from stream.core.dedup.similarity import ComparedText
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS, Thresholds

if TYPE_CHECKING:
    from stream.core.dedup.rules import IncomingArticle, IndexedArticle

#: How the ids begin that are made from a URL, for articles that came without one.
URL_ID_PREFIX: Final = "url-"


def find_known_version(
    incoming: IncomingArticle, same_page: Iterable[IndexedArticle], thresholds: Thresholds = DEFAULT_THRESHOLDS
) -> IndexedArticle | None:
    """Find the newest version of ``incoming`` among the articles with its id or URL.

    The first of these rules that applies decides:

    1. The newest article with the same id. A newer one at the same URL is preferred if one of the two came without an
       id and the texts are versions of each other.
    2. Without one, the newest article at the URL whose text is a version of this one.
    3. Without one, the only article at the URL, if one of the two came without an id: a page that was rewritten.

    Args:
        incoming: The article that is to be decided.
        same_page: The earlier articles with the same id or URL, newest first; read no further than necessary.
        thresholds: The thresholds of the decision.
    """
    others: dict[str, IndexedArticle] = {}
    for earlier in same_page:
        if earlier.relation == "outdated":
            continue
        if earlier.id == incoming.id:
            return earlier
        others.setdefault(earlier.id, earlier)
        if _came_without_id(incoming, earlier) and are_versions(incoming, earlier, thresholds):
            return earlier
    version = next((earlier for earlier in others.values() if are_versions(incoming, earlier, thresholds)), None)
    if version is None and len(others) == 1:
        (only,) = others.values()
        return only if _came_without_id(incoming, only) else None
    return version


def are_versions(incoming: IncomingArticle, earlier: IndexedArticle, thresholds: Thresholds) -> bool:
    """Whether the texts are the same, or have as much in common as two versions of one article must have."""
    if incoming.fingerprint.text_hash == earlier.fingerprint.text_hash:
        return True
    similarity = ComparedText(incoming.fingerprint).similarity_to(ComparedText(earlier.fingerprint))
    return has_enough_tokens(similarity, NO_SEPARATION, thresholds) and has_enough_overlap(
        similarity, NO_SEPARATION, thresholds
    )


def _came_without_id(incoming: IncomingArticle, earlier: IndexedArticle) -> bool:
    return incoming.id.startswith(URL_ID_PREFIX) or earlier.id.startswith(URL_ID_PREFIX)
