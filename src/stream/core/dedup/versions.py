"""Which earlier article an incoming one is a version of: the one with its id, or one at its URL.

A URL may hold several articles: the posts of a live blog, or the items of a feed that share a link. So articles with
different ids at one URL are versions of each other only if their texts are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from stream.core.dedup.articles import IncomingArticle, IndexedArticle
from stream.core.dedup.requirements import NO_SEPARATION, has_enough_overlap, has_enough_tokens
from stream.core.dedup.similarity import ComparedText
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS, Thresholds

#: The ids that are made from a URL, for articles that came without one.
_URL_ID: Final = re.compile("url-[0-9a-f]{24}")


def find_known_version(
    incoming: IncomingArticle, same_page: Iterable[IndexedArticle], thresholds: Thresholds = DEFAULT_THRESHOLDS
) -> IndexedArticle | None:
    """Find the version of ``incoming`` that it is compared with, among the articles with its id or URL.

    - An article with an id: the newest one with the same id, or a newer one at its URL that came without an id, if the
      texts are versions of each other.
    - Without such an article, and for an article without an id: one at the URL with the same text, else the newest one
      whose text is a version of this one.
    - Without one, the only article at the URL, if one of the two came without an id: a page that was rewritten.

    Args:
        incoming: The article that is to be decided.
        same_page: The earlier articles with the same id or URL, newest first; read no further than necessary.
        thresholds: The thresholds of the decision.
    """
    newest: dict[str, IndexedArticle] = {}
    for earlier in same_page:
        if earlier.relation == "outdated" or earlier.is_notice:
            continue
        newest.setdefault(earlier.id, earlier)
        if earlier.id == incoming.id and not is_url_id(incoming.id):
            pages = [article for article in newest.values() if is_url_id(article.id)]
            return _find_version(incoming, pages, thresholds) or earlier
    version = _find_version(incoming, list(newest.values()), thresholds)
    if version is None and len(newest) == 1:
        (only,) = newest.values()
        return only if is_url_id(incoming.id) or is_url_id(only.id) else None
    return version


def is_url_id(article_id: str) -> bool:
    """Whether the id was made from a URL, because the article came without one."""
    return _URL_ID.fullmatch(article_id) is not None


def _find_version(
    incoming: IncomingArticle, articles: Sequence[IndexedArticle], thresholds: Thresholds
) -> IndexedArticle | None:
    text_hash = incoming.fingerprint.text_hash
    same_text = (article for article in articles if article.fingerprint.text_hash == text_hash)
    versions = (article for article in articles if are_versions(incoming, article, thresholds))
    return next(same_text, None) or next(versions, None)


def are_versions(incoming: IncomingArticle, earlier: IndexedArticle, thresholds: Thresholds) -> bool:
    """Whether two different texts have as much in common as two versions of one article must have."""
    similarity = ComparedText(incoming.fingerprint).similarity_to(ComparedText(earlier.fingerprint))
    return has_enough_tokens(similarity, NO_SEPARATION, thresholds) and has_enough_overlap(
        similarity, NO_SEPARATION, thresholds
    )
