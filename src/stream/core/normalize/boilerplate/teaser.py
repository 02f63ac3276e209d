"""The scraper's cut copy of the first paragraph, moved out of the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Final

from stream.core.folding import fold_text, letters
from stream.core.normalize.boilerplate.dateline import read_dateline

#: Fewer letters may well be a heading that the paragraph begins with, unless the line was cut or is a whole sentence.
LETTERS_MIN: Final = 45
#: Enough where the line is a sentence, or ends inside a word.
LETTERS_MIN_SENTENCE: Final = 25
#: Enough where an ellipsis shows that the line was cut.
LETTERS_MIN_CUT: Final = 15
#: Scripts that write a word in a letter or two need so many times fewer.
_IDEOGRAPHIC_SHARE: Final = 2
#: No copy has fewer letters; they are compared before anything else.
LETTERS_PROBED: Final = 8
#: Letters of a dateline or a label of the paragraph that its copy may lack.
_AHEAD_MAX: Final = 64
_LETTERS_MIN_AHEAD: Final = 45
#: Lines between the copy and its paragraph: by-lines, a caption.
_LINES_BETWEEN_MAX: Final = 2
_LETTERS_BETWEEN_MAX: Final = 90
_CUT_CHARS_MAX: Final = 40
_STOPS: Final = '.۔。।؟?!！？"”»:'
_IDEOGRAPHS_FROM: Final = "\u2e80"
# An ellipsis, with or without a link behind it, or half a character reference.
_CUT: Final = re.compile(
    r"(?:\.\.\.*|…|\[…\]|\[\.\.\.*\])[\])»\"”]? ?(?P<link>[^.…]{0,24})$|&(?P<entity>#?\w{0,8});?$|"
    r"(?:المزيد|اقرأ المزيد|[Rr]ead more|\[[Mm]ore\]|بیشتر|مزید پڑھیں|全文|詳細)$"
)


def is_teaser(lines: Sequence[str], folded: Sequence[str], at: int = 0) -> bool:
    """Whether the line ``at`` is a copy of the beginning of what follows it; ``folded`` holds the `heads` of the lines.

    Lines are compared letter by letter after folding, so an ellipsis, a cut inside a word, other hamza forms
    and other spacing make no difference.
    """
    if at + 1 >= len(lines):
        return False
    copy, paragraph = folded[at], folded[at + 1]
    if len(copy) < LETTERS_PROBED:
        return False
    if paragraph.startswith(copy[:LETTERS_PROBED]):
        return _is_cut_copy(lines, at)
    if len(copy) < _LETTERS_MIN_AHEAD:
        return False
    if copy.find(paragraph[:LETTERS_PROBED], 1, _AHEAD_MAX) > 0 and _lacks_dateline(lines[at], lines[at + 1]):
        return True
    return _follows(lines, folded, at)


def _is_cut_copy(lines: Sequence[str], at: int) -> bool:
    """Whether the line ``at`` is the beginning of what follows; it may span several paragraphs."""
    line = lines[at]
    copy = letters(line)
    cut = _CUT.search(line, max(0, len(line) - _CUT_CHARS_MAX))
    share = _IDEOGRAPHIC_SHARE if copy[0] >= _IDEOGRAPHS_FROM else 1
    least = LETTERS_MIN_CUT if cut else LETTERS_MIN_SENTENCE
    if len(copy) * share < least:
        return False
    if _begins(copy, lines, at + 1):
        return (
            bool(cut) or len(copy) * share >= LETTERS_MIN or line[-1] in _STOPS or _is_inside_word(line, lines[at + 1])
        )
    if not cut:
        return False
    tail = letters(cut["link"] or cut["entity"] or ("" if "..." in cut[0] or "…" in cut[0] else cut[0]))
    bare = copy.removesuffix(tail)
    return len(tail) > 0 and len(bare) * share >= LETTERS_MIN_CUT and bare != copy and _begins(bare, lines, at + 1)


def _is_inside_word(line: str, paragraph: str) -> bool:
    return not f"{fold_text(paragraph)} ".startswith(f"{fold_text(line)} ")


def _begins(copy: str, lines: Sequence[str], at: int) -> bool:
    place = 0
    for line in islice(lines, at, None):
        paragraph = letters(line)
        if not copy.startswith(paragraph, place):
            return paragraph.startswith(copy[place:])
        place += len(paragraph)
        if place >= len(copy):
            return True
    return False


def _follows(lines: Sequence[str], folded: Sequence[str], at: int) -> bool:
    """Behind a dateline or a label of the next paragraph, or behind a line or two that are shorter than the copy."""
    probe = folded[at][:_LETTERS_MIN_AHEAD]
    if folded[at + 1].find(probe, 1, _AHEAD_MAX + len(probe)) > 0:
        return letters(lines[at]) in letters(lines[at + 1])
    for paragraph in range(at + 2, min(at + 2 + _LINES_BETWEEN_MAX, len(lines))):
        if len(folded[paragraph - 1]) >= min(len(folded[at]), _LETTERS_BETWEEN_MAX):
            return False
        if folded[paragraph].startswith(probe):
            copy, whole = letters(lines[at]), letters(lines[paragraph])
            return whole.startswith(copy) and whole != copy  # the whole again is a repeat: the first one stays
    return False


def _lacks_dateline(line: str, paragraph: str) -> bool:
    """The copy has a dateline that the paragraph does not have."""
    dateline = read_dateline(line)
    if dateline is None:
        return False
    bare = letters(line[dateline.end :])
    return len(bare) >= LETTERS_MIN_SENTENCE and letters(paragraph).startswith(bare)
