"""How two texts compare: which tokens of each stand in runs that the other has too.

Broder 1997 defines resemblance and containment over shingles; here containment counts the tokens that shared
shingles cover, so a word that was exchanged costs one token and not all the shingles that it stands in. The tokens
that stay uncovered are where templates differ from each other: a report of another day has other numbers there.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from stream.core.dedup.fingerprint import NUMBER, Fingerprint, Sequence16, found_in, runs, unique
from stream.core.folding import Hashes, Mask, Places

#: Runs at the beginning of the shorter text, and of the longer one, that tell a teaser from a quotation.
OPENING_SHORTER: Final = 24
OPENING_LONGER: Final = 64


class Likeness:
    """How a text compares with an earlier one, by their first `TOKENS_MAX` tokens; furniture is left out.

    What it tells is measured when it is asked for, and once: most pairs are told apart by the first figure.
    """

    def __init__(self, ours: Text, theirs: Text) -> None:
        #: The text in hand is the longer one.
        self.is_longer = ours.fingerprint.tokens > theirs.fingerprint.tokens
        self._shorter, self._longer = (theirs, ours) if self.is_longer else (ours, theirs)
        self._size = run_size(ours, theirs)
        left_out = ours.furniture_in(theirs, self._size)
        masks = (left_out, ours.furniture) if self.is_longer else (ours.furniture, left_out)
        self._furniture, self._furniture_longer = masks

    @cached_property
    def is_spaced(self) -> bool:
        """Words are compared in both; else characters in one of them at least."""
        return self._shorter.fingerprint.is_spaced and self._longer.fingerprint.is_spaced

    @cached_property
    def length_ratio(self) -> float:
        """Shorter by longer, of all their tokens."""
        return (
            self._shorter.fingerprint.tokens / self._longer.fingerprint.tokens
            if self._longer.fingerprint.tokens
            else 1.0
        )

    @cached_property
    def tokens(self) -> int:
        """Tokens of the shorter text that count."""
        return _count(self._shorter, self._furniture)

    @cached_property
    def covered(self) -> int:
        """Those of them that stand in runs that the longer text has too."""
        return int(np.count_nonzero(_but(self._covered, self._furniture)))

    @cached_property
    def containment(self) -> float:
        """Share of the shorter text found in the longer one."""
        return self.covered / self.tokens if self.tokens else 0.0

    @cached_property
    def changed(self) -> float:
        """Share of the tokens of both that only one of them has."""
        total = self.tokens + _count(self._longer, self._furniture_longer)
        shared = self.covered + int(np.count_nonzero(_but(self._covered_longer, self._furniture_longer)))
        return (total - shared) / total if total else 0.0

    @cached_property
    def number_changes(self) -> int:
        """Runs of tokens in the shorter text that the longer has not and that hold a number."""
        return self._runs_with(self._changed_numbers)

    @cached_property
    def new_number_changes(self) -> int:
        """Those of them that hold a number which the longer text has nowhere."""
        changed, others = self._changed_numbers, self._longer.numbers
        values = self._shorter.fingerprint.sequence[changed].tolist()
        is_new = np.array([value not in others for value in values], dtype=np.bool_)
        return self._runs_with(changed[is_new])

    @cached_property
    def numbers_known(self) -> float | None:
        """Of the text with fewer numbers, the share of them that the other has too; None without any."""
        numbers, others = self._shorter.numbers, self._longer.numbers
        fewest = min(len(numbers), len(others))
        return len(numbers & others) / fewest if fewest else None

    @cached_property
    def is_opening(self) -> bool:
        """The longer text begins as the shorter one does: half of its first runs stand there."""
        opening = self._shorter.shingled(self._size).each[:OPENING_SHORTER]
        found = found_in(opening, np.sort(self._longer.shingled(self._size).each[:OPENING_LONGER]))
        return len(found) > 0 and 2 * int(np.count_nonzero(found)) >= len(found)

    @cached_property
    def shares_opening(self) -> bool:
        """Half of the beginning of one of them stands somewhere in the other."""
        openings = (self._covered[:OPENING_SHORTER], self._covered_longer[:OPENING_SHORTER])
        return any(len(covered) > 0 and 2 * np.count_nonzero(covered) >= len(covered) for covered in openings)

    @cached_property
    def has_other_names(self) -> bool:
        """Each title has a word that its own text has too and the other text has not."""
        return _is_missing(self._shorter, self._longer) and _is_missing(self._longer, self._shorter)

    @cached_property
    def jaccard(self) -> float:
        """The resemblance of both shingle sets, furniture and all."""
        texts = (self._shorter, self._longer)
        mine, theirs = (unique(text.shingled(self._size).sorted, is_sorted=True) for text in texts)
        shared = int(np.count_nonzero(found_in(mine, theirs)))
        union = len(mine) + len(theirs) - shared
        return shared / union if union else 0.0

    @cached_property
    def has_other_numbers(self) -> bool:
        """One of the texts has a number that the other has not."""
        return self._shorter.numbers != self._longer.numbers

    @cached_property
    def _changed_numbers(self) -> Places:
        return (self._shorter.numeric & ~self._covered).nonzero()[0]

    def _runs_with(self, places: Places) -> int:
        """How many runs of uncovered tokens these places of the shorter text are in."""
        # Those of one run have the same count of covered tokens before them.
        return len(set(np.cumsum(self._covered)[places].tolist())) if len(places) else 0

    @cached_property
    def _covered(self) -> Mask:
        return self._shorter.covered_by(self._longer, self._size)

    @cached_property
    def _covered_longer(self) -> Mask:
        return self._longer.covered_by(self._shorter, self._size)


class Shingles(NamedTuple):
    """The shingles of one size: one after another, sorted, and the places of these in the text."""

    each: Hashes
    sorted: Hashes
    order: Places

    def found_in(self, ordered: Hashes) -> Mask:
        """Which of them, one after another, are among the sorted ``ordered``."""
        found = np.empty(len(self.each), dtype=np.bool_)
        found[self.order] = found_in(self.sorted, ordered)
        return found


class Text:
    """A text ready to be compared with several others. ``furniture``: tokens that many unrelated texts have."""

    def __init__(self, fingerprint: Fingerprint, furniture: Mask | None = None) -> None:
        self.fingerprint = fingerprint
        self.furniture = furniture if furniture is not None and furniture.any() else None
        self._shingles: dict[int, Shingles] = {}

    def likeness(self, other: Text) -> Likeness:
        """How this text, the later one, compares with ``other``."""
        return Likeness(self, other)

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The numbers in it."""
        return frozenset(self.fingerprint.sequence[self.numeric].tolist())

    @cached_property
    def vocabulary(self) -> Sequence16:
        """Its tokens, sorted."""
        return np.sort(self.fingerprint.sequence)

    @cached_property
    def numeric(self) -> Mask:
        """Which tokens are numbers."""
        is_number: Mask = (self.fingerprint.sequence & np.uint16(NUMBER)) != 0
        return is_number

    def shingled(self, size: int) -> Shingles:
        """The shingles of ``size`` tokens."""
        known = self._shingles.get(size)
        if known is None:
            each = runs(self.fingerprint.sequence, size)
            order = np.argsort(each)
            known = self._shingles[size] = Shingles(each, each[order], order)
        return known

    def covered_by(self, other: Text, size: int) -> Mask:
        """Which tokens stand in a run of ``size`` that ``other`` has too."""
        return _spread(self.shingled(size).found_in(other.shingled(size).sorted), size)

    def furniture_in(self, other: Text, size: int) -> Mask | None:
        """Which tokens of ``other`` stand in runs that are furniture here."""
        if self.furniture is None:
            return None
        inside = np.convolve(self.furniture, np.ones(size, dtype=np.intp), "valid") == size
        ours = self.shingled(size)
        return _spread(other.shingled(size).found_in(ours.sorted[inside[ours.order]]), size)


def run_size(one: Text, other: Text) -> int:
    """Tokens of the runs that two texts are compared by: fewer where one of them has no more."""
    shortest = min(len(one.fingerprint.sequence), len(other.fingerprint.sequence))
    return max(1, min(one.fingerprint.grain.run, other.fingerprint.grain.run, shortest))


def furniture(fingerprint: Fingerprint, common: Hashes) -> Mask | None:
    """The tokens of ``fingerprint`` that stand in ``common`` anchors, or between two of them with no other anchor between.

    ``common``: anchors that many unrelated texts have, sorted. None where there are none.
    """
    if not len(common):
        return None
    shingles = fingerprint.shingles
    places = found_in(shingles, fingerprint.anchors).nonzero()[0]
    is_common = found_in(shingles[places], common)
    starts = np.zeros(len(shingles), dtype=np.bool_)
    starts[places[is_common]] = True
    for before in np.flatnonzero(is_common[1:] & is_common[:-1]).tolist():
        starts[places[before] : places[before + 1]] = True
    return _spread(starts, max(1, min(fingerprint.grain.anchor, len(fingerprint.sequence))))


def _is_missing(text: Text, other: Text) -> bool:
    title = text.fingerprint.title
    told = title[found_in(title, text.vocabulary)]
    return not found_in(told, other.vocabulary).all()


def _spread(starts: Mask, size: int) -> Mask:
    """Which tokens the runs of ``size`` that begin where ``starts`` is true cover."""
    covered = np.zeros(len(starts) + size - 1 if len(starts) else 0, dtype=np.bool_)
    for place in range(size):
        covered[place : place + len(starts)] |= starts
    return covered


def _but(covered: Mask, furniture: Mask | None) -> Mask:
    return covered if furniture is None else covered & ~furniture


def _count(text: Text, furniture: Mask | None) -> int:
    count = len(text.fingerprint.sequence)
    return count if furniture is None else count - int(np.count_nonzero(furniture))
