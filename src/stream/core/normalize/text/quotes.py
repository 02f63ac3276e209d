"""Quotation marks that do not belong together."""

from __future__ import annotations

import re
from typing import Final

from stream.core.normalize.text.characters import ARABIC_LETTERS
from stream.core.normalize.trigger_scan import CharacterPair

#: What the steps look for. Marks of two kinds in one paragraph are found by the one that ASCII has not.
DOUBLED_MARK_TRIGGERS: Final = (CharacterPair("'`\"<>", "'`\"<>"),)
QUOTE_TRIGGERS: Final = (CharacterPair("«»“”„"),)

_ASCII: Final = '"'
# Two marks that stand for one: ''word'', ``word'', <<word>>; not the inches and seconds of 6'2''.
_TWO: Final = (
    ("''", re.compile(r"(?<![\w'])''(?=\w)|(?<=[^\W\d]|[.,!?…።])''(?![\w'])"), _ASCII),
    ("``", re.compile(r"(?<!`)``(?=\w)"), _ASCII),
    ('""', re.compile(r'(?<!["\w])""(?=\w)|(?<=[\w.,!?؟،])""(?!["\w])'), _ASCII),
    ("<<", re.compile(r"(?<!<)<<(?=[^\W\d_])"), "«"),
    (">>", re.compile(r"(?<=[^\W\d_.!?؟])>>(?!>)"), "»"),
)

_QUOTES: Final = re.compile(r"[\"«»“”„]")
_MARKS: Final = re.compile(r"[\"«»“”„\n]")
_PAIRED: Final = re.compile(r"(?:\n|\"\"|«»|“”|„“)*+")
_HEBREW: Final = frozenset(map(chr, range(0x5D0, 0x5EB)))
_ARABIC_LETTER: Final = re.compile(f"[{ARABIC_LETTERS}]")
_CLOSING_OF: Final = {"«": "»", "“": "”", "„": "“"}
_OPENING_OF: Final = {"»": "«", "”": "“"}
# What a language may close each mark with; anything else closes another quote.
_CLOSES: Final = {'"': '"', "«": "»", "“": "”", "„": "“”", "”": "”“", "»": "«»"}
_URDU: Final = ("”", "“")
#: What may stand before an opening mark, beside spaces: brackets, dashes, other marks, and the words that Arabic
#: writes together with the next one.
_BEFORE: Final = " ([{-–—/:،.,\u0640وبلكف"
_BEHIND: Final = " )]}-–—/:;،؛.,؟?!…\u06d4"


def merge_doubled_marks(text: str) -> tuple[str, int]:
    """Two marks that stand for one quotation mark as one."""
    count = 0
    for twice, pattern, mark in _TWO:
        if twice in text:
            text, changed = pattern.subn(mark, text)
            count += changed
    return text, count


def match_quotes(text: str) -> tuple[str, int]:
    """Of a pair that does not match, the mark that is wrong.

    Marks that agree stay as they are, whatever their kind; so do those without a partner, and quotes within quotes.
    """
    if _agree(text):
        return text, 0
    lines = text.split("\n")
    matched = [line if _agree(line) else _matched(line) for line in lines]
    return "\n".join(matched), sum(map(str.__ne__, lines, matched))


def _agree(text: str) -> bool:
    """Whether every line opens and closes its quotes in pairs that match; most texts do."""
    return _PAIRED.fullmatch("".join(_MARKS.findall(text))) is not None


def _matched(line: str) -> str:
    """``line`` with matching marks, if it opens and closes its quotes in turn."""
    places = [mark.start() for mark in _QUOTES.finditer(line) if not _is_gershayim(line, mark.start())]
    if len(places) % 2:
        return line
    pairs = list(zip(places[::2], places[1::2], strict=True))
    if not all(_is_opening(line, opening) and _is_closing(line, closing) for opening, closing in pairs):
        return line
    characters = list(line)
    for opening, closing in pairs:
        is_arabic = bool(_ARABIC_LETTER.search(line, opening, closing))
        characters[opening], characters[closing] = _pair(line[opening], line[closing], is_arabic=is_arabic)
    return "".join(characters)


def _is_gershayim(line: str, place: int) -> bool:
    """Whether the mark stands between two Hebrew letters."""
    return line[place] == _ASCII and line[place - 1 : place] in _HEBREW and line[place + 1 : place + 2] in _HEBREW


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
