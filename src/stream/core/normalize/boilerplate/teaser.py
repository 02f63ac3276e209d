"""Teasers: shortened copies of the first paragraph that a page shows before the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

from stream.core.folding import fold_letters, fold_text
from stream.core.normalize.boilerplate.dateline import read_dateline

#: A shorter line may be a heading that the paragraph starts with, unless it was truncated or is a whole sentence.
LETTERS_MIN: Final = 45
#: The minimum for a line that is a sentence or ends inside a word.
LETTERS_MIN_SENTENCE: Final = 25
#: The minimum for a line that an ellipsis marks as truncated.
LETTERS_MIN_TRUNCATED: Final = 15
#: In scripts that write a word with one or two characters, each counts as this many letters.
_IDEOGRAPH_WEIGHT: Final = 2
#: No teaser is shorter; these letters are compared before anything else.
PROBE_LETTERS: Final = 8
#: How many letters of a dateline or a label one of the two may have before the shared text.
_LEAD_LETTERS_MAX: Final = 64
_LETTERS_MIN_WITH_LEAD: Final = 45
#: Lines that may come between the teaser and its paragraph: bylines, a caption.
_LINES_BETWEEN_MAX: Final = 2
_LETTERS_BETWEEN_MAX: Final = 90
_TRUNCATION_CHARS_MAX: Final = 40
_STOPS: Final = '.۔。।؟?!！？"”»:'
_FIRST_IDEOGRAPH: Final = "\u2e80"
# An ellipsis, with or without a link after it, or half a character reference.
_TRUNCATION: Final = re.compile(
    r"(?:\.\.\.*|…|\[…\]|\[\.\.\.*\])[\])»\"”]? ?(?P<link>[^.…]{0,24})$|&(?P<entity>#?\w{0,8});?$|"
    r"(?:المزيد|اقرأ المزيد|[Rr]ead more|\[[Mm]ore\]|بیشتر|مزید پڑھیں|全文|詳細)$"
)


def is_teaser(lines: Sequence[str], folded: Sequence[str], i: int = 0) -> bool:
    """Whether line ``i`` is a copy of the beginning of what follows it.

    Letters are compared after folding, so an ellipsis, a cut inside a word, other hamza forms and other spacing make
    no difference.

    Args:
        lines: the lines of a text.
        folded: their `folded_prefixes`.
        i: the index of the line in question.

    >>> from stream.core.normalize.boilerplate.line_prefixes import folded_prefixes
    >>> lines = ["The mayor opened a new gard…", "The mayor opened a new garden beside the old school."]
    >>> is_teaser(lines, folded_prefixes(lines))
    True
    """
    if i + 1 >= len(lines):
        return False
    copy, paragraph = folded[i], folded[i + 1]
    if len(copy) < PROBE_LETTERS:
        return False
    if paragraph.startswith(copy[:PROBE_LETTERS]):
        return _is_truncated_copy(lines, i)
    if len(copy) < _LETTERS_MIN_WITH_LEAD:
        return False
    if copy.find(paragraph[:PROBE_LETTERS], 1, _LEAD_LETTERS_MAX) > 0 and _copies_after_dateline(
        lines[i], lines[i + 1]
    ):
        return True
    return _is_copied_further_on(lines, folded, i)


def _is_truncated_copy(lines: Sequence[str], i: int) -> bool:
    """Whether line ``i`` is the beginning of what follows it; it may span several paragraphs."""
    line = lines[i]
    copy = fold_letters(line)
    truncation = _TRUNCATION.search(line, max(0, len(line) - _TRUNCATION_CHARS_MAX))
    weight = _IDEOGRAPH_WEIGHT if copy[0] >= _FIRST_IDEOGRAPH else 1
    letters_min = LETTERS_MIN_TRUNCATED if truncation else LETTERS_MIN_SENTENCE
    if len(copy) * weight < letters_min:
        return False
    if _is_prefix_of_lines(copy, lines, i + 1):
        return (
            bool(truncation)
            or len(copy) * weight >= LETTERS_MIN
            or line[-1] in _STOPS
            or _ends_inside_word(line, lines[i + 1])
        )
    if not truncation:
        return False
    ends_with_dots = "..." in truncation[0] or "…" in truncation[0]
    tail = fold_letters(truncation["link"] or truncation["entity"] or ("" if ends_with_dots else truncation[0]))
    bare = copy.removesuffix(tail)
    return (
        len(tail) > 0
        and len(bare) * weight >= LETTERS_MIN_TRUNCATED
        and bare != copy
        and _is_prefix_of_lines(bare, lines, i + 1)
    )


def _ends_inside_word(line: str, paragraph: str) -> bool:
    return not f"{fold_text(paragraph)} ".startswith(f"{fold_text(line)} ")


def _is_prefix_of_lines(copy: str, lines: Sequence[str], start: int) -> bool:
    """Whether the folded ``copy`` is a prefix of the lines from ``start`` on, joined."""
    position = 0
    for line in islice(lines, start, None):
        paragraph = fold_letters(line)
        if not copy.startswith(paragraph, position):
            return paragraph.startswith(copy[position:])
        position += len(paragraph)
        if position >= len(copy):
            return True
    return False


def _is_copied_further_on(lines: Sequence[str], folded: Sequence[str], i: int) -> bool:
    """Whether line ``i`` is copied after a dateline or label of the next paragraph, or after one or two short lines."""
    probe = folded[i][:_LETTERS_MIN_WITH_LEAD]
    if folded[i + 1].find(probe, 1, _LEAD_LETTERS_MAX + len(probe)) > 0:
        return fold_letters(lines[i]) in fold_letters(lines[i + 1])
    for later in range(i + 2, min(i + 2 + _LINES_BETWEEN_MAX, len(lines))):
        if len(folded[later - 1]) >= min(len(folded[i]), _LETTERS_BETWEEN_MAX):
            return False
        if folded[later].startswith(probe):
            copy, paragraph = fold_letters(lines[i]), fold_letters(lines[later])
            return paragraph.startswith(copy) and paragraph != copy  # equal paragraphs are a repeat: the first stays
    return False


def _copies_after_dateline(line: str, paragraph: str) -> bool:
    """Whether the teaser has a dateline that the paragraph lacks, and copies the paragraph after it."""
    dateline = read_dateline(line)
    if dateline is None:
        return False
    bare = fold_letters(line[dateline.end :])
    return len(bare) >= LETTERS_MIN_SENTENCE and fold_letters(paragraph).startswith(bare)
