"""Fingerprints: what is stored of a text so that later texts can be matched and compared with it.

- The *sequence*: the folded tokens in order, two bytes each. Any shingle of the text (Broder 1997, "On the resemblance
  and containment of documents") can be rebuilt from it, so what two texts share is measured rather than estimated.
- *Anchors*: shingles chosen by winnowing (Schleimer, Wilkerson and Aiken 2003, "Winnowing: local algorithms for
  document fingerprinting"). Any two texts that share a run of 25 words share an anchor; near the beginning, where
  teasers are cut, 15 words are enough. Looking up anchors finds every copy, excerpt and expansion.
- The tokens of the title.

Only the first `TOKENS_MAX` tokens of a text are used, which bounds the time and the memory that one text takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.core.dedup.array_sets import shingle_hashes, sorted_unique, window_minima
from stream.core.dedup.number_marks import find_number_marks
from stream.core.folding import Indices, TokenBatch, tokenize_all
from stream.core.folding.hashing import Hashes, mix

TOKENS_MAX: Final = 4096
TITLE_TOKENS_MAX: Final = 48
#: The bit of a `TokenHashes` element that marks a number; the other 15 bits are of the token's hash.
NUMBER: Final = 1
#: Texts are folded together up to this many characters: arrays of this length stay in the CPU's cache.
_CHUNK_CHARS: Final = 48_000

TokenHashes = NDArray[np.uint16]
NO_HASHES: Final[Hashes] = np.empty(0, dtype=np.uint64)


class ShingleParams(NamedTuple):
    """How a text is shingled. All sizes are in tokens, all windows in shingles.

    ``shingle``: size of the shingles that texts are compared by. ``anchor``: size of an anchor. ``window``: each window
    of this many shingles has its smallest one as an anchor. ``opening_window``: the same, but narrower, in the first
    ``opening`` shingles.
    """

    shingle: int
    anchor: int
    window: int
    opening: int = 24
    opening_window: int = 12


#: For scripts with spaces between words.
WORDS: Final = ShingleParams(shingle=3, anchor=4, window=22)
#: For scripts in which every character is a token.
CHARACTERS: Final = ShingleParams(shingle=5, anchor=6, window=32)
_PARAMS: Final = {True: WORDS, False: CHARACTERS}
#: Only fingerprints of one format can be compared: another folding, hash or shingling is another format.
FORMAT: Final = f"4:w{'.'.join(map(str, WORDS))},c{'.'.join(map(str, CHARACTERS))},t{TOKENS_MAX}"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Everything that the duplicate decision needs of one text.

    ``text_hash``: 32 hexadecimal digits, the hash of all folded tokens and of ``number_marks``: the numbers with a sign
    or a currency, such as ``$5``. ``tokens``: the number of all tokens.
    ``is_spaced``: most tokens are words rather than characters. ``sequence``: the first `TOKENS_MAX` tokens in order,
    15 bits of each token's hash above one bit that marks numbers. ``title``: the title's tokens in the same form,
    sorted and unique. ``anchors`` (sorted and unique) and ``shingles`` (in order, those that anchors are chosen from)
    are 64-bit hashes; columns are empty in a fingerprint that was read from the index.
    """

    text_hash: str
    tokens: int
    is_spaced: bool
    sequence: TokenHashes
    title: TokenHashes
    anchors: Hashes
    shingles: Hashes
    number_marks: tuple[str, ...] = ()

    @property
    def params(self) -> ShingleParams:
        """How the text is shingled."""
        return _PARAMS[self.is_spaced]


def compute_fingerprint(text: str, title: str | None) -> Fingerprint:
    """Fingerprint one normalized text and its title.

    Spelling variants that readers do not notice have the same fingerprint:

    >>> compute_fingerprint("وصل إلى المدرسة", None).text_hash == compute_fingerprint("وصل الى المدرسه", None).text_hash
    True
    >>> compute_fingerprint("The bridge reopened after 3 weeks.", "Bridge reopens").tokens
    6
    """
    return compute_fingerprints([(text, title)])[0]


def compute_fingerprints(articles: Iterable[tuple[str, str | None]]) -> list[Fingerprint]:
    """Fingerprint each (text, title) of ``articles``.

    The time grows linearly with their length; it is shorter than that of one call of `compute_fingerprint` for each.
    """
    return [computed for chunk in _split_into_chunks(articles) for computed in _fingerprint_chunk(chunk)]


def _split_into_chunks(articles: Iterable[tuple[str, str | None]]) -> Iterator[list[tuple[str, str | None]]]:
    chunk: list[tuple[str, str | None]] = []
    chars = 0
    for text, title in articles:
        if chunk and chars + len(text) > _CHUNK_CHARS:
            yield chunk
            chunk, chars = [], 0
        chunk.append((text, title))
        chars += len(text)
    if chunk:
        yield chunk


def _fingerprint_chunk(articles: Sequence[tuple[str, str | None]]) -> list[Fingerprint]:
    count = len(articles)
    texts = [text for text, _ in articles]
    batch = tokenize_all(texts + [title or "" for _, title in articles])
    marks = find_number_marks(texts)
    sequence, bounds = _sequence(batch), batch.bounds.tolist()
    hashes = batch.tokens.hashes
    spans = [(start, min(end, start + TOKENS_MAX)) for start, end in pairwise(bounds[: count + 1])]
    spaced = _are_spaced(batch)[:count]
    anchors = {is_spaced: _Anchors(hashes[: bounds[count]], spans, _PARAMS[is_spaced]) for is_spaced in set(spaced)}
    computed = []
    for i, is_spaced in enumerate(spaced):
        (start, stop), end = spans[i], bounds[i + 1]
        title_start, title_end = bounds[count + i : count + i + 2]
        computed.append(
            Fingerprint(
                text_hash=_hash_text(hashes[start:end], marks[i]),
                tokens=end - start,
                is_spaced=is_spaced,
                sequence=sequence[start:stop].copy(),
                title=sorted_unique(sequence[title_start:title_end])[:TITLE_TOKENS_MAX],
                anchors=anchors[is_spaced].anchors(i),
                shingles=anchors[is_spaced].shingles(i),
                number_marks=marks[i],
            )
        )
    return computed


def _hash_text(tokens: Hashes, number_marks: Sequence[str]) -> str:
    digest = blake2b(tokens.astype("<u8", copy=False).data, digest_size=16)
    if number_marks:
        digest.update(" ".join(number_marks).encode())
    return digest.hexdigest()


def _sequence(batch: TokenBatch) -> TokenHashes:
    bits = (batch.tokens.hashes >> np.uint64(16)).astype(np.uint16)
    return (bits & ~np.uint16(NUMBER)) | batch.tokens.numeric


def _are_spaced(batch: TokenBatch) -> list[bool]:
    """For each text, whether at least half of its tokens are words."""
    unspaced = np.concatenate(([0], np.cumsum(batch.tokens.unspaced)))[batch.bounds]
    spaced: list[bool] = (2 * np.diff(unspaced) <= np.diff(batch.bounds)).tolist()
    return spaced


class _Anchors:
    """The anchors of several texts, whose tokens follow each other in ``hashes``.

    ``spans``: for each text, the index of its first token and the index after its last token that is used.
    """

    def __init__(self, hashes: Hashes, spans: Sequence[tuple[int, int]], params: ShingleParams) -> None:
        self._hashes = hashes
        self._spans = spans
        self._params = params
        self._shingles = mix(shingle_hashes(hashes, params.anchor))
        self._anchors, self._bounds = self._choose()

    def shingles(self, text: int) -> Hashes:
        """The shingles of the text with this index, in order."""
        start, end = self._spans[text]
        size = self._params.anchor
        if end - start < size:  # the whole text is one shingle
            return mix(shingle_hashes(self._hashes[start:end], end - start))
        return self._shingles[start : end - size + 1]

    def anchors(self, text: int) -> Hashes:
        """The anchors of the text with this index, sorted and unique."""
        shingles = self.shingles(text)
        if len(shingles) < self._params.opening_window:
            return sorted_unique(window_minima(shingles, len(shingles)))
        return self._anchors[self._bounds[text] : self._bounds[text + 1]]

    def _choose(self) -> tuple[Hashes, list[int]]:
        """Choose the smallest shingle of each window; return those of all texts, and where each text's begin."""
        params = self._params
        counts = [end - start - params.anchor + 1 for start, end in self._spans]
        opening = [min(count, params.opening) - params.opening_window + 1 for count in counts]
        selections = [
            self._minima(opening, params.opening_window),
            self._minima([count - params.window + 1 for count in counts], params.window),
        ]
        texts, values = (np.concatenate(columns) for columns in zip(*selections, strict=True))
        order = np.lexsort((values, texts))
        texts, values = texts[order], values[order]
        is_new = np.ones(len(values), dtype=np.bool_)
        is_new[1:] = (values[1:] != values[:-1]) | (texts[1:] != texts[:-1])
        return values[is_new], texts[is_new].searchsorted(range(len(counts) + 1)).tolist()

    def _minima(self, windows: Sequence[int], width: int) -> tuple[Indices, Hashes]:
        """Find the smallest shingle of each of the first ``windows[i]`` windows of text ``i``; return also i."""
        smallest = window_minima(self._shingles, width)
        is_chosen = np.zeros(len(smallest), dtype=np.bool_)
        is_new = smallest[1:] != smallest[:-1]
        for (start, _), count in zip(self._spans, windows, strict=True):
            if count > 0:
                is_chosen[start] = True
                is_chosen[start + 1 : start + count] = is_new[start : start + count - 1]
        indices = is_chosen.nonzero()[0]
        starts = [start for start, _ in self._spans]
        return np.searchsorted(starts, indices, side="right") - 1, smallest[indices]
