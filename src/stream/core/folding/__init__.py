"""Folding for matching: texts that readers consider the same become the same tokens.

Published text is never folded. A look-up table over code points does nearly all the work in one pass. Characters whose
folding depends on their neighbours (separators in numbers, dots in initials, seats of hamza, the order of marks) are
handled afterwards. `stream.core.folding.tables` defines what each character folds to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream.core.folding.hashing import Hashes, hash_tokens
from stream.core.folding.tables import (
    BEYOND,
    BOUNDARY,
    BREAK,
    COMPOSES,
    DELETED,
    DOT,
    GAP,
    HAMZA,
    HAMZA_MARK,
    LETTERS_FROM,
    NON_JOINER,
    QUOTE,
    RARE,
    UNSPACED_FROM,
    UNSURE,
    YEH_HAMZA,
    Codes,
    tables,
)

Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

_PRIVATE_PLANES: Final = 0xE0000
# Gaps around each text, so that every character has neighbours.
_PADDING: Final = "    "
_TEXT_SEPARATOR: Final = f"{_PADDING}\0{_PADDING}"
_TATWEEL: Final = "ـ"
# Tatweel used as a dash: ١٤٣٦ـ١٤٣٧. The pattern begins with the letter itself, so the search is fast.
_DASHES_IN_NUMBERS: Final = re.compile(rf"{_TATWEEL}(?<=\d{_TATWEEL}){_TATWEEL}*+(?=\d)")
_ALEF, _MEEM, _TEH, _HEH, _WAW, _YEH = map(ord, "امتهوي")
_ZERO: Final = ord("0")
_FIRST_LETTER: Final = ord("a")
_HALF_WIDTH_FROM: Final = 0xFF65
_HALF_WIDTH_COUNT: Final = 0x78
_INDIC_FROM: Final = 0x0900
_VIRAMA: Final = 0x094D
_ANUSVARA: Final = 0x0902
_STOPS: Final = 4
_NASALS: Final = np.array([ord(letter) for letter in "ङञणनम"], dtype=np.uint32)
# What a character with a special code becomes unless its neighbours make something else of it.
_DEFAULTS: Final = np.full(LETTERS_FROM, GAP, dtype=np.uint32)
_DEFAULTS[[DELETED, NON_JOINER, HAMZA]] = DELETED
_DEFAULTS[YEH_HAMZA] = _YEH
_DEFAULTS[BOUNDARY] = BOUNDARY
# The kind of character that is special after a letter: dots after Latin, Greek and Cyrillic letters, quotation marks
# after Hebrew letters, and non-joiners after Arabic letters.
_KIND_AFTER: Final = np.zeros(0x0701, dtype=np.uint32)
_KIND_AFTER[_FIRST_LETTER:0x0590] = DOT
_KIND_AFTER[0x05D0:0x05EB] = QUOTE
_KIND_AFTER[0x0620:0x0700] = NON_JOINER
_KIND_AFTER[DELETED] = NON_JOINER  # after hamza


@dataclass(frozen=True, slots=True)
class Tokens:
    """The folded tokens of one text, in order, as arrays of the same length.

    ``hashes``: a 64-bit hash for each token. ``numeric``: the token is a number. ``unspaced``: the token is one
    character of a script without spaces.
    """

    hashes: Hashes
    numeric: Mask
    unspaced: Mask

    def __len__(self) -> int:
        return len(self.hashes)


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """The tokens of several texts, one after the other; those of text ``i`` begin at ``bounds[i]``."""

    tokens: Tokens
    bounds: Indices


def fold_text(text: str) -> str:
    """Fold ``text``; tokens are separated by one space, numbers by two, since one space could join them.

    Characters of scripts without spaces stay together unless something separates them. Folding twice changes nothing,
    except in texts with marks that combine with a letter to another letter, but do not follow it.

    >>> fold_text("إلى «المدرسة»، 1,000 Café")
    'الي المدرسه 1000 cafe'
    """
    codes = _fold([text])
    unspaced = _find_unspaced(codes)
    starts = _token_starts(codes, unspaced)
    glued = np.zeros(len(codes), np.bool_)
    if unspaced is not None:
        glued[1:] = (unspaced[1:] | unspaced[:-1]) & (codes[:-1] != GAP)
    tokens = (_decode(token[token != GAP]) for token in np.split(codes, starts)[1:])
    parts = (part for pair in zip(np.where(glued[starts], "", " "), tokens, strict=True) for part in pair)
    return re.sub("(?<=[0-9]) (?=[0-9])", "  ", "".join(parts).strip(" "))


def fold_letters(text: str) -> str:
    """Fold ``text`` letter by letter and drop everything else, so that spacing and punctuation make no difference.

    Neighbours make no difference either, so the folded letters of a text in NFC begin with those of its beginning.

    >>> fold_letters("«إلى» 1,000… ال-مدرسة")
    'الي1000المدرسه'
    """
    dashed = _DASHES_IN_NUMBERS.sub(" ", text) if _TATWEEL in text else text
    units = tables().letters[np.frombuffer(dashed.encode("utf-16-le", "replace"), dtype="<u2")]
    folded = str(units[units != 0].tobytes(), "utf-16-le")
    return _fold_rare_letters(text) if UNSURE in folded else folded


def _fold_rare_letters(text: str) -> str:
    codes = _look_up(text)
    codes[codes == YEH_HAMZA] = _YEH
    return _decode(codes[codes >= LETTERS_FROM])


def tokenize(text: str) -> Tokens:
    """Fold ``text`` and hash its tokens. A number is a token of its own, even next to letters.

    A token's hash is a polynomial over its code points modulo 2**64, mixed by SplitMix64
    (Steele, Lea and Flood 2014), so it depends on nothing but the folded token.

    >>> tokens = tokenize("Flight 815 landed")
    >>> len(tokens), tokens.numeric.tolist()
    (3, [False, True, False])
    """
    return tokenize_all([text]).tokens


def tokenize_all(texts: Sequence[str]) -> TokenBatch:
    """Tokenize each of ``texts`` exactly as `tokenize` does, but faster.

    >>> tokenize_all(["one two", "", "three"]).bounds.tolist()
    [0, 2, 2, 3]
    """
    codes = _fold(texts)
    unspaced = _find_unspaced(codes)
    starts = _token_starts(codes, unspaced)
    first = codes[starts]
    hashes = hash_tokens(codes, starts)
    between = (first == BOUNDARY).nonzero()[0]
    if len(between):
        inside = first != BOUNDARY
        starts, first, hashes = starts[inside], first[inside], hashes[inside]
    tokens = Tokens(
        hashes=hashes,
        numeric=_is_digit(first),
        unspaced=np.zeros(len(starts), np.bool_) if unspaced is None else unspaced[starts],
    )
    ends = between - np.arange(len(between))
    return TokenBatch(tokens, np.concatenate(([0], ends, [len(starts)])).astype(np.intp))


def _fold(texts: Sequence[str]) -> Codes:
    """Fold ``texts`` to code points, with `GAP` between tokens and `BOUNDARY` between texts."""
    batch_text = _TEXT_SEPARATOR.join(text.replace("\0", " ") if "\0" in text else text for text in texts)
    codes = _drop_deleted(_look_up(f"{_PADDING}{batch_text}{_PADDING}"))
    _join_thousands(codes)
    _resolve_by_neighbours(codes)
    if codes.max() >= _INDIC_FROM:
        _fold_nasals(codes)
        _order_marks(codes)
    return _drop_deleted(codes)


def _drop_deleted(codes: Codes) -> Codes:
    remaining: Codes = codes[codes != DELETED]
    return remaining


def _look_up(text: str) -> Codes:
    """Look up the codes of ``text``: deleted characters are still in them, and neighbours have no effect yet."""
    if _TATWEEL in text:
        text = _DASHES_IN_NUMBERS.sub(" ", text)
    points = _code_points(text)
    codes: Codes = tables().fold.take(points, mode="clip")
    if codes.max(initial=0) >= RARE:
        codes = _fold_rare(codes, points, text)
    return codes


def _fold_rare(codes: Codes, points: Codes, text: str) -> Codes:
    composing = (codes & COMPOSES).nonzero()[0]
    if len(composing):
        points = _code_points(_compose(text, points, codes, composing))
        codes = tables().fold.take(points, mode="clip")
    beyond = (codes & BEYOND) != 0
    if beyond.any():
        codes[beyond] = np.where(points[beyond] < _PRIVATE_PLANES, points[beyond], DELETED)
    codes &= ~np.uint32(COMPOSES)
    return _seat_hamza_marks(_drop_deleted(_expand(codes)))


def _compose(text: str, points: Codes, codes: Codes, composing: Indices) -> str:
    """Normalize to NFC the words of ``text`` that contain a character at one of the indices ``composing``.

    NFC also puts marks into canonical order, so the other words are left alone: what a word folds to must not depend on
    the words and texts around it.
    """
    has_half_width = bool((points - _HALF_WIDTH_FROM < _HALF_WIDTH_COUNT).any())
    is_between = (codes == GAP) | (codes == BREAK) | (codes == BOUNDARY)
    borders = is_between.nonzero()[0]
    words = np.cumsum(is_between, dtype=np.int32)[composing]
    gaps = np.diff(words)
    # Adjacent words are normalized together, which is faster and gives the same result.
    firsts = words[np.append(True, gaps > 1)]
    lasts = words[np.append(gaps > 1, True)]
    starts = np.append(0, borders + 1)[firsts]
    stops = np.append(borders, len(text))[lasts]
    parts: list[str] = []
    end = 0
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        stretch = text[start:stop]
        if has_half_width:
            stretch = stretch.translate(tables().full_width)
        parts += (text[end:start], unicodedata.normalize("NFC", stretch))
        end = stop
    return "".join([*parts, text[end:]])


def _seat_hamza_marks(codes: Codes) -> Codes:
    """Join the hamza mark to any letter that folds to yeh; NFC does this for one form of yeh only."""
    marks = (codes == HAMZA_MARK).nonzero()[0]
    seated = marks[1:] if len(marks) and marks[0] == 0 else marks
    codes[seated[codes[seated - 1] == _YEH] - 1] = YEH_HAMZA
    codes[marks] = DELETED
    return codes


def _expand(codes: Codes) -> Codes:
    """Replace each code that stands for several codes by these."""
    indices = (codes >= RARE).nonzero()[0]
    if not len(indices):
        return codes
    expansion = (codes[indices] - RARE).astype(np.intp)
    lengths, offsets = tables().lengths[expansion], tables().offsets[expansion]
    repeats = np.ones(len(codes), dtype=np.intp)
    repeats[indices] = lengths
    expanded = np.repeat(codes, repeats)
    lengths_before = np.cumsum(lengths) - lengths
    within = np.arange(lengths.sum()) - np.repeat(lengths_before, lengths)
    starts = indices + lengths_before - np.arange(len(indices))
    expanded[np.repeat(starts, lengths) + within] = tables().expansions[np.repeat(offsets, lengths) + within]
    return expanded


def _join_thousands(codes: Codes) -> None:
    """Delete thousands separators: those between one to three digits (not a single zero) and exactly three digits.

    A space is a separator only before three zeros: 120 135 are two numbers.
    """
    digit = _is_digit(codes)
    digits = digit.nonzero()[0]
    indices = digits[:-1][digits[1:] - digits[:-1] == 2] + 1  # noqa: PLR2004 - one between two
    if not len(indices):
        return
    kinds = codes[indices]
    is_round = (codes[indices + 1] == _ZERO) & (codes[indices + 2] == _ZERO) & (codes[indices + 3] == _ZERO)
    is_separator = ((kinds == GAP) & is_round) | ((kinds >= DOT) & (kinds <= QUOTE))
    has_three_digits = digit[indices + 2] & digit[indices + 3] & ~digit[np.minimum(indices + 4, len(codes) - 1)]
    too_long = digit[indices - 2] & digit[indices - 3] & digit[indices - 4]
    is_zero = (codes[indices - 1] == _ZERO) & ~digit[indices - 2]
    codes[indices[is_separator & has_three_digits & ~too_long & ~is_zero]] = DELETED


def _resolve_by_neighbours(codes: Codes) -> None:
    """Replace special codes by what their characters become between their neighbours."""
    indices = (codes - DELETED < LETTERS_FROM - DELETED).nonzero()[0]
    if not len(indices):
        return
    kinds = codes[indices]
    codes[indices] = _DEFAULTS[kinds]
    hamzas = indices[kinds >= HAMZA]
    if len(hamzas):
        _seat_hamza(codes, hamzas)
    inside = _KIND_AFTER.take(codes[indices - 1], mode="clip") == kinds
    if np.count_nonzero(inside):
        _join_abbreviations(codes, indices[inside], kinds[inside])


def _seat_hamza(codes: Codes, indices: Indices) -> None:
    # شئون and شؤون, جاءوا and جاؤوا: before waw, hamza is written on any seat.
    before_waw = indices[codes[indices + 1] == _WAW]
    if len(before_waw):
        codes[before_waw[codes[before_waw - 1] >= _FIRST_LETTER]] = _WAW
    # مائة and مائتين: their alef is silent, and not everybody writes it.
    hundreds = indices[codes[indices - 1] == _ALEF]
    hundreds = hundreds[codes[hundreds - 2] == _MEEM]
    if len(hundreds):
        right = codes[hundreds + 1]
        is_hundred = (codes[hundreds] == _YEH) & ((right == _HEH) | (right == _TEH))
        codes[hundreds[is_hundred] - 1] = DELETED


def _join_abbreviations(codes: Codes, indices: Indices, kinds: Codes) -> None:
    """Drop dots and quotation marks in abbreviations; make a gap of a Persian non-joiner, which may also be a space."""
    codes[indices[kinds == NON_JOINER]] = GAP
    right = _KIND_AFTER.take(codes[indices + 1], mode="clip")
    codes[indices[(kinds == QUOTE) & (right == QUOTE)]] = DELETED
    lone = (codes[indices - 2] < _ZERO) & (codes[indices + 2] < _ZERO)
    codes[indices[(kinds == DOT) & (right == DOT) & lone]] = DELETED


def _fold_nasals(codes: Codes) -> None:
    """Fold Devanagari nasals before a stop of their series to anusvara: both spellings are in use (हिन्दी, हिंदी)."""
    indices = (codes == _VIRAMA).nonzero()[0]
    nasal = codes[indices - 1]
    distance = nasal - codes[indices + 1]  # in Unicode, the stops of a series come right before its nasal
    viramas = indices[np.isin(nasal, _NASALS) & (distance >= 1) & (distance <= _STOPS)]
    codes[viramas - 1] = _ANUSVARA
    codes[viramas] = DELETED


def _order_marks(codes: Codes) -> None:
    """Put Thai and Lao vowel marks before tone marks, whichever was typed first."""
    kinds = tables().marks.take(codes, mode="clip")
    indices = kinds.nonzero()[0]
    runs = indices - np.arange(len(indices))  # the same for marks that follow each other
    codes[indices] = codes[indices[np.lexsort((kinds[indices], runs))]]


def _is_digit(codes: Codes) -> Mask:
    return codes - _ZERO < 10  # noqa: PLR2004 - unsigned, so lower codes are far above


def _code_points(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "replace"), dtype="<u4")


def _find_unspaced(codes: Codes) -> Mask | None:
    """Find the codes that are tokens of their own; None if there are none."""
    if codes.max(initial=0) < UNSPACED_FROM:
        return None
    return tables().unspaced.take(codes, mode="clip")


def _token_starts(codes: Codes, unspaced: Mask | None) -> Indices:
    """Find where tokens begin."""
    inside = codes != GAP
    digit = _is_digit(codes)
    begins = inside.copy()
    begins[1:] = ~inside[:-1] | (digit[1:] != digit[:-1])
    if unspaced is not None:
        begins[1:] |= unspaced[1:] | unspaced[:-1]
    starts: Indices = (begins & inside).nonzero()[0]
    return starts


def _decode(codes: Codes) -> str:
    return str(codes.astype("<u4", copy=False).tobytes(), "utf-32-le")
