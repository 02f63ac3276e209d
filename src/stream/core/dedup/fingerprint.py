"""What is remembered of a text so that later ones can be found by it and compared with it.

- The *sequence*: its folded tokens in order, two bytes each. Any shingle of it (Broder 1997, "On the resemblance and
  containment of documents") can be made from it again, so what two texts share is measured, not estimated.
- *Anchors*: shingles chosen by winnowing (Schleimer, Wilkerson and Aiken 2003, "Winnowing: local algorithms for
  document fingerprinting"). Any two texts that share a run of 25 words share an anchor; near the beginning, where
  teasers are cut, 15 words are enough. Looking up anchors finds every copy, excerpt and expansion.
- The tokens of the title.

Only the first `TOKENS_MAX` tokens of a text are looked at, so the work and the room that one takes are bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from stream.core.folding import Hashes, Mask, Places, TokenBatch, mix, tokenize_all

TOKENS_MAX: Final = 4096
TITLE_MAX: Final = 48
#: Bit of a number in a `Sequence16`; the others are of the token's hash.
NUMBER: Final = 1
#: Texts are folded together as long as they have at most so many characters: arrays of this length stay in the cache.
_CHUNK_CHARS: Final = 48_000

Sequence16 = NDArray[np.uint16]
_Hash = TypeVar("_Hash", np.uint16, np.uint64)


class Grain(NamedTuple):
    """How a text is shingled. ``run``: tokens a shingle in comparisons. ``anchor``: tokens of an anchor.

    ``window``: anchors are the smallest of so many shingles, in the first ``opening`` shingles of ``opening_window``.
    """

    run: int
    anchor: int
    window: int
    opening: int = 24
    opening_window: int = 12


#: Where words are spaced, and where characters are tokens.
WORDS: Final = Grain(run=3, anchor=4, window=22)
CHARACTERS: Final = Grain(run=5, anchor=6, window=32)
#: Of fingerprints that can be compared: another folding, hash or grain is another format.
FORMAT: Final = f"3:w{'.'.join(map(str, WORDS))},c{'.'.join(map(str, CHARACTERS))},t{TOKENS_MAX}"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """All that the duplicate decision needs of one text.

    ``text_hash``: 32 hexadecimal digits, of all folded tokens. ``tokens``: how many there are. ``sequence``: the
    first `TOKENS_MAX` of them, 15 bits of each one's hash above one bit that tells numbers. ``title``: sorted and
    unique, made like these. ``anchors`` (sorted and unique) and ``shingles`` (in order, those that anchors are
    chosen from) are 64-bit hashes; of a text that is remembered, both are empty.
    """

    text_hash: str
    tokens: int
    is_spaced: bool
    sequence: Sequence16
    title: Sequence16
    anchors: Hashes
    shingles: Hashes

    @property
    def grain(self) -> Grain:
        """How the text is shingled."""
        return WORDS if self.is_spaced else CHARACTERS


def fingerprint(text: str, title: str | None) -> Fingerprint:
    """The fingerprint of one normalized text and its title."""
    return fingerprints([(text, title)])[0]


def fingerprints(articles: Iterable[tuple[str, str | None]]) -> list[Fingerprint]:
    """The fingerprint of each (text, title). Work grows with their length; together they take less than one by one."""
    return [found for chunk in _chunks(articles) for found in _together(chunk)]


def _chunks(articles: Iterable[tuple[str, str | None]]) -> Iterator[list[tuple[str, str | None]]]:
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


def _together(articles: Sequence[tuple[str, str | None]]) -> list[Fingerprint]:
    count = len(articles)
    batch = tokenize_all([text for text, _ in articles] + [title or "" for _, title in articles])
    sequence, bounds = _sequence(batch), batch.bounds.tolist()
    hashes = batch.tokens.hashes
    spans = [(start, min(end, start + TOKENS_MAX)) for start, end in pairwise(bounds[: count + 1])]
    spaced = _are_spaced(batch)[:count]
    anchors = {is_spaced: _Anchors(hashes[: bounds[count]], spans, _GRAINS[is_spaced]) for is_spaced in set(spaced)}
    found = []
    for place, is_spaced in enumerate(spaced):
        (start, head), end = spans[place], bounds[place + 1]
        title_start, title_end = bounds[count + place : count + place + 2]
        found.append(
            Fingerprint(
                text_hash=blake2b(hashes[start:end].astype("<u8", copy=False).data, digest_size=16).hexdigest(),
                tokens=end - start,
                is_spaced=is_spaced,
                sequence=sequence[start:head].copy(),
                title=unique(sequence[title_start:title_end])[:TITLE_MAX],
                anchors=anchors[is_spaced].of(place),
                shingles=anchors[is_spaced].shingles_of(place),
            )
        )
    return found


def _sequence(batch: TokenBatch) -> Sequence16:
    bits = (batch.tokens.hashes >> np.uint64(16)).astype(np.uint16)
    return (bits & ~np.uint16(NUMBER)) | batch.tokens.numeric


def _are_spaced(batch: TokenBatch) -> list[bool]:
    """Of each text, whether most of its tokens are words."""
    alone = np.concatenate(([0], np.cumsum(batch.tokens.unspaced)))[batch.bounds]
    spaced: list[bool] = (2 * np.diff(alone) <= np.diff(batch.bounds)).tolist()
    return spaced


class _Anchors:
    """The anchors of texts whose tokens stand behind each other in ``hashes``.

    ``spans``: the first token of each text, and the one behind the last that is looked at.
    """

    def __init__(self, hashes: Hashes, spans: Sequence[tuple[int, int]], grain: Grain) -> None:
        self._hashes = hashes
        self._spans = spans
        self._grain = grain
        self._shingles = mix(runs(hashes, grain.anchor))
        self._chosen, self._bounds = self._choose()

    def shingles_of(self, text: int) -> Hashes:
        """The shingles of the text with this number."""
        start, end = self._spans[text]
        size = self._grain.anchor
        if end - start < size:  # all of it is one
            return mix(runs(self._hashes[start:end], end - start))
        return self._shingles[start : end - size + 1]

    def of(self, text: int) -> Hashes:
        """The anchors of that text."""
        shingles = self.shingles_of(text)
        if len(shingles) < self._grain.opening_window:
            return unique(minima(shingles, len(shingles)))
        return self._chosen[self._bounds[text] : self._bounds[text + 1]]

    def _choose(self) -> tuple[Hashes, list[int]]:
        """The smallest shingle of each window of all texts, and where those of each text begin."""
        grain = self._grain
        counts = [end - start - grain.anchor + 1 for start, end in self._spans]
        opening = [min(count, grain.opening) - grain.opening_window + 1 for count in counts]
        chosen = [self._minima(opening, grain.opening_window)]
        chosen.append(self._minima([count - grain.window + 1 for count in counts], grain.window))
        texts, values = (np.concatenate(both) for both in zip(*chosen, strict=True))
        order = np.lexsort((values, texts))
        texts, values = texts[order], values[order]
        is_new = np.ones(len(values), dtype=np.bool_)
        is_new[1:] = (values[1:] != values[:-1]) | (texts[1:] != texts[:-1])
        return values[is_new], texts[is_new].searchsorted(range(len(counts) + 1)).tolist()

    def _minima(self, windows: Sequence[int], width: int) -> tuple[Places, Hashes]:
        """The smallest shingle of each of the first so many windows of each text, and whose it is."""
        smallest = minima(self._shingles, width)
        is_chosen = np.zeros(len(smallest), dtype=np.bool_)
        is_new = smallest[1:] != smallest[:-1]
        for (start, _), count in zip(self._spans, windows, strict=True):
            if count > 0:
                is_chosen[start] = True
                is_chosen[start + 1 : start + count] = is_new[start : start + count - 1]
        places = is_chosen.nonzero()[0]
        starts = [start for start, _ in self._spans]
        return np.searchsorted(starts, places, side="right") - 1, smallest[places]


def runs(tokens: NDArray[_Hash], size: int) -> Hashes:
    """One hash for each run of ``size`` tokens, in order: `mix` makes it even, comparing needs no more than this.

    Where 64 bits hold the whole run, it is its own hash.
    """
    count = max(0, len(tokens) - size + 1)
    held = 8 // tokens.itemsize
    if 0 < size <= held:
        padded = np.zeros(len(tokens) + held - size, dtype=tokens.dtype)
        padded[: len(tokens)] = tokens
        windows: Hashes = np.ndarray((count,), "<u8", padded, strides=(tokens.itemsize,))
        return windows & np.uint64(2 ** (8 * tokens.itemsize * size) - 1)
    run = tokens[:count].astype(np.uint64)
    for place in range(1, size):
        run *= _RUN_FACTOR
        run += tokens[place : place + count]
    return run


def minima(values: Hashes, window: int) -> Hashes:
    """The smallest of each ``window`` consecutive ones of ``values``."""
    smallest, width = values, 1
    while width < window:  # the minima of windows of `width` become those of up to twice the width
        step = min(width, window - width)
        smallest = np.minimum(smallest[:-step], smallest[step:])
        width += step
    return smallest


def _no_repeats(values: NDArray[_Hash]) -> NDArray[_Hash]:
    is_new = np.empty(len(values), dtype=np.bool_)
    is_new[:1] = True
    np.not_equal(values[1:], values[:-1], out=is_new[1:])
    first: NDArray[_Hash] = values[is_new]
    return first


def unique(hashes: NDArray[_Hash], *, is_sorted: bool = False) -> NDArray[_Hash]:
    """``hashes`` sorted, each once; several times as fast as ``np.unique`` on as few as these."""
    return _no_repeats(hashes if is_sorted else np.sort(hashes))


def found_in(values: NDArray[_Hash], ordered: NDArray[_Hash]) -> Mask:
    """Which of ``values`` are among the sorted ``ordered``; told several times as fast if they are sorted too."""
    if not len(ordered):
        return np.zeros(len(values), dtype=np.bool_)
    places = ordered.searchsorted(values)
    found: Mask = ordered.take(places, mode="clip") == values
    return found


_GRAINS: Final = {True: WORDS, False: CHARACTERS}
_RUN_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
NO_HASHES: Final[Hashes] = np.empty(0, dtype=np.uint64)
