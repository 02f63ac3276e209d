"""The scraper's cut copy of the first paragraph, moved out of the text."""

from __future__ import annotations

from typing import Final

from stream.fold import letters

#: Fewer letters than this may well be a heading that the paragraph begins with.
LETTERS_MIN: Final = 25
#: Characters of the first line that are compared before anything longer is folded.
_PROBE_CHARS: Final = 16


def split_teaser(text: str) -> tuple[str | None, str]:
    """(teaser, text without it) where the first line is a cut copy of the next one; else (None, text).

    Lines are compared letter by letter after folding, so an ellipsis, a cut inside a word, other hamza forms
    and other spacing make no difference. Of several teasers above each other the first is told. Idempotent on the
    text that is left.
    """
    teaser = None
    while True:
        first, _, rest = text.partition("\n")
        if not _is_cut_copy(first, rest.partition("\n")[0]):
            return teaser, text
        teaser, text = teaser or first, rest


def _is_cut_copy(first: str, second: str) -> bool:
    if not second or len(first) > 2 * len(second):
        return False
    start, beginning = letters(first[:_PROBE_CHARS]), letters(second[: 4 * _PROBE_CHARS])
    if len(beginning) >= len(start) and not beginning.startswith(start):
        return False
    cut, whole = letters(first), letters(second)
    return LETTERS_MIN <= len(cut) < len(whole) and whole.startswith(cut)
