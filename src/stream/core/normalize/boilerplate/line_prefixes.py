"""Folded beginnings of lines. All lines are folded in one call, which costs little more than folding one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stream.core.folding import fold_letters

#: The number of characters of a line that are folded; a shorter line is folded whole.
CHARS_MAX: Final = 160
#: A separator that folds to itself and that hardly any text contains (U+A66E, Cyrillic letter multiocular O).
_SEPARATOR: Final = "\ua66e"


def folded_prefixes(lines: Sequence[str]) -> list[str]:
    """Return the folded letters of the first `CHARS_MAX` characters of each line.

    >>> folded_prefixes(["Harbour closed!", "إعلان"])
    ['harbourclosed', 'اعلان']
    """
    prefixes = [line[:CHARS_MAX] for line in lines]
    folded = fold_letters(_SEPARATOR.join(prefixes)).split(_SEPARATOR)
    return folded if len(folded) == len(prefixes) else [fold_letters(line) for line in prefixes]


def are_equal(first: str, second: str) -> bool:
    """Whether two lines have the same letters after folding.

    >>> are_equal("Harbour closed!", "HARBOUR CLOSED")
    True
    """
    return first == second or fold_letters(first) == fold_letters(second)
