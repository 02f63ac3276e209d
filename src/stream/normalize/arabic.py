"""Spaces around punctuation in Arabic script, the commonest fault of Arabic newsroom systems."""

from __future__ import annotations

import re
from typing import Final

_LETTER: Final = r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff]"
_SCRIPT: Final = re.compile(_LETTER)
_WORD: Final = re.compile(_LETTER * 3)
_SPACED: Final = (" ،", " ؛", " ؟", " .", " :", " !", " ,")
_SPACE_BEFORE: Final = re.compile(r"(?<![0-9٠-٩]) +(?=[،؛؟]|[.:!,](?: |$))", re.MULTILINE)
_NO_SPACE_AFTER: Final = re.compile(r"[،؛؟](?=" + _LETTER + ")")
_STOP: Final = re.compile(r"([.:!][\"»”]?|[\"»”]\.)(?=[\"«“(]?" + _LETTER * 3 + ")")


def space_arabic_punctuation(text: str) -> tuple[str, int]:
    """No space before ، ؛ ؟ and stops, one behind them where two words would stick together.

    Initials such as «ا.ف.ب» are left alone: a stop is taken as one only between words of three letters or more.
    """
    if not _SCRIPT.search(text):
        return text, 0
    before = stuck = 0
    if any(pair in text for pair in _SPACED):
        text, before = _SPACE_BEFORE.subn("", text)
    text, after = _NO_SPACE_AFTER.subn(lambda match: match[0] + " ", text)

    def unstick(match: re.Match[str]) -> str:
        nonlocal stuck
        start = match.start()
        if not _WORD.fullmatch(text, max(0, start - 3), start):
            return match[0]
        stuck += 1
        return match[0] + " "

    spaced = _STOP.sub(unstick, text)
    return spaced, before + after + stuck
