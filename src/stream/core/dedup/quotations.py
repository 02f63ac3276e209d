"""Tells boilerplate from a story that many others quote: both are text that many clusters have.

Of an article with boilerplate, other texts have nothing but the boilerplate, which begins or ends them. Of a quoted
story, they have everything, and other items stand before and after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from stream.core.dedup.similarity import ComparedText, shingle_size
from stream.core.dedup.thresholds import Thresholds
from stream.core.folding import Indices, Mask

#: This part of the shared tokens, at each end, may be phrases that occur elsewhere in the text too.
STRAY_SHARE: Final = 0.05


class OtherText(NamedTuple):
    """A text that shares common anchors with an incoming one."""

    cluster_id: str
    text: ComparedText


class CommonText:
    """What other texts show about the part of an incoming text that many clusters have.

    Args:
        text: The incoming text.
        boilerplate: Which of its tokens are in common anchors, or between them.
        others: Other texts that have these anchors.
        thresholds: The thresholds.
    """

    def __init__(
        self, text: ComparedText, boilerplate: Mask, others: Sequence[OtherText], thresholds: Thresholds
    ) -> None:
        self._text = text
        self._boilerplate = boilerplate
        self._others = others
        self._thresholds = thresholds

    def boilerplate_in_other_clusters(self, cluster_id: str) -> Mask:
        """The boilerplate, with tokens next to it that half of the texts of other clusters have at an end.

        Anchors show only approximately where boilerplate is: it goes on for up to a window before the first one and
        behind the last one, which is enough for a link to a page that consists of it.
        """
        at_edges = [mask for other_id, mask in self._at_edges if other_id != cluster_id]
        count_min = max(self._thresholds.quotations_min, len(at_edges) / 2)
        is_shared = _count(at_edges, len(self._boilerplate)) >= count_min
        return self._boilerplate | (is_shared & self._is_near_boilerplate)

    def is_quoted_as_a_whole(self, article: ComparedText, cluster_id: str) -> bool:
        """Whether nearly every token of an earlier article is quoted in several texts of other clusters."""
        tokens = len(article.fingerprint.sequence)
        if tokens < self._thresholds.notice_tokens:
            return False
        others = (other.text for other in self._others if other.cluster_id != cluster_id)
        quoting = (other for other in others if is_round_up_of(other, article, self._thresholds))
        quoted = _count((_covered(article, other) for other in quoting), tokens) >= self._thresholds.quotations_min
        return int(np.count_nonzero(quoted)) >= self._thresholds.quoted_share_min * tokens

    @cached_property
    def _is_near_boilerplate(self) -> Mask:
        """Which tokens are within one window of boilerplate."""
        params = self._text.fingerprint.params
        distance = min(params.window + params.anchor, len(self._boilerplate))
        is_near: Mask = np.convolve(self._boilerplate, np.ones(2 * distance + 1, dtype=np.intp))[distance:-distance] > 0
        return is_near

    @cached_property
    def _at_edges(self) -> list[tuple[str, Mask]]:
        return [
            (cluster_id, _covered(self._text, other))
            for cluster_id, other in self._others
            if not is_round_up_of(other, self._text, self._thresholds)
        ]


def is_round_up_of(text: ComparedText, article: ComparedText, thresholds: Thresholds) -> bool:
    """Whether ``text`` has some of ``article`` between other text, of which it has more.

    >>> from stream.core.dedup.fingerprint import compute_fingerprint
    >>> from stream.core.dedup.thresholds import DEFAULT_THRESHOLDS
    >>> def compared(*parts: str) -> ComparedText:
    ...     return ComparedText(compute_fingerprint(" ".join(f"{part}{i}" for part in parts for i in range(40)), None))
    >>> story = compared("story")
    >>> texts = compared("a", "story", "b"), compared("a", "story")
    >>> [is_round_up_of(text, story, DEFAULT_THRESHOLDS) for text in texts]
    [True, False]
    """
    tokens = len(text.fingerprint.sequence)
    shared: Indices = _covered(text, article).nonzero()[0]
    if not 0 < len(shared) < thresholds.near_copy_ratio_min * tokens:
        return False
    stray = int(STRAY_SHARE * len(shared))
    before, after = shared[stray], tokens - 1 - shared[-1 - stray]
    return bool(min(before, after) >= thresholds.quotation_margin_tokens)


def _covered(text: ComparedText, other: ComparedText) -> Mask:
    return text.covered_by(other, shingle_size(text, other))


def _count(masks: Iterable[Mask], size: int) -> Indices:
    """In how many of ``masks`` each of ``size`` tokens is."""
    counts = np.zeros(size, dtype=np.intp)
    for mask in masks:
        counts += mask
    return counts
