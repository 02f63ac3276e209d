"""Paragraphs that a page shows twice: the first one stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from stream.core.normalize.boilerplate.line_prefixes import are_equal

#: Shorter paragraphs may be repeated on purpose: refrains, labels, rows of a table.
LETTERS_MIN: Final = 60
#: The same for scripts that write a word in a letter or two.
LETTERS_MIN_IDEOGRAPHIC: Final = 25
#: Letters by which copies are looked for.
_KEY_LETTERS: Final = 80
_IDEOGRAPHS_FROM: Final = "\u2e80"
_ITEM: Final = re.compile(r"[-*•·–—] |[0-9٠-٩۰-۹]{1,2} ?[-.)ـ]")
_SENTENCE_END: Final = re.compile(r"[.؟?!。！？۔।…:][\"”»'’)）」]{0,2}$")


def repeated(lines: Sequence[str], folded: Sequence[str]) -> list[int]:
    """Which lines are paragraphs that stood before, letter by letter after folding; ``folded`` holds their `heads`.

    A short line counts only inside a stretch of lines that is repeated as a whole and has a long paragraph. A long
    line without a sentence's end may be one of verse, or half of a sentence, and counts in the same way, as does an
    item of a list.
    """
    # Heads of copies may end elsewhere, as other spacing moves what is cut.
    keys = [line[:_KEY_LETTERS] for line in folded]
    if len(set(keys)) == len(keys):
        return []
    first: dict[str, int] = {}
    copies = [first.setdefault(key, place) for place, key in enumerate(keys)]
    copies = [
        copy if copy == place or are_equal(lines[copy], lines[place]) else place for place, copy in enumerate(copies)
    ]
    found: list[int] = []
    place = 0
    while place < len(lines):
        end = place + 1
        if copies[place] < place:
            while end < len(lines) and copies[end] == copies[end - 1] + 1 and copies[end] < place:
                end += 1
            if any(_is_paragraph(lines[line], folded[line]) for line in range(place, end)):
                found.extend(range(place, end))
        place = end
    return found


def _is_paragraph(line: str, folded: str) -> bool:
    least = LETTERS_MIN_IDEOGRAPHIC if folded and folded[0] >= _IDEOGRAPHS_FROM else LETTERS_MIN
    return (
        len(folded) >= least and _SENTENCE_END.search(line, max(0, len(line) - 4)) is not None and not _ITEM.match(line)
    )
