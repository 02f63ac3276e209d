"""Notices that their form does not show: one text at several URLs of a source, under unrelated titles.

Publishers print an article again under an edited title. Titles without a common word over the same text mean that the
text belongs to none of them: it is what the site shows instead of the articles.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from stream.core.dedup.articles import Candidates, IncomingArticle, IndexedArticle
from stream.core.dedup.fingerprint import Fingerprint
from stream.core.dedup.similarity import measure_title_similarity
from stream.core.dedup.thresholds import Thresholds


def find_repeated_pages(
    incoming: IncomingArticle, candidates: Candidates, thresholds: Thresholds
) -> Sequence[IndexedArticle]:
    """Find the earlier pages of the source with the same text that show it to be a notice; none if it is an article.

    - A page that is known to be a notice is enough.
    - For a short text, a page with another title.
    - For others up to a length, and for a few words such as a caption, two pages, if all three titles differ.
    """
    fingerprint = incoming.fingerprint
    if not candidates.same_text_pages or not 0 < fingerprint.tokens < thresholds.repeated_notice_tokens:
        return ()
    if candidates.same_address and candidates.same_address.fingerprint.text_hash == fingerprint.text_hash:
        return ()
    pages = [
        page
        for page in candidates.same_text_pages
        if incoming.source is not None and page.source == incoming.source and page.id != incoming.id
    ]
    if any(page.is_notice for page in pages):
        return pages
    if thresholds.short_text_tokens <= fingerprint.tokens < thresholds.notice_tokens:
        return [page for page in pages if have_other_titles([fingerprint, page.fingerprint], thresholds)]
    prints = [fingerprint, *(page.fingerprint for page in pages)]
    return pages if len(pages) > 1 and have_other_titles(prints, thresholds) else ()


def have_other_titles(fingerprints: Sequence[Fingerprint], thresholds: Thresholds) -> bool:
    """Whether all texts have titles, no two of which are similar."""
    similarities = (measure_title_similarity(*pair) for pair in combinations(fingerprints, 2))
    return all(value is not None and value < thresholds.notice_title_similarity_max for value in similarities)
