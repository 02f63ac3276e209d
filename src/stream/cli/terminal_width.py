"""How many columns a text may take, on any terminal."""

from __future__ import annotations

import unicodedata
from typing import Final

_ELLIPSIS: Final = "…"
#: Asks for the coloured picture of the character before it, which is two columns wide.
_EMOJI_SELECTOR: Final = "\ufe0f"
#: Zero-width spaces and joiners, and directional marks, embeddings and isolates.
_ZERO_WIDTH: Final = frozenset(
    map(chr, (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF))
)


def max_columns(text: str) -> int:
    """The most columns that ``text`` takes on any terminal.

    Terminals and libraries disagree about spacing marks (Hindi), joined emoji and emoji selectors; each is counted
    with the largest width in use (Unicode Standard Annex #11, East Asian Width).

    >>> max_columns("news"), max_columns("新闻"), max_columns("सूची")
    (4, 4, 3)
    """
    return sum(map(_width, text))


def clip(text: str, columns: int) -> str:
    """Cut ``text`` so that it takes at most ``columns`` columns on any terminal; an ellipsis marks the cut.

    >>> clip("one line of text", 8)
    'one lin…'
    """
    text = " ".join(text.split()) if "\n" in text else text
    if max_columns(text) <= columns:
        return text
    columns_used = 0
    for position, char in enumerate(text):
        columns_used += _width(char)
        if columns_used > columns - 1:
            return text[:position] + _ELLIPSIS
    return text


def _width(char: str) -> int:
    if char == _EMOJI_SELECTOR:
        return 1
    if char in _ZERO_WIDTH or unicodedata.category(char) in ("Mn", "Me", "Cc"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
