"""How similar two texts are: which tokens of each are in shingles that the other has too.

Broder 1997 defines resemblance and containment over sets of shingles. Containment here counts the tokens that shared
shingles cover, so a word that was replaced costs one token rather than all the shingles that it is in. The tokens that
stay uncovered are where texts made from one template differ: the report of another day has other numbers there.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from stream.core.dedup.array_sets import isin_sorted, shingle_hashes, sorted_unique
from stream.core.dedup.fingerprint import NUMBER, Fingerprint, TokenHashes
from stream.core.dedup.number_marks import have_other_marks, have_other_signs
from stream.core.folding import Indices, Mask
from stream.core.folding.hashing import Hashes

#: How many shingles are the opening of the shorter text, and among how many first ones of the longer text they must
#: be. A teaser is an opening; a quotation is not.
OPENING_SHORTER: Final = 24
OPENING_LONGER: Final = 64


class Similarity:
    """How an incoming text compares with an earlier one, by their first `TOKENS_MAX` tokens, without boilerplate.

    Each figure is computed when it is first read, and once: for most pairs, the first figure is enough.

    >>> from stream.core.dedup.fingerprint import compute_fingerprint
    >>> earlier = ComparedText(compute_fingerprint("the old bridge reopens on monday after a long winter", None))
    >>> later = ComparedText(compute_fingerprint("the old bridge reopens on friday after a long winter", None))
    >>> similarity = later.similarity_to(earlier)
    >>> similarity.tokens, similarity.covered_tokens, similarity.containment
    (10, 9, 0.9)
    >>> similarity.jaccard  # 5 of 11 different shingles
    0.45454545454545453
    """

    def __init__(self, incoming: ComparedText, earlier: ComparedText) -> None:
        #: Whether the incoming text is the longer one.
        self.is_longer = incoming.fingerprint.tokens > earlier.fingerprint.tokens
        self._shorter, self._longer = (earlier, incoming) if self.is_longer else (incoming, earlier)
        self._size = shingle_size(incoming, earlier)
        masks = (incoming.boilerplate, incoming.boilerplate_in(earlier, self._size))
        self._boilerplate, self._boilerplate_longer = masks[::-1] if self.is_longer else masks

    @cached_property
    def is_spaced(self) -> bool:
        """Whether the tokens of both texts are words, rather than characters."""
        return self._shorter.fingerprint.is_spaced and self._longer.fingerprint.is_spaced

    @cached_property
    def length_ratio(self) -> float:
        """Length of the shorter text divided by that of the longer one, counting all their tokens."""
        longer = self._longer.fingerprint.tokens
        return self._shorter.fingerprint.tokens / longer if longer else 1.0

    @cached_property
    def tokens(self) -> int:
        """Number of tokens of the shorter text, without boilerplate."""
        return _count(self._shorter, self._boilerplate)

    @cached_property
    def covered_tokens(self) -> int:
        """How many of these `tokens` are in shingles that the longer text has too."""
        return int(np.count_nonzero(_excluding(self._covered_mask, self._boilerplate)))

    @cached_property
    def containment(self) -> float:
        """Share of the shorter text that is found in the longer one, 0 to 1."""
        return self.covered_tokens / self.tokens if self.tokens else 0.0

    @cached_property
    def changed_share(self) -> float:
        """Share of the tokens of both texts that only one of them has, 0 to 1."""
        total = self.tokens + _count(self._longer, self._boilerplate_longer)
        shared = self.covered_tokens + int(
            np.count_nonzero(_excluding(self._covered_mask_longer, self._boilerplate_longer))
        )
        return (total - shared) / total if total else 0.0

    @cached_property
    def number_changes(self) -> int:
        """Number of changed passages of the shorter text that contain a number."""
        return self._count_passages(self._changed_numbers)

    @cached_property
    def new_number_changes(self) -> int:
        """Number of those passages that contain a number which is nowhere in the longer text."""
        changed, others = self._changed_numbers, self._longer.numbers
        values = self._shorter.fingerprint.sequence[changed].tolist()
        is_new = np.array([value not in others for value in values], dtype=np.bool_)
        return self._count_passages(changed[is_new])

    @cached_property
    def shared_numbers_share(self) -> float | None:
        """Of the text with fewer different numbers, the share of them that the other has too; None if it has none."""
        numbers, others = self._shorter.numbers, self._longer.numbers
        fewest = min(len(numbers), len(others))
        return len(numbers & others) / fewest if fewest else None

    @cached_property
    def is_opening(self) -> bool:
        """Whether the longer text begins like the shorter one: half of the shorter one's first shingles are there."""
        return _has_opening_of(self._longer, self._shorter, self._size)

    @cached_property
    def begins_alike(self) -> bool:
        """Whether one of the texts begins like the other: the same, also for the longer one's first shingles."""
        return self.is_opening or _has_opening_of(self._shorter, self._longer, self._size)

    @cached_property
    def shares_opening(self) -> bool:
        """Whether half of the opening of one of the texts is anywhere in the other."""
        openings = (self._covered_mask[:OPENING_SHORTER], self._covered_mask_longer[:OPENING_SHORTER])
        return any(len(mask) > 0 and 2 * np.count_nonzero(mask) >= len(mask) for mask in openings)

    @cached_property
    def has_other_names(self) -> bool:
        """Whether each title has a word that is in its own text and not in the other text."""
        return _has_own_title_word(self._shorter, self._longer) and _has_own_title_word(self._longer, self._shorter)

    @cached_property
    def jaccard(self) -> float:
        """Resemblance of the two sets of shingles, 0 to 1; boilerplate counts here."""
        texts = (self._shorter, self._longer)
        shorter, longer = (sorted_unique(text.shingles(self._size).sorted, is_sorted=True) for text in texts)
        shared = int(np.count_nonzero(isin_sorted(shorter, longer)))
        union = len(shorter) + len(longer) - shared
        return shared / union if union else 0.0

    @cached_property
    def has_other_numbers(self) -> bool:
        """Whether one of the texts has a number that the other does not have, or has with another sign or currency."""
        return self.has_other_marks or self._shorter.numbers != self._longer.numbers

    @cached_property
    def has_other_marks(self) -> bool:
        """Whether a number has another sign or currency; in texts with the same words, also whether it has a sign."""
        shorter, longer = self._shorter.fingerprint, self._longer.fingerprint
        marks, others = shorter.number_marks, longer.number_marks
        if have_other_marks(marks, others):
            return True
        return have_other_signs(marks, others) and np.array_equal(shorter.sequence, longer.sequence)

    @cached_property
    def _changed_numbers(self) -> Indices:
        return (self._shorter.is_number & ~self._covered_mask).nonzero()[0]

    def _count_passages(self, indices: Indices) -> int:
        """Count the runs of uncovered tokens of the shorter text that the tokens at ``indices`` are in."""
        # Tokens of one run have the same number of covered tokens before them.
        return len(set(np.cumsum(self._covered_mask)[indices].tolist())) if len(indices) else 0

    @cached_property
    def _covered_mask(self) -> Mask:
        return self._shorter.covered_by(self._longer, self._size)

    @cached_property
    def _covered_mask_longer(self) -> Mask:
        return self._longer.covered_by(self._shorter, self._size)


class Shingles(NamedTuple):
    """The shingles of one text and size: as they follow each other, sorted, and the indices that sort them."""

    in_order: Hashes
    sorted: Hashes
    order: Indices

    def isin(self, ordered: Hashes) -> Mask:
        """Check which shingles, as they follow each other, are in the sorted array ``ordered``."""
        is_in = np.empty(len(self.in_order), dtype=np.bool_)
        is_in[self.order] = isin_sorted(self.sorted, ordered)
        return is_in


class ComparedText:
    """A text prepared for comparisons with several others.

    ``boilerplate``: which of its tokens many unrelated texts have too, see `find_boilerplate`.
    """

    def __init__(self, fingerprint: Fingerprint, boilerplate: Mask | None = None) -> None:
        self.fingerprint = fingerprint
        self.boilerplate = boilerplate if boilerplate is not None and boilerplate.any() else None
        self._shingles: dict[int, Shingles] = {}

    def similarity_to(self, earlier: ComparedText) -> Similarity:
        """Compare this text, the incoming one, with an earlier one."""
        return Similarity(self, earlier)

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The different numbers in the text, as their token hashes."""
        return frozenset(self.fingerprint.sequence[self.is_number].tolist())

    @cached_property
    def vocabulary(self) -> TokenHashes:
        """The tokens, sorted."""
        return np.sort(self.fingerprint.sequence)

    @cached_property
    def is_number(self) -> Mask:
        """Which tokens are numbers."""
        is_number: Mask = (self.fingerprint.sequence & np.uint16(NUMBER)) != 0
        return is_number

    def shingles(self, size: int) -> Shingles:
        """The shingles of ``size`` tokens."""
        cached = self._shingles.get(size)
        if cached is None:
            in_order = shingle_hashes(self.fingerprint.sequence, size)
            order = np.argsort(in_order)
            cached = self._shingles[size] = Shingles(in_order, in_order[order], order)
        return cached

    def covered_by(self, other: ComparedText, size: int) -> Mask:
        """Which tokens are in shingles of ``size`` tokens that ``other`` has too."""
        return _cover(self.shingles(size).isin(other.shingles(size).sorted), size)

    def boilerplate_in(self, other: ComparedText, size: int) -> Mask | None:
        """Which tokens of ``other`` are in shingles that consist of boilerplate in this text."""
        if self.boilerplate is None:
            return None
        is_inside = np.convolve(self.boilerplate, np.ones(size, dtype=np.intp), "valid") == size
        shingles = self.shingles(size)
        return _cover(other.shingles(size).isin(shingles.sorted[is_inside[shingles.order]]), size)


def shingle_size(text: ComparedText, other: ComparedText) -> int:
    """Size of the shingles that two texts are compared by, in tokens: smaller if one of the texts has no more."""
    shortest = min(len(text.fingerprint.sequence), len(other.fingerprint.sequence))
    return max(1, min(text.fingerprint.params.shingle, other.fingerprint.params.shingle, shortest))


def find_boilerplate(fingerprint: Fingerprint, common: Hashes) -> Mask | None:
    """Find the tokens in ``common`` anchors, or between two of them that follow each other among the anchors.

    ``common``: the anchors that many unrelated texts have, sorted. None if there are none.
    """
    if not len(common):
        return None
    shingles = fingerprint.shingles
    anchors = isin_sorted(shingles, fingerprint.anchors).nonzero()[0]
    is_common = isin_sorted(shingles[anchors], common)
    starts = np.zeros(len(shingles), dtype=np.bool_)
    starts[anchors[is_common]] = True
    for i in np.flatnonzero(is_common[1:] & is_common[:-1]).tolist():
        starts[anchors[i] : anchors[i + 1]] = True
    return _cover(starts, max(1, min(fingerprint.params.anchor, len(fingerprint.sequence))))


def _has_opening_of(text: ComparedText, other: ComparedText, size: int) -> bool:
    """Whether half of the first shingles of ``other`` are among the first ones of ``text``."""
    opening = other.shingles(size).in_order[:OPENING_SHORTER]
    is_shared = isin_sorted(opening, np.sort(text.shingles(size).in_order[:OPENING_LONGER]))
    return len(opening) > 0 and 2 * int(np.count_nonzero(is_shared)) >= len(opening)


def _has_own_title_word(text: ComparedText, other: ComparedText) -> bool:
    title = text.fingerprint.title
    in_own_text = title[isin_sorted(title, text.vocabulary)]
    return not isin_sorted(in_own_text, other.vocabulary).all()


def measure_title_similarity(first: Fingerprint, second: Fingerprint) -> float | None:
    """Jaccard similarity of the titles' tokens; None if one of the texts has no title."""
    titles = first.title, second.title
    if not all(map(len, titles)):
        return None
    shared = int(np.count_nonzero(isin_sorted(*titles)))
    return shared / (sum(map(len, titles)) - shared)


def _cover(starts: Mask, size: int) -> Mask:
    """Mark the tokens of the shingles of ``size`` tokens that begin where ``starts`` is true."""
    covered = np.zeros(len(starts) + size - 1 if len(starts) else 0, dtype=np.bool_)
    for i in range(size):
        covered[i : i + len(starts)] |= starts
    return covered


def _excluding(covered: Mask, boilerplate: Mask | None) -> Mask:
    return covered if boilerplate is None else covered & ~boilerplate


def _count(text: ComparedText, boilerplate: Mask | None) -> int:
    count = len(text.fingerprint.sequence)
    return count if boilerplate is None else count - int(np.count_nonzero(boilerplate))
