"""The scraper's cut copy of the first paragraph, moved out of the text."""

from __future__ import annotations

from typing import Final

from stream.fold import letters

#: Fewer letters than this may well be a heading that the paragraph begins with.
LETTERS_MIN: Final = 25


def split_teaser(text: str) -> tuple[str | None, str]:
    """(teaser, text without it) where the first line is a cut copy of the next one; else (None, text).

    Lines are compared letter by letter after folding, so an ellipsis, a cut inside a word, other hamza forms
    and other spacing make no difference.
    """
    first, _, rest = text.partition("\n")
    second = rest.partition("\n")[0]
    if not second or len(first) > 2 * len(second):
        return None, text
    cut = letters(first)
    if len(cut) < LETTERS_MIN:
        return None, text
    whole = letters(second)
    if len(cut) < len(whole) and whole.startswith(cut):
        return first, rest
    return None, text
