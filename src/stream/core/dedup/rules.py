"""The duplicate decision: one incoming article against what the index knows, one verdict.

The rules in `RULES` are tried in order; the first one that finds a link decides, and its name is published as the
``method``. They see earlier articles only, so the same input gives the same output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from operator import itemgetter
from typing import Final, NamedTuple

from stream.core.contracts.events import DUPLICATE_RELATIONS, VERSION_RELATIONS, Change, Duplicate, Notice, Relation
from stream.core.dedup.fingerprint import NO_HASHES, Fingerprint
from stream.core.dedup.repeated_notice import find_repeated_pages
from stream.core.dedup.requirements import REASONS, Separation, first_failed_requirement
from stream.core.dedup.similarity import ComparedText, Similarity, find_boilerplate, measure_title_similarity
from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS, Thresholds
from stream.core.folding import Mask
from stream.core.folding.hashing import Hashes
from stream.core.timestamps import HOUR_MS, parse_rfc3339

#: The version of verdicts made with the default thresholds.
VERSION: Final = DEFAULT_THRESHOLDS.version


class Times(NamedTuple):
    """The times of an article.

    Attributes:
        published: When it was first published, RFC 3339; None if it is not known.
        event_time_ms: Event time, milliseconds since 1970.
        modified: When it was last changed, RFC 3339; None if it is not known.
    """

    published: str | None = None
    event_time_ms: int = 0
    modified: str | None = None

    def is_before(self, other: Times) -> bool:
        """Whether this version is older than ``other``, by the times of modification; False if one is not known."""
        return self.modified is not None and other.modified is not None and self.modified < other.modified

    def hours_from(self, other: Times) -> float:
        """Hours between two articles' publication; between their arrival unless both publication times are known."""
        published, other_published = (
            parse_rfc3339(times.published) if times.published else None for times in (self, other)
        )
        if published is None or other_published is None:
            return abs(self.event_time_ms - other.event_time_ms) / HOUR_MS
        return abs(published - other_published) / HOUR_MS


NO_TIMES: Final = Times()


@dataclass(frozen=True, slots=True)
class IncomingArticle:
    """The article to decide.

    ``display_hash``: hash of everything that readers see of it. ``notice``: what kind of notice it is by its form.
    ``notice_tokens``: the tokens of its text that are in sentences of a notice; None if there are none.
    """

    id: str
    scope: str
    url_key: str | None
    source: str | None
    display_hash: str
    fingerprint: Fingerprint
    times: Times = NO_TIMES
    notice: Notice | None = None
    notice_tokens: Mask | None = None


@dataclass(frozen=True, slots=True)
class IndexedArticle:
    """An earlier article from the index.

    ``cluster_depth``: links between it and the first article of its cluster. ``relation``: its own verdict.
    ``is_notice``: it is known to be a notice, perhaps only since a later article.
    """

    offset: int
    id: str
    source: str | None
    cluster_id: str
    revision: int
    cluster_depth: int
    display_hash: str
    fingerprint: Fingerprint
    times: Times = NO_TIMES
    relation: Relation = "new"
    is_notice: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """Earlier articles to compare with.

    ``same_address``: the one that `find_known_version` finds. ``same_text``: the first with the same folded text.
    ``same_text_pages``: the first and the newest with the same folded text, notices included. ``similar_articles``:
    those that share anchors. ``common_anchors``: the anchors of the incoming article that many clusters have.
    """

    same_address: IndexedArticle | None = None
    same_text: IndexedArticle | None = None
    same_text_pages: Sequence[IndexedArticle] = ()
    similar_articles: Sequence[IndexedArticle] = ()
    common_anchors: Hashes = field(default_factory=lambda: NO_HASHES)


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


@dataclass(frozen=True, slots=True)
class Link:
    """A relation to an earlier article. ``similarity``: None if the rule did not need it."""

    relation: Relation
    earlier: IndexedArticle
    similarity: Similarity | None = None


#: What a rule returns: a link; the reason why there is no link; or None if the rule does not apply.
RuleResult = Link | str | None


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


def _match_similar_text(incoming: IncomingArticle, candidates: Candidates, thresholds: Thresholds) -> RuleResult:
    if not candidates.similar_articles:
        return None
    boilerplate = find_boilerplate(incoming.fingerprint, candidates.common_anchors)
    if incoming.notice_tokens is not None:
        boilerplate = incoming.notice_tokens if boilerplate is None else boilerplate | incoming.notice_tokens
    text = ComparedText(incoming.fingerprint, boilerplate)
    links: list[tuple[float, int, Link]] = []
    reasons = []
    for earlier in candidates.similar_articles:
        similarity = text.similarity_to(ComparedText(earlier.fingerprint))
        separation = Separation(earlier.cluster_depth, incoming.times.hours_from(earlier.times))
        reason = first_failed_requirement(similarity, separation, thresholds)
        if reason is None:
            link = Link(_similar_relation(similarity, thresholds), earlier, similarity)
            links.append((_rank(similarity, thresholds), -earlier.offset, link))
        else:
            reasons.append(reason)
    return max(links, key=itemgetter(0, 1))[2] if links else max(reasons, key=REASONS.index)


def _rank(similarity: Similarity, thresholds: Thresholds) -> float:
    """Rank a match: the article whose opening the teaser is beats pages that merely quote it."""
    is_quoted = similarity.length_ratio < thresholds.near_copy_ratio_min and not similarity.is_opening
    return similarity.containment - similarity.changed_share - is_quoted


def _similar_relation(similarity: Similarity, thresholds: Thresholds) -> Relation:
    if similarity.length_ratio >= thresholds.near_copy_ratio_min:
        return "near_copy"
    return "expansion" if similarity.is_longer else "excerpt"


Rule = Callable[[IncomingArticle, Candidates, Thresholds], RuleResult]
#: The rules in order, each with the name that is published as ``method``.
RULES: Final[tuple[tuple[str, Rule], ...]] = (
    ("same-address", _match_address),
    ("same-text", _match_text),
    ("similar-text", _match_similar_text),
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
