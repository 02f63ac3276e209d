"""Quotation marks that do not belong together."""

from __future__ import annotations

import re
from typing import Final

from stream.normalize.scan import Pair

#: What the step looks for. Marks of two kinds in one paragraph are found by the one that ASCII has not.
QUOTE_PAIRS: Final = (Pair("'`\"<>", "'`\"<>"), Pair("«»“”„"))

_ASCII: Final = '"'
# Two marks that stand for one: ''word'', ``word'', <<word>>; not the inches and seconds of 6'2''.
_TWO: Final = (
    ("''", re.compile(r"(?<![\w'])''(?=\w)|(?<=[^\W\d]|[.,!?…።])''(?![\w'])"), _ASCII),
    ("``", re.compile(r"(?<!`)``(?=\w)"), _ASCII),
    ('""', re.compile(r'(?<!["\w])""(?=\w)|(?<=[\w.,!?؟،])""(?!["\w])'), _ASCII),
    ("<<", re.compile(r"(?<!<)<<(?=[^\W\d_])"), "«"),
    (">>", re.compile(r"(?<=[^\W\d_.!?؟])>>(?!>)"), "»"),
)

# A mark between two Hebrew letters is a gershayim.
_QUOTES: Final = re.compile(r"(?<![\u05d0-\u05ea])\"|\"(?![\u05d0-\u05ea])|[«»“”„]")
_MARKS: Final = re.compile(r"[\"«»“”„\n]")
_PAIRED: Final = re.compile(r"(?:\n|\"\"|«»|“”|„“)*+")
_ARABIC_LETTER: Final = re.compile(r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff]")
_CLOSING_OF: Final = {"«": "»", "“": "”", "„": "“"}
_OPENING_OF: Final = {"»": "«", "”": "“"}
# What a language may close each mark with; anything else closes another quote.
_CLOSES: Final = {'"': '"', "«": "»", "“": "”", "„": "“”", "”": "”“", "»": "«»"}
_URDU: Final = ("”", "“")
#: What may stand before an opening mark, beside spaces: brackets, dashes, other marks, and the words that Arabic
#: writes together with the next one.
_BEFORE: Final = " ([{-–—/:،.,\u0640وبلكف"
_BEHIND: Final = " )]}-–—/:;،؛.,؟?!…\u06d4"


def match_quotes(text: str) -> tuple[str, int]:
    """Two marks that stand for one as one; of a pair that does not match, the mark that is wrong.

    Marks that agree stay as they are, whatever their kind; so do those without a partner, and quotes within quotes.
    """
    count = 0
    for twice, pattern, mark in _TWO:
        if twice in text:
            text, changed = pattern.subn(mark, text)
            count += changed
    if _agree(text):
        return text, count
    lines = text.split("\n")
    matched = [_matched(line) for line in lines]
    return "\n".join(matched), count + sum(map(str.__ne__, lines, matched))


def _agree(text: str) -> bool:
    """Whether every line opens and closes its quotes in pairs that match; most texts do."""
    return _PAIRED.fullmatch("".join(_MARKS.findall(text))) is not None


def _matched(line: str) -> str:
    """``line`` with matching marks, if it opens and closes its quotes in turn."""
    marks = [] if _agree(line) else list(_QUOTES.finditer(line))
    if len(marks) % 2:
        return line
    characters = list(line)
    for opening, closing in zip(marks[::2], marks[1::2], strict=True):
        if not _is_opening(line, opening.start()) or not _is_closing(line, closing.start()):
            return line
        is_arabic = bool(_ARABIC_LETTER.search(line, opening.end(), closing.start()))
        characters[opening.start()], characters[closing.start()] = _pair(opening[0], closing[0], is_arabic=is_arabic)
    return "".join(characters)


def _pair(opening: str, closing: str, *, is_arabic: bool) -> tuple[str, str]:
    if is_arabic and opening in _OPENING_OF and (opening, closing) != _URDU:
        opening = _OPENING_OF[opening]  # written the wrong way round, as the marks are mirrored on the screen
    if closing in _CLOSES[opening]:
        return opening, closing
    if opening == _ASCII:
        partner = _OPENING_OF.get(closing)
        return (partner, closing) if partner else (opening, closing)
    return opening, _CLOSING_OF.get(opening, closing)


def _is_opening(line: str, place: int) -> bool:
    before, behind = line[place - 1 : place] if place else "", line[place + 1 : place + 2]
    return (not before or before in _BEFORE) and bool(behind) and behind not in _BEHIND


def _is_closing(line: str, place: int) -> bool:
    before, behind = line[place - 1 : place], line[place + 1 : place + 2]
    return before != " " and (not behind or behind in _BEHIND)
