"""Which earlier articles a text is compared with, from the postings of its anchors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from stream.core.dedup.fingerprint import NO_HASHES, Fingerprint
from stream.core.folding.hashing import Hashes
from stream.core.index import keys
from stream.core.index.scope_view import ScopeView

#: How many articles with similar texts are compared.
CANDIDATES_MAX: Final = 16
#: An anchor with this many postings is common. The articles of one cluster count once: see `Transaction.add`.
COMMON_MIN: Final = 12
#: Two articles are compared only if they share at least this part of the anchors of the one with fewer anchors.
ANCHORS_SHARED_MIN: Final = 0.14
#: A text with at least this share of common anchors may be a version of a story that many articles quote.
COMMON_SHARE_MIN: Final = 0.33
#: How many articles are compared as the quoted story, and how many show whether it is quoted.
QUOTED_MAX: Final = 4
QUOTING_MAX: Final = 16
#: How many of the articles that show it are looked for per anchor.
QUOTING_PER_ANCHOR: Final = 3

#: The (offset, number of anchors) of the articles that have one anchor.
Postings = Sequence[tuple[int, int]]


class CandidateOffsets(NamedTuple):
    """The offsets of the articles that a text is compared with.

    Attributes:
        similar: Articles that share anchors with it, those that share most first.
        quoted: Articles that may be a story that many others quote; the most similar ones first.
        common_anchors: Its anchors that many clusters have.
        common_postings: The postings of each of them.
    """

    similar: list[int]
    quoted: list[int]
    common_anchors: Hashes
    common_postings: list[Postings]


def find_candidate_offsets(view: ScopeView, fingerprint: Fingerprint, horizon_s: int) -> CandidateOffsets:
    """Find the articles that a text is compared with; at most `CANDIDATES_MAX` and `QUOTED_MAX`.

    Articles are similar if they share anchors that are not common. Where those lead to no article, or many of the
    text's anchors are common, the common ones count too: they may be a footer, or a story that many articles quote.

    Args:
        view: The scope of the text.
        fingerprint: The text.
        horizon_s: Articles that were seen before it are not found, in seconds since 1970.
    """
    shared, unique_count, _ = view.article_anchors(fingerprint.anchors.tobytes())
    values = zip(shared, view.get_many(shared), strict=True)
    postings = [(name, articles) for name, value in values if (articles := keys.visible_postings(value, horizon_s))]
    common = [(name, articles) for name, articles in postings if len(articles) >= COMMON_MIN]
    anchors = len(shared) + unique_count
    if not common:
        similar = rank_by_shared_anchors([articles for _, articles in postings], anchors)
        return CandidateOffsets(similar[:CANDIDATES_MAX], [], NO_HASHES, [])
    every = [articles for _, articles in postings]
    distinctive = [articles for articles in every if len(articles) < COMMON_MIN]
    quoted = rank_by_resemblance(every, anchors)[:QUOTED_MAX] if len(common) >= COMMON_SHARE_MIN * anchors else []
    ranked = rank_by_shared_anchors(distinctive or every, anchors)
    return CandidateOffsets(
        similar=list(dict.fromkeys([*ranked, *quoted]))[:CANDIDATES_MAX],
        quoted=quoted,
        common_anchors=keys.select_anchors([name for name, _ in common], fingerprint.anchors),
        common_postings=[articles for _, articles in common],
    )


def rank_by_shared_anchors(postings: Iterable[Postings], anchors: int) -> list[int]:
    """Return the offsets of articles that share enough anchors, those that share most first, then by offset.

    Args:
        postings: For each anchor of a text, the (offset, number of anchors) of the articles that have it too.
        anchors: How many anchors the text has.

    >>> rank_by_shared_anchors([[(5, 2), (7, 3)], [(7, 3)], [(9, 100)]], anchors=10)
    [7, 5]
    """
    shared, sizes = _count_shared_anchors(postings)
    ranked = sorted(
        (-count, offset)
        for offset, count in shared.items()
        if count >= ANCHORS_SHARED_MIN * min(sizes[offset], anchors)
    )
    return [offset for _, offset in ranked]


def rank_by_resemblance(postings: Iterable[Postings], anchors: int) -> list[int]:
    """Return the offsets of the articles by the Jaccard similarity of their anchors to those of a text, then by offset.

    Of articles that share the same anchors, the shortest comes first: a story comes before the round-ups that quote it.

    >>> rank_by_resemblance([[(5, 90), (7, 2)], [(5, 90), (7, 2)], [(9, 2)]], anchors=3)
    [7, 9, 5]
    """
    shared, sizes = _count_shared_anchors(postings)
    ranked = sorted((-count / max(count, sizes[offset] + anchors - count), offset) for offset, count in shared.items())
    return [offset for _, offset in ranked]


def choose_quoting(common: Iterable[Postings], quoted: Collection[int]) -> list[int]:
    """Choose the offsets of at most `QUOTING_MAX` articles, so that some have each of the ``common`` anchors.

    Those that have most of them come first.

    Args:
        common: For each common anchor of a text, the (offset, number of anchors) of the articles that have it too.
        quoted: Offsets that are not chosen.

    >>> choose_quoting([[(1, 9), (2, 9), (3, 9), (4, 9)], [(3, 9), (4, 9), (5, 9)]], quoted={1})
    [4, 3, 2, 5]
    """
    postings = [[article for article in articles if article[0] not in quoted] for articles in common]
    shared, _ = _count_shared_anchors(postings)
    chosen: dict[int, None] = {}
    for articles in postings:
        offsets = sorted((offset for offset, _ in articles), key=lambda offset: (-shared[offset], -offset))
        missing = QUOTING_PER_ANCHOR - sum(offset in chosen for offset in offsets)
        chosen.update(dict.fromkeys([offset for offset in offsets if offset not in chosen][: max(0, missing)]))
    return list(chosen)[:QUOTING_MAX]


def _count_shared_anchors(postings: Iterable[Postings]) -> tuple[dict[int, int], dict[int, int]]:
    """The number of anchors that each article shares, and its number of anchors, by its offset."""
    shared: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for articles in postings:
        for offset, size in articles:
            shared[offset] = shared.get(offset, 0) + 1
            sizes[offset] = size
    return shared, sizes
