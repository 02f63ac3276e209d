"""Paragraphs that a page shows twice; the first occurrence stays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from stream.core.normalize.boilerplate.line_prefixes import CHARS_MAX, are_equal

#: Shorter paragraphs may be repeated on purpose: refrains, labels, rows of a table.
LETTERS_MIN: Final = 60
#: The same for scripts that write a word with one or two characters.
LETTERS_MIN_IDEOGRAPHIC: Final = 25
#: The number of letters by which copies are looked up.
_KEY_LETTERS: Final = 80
_FIRST_IDEOGRAPH: Final = "\u2e80"
_LIST_ITEM: Final = re.compile(r"[-*•·–—] |[0-9٠-٩۰-۹]{1,2} ?[-.)ـ]")
_SENTENCE_END: Final = re.compile(r"[.؟?!。！？۔।…:][\"”»'’)）」]{0,2}$")


def find_repeated_paragraphs(lines: Sequence[str], folded: Sequence[str]) -> list[int]:
    """Return the indexes of lines that repeat an earlier paragraph, with the same letters after folding.

    A short line counts only as part of a run of lines that is repeated as a whole and contains a long paragraph. The
    same holds for a long line without the end of a sentence, which may be verse, and for a list item.

    Args:
        lines: the lines of a text.
        folded: their `folded_prefixes`.

    >>> lines = ["The mayor opened a new garden beside the old school, and neighbours brought benches.", "Yes."] * 2
    >>> from stream.core.normalize.boilerplate.line_prefixes import folded_prefixes
    >>> find_repeated_paragraphs(lines, folded_prefixes(lines))
    [2, 3]
    """
    # Prefixes of copies may end at different letters, because spacing shifts them: keys are shorter than prefixes.
    keys = [line[:_KEY_LETTERS] for line in folded]
    if len(set(keys)) == len(keys):
        return []
    first_by_key: dict[str, int] = {}
    originals = [first_by_key.setdefault(key, i) for i, key in enumerate(keys)]
    originals = [
        original if original == i or _is_copy(lines, folded, original, i) else i for i, original in enumerate(originals)
    ]
    repeated: list[int] = []
    start = 0
    while start < len(lines):
        end = start + 1
        if originals[start] < start:
            while end < len(lines) and originals[end] == originals[end - 1] + 1 and originals[end] < start:
                end += 1
            if any(_is_paragraph(lines[i], folded[i]) for i in range(start, end)):
                repeated.extend(range(start, end))
        start = end
    return repeated


def _is_copy(lines: Sequence[str], folded: Sequence[str], original: int, i: int) -> bool:
    # Short lines are folded whole already. There may be 50,000 of them, and to fold one takes up to 60 µs.
    if max(len(lines[original]), len(lines[i])) <= CHARS_MAX:
        return folded[original] == folded[i]
    return are_equal(lines[original], lines[i])


def _is_paragraph(line: str, folded: str) -> bool:
    letters_min = LETTERS_MIN_IDEOGRAPHIC if folded and folded[0] >= _FIRST_IDEOGRAPH else LETTERS_MIN
    return (
        len(folded) >= letters_min
        and _SENTENCE_END.search(line, max(0, len(line) - 4)) is not None
        and not _LIST_ITEM.match(line)
    )
