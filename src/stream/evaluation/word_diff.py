"""Two published texts word by word: the passages that both have, in order, and those that only one of them has.

Words are aligned by what they fold to, so hamza, case, spacing and punctuation make no difference here either.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from stream.core.folding import tokenize, tokenize_all

#: So many words of each text are aligned: the work grows with their square at worst.
WORDS_MAX: Final = 3000
#: And so many characters are looked at.
CHARS_MAX: Final = 32 * WORDS_MAX
#: So few shared words between two longer changes are one change: nobody reads them as a passage.
ISLAND_MAX: Final = 2

_CHUNK: Final = re.compile(r"[^\w\s]*\d{1,3}(?:\s[0٠۰]{3})+(?!\w)\S*|\S+")
_IN_NUMBERS: Final = ".,٫٬"
_NON_JOINER: Final = "\u200c"
_UNSPACED_FROM: Final = 0x0E00  # Thai, the first of the scripts without spaces


class Word(NamedTuple):
    """A word as it is published, with what stands behind it up to the next one; ``key``: what it folds to, hashed."""

    text: str
    key: tuple[int, ...]
    is_number: bool


class Passage(NamedTuple):
    """What stands in the first text, and in its place in the second one; either may be empty where it is not shared."""

    is_shared: bool
    first: Sequence[Word]
    second: Sequence[Word]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two texts as passages, in order. ``is_cut``: more stands behind the first `WORDS_MAX` words of one of them."""

    passages: Sequence[Passage]
    is_cut: bool

    @property
    def numbers(self) -> tuple[list[str], list[str]]:
        """The numbers that only the first text has, and those that only the second one has, as they are written."""
        first = _numbers(word for passage in self.passages for word in passage.first)
        second = _numbers(word for passage in self.passages for word in passage.second)
        return (
            [text for key, text in first.items() if key not in second],
            [text for key, text in second.items() if key not in first],
        )


def align(first: str, second: str) -> Alignment:
    """The passages of two texts; joined again, the words of each are its beginning, and all of it unless ``is_cut``."""
    mine, cut = _beginning(first)
    other, other_cut = _beginning(second)
    matcher = SequenceMatcher(None, [word.key for word in mine], [word.key for word in other], autojunk=False)
    passages: list[Passage] = []
    for tag, start, end, other_start, other_end in matcher.get_opcodes():
        passages.append(Passage(tag == "equal", mine[start:end], other[other_start:other_end]))
        _join_over_island(passages)
    return Alignment(passages, cut or other_cut)


def words(text: str) -> list[Word]:
    """The words of ``text`` in order; joined, they are the text again, unless it has none.

    What folds to one token is one word; of the rest, runs of letters, numbers, and each character of a script that has
    no spaces.
    """
    spans = _spans(text)
    keys = _keys([text[start:end] for start, end in spans])
    known = [(span, *key) for span, key in zip(spans, keys, strict=True) if key[0]]
    borders = [0, *(_border(text, left[0][1], right[0][0]) for left, right in pairwise(known)), len(text)]
    return [
        Word(text[start:end], key, is_number)
        for (_, key, is_number), (start, end) in zip(known, pairwise(borders), strict=bool(known))
    ]


def _beginning(text: str) -> tuple[list[Word], bool]:
    found = words(text[:CHARS_MAX])
    return found[:WORDS_MAX], len(text) > CHARS_MAX or len(found) > WORDS_MAX


def _join_over_island(passages: list[Passage]) -> None:
    """Make one change of the last three passages where the middle one is shared, and too short to tell anything.

    Semantic clean-up as in Fraser, "Diff Strategies" (2006), for islands of at most `ISLAND_MAX` words.
    """
    if len(passages) < 3 or passages[-1].is_shared:  # noqa: PLR2004 - two and what is between them
        return
    left, island, right = passages[-3:]
    if len(island.first) <= min(ISLAND_MAX, _size(left) - 1, _size(right) - 1):
        joined = ([*a, *b, *c] for a, b, c in zip(left[1:], island[1:], right[1:], strict=True))
        passages[-3:] = [Passage(False, *joined)]


def _size(passage: Passage) -> int:
    return max(len(passage.first), len(passage.second))


def _numbers(found: Iterator[Word]) -> dict[tuple[int, ...], str]:
    return {word.key: re.sub(r"^\W+|\W+$", "", word.text) for word in found if word.is_number}


def _spans(text: str) -> list[tuple[int, int]]:
    """Where the words of ``text`` begin and end."""
    chunks = [span for match in _CHUNK.finditer(text) if (span := _stripped(text, *match.span()))]
    tokens = _token_counts([text[start:end] for start, end in chunks])
    return [
        span
        for chunk, is_one in zip(chunks, tokens, strict=True)
        for span in ([chunk] if is_one else _split(text, *chunk))
    ]


def _stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The span without punctuation at its ends; None where there is nothing else."""
    while start < end and not text[start].isalnum():
        start += 1
    while start < end and _kind(text[end - 1]) == "between":
        end -= 1
    return (start, end) if start < end else None


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begins, before = start, "between"
    for place in range(start, end):
        kind = _kind(text[place])
        if before == "digit" and text[place] in _IN_NUMBERS and _kind(text[place + 1]) == "digit":
            continue
        if kind == "mark" and before != "between":
            continue
        if kind != before or kind == "alone":
            if before != "between":
                yield begins, place
            begins = place
        before = kind
    if before != "between":
        yield begins, end


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return "digit"
    if category[0] == "M" or (category == "Cf" and char != _NON_JOINER):
        return "mark"
    if category[0] not in "LN":
        return "between"
    is_alone = ord(char) >= _UNSPACED_FROM and bool(tokenize(char).unspaced.any())
    return "alone" if is_alone else "letter"


def _token_counts(texts: Sequence[str]) -> list[bool]:
    """Of each text, whether it is one token."""
    bounds = tokenize_all(texts).bounds
    counts: list[bool] = (bounds[1:] - bounds[:-1] == 1).tolist() if texts else []
    return counts


def _keys(texts: Sequence[str]) -> Iterator[tuple[tuple[int, ...], bool]]:
    """Of each text, the hashes of its tokens, and whether all of them are numbers."""
    batch = tokenize_all(texts)
    hashes, numeric = batch.tokens.hashes.tolist(), batch.tokens.numeric.tolist()
    for start, end in pairwise(batch.bounds.tolist()[: len(texts) + 1] if texts else ()):
        yield tuple(hashes[start:end]), all(numeric[start:end])


def _border(text: str, end: int, start: int) -> int:
    """Where between two words the second one's part of the text begins: behind the first space."""
    for place in range(end, start):
        if text[place].isspace() and not text[place + 1].isspace():
            return place + 1
    return start
