"""Compare two published texts word by word: the passages that both have, and those that only one of them has.

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

#: At most this many words of each text are aligned: the time grows with their square in the worst case.
WORDS_MAX: Final = 3000
#: At most this many characters of each text are read.
CHARS_MAX: Final = 32 * WORDS_MAX
#: At most this many shared words between two longer changes become part of one change: readers see no passage in them.
ISLAND_WORDS_MAX: Final = 2

_CHUNK: Final = re.compile(r"[^\w\s]*\d{1,3}(?:\s[0٠۰]{3})+(?!\w)\S*|\S+")
_INSIDE_NUMBERS: Final = ".,٫٬"
_NON_JOINER: Final = "\u200c"
_UNSPACED_FROM: Final = 0x0E00  # Thai, the first of the scripts without spaces


class Word(NamedTuple):
    """A word as published, with everything up to the next word. ``key``: the hashes of the tokens that it folds to."""

    text: str
    key: tuple[int, ...]
    is_number: bool


class Passage(NamedTuple):
    """Words of the first text, and the words of the second text at the same position.

    If the passage is not shared, one of them may be empty.
    """

    is_shared: bool
    first: Sequence[Word]
    second: Sequence[Word]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Two texts as passages, in order. ``is_cut``: one of the texts is longer than what was aligned."""

    passages: Sequence[Passage]
    is_cut: bool

    @property
    def numbers(self) -> tuple[list[str], list[str]]:
        """The numbers that only the first text has, and those that only the second text has, as they are written."""
        first = _numbers(word for passage in self.passages for word in passage.first)
        second = _numbers(word for passage in self.passages for word in passage.second)
        return (
            [text for key, text in first.items() if key not in second],
            [text for key, text in second.items() if key not in first],
        )


def align(first: str, second: str) -> Alignment:
    """Align two texts word by word.

    Joined again, the words of each text are its beginning, and all of it unless ``is_cut``.

    >>> [passage.is_shared for passage in align("The bridge closed today", "the bridge, closed again").passages]
    [True, False]
    """
    first_words, first_is_cut = _read_words(first)
    second_words, second_is_cut = _read_words(second)
    matcher = SequenceMatcher(
        None, [word.key for word in first_words], [word.key for word in second_words], autojunk=False
    )
    passages: list[Passage] = []
    for tag, start, end, second_start, second_end in matcher.get_opcodes():
        passages.append(Passage(tag == "equal", first_words[start:end], second_words[second_start:second_end]))
        _merge_over_island(passages)
    return Alignment(passages, first_is_cut or second_is_cut)


def words(text: str) -> list[Word]:
    """Split ``text`` into its words; joined, they are the text again unless it has no word.

    What folds to one token is one word. Everything else is split into runs of letters, numbers, and single characters
    of scripts without spaces.

    >>> [word.text for word in words("paid 3.5 percent")]
    ['paid ', '3.5 ', 'percent']
    """
    spans = _word_spans(text)
    keys = _fold_words([text[start:end] for start, end in spans])
    with_tokens = [(span, *key) for span, key in zip(spans, keys, strict=True) if key[0]]
    borders = [0, *(_border(text, left[0][1], right[0][0]) for left, right in pairwise(with_tokens)), len(text)]
    return [
        Word(text[start:end], key, is_number)
        for (_, key, is_number), (start, end) in zip(with_tokens, pairwise(borders), strict=bool(with_tokens))
    ]


def _read_words(text: str) -> tuple[list[Word], bool]:
    """Split the beginning of ``text``; return also whether there is more of it."""
    split = words(text[:CHARS_MAX])
    return split[:WORDS_MAX], len(text) > CHARS_MAX or len(split) > WORDS_MAX


def _merge_over_island(passages: list[Passage]) -> None:
    """Merge the last three passages into one change if the middle one is shared, but too short to mean anything.

    Semantic clean-up as in Fraser, "Diff Strategies" (2006), for islands of at most `ISLAND_WORDS_MAX` words.
    """
    if len(passages) < 3 or passages[-1].is_shared:  # noqa: PLR2004 - two changes and what is between them
        return
    left, island, right = passages[-3:]
    if len(island.first) <= min(ISLAND_WORDS_MAX, _size(left) - 1, _size(right) - 1):
        merged = ([*a, *b, *c] for a, b, c in zip(left[1:], island[1:], right[1:], strict=True))
        passages[-3:] = [Passage(False, *merged)]


def _size(passage: Passage) -> int:
    return max(len(passage.first), len(passage.second))


def _numbers(text_words: Iterator[Word]) -> dict[tuple[int, ...], str]:
    return {word.key: re.sub(r"^\W+|\W+$", "", word.text) for word in text_words if word.is_number}


def _word_spans(text: str) -> list[tuple[int, int]]:
    """Find where the words of ``text`` begin and end."""
    chunks = [span for match in _CHUNK.finditer(text) if (span := _strip(text, *match.span()))]
    are_one_token = _are_one_token([text[start:end] for start, end in chunks])
    return [
        span
        for chunk, is_one in zip(chunks, are_one_token, strict=True)
        for span in ([chunk] if is_one else _split(text, *chunk))
    ]


def _strip(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Strip punctuation from both ends of the span; None if nothing else is in it."""
    while start < end and not text[start].isalnum():
        start += 1
    while start < end and _kind(text[end - 1]) == "between":
        end -= 1
    return (start, end) if start < end else None


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    word_start, before = start, "between"
    for i in range(start, end):
        kind = _kind(text[i])
        if before == "digit" and text[i] in _INSIDE_NUMBERS and _kind(text[i + 1]) == "digit":
            continue
        if kind == "mark" and before != "between":
            continue
        if kind != before or kind == "single":
            if before != "between":
                yield word_start, i
            word_start = i
        before = kind
    if before != "between":
        yield word_start, end


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    """``digit``, ``letter``, ``mark``, ``single`` for a character that is a word, or ``between`` words."""
    category = unicodedata.category(char)
    if category == "Nd":
        return "digit"
    if category[0] == "M" or (category == "Cf" and char != _NON_JOINER):
        return "mark"
    if category[0] not in "LN":
        return "between"
    is_single = ord(char) >= _UNSPACED_FROM and bool(tokenize(char).unspaced.any())
    return "single" if is_single else "letter"


def _are_one_token(texts: Sequence[str]) -> list[bool]:
    """For each text, whether it is one token."""
    bounds = tokenize_all(texts).bounds
    are_one: list[bool] = (bounds[1:] - bounds[:-1] == 1).tolist() if texts else []
    return are_one


def _fold_words(texts: Sequence[str]) -> Iterator[tuple[tuple[int, ...], bool]]:
    """Yield for each text the hashes of its tokens, and whether all of them are numbers."""
    batch = tokenize_all(texts)
    hashes, numeric = batch.tokens.hashes.tolist(), batch.tokens.numeric.tolist()
    for start, end in pairwise(batch.bounds.tolist()[: len(texts) + 1] if texts else ()):
        yield tuple(hashes[start:end]), all(numeric[start:end])


def _border(text: str, end: int, start: int) -> int:
    """Where, between two words, the second word's part of the text begins: after the first space."""
    for i in range(end, start):
        if text[i].isspace() and not text[i + 1].isspace():
            return i + 1
    return start
