"""What is remembered of a text so that later ones can be compared with it.

Three sets of hashes, all of them functions of the folded tokens alone:

- *shingles*, runs of k tokens (Broder 1997, "On the resemblance and containment of documents"), of which a
  *sketch* keeps those divisible by a power of two, Broder's mod-m sketch: resemblance and containment of two
  texts are estimated without bias from their sketches, exactly where nothing had to be left out;
- *anchors*, the shingles chosen by winnowing (Schleimer, Wilkerson and Aiken 2003): any two texts that share
  a run of k + w - 1 tokens share an anchor, so looking up anchors finds every copy and every excerpt;
- the number tokens and the tokens of the title, which tell articles from their templates.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from stream.fold import Hashes, Tokens, mix, token_hashes, tokenize

#: Tokens a shingle, and shingles a winnowing window: where words are spaced, and where characters are tokens.
SHINGLE_WORDS: Final = 3
WINDOW_WORDS: Final = 16
SHINGLE_CHARACTERS: Final = 5
WINDOW_CHARACTERS: Final = 32

SKETCH_MAX: Final = 256
ANCHORS_MAX: Final = 256
NUMBERS_MAX: Final = 64
TITLE_MAX: Final = 48

Sketch = NDArray[np.uint32]
_Hash = TypeVar("_Hash", np.uint32, np.uint64)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """All that the duplicate decision needs of one text.

    ``sketch``, ``numbers`` and ``title`` are sorted and unique 32-bit hashes; ``anchors`` are 64-bit.
    ``level``: the sketch holds the shingles divisible by 2**level. ``text_hash``: 32 hexadecimal digits.
    """

    text_hash: str
    tokens: int
    level: int
    sketch: Sketch
    anchors: Hashes
    numbers: Sketch
    title: Sketch


def fingerprint(text: str, title: str | None) -> Fingerprint:
    """The fingerprint of a normalized text and its title. Work grows with the length of the text alone."""
    tokens = tokenize(text)
    size, window = _grain(tokens)
    shingles = shingle(tokens.hashes, size)
    unique = _unique(shingles)
    level = sketch_level(len(unique))
    return Fingerprint(
        text_hash=blake2b(tokens.hashes.astype("<u8").tobytes(), digest_size=16).hexdigest(),
        tokens=len(tokens),
        level=level,
        sketch=_short(thin(unique, level)),
        # The smallest are the same choice in every text that holds them.
        anchors=winnow(shingles, window)[:ANCHORS_MAX],
        numbers=_short(_unique(tokens.hashes[tokens.numeric])[:NUMBERS_MAX]),
        title=_short(_unique(token_hashes(title))[:TITLE_MAX]) if title else _NOTHING,
    )


def _grain(tokens: Tokens) -> tuple[int, int]:
    if 2 * np.count_nonzero(tokens.unspaced) > len(tokens):
        return SHINGLE_CHARACTERS, WINDOW_CHARACTERS
    return SHINGLE_WORDS, WINDOW_WORDS


def shingle(tokens: Hashes, size: int) -> Hashes:
    """Hashes of all runs of ``size`` tokens, in order; of the whole text if it is shorter than that."""
    if not len(tokens):
        return tokens
    size = min(size, len(tokens))
    count = len(tokens) - size + 1
    run = tokens[:count].copy()
    for place in range(1, size):
        run *= _RUN_FACTOR
        run += tokens[place : place + count]
    return mix(run)


def winnow(shingles: Hashes, window: int) -> Hashes:
    """The shingles that are the smallest of some window of ``window`` consecutive ones, sorted and unique."""
    smallest, width = shingles, 1
    window = min(window, len(shingles))
    while width < window:  # the minima of windows of `width` become those of up to twice the width
        step = min(width, window - width)
        smallest = np.minimum(smallest[:-step], smallest[step:])
        width += step
    return _unique(smallest)


def sketch_level(count: int) -> int:
    """The smallest level at which about `SKETCH_MAX` of ``count`` hashes stay."""
    return max(0, (count - 1).bit_length() - SKETCH_MAX.bit_length() + 1) if count > SKETCH_MAX else 0


def thin(hashes: NDArray[_Hash], level: int) -> NDArray[_Hash]:
    """Those of ``hashes`` that are divisible by 2**level."""
    if level == 0:
        return hashes
    kept: NDArray[_Hash] = hashes[(hashes & hashes.dtype.type((1 << level) - 1)) == 0]
    return kept


def _short(hashes: Hashes) -> Sketch:
    # The low half: levels look at the lowest bits, so a short hash thins as its long one does.
    return _unique(hashes.astype(np.uint32))


def _unique(hashes: NDArray[_Hash]) -> NDArray[_Hash]:
    """``hashes`` sorted, each once; several times as fast as ``np.unique`` on as few as these."""
    ordered = np.sort(hashes)
    is_new = np.ones(len(ordered), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    unique: NDArray[_Hash] = ordered[is_new]
    return unique


_RUN_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_NOTHING: Final[Sketch] = np.empty(0, dtype=np.uint32)
