"""The duplicate decision: one incoming article against what the index knows, one verdict.

The rules in `RULES` are tried in order; the first one that finds a link decides, and its name is published as the
``method``. They see earlier articles only, so the same input gives the same output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from stream.core.contracts.events import DUPLICATE_RELATIONS, VERSION_RELATIONS, Change, Duplicate, Notice
from stream.core.dedup.articles import Candidates, IncomingArticle, IndexedArticle, Link, RuleResult
from stream.core.dedup.repeated_notice import find_repeated_pages
from stream.core.dedup.similar_text import match_similar_text
from stream.core.dedup.similarity import ComparedText, measure_title_similarity
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS, Thresholds

#: The version of verdicts made with the default thresholds.
VERSION: Final = DEFAULT_THRESHOLDS.version


@dataclass(frozen=True, slots=True)
class Verdict:
    """The published verdict, and the revision number and ``cluster_depth`` (as in `IndexedArticle`) of the article.

    ``notice``: the kind of notice that it is. ``recognized``: earlier articles that are now known to be this notice.
    """

    duplicate: Duplicate
    revision: int
    cluster_depth: int
    earlier: IndexedArticle | None = None
    notice: Notice | None = None
    recognized: Sequence[IndexedArticle] = ()


def decide(incoming: IncomingArticle, candidates: Candidates, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Verdict:
    """Decide how ``incoming`` relates to the articles before it.

    >>> from stream.core.dedup.fingerprint import compute_fingerprint
    >>> text = "The old stone bridge over the river reopens on Monday after a long winter of repairs."
    >>> earlier = IndexedArticle(0, "a1", "a.example", "0" * 32, 1, 0, "", compute_fingerprint(text, None))
    >>> reprint = compute_fingerprint(f"Agency: {text}", None)
    >>> incoming = IncomingArticle("b7", "default/en", None, "b.example", "", reprint)
    >>> verdict = decide(incoming, Candidates(similar_articles=[earlier])).duplicate
    >>> verdict.relation, verdict.duplicate_of, verdict.method, verdict.containment
    ('near_copy', 'a1', 'similar-text', 1.0)
    """
    if incoming.notice:
        return replace(_new_verdict(incoming, "notice", thresholds), notice=incoming.notice)
    pages = find_repeated_pages(incoming, candidates, thresholds)
    if pages:
        recognized = [page for page in pages if not page.is_notice]
        verdict = _new_verdict(incoming, "repeated-notice", thresholds)
        return replace(verdict, notice="repeated", recognized=recognized)
    reason = "nothing-alike"
    for method, rule in RULES:
        result = rule(incoming, candidates, thresholds)
        if isinstance(result, str):
            reason = result
        elif result is not None:
            return _linked_verdict(incoming, result, method, thresholds)
    return _new_verdict(incoming, reason, thresholds)


@lru_cache(maxsize=4096)  # it is called three times for each article
def new_cluster_id(scope: str, article_id: str, text_hash: str) -> str:
    """Make the id of the cluster that begins with this article: 32 hexadecimal digits.

    The text counts too: a rewritten article that returns after it expired starts a new cluster; the old one, which may
    still hold its copies, is unchanged.
    """
    return blake2b(f"{scope}\n{article_id}\n{text_hash}".encode(), digest_size=16).hexdigest()


def _match_address(incoming: IncomingArticle, candidates: Candidates, _thresholds: Thresholds) -> RuleResult:
    earlier = candidates.same_address
    if earlier is None:
        return None
    if earlier.display_hash == incoming.display_hash:
        return Link("recrawl", earlier)
    return Link("outdated" if incoming.times.is_before(earlier.times) else "revision", earlier)


def _match_text(incoming: IncomingArticle, candidates: Candidates, thresholds: Thresholds) -> RuleResult:
    if incoming.fingerprint.tokens == 0:  # all such texts have the same hash: that of nothing
        return "no-words"
    earlier = candidates.same_text
    if earlier is None:
        return None
    if incoming.fingerprint.tokens < thresholds.short_text_tokens:
        title_similarity = measure_title_similarity(incoming.fingerprint, earlier.fingerprint)
        if title_similarity is not None and title_similarity < thresholds.title_similarity_min:
            return "other-title"
    return Link("copy", earlier)


Rule = Callable[[IncomingArticle, Candidates, Thresholds], RuleResult]
#: The rules in order, each with the name that is published as ``method``.
RULES: Final[tuple[tuple[str, Rule], ...]] = (
    ("same-address", _match_address),
    ("same-text", _match_text),
    ("similar-text", match_similar_text),
)


def _linked_verdict(incoming: IncomingArticle, link: Link, method: str, thresholds: Thresholds) -> Verdict:
    """Make the verdict of ``link``. An item of a round-up, and a round-up of items, keeps a cluster of its own."""
    relation, earlier, similarity = link.relation, link.earlier, link.similarity
    revision = earlier.revision + (relation == "revision") if relation in VERSION_RELATIONS else 1
    joins_cluster = (
        similarity is None or similarity.length_ratio >= thresholds.near_copy_ratio_min or similarity.is_opening
    )
    own_cluster_id = new_cluster_id(incoming.scope, incoming.id, incoming.fingerprint.text_hash)
    is_same_text = earlier.fingerprint.text_hash == incoming.fingerprint.text_hash
    scores = _SAME_TEXT if is_same_text else _score(incoming, link)
    title_similarity = measure_title_similarity(incoming.fingerprint, earlier.fingerprint)
    duplicate = Duplicate(
        relation=relation,
        is_duplicate=relation in DUPLICATE_RELATIONS,
        duplicate_of=earlier.id,
        cluster_id=earlier.cluster_id if joins_cluster else own_cluster_id,
        jaccard=scores.jaccard,
        containment=scores.containment,
        title_similarity=None if title_similarity is None else round(title_similarity, 4),
        change=scores.change,
        same_source=incoming.source == earlier.source if incoming.source and earlier.source else None,
        method=method,
        version=thresholds.version,
    )
    is_exact = relation in ("recrawl", "copy")
    cluster_depth = earlier.cluster_depth + (not is_exact) if joins_cluster else 0
    return Verdict(duplicate, revision, cluster_depth, earlier)


class _Scores(NamedTuple):
    jaccard: float
    containment: float
    change: Change


_SAME_TEXT: Final = _Scores(1.0, 1.0, Change(tokens=0.0, numbers=False))


def _score(incoming: IncomingArticle, link: Link) -> _Scores:
    similarity = link.similarity or ComparedText(incoming.fingerprint).similarity_to(
        ComparedText(link.earlier.fingerprint)
    )
    return _Scores(
        jaccard=round(similarity.jaccard, 4),
        containment=round(similarity.containment, 4),
        change=Change(tokens=round(similarity.changed_share, 4), numbers=similarity.has_other_numbers),
    )


def _new_verdict(incoming: IncomingArticle, reason: str, thresholds: Thresholds) -> Verdict:
    duplicate = Duplicate(
        relation="new",
        is_duplicate=False,
        cluster_id=new_cluster_id(incoming.scope, incoming.id, incoming.fingerprint.text_hash),
        method=reason,
        version=thresholds.version,
    )
    return Verdict(duplicate, revision=1, cluster_depth=0)
