"""Fixes doubled and mismatched quotation marks, curly and straight.

Only a wrong mark is changed; curly quotes that match are never made straight.
"""

from __future__ import annotations

import re
from typing import Final

from stream.core.normalize.text.characters import ARABIC_LETTERS
from stream.core.normalize.trigger_scan import CharacterPair

#: The triggers of each fix. A pair of two kinds always contains a mark that is not ASCII.
DOUBLED_MARK_TRIGGERS: Final = (CharacterPair("'`\"<>", "'`\"<>"),)
QUOTE_TRIGGERS: Final = (CharacterPair("«»“”„"),)

_ASCII: Final = '"'
# Two characters that are typed for one mark: ''word'', ``word'', <<word>>; not the inches of 6'2''.
_DOUBLED: Final = (
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
# The marks that close each opening mark in some language; any other mark belongs to another quotation.
_VALID_CLOSINGS: Final = {'"': '"', "«": "»", "“": "”", "„": "“”", "”": "”“", "»": "«»"}
_URDU: Final = ("”", "“")
#: Characters that can come before an opening mark: spaces, brackets, dashes, other punctuation, and the one-letter
#: words that Arabic writes together with the next word.
_BEFORE_OPENING: Final = " ([{-–—/:،.,\u0640وبلكف"
#: Characters that can come after a closing mark.
_AFTER_CLOSING: Final = " )]}-–—/:;،؛.,؟?!…\u06d4"


def merge_doubled_marks(text: str) -> tuple[str, int]:
    r"""Replace two characters that were typed for one quotation mark by that mark.

    >>> merge_doubled_marks("''one'' <<اثنان>> 6'2''")
    ('"one" «اثنان» 6\'2\'\'', 4)
    """
    count = 0
    for doubled, pattern, mark in _DOUBLED:
        if doubled in text:
            text, changes = pattern.subn(mark, text)
            count += changes
    return text, count


def fix_mismatched_quotes(text: str) -> tuple[str, int]:
    """Correct the wrong mark of each pair of quotation marks that do not match; count the lines that changed.

    Pairs that match in any language stay as they are, as do marks without a partner and nested quotations.

    >>> fix_mismatched_quotes('He said “yes" twice.')
    ('He said “yes” twice.', 1)
    >>> fix_mismatched_quotes("وقال »نعم« ثم „Ja“")
    ('وقال «نعم» ثم „Ja“', 1)
    """
    if _has_matching_quotes(text):
        return text, 0
    lines = text.split("\n")
    fixed = [line if _has_matching_quotes(line) else _fix_line(line) for line in lines]
    return "\n".join(fixed), sum(map(str.__ne__, lines, fixed))


def _has_matching_quotes(text: str) -> bool:
    """Whether every line contains matching pairs only, as most texts do."""
    return _PAIRED.fullmatch("".join(_MARKS.findall(text))) is not None


def _fix_line(line: str) -> str:
    """Return ``line`` with matching marks if opening and closing marks alternate in it, else ``line`` itself."""
    positions = [mark.start() for mark in _QUOTES.finditer(line) if not _is_gershayim(line, mark.start())]
    if len(positions) % 2:
        return line
    pairs = list(zip(positions[::2], positions[1::2], strict=True))
    if not all(_is_opening(line, opening) and _is_closing(line, closing) for opening, closing in pairs):
        return line
    characters = list(line)
    for opening, closing in pairs:
        is_arabic = bool(_ARABIC_LETTER.search(line, opening, closing))
        characters[opening], characters[closing] = _fix_pair(line[opening], line[closing], is_arabic=is_arabic)
    return "".join(characters)


def _is_gershayim(line: str, i: int) -> bool:
    """Whether the mark is between two Hebrew letters, where it marks an acronym."""
    return line[i] == _ASCII and line[i - 1 : i] in _HEBREW and line[i + 1 : i + 2] in _HEBREW


def _fix_pair(opening: str, closing: str, *, is_arabic: bool) -> tuple[str, str]:
    if is_arabic and opening in _OPENING_OF and (opening, closing) != _URDU:
        opening = _OPENING_OF[opening]  # typed the wrong way round, because the marks are mirrored on the screen
    if closing in _VALID_CLOSINGS[opening]:
        return opening, closing
    if opening == _ASCII:
        partner = _OPENING_OF.get(closing)
        return (partner, closing) if partner else (opening, closing)
    return opening, _CLOSING_OF.get(opening, closing)


def _is_opening(line: str, i: int) -> bool:
    before, after = line[i - 1 : i] if i else "", line[i + 1 : i + 2]
    return (not before or before in _BEFORE_OPENING) and bool(after) and after not in _AFTER_CLOSING


def _is_closing(line: str, i: int) -> bool:
    before, after = line[i - 1 : i], line[i + 1 : i + 2]
    return before != " " and (not after or after in _AFTER_CLOSING)
