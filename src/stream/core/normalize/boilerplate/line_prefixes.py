"""The folded beginnings of lines, all of them folded at once: one call costs little more than one line does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stream.core.folding import letters

#: Characters of a line that are folded; a shorter line is folded whole.
CHARS_MAX: Final = 160
#: A letter that folds to itself and that hardly any text has.
_MARK: Final = "\ua66e"


def heads(lines: Sequence[str]) -> list[str]:
    """`letters` of the first `CHARS_MAX` characters of each line."""
    cut = [line[:CHARS_MAX] for line in lines]
    folded = letters(_MARK.join(cut)).split(_MARK)
    return folded if len(folded) == len(cut) else [letters(line) for line in cut]


def are_equal(first: str, second: str) -> bool:
    """Whether two lines are the same letter by letter."""
    return first == second or letters(first) == letters(second)
