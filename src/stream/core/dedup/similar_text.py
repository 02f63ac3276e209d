"""Which earlier article has the most similar text, when what many texts share is set aside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from stream.core.contracts.events import Relation
from stream.core.dedup.articles import Candidates, IncomingArticle, IndexedArticle, Link, RuleResult
from stream.core.dedup.quotations import CommonText, OtherText
from stream.core.dedup.requirements import REASONS, Separation, first_failed_requirement
from stream.core.dedup.similarity import ComparedText, Similarity, find_boilerplate, measure_title_similarity
from stream.core.dedup.thresholds import Thresholds
from stream.core.folding import Mask

#: How many articles are checked for being quoted, those that match best.
QUOTED_STORIES_MAX: Final = 2


def match_similar_text(incoming: IncomingArticle, candidates: Candidates, thresholds: Thresholds) -> RuleResult:
    """Find the earlier article with the most similar text; the reason if none is similar enough, None without any."""
    if not candidates.similar_articles:
        return None
    common = find_boilerplate(incoming.fingerprint, candidates.common_anchors)
    text = ComparedText(incoming.fingerprint, _join_masks(common, incoming.notice_tokens))
    matches, reasons = _compare_all(incoming, text, candidates.similar_articles, thresholds)
    if common is not None:
        matches = _match_with_boilerplate(incoming, common, candidates, matches, thresholds)
    if matches:
        return max(matches, key=itemgetter(0, 1)).link
    return max(reasons, key=REASONS.index, default="too-little-alike")


def _match_with_boilerplate(
    incoming: IncomingArticle,
    boilerplate: Mask,
    candidates: Candidates,
    matches: Sequence[_Match],
    thresholds: Thresholds,
) -> list[_Match]:
    """Choose the best of ``matches`` that does not rest on boilerplate, and the best one with a quoted story.

    Args:
        incoming: The article.
        boilerplate: Which of its tokens are in common anchors, or between them. Boilerplate may go on beyond these.
        candidates: Earlier articles.
        matches: The similar ones that match without these tokens.
        thresholds: The thresholds.
    """
    text = ComparedText(incoming.fingerprint, incoming.notice_tokens)
    stories = _compare_all(incoming, text, candidates.quoted_articles, thresholds)[0]
    # A version of a story begins like it; an article above a footer does not begin like a page with the footer alone.
    stories = [match for match in stories if match.begins_alike]
    if not matches and not stories:
        return []
    quoting = candidates.find_quoting_articles()
    others = [OtherText(article.cluster_id, ComparedText(article.fingerprint)) for article in quoting]
    common = CommonText(ComparedText(incoming.fingerprint), boilerplate, others, thresholds)

    def compare_again(earlier: IndexedArticle) -> _Match | str:
        extended = common.boilerplate_in_other_clusters(earlier.cluster_id)
        mask = _join_masks(extended, incoming.notice_tokens)
        return _compare(incoming, ComparedText(incoming.fingerprint, mask), earlier, thresholds)

    def is_quoted(story: IndexedArticle) -> bool:
        if _is_same_source(incoming, story) and not _has_similar_title(incoming, story, thresholds):
            return False  # it may be a notice of the site
        return common.is_quoted_as_a_whole(ComparedText(story.fingerprint), story.cluster_id)

    again = (compare_again(match.link.earlier) for match in _best_first(matches))
    best_story = (match for match in _best_first(stories)[:QUOTED_STORIES_MAX] if is_quoted(match.link.earlier))
    best = (next((match for match in again if not isinstance(match, str)), None), next(best_story, None))
    return [match for match in best if match]


class _Match(NamedTuple):
    """A link, preceded by what the best one is chosen by."""

    rank: float
    newness: int
    link: Link
    begins_alike: bool


def _best_first(matches: Iterable[_Match]) -> list[_Match]:
    return sorted(matches, key=itemgetter(0, 1), reverse=True)


def _compare_all(
    incoming: IncomingArticle, text: ComparedText, articles: Iterable[IndexedArticle], thresholds: Thresholds
) -> tuple[list[_Match], list[str]]:
    """Compare ``text``, that of ``incoming``, with earlier articles: the matches, and the reasons of the others."""
    results = [_compare(incoming, text, earlier, thresholds) for earlier in articles]
    return (
        [result for result in results if not isinstance(result, str)],
        [result for result in results if isinstance(result, str)],
    )


def _compare(
    incoming: IncomingArticle, text: ComparedText, earlier: IndexedArticle, thresholds: Thresholds
) -> _Match | str:
    """Compare ``text``, that of ``incoming``, with an earlier article: a match, or the reason why there is none."""
    similarity = text.similarity_to(ComparedText(earlier.fingerprint))
    separation = Separation(earlier.cluster_depth, incoming.times.hours_from(earlier.times))
    reason = first_failed_requirement(similarity, separation, thresholds)
    if reason is not None:
        return reason
    link = Link(_similar_relation(similarity, thresholds), earlier, similarity)
    return _Match(_rank(similarity, thresholds), -earlier.offset, link, similarity.begins_alike)


def _rank(similarity: Similarity, thresholds: Thresholds) -> float:
    """Rank a match: the article whose opening the teaser is beats pages that merely quote it."""
    is_quoted = similarity.length_ratio < thresholds.near_copy_ratio_min and not similarity.is_opening
    return similarity.containment - similarity.changed_share - is_quoted


def _similar_relation(similarity: Similarity, thresholds: Thresholds) -> Relation:
    if similarity.length_ratio >= thresholds.near_copy_ratio_min:
        return "near_copy"
    return "expansion" if similarity.is_longer else "excerpt"


def _join_masks(mask: Mask | None, other: Mask | None) -> Mask | None:
    if mask is None or other is None:
        return other if mask is None else mask
    return mask | other


def _is_same_source(incoming: IncomingArticle, earlier: IndexedArticle) -> bool:
    return incoming.source is not None and incoming.source == earlier.source


def _has_similar_title(incoming: IncomingArticle, earlier: IndexedArticle, thresholds: Thresholds) -> bool:
    similarity = measure_title_similarity(incoming.fingerprint, earlier.fingerprint)
    return similarity is not None and similarity >= thresholds.title_similarity_min
