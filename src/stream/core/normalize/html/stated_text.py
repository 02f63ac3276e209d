"""The article's text in a page's metadata (`articleBody`), beside the one that the page shows."""

from __future__ import annotations

from typing import Final

#: If the page shows less than this, the metadata may be all that there is.
_TEXT_CHARS_MIN: Final = 250
#: If the metadata hold this many times as much text as the page shows, the page does not show the article.
_HIDDEN_TIMES: Final = 2
#: A line that was edited is in the stated text if this share of its runs of characters is.
_LINE_SHARE_MIN: Final = 0.5
#: The stated text ends the article only if the page shows nearly all of it, and it is no excerpt.
_SHOWN_SHARE_MIN: Final = 0.9
_LENGTH_SHARE_MIN: Final = 0.5
_CUT: Final = ("...", "…", "[…]", "[...]")


def choose_text(text: str, stated: str) -> str:
    """Return the better of ``text``, which a page shows, and ``stated``, which is in its metadata; see the module.

    >>> choose_text("", "The garden opened.")
    'The garden opened.'
    """
    stated = stated.strip()
    if len(text) < _TEXT_CHARS_MIN and len(stated) > len(text):
        return stated
    if len(stated) > _TEXT_CHARS_MIN and len(stated) > _HIDDEN_TIMES * len(text):
        return stated
    return _leave_out_other_lines(text, stated)


def _leave_out_other_lines(text: str, stated: str) -> str:
    """Return the lines of ``text`` that are in ``stated`` if that is the whole article; else ``text``."""
    if len(stated) < max(_TEXT_CHARS_MIN, _LENGTH_SHARE_MIN * len(text)) or stated.endswith(_CUT):
        return text
    whole = _fold(stated)
    lines = [(line, _fold(line)) for line in text.split("\n")]
    is_known = [folded in whole for _, folded in lines]
    if not all(is_known):
        known = _grams(whole)
        is_known = [is_in or _is_in(folded, known) for is_in, (_, folded) in zip(is_known, lines, strict=True)]
    chosen = [line for line, is_in in zip(lines, is_known, strict=True) if is_in]
    if sum(len(folded) for _, folded in chosen) < _SHOWN_SHARE_MIN * len(whole):
        return text
    return "\n".join(line for line, _ in chosen)


def _is_in(folded: str, known: set[str]) -> bool:
    grams = _grams(folded)
    return len(grams & known) >= _LINE_SHARE_MIN * len(grams)


def _fold(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _grams(folded: str) -> set[str]:
    """All runs of eight characters; the whole text if it is shorter."""
    return {folded[i : i + 8] for i in range(max(1, len(folded) - 7))}
