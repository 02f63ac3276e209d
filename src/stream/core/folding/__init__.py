"""Folding for matching: what readers call the same text becomes the same tokens.

Published text is never folded. A look-up table over code points does nearly all of it in one pass; what depends on
neighbours (separators in numbers, dots in initials, seats of hamza, marks in another order) is looked at where it
stands. `stream.core.folding.tables` says what each character folds to.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

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

Hashes = NDArray[np.uint64]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

_PRIVATE_PLANES: Final = 0xE0000
# Gaps around the text, so that the neighbours of every character can be looked at.
_PADDING: Final = "    "
_BETWEEN: Final = f"{_PADDING}\0{_PADDING}"
_TATWEEL: Final = "ـ"
# Tatweel for a dash: ١٤٣٦ـ١٤٣٧. It begins with the letter itself, which is found fast.
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
# What a character with a code of its own becomes where its neighbours say nothing else.
_DEFAULTS: Final = np.full(LETTERS_FROM, GAP, dtype=np.uint32)
_DEFAULTS[[DELETED, NON_JOINER, HAMZA]] = DELETED
_DEFAULTS[YEH_HAMZA] = _YEH
_DEFAULTS[BOUNDARY] = BOUNDARY
# The kind of character that is looked at behind a letter: dots in Latin, Greek and Cyrillic, quotation marks in Hebrew
# and non-joiners in Arabic script.
_BEHIND: Final = np.zeros(0x0701, dtype=np.uint32)
_BEHIND[_FIRST_LETTER:0x0590] = DOT
_BEHIND[0x05D0:0x05EB] = QUOTE
_BEHIND[0x0620:0x0700] = NON_JOINER
_BEHIND[DELETED] = NON_JOINER  # behind hamza
# Of the polynomial that a token's hash is.
_BASE: Final = 0x100000001B3  # odd, so it has an inverse modulo 2**64
_POWERS_STORED: Final = 131_072


@dataclass(frozen=True, slots=True)
class Tokens:
    """The folded tokens of one text, in order, as arrays of the same length.

    ``hashes``: one 64-bit hash a token. ``numeric``: the token is a number.
    ``unspaced``: it is one character of a script without spaces.
    """

    hashes: Hashes
    numeric: Mask
    unspaced: Mask

    def __len__(self) -> int:
        return len(self.hashes)


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """The tokens of several texts behind each other; those of text ``n`` begin at ``bounds[n]``."""

    tokens: Tokens
    bounds: Indices


def fold_text(text: str) -> str:
    """``text`` folded, tokens separated by one space; by two between numbers, which one would join.

    Characters of unspaced scripts stand together unless something stood between them. Idempotent where marks that
    make another letter stand right behind theirs.
    """
    codes = _fold([text])
    alone = _alone(codes)
    starts = _starts(codes, alone)
    glued = np.zeros(len(codes), np.bool_)
    if alone is not None:
        glued[1:] = (alone[1:] | alone[:-1]) & (codes[:-1] != GAP)
    tokens = (_decoded(token[token != GAP]) for token in np.split(codes, starts)[1:])
    parts = (part for pair in zip(np.where(glued[starts], "", " "), tokens, strict=True) for part in pair)
    return re.sub("(?<=[0-9]) (?=[0-9])", "  ", "".join(parts).strip(" "))


def letters(text: str) -> str:
    """``text`` folded letter by letter, without anything between them: spacing and punctuation make no difference.

    Neighbours do not count either, so the letters of a text in NFC begin with those of its beginning.
    """
    dashed = _DASHES_IN_NUMBERS.sub(" ", text) if _TATWEEL in text else text
    units = tables().letters[np.frombuffer(dashed.encode("utf-16-le", "replace"), dtype="<u2")]
    folded = str(units[units != 0].tobytes(), "utf-16-le")
    return _letters_of_rare(text) if UNSURE in folded else folded


def _letters_of_rare(text: str) -> str:
    codes = _looked_up(text)
    codes[codes == YEH_HAMZA] = _YEH
    return _decoded(codes[codes >= LETTERS_FROM])


def tokenize(text: str) -> Tokens:
    """The folded tokens of ``text``, hashed. A number is a token of its own, whatever letters it touches.

    A token's hash is a polynomial over its code points modulo 2**64, mixed by SplitMix64
    (Steele, Lea and Flood 2014), so it depends on nothing but the folded token.
    """
    return tokenize_all([text]).tokens


def tokenize_all(texts: Sequence[str]) -> TokenBatch:
    """The tokens of each of ``texts``, as `tokenize` gives them, in less time than one by one."""
    codes = _fold(texts)
    alone = _alone(codes)
    starts = _starts(codes, alone)
    first = codes[starts]
    hashes = _hashes(codes, starts)
    between = (first == BOUNDARY).nonzero()[0]
    if len(between):
        inside = first != BOUNDARY
        starts, first, hashes = starts[inside], first[inside], hashes[inside]
    tokens = Tokens(
        hashes=hashes,
        numeric=_is_digit(first),
        unspaced=np.zeros(len(starts), np.bool_) if alone is None else alone[starts],
    )
    ends = between - np.arange(len(between))
    return TokenBatch(tokens, np.concatenate(([0], ends, [len(starts)])).astype(np.intp))


def _fold(texts: Sequence[str]) -> Codes:
    """The folded code points of ``texts``: `GAP` where no token is, a `BOUNDARY` between two texts."""
    joined = _BETWEEN.join(text.replace("\0", " ") if "\0" in text else text for text in texts)
    codes = _kept(_looked_up(f"{_PADDING}{joined}{_PADDING}"))
    _join_thousands(codes)
    _resolve(codes)
    if codes.max() >= _INDIC_FROM:
        _fold_nasals(codes)
        _order_marks(codes)
    return _kept(codes)


def _kept(codes: Codes) -> Codes:
    kept: Codes = codes[codes != DELETED]
    return kept


def _looked_up(text: str) -> Codes:
    """The codes of ``text``, those of deleted characters among them, their neighbours not looked at yet."""
    if _TATWEEL in text:
        text = _DASHES_IN_NUMBERS.sub(" ", text)
    points = _points(text)
    codes: Codes = tables().fold.take(points, mode="clip")
    if codes.max(initial=0) >= RARE:
        codes = _with_rare(codes, points, text)
    return codes


def _with_rare(codes: Codes, points: Codes, text: str) -> Codes:
    composing = (codes & COMPOSES).nonzero()[0]
    if len(composing):
        points = _points(_compose(text, points, codes, composing))
        codes = tables().fold.take(points, mode="clip")
    beyond = (codes & BEYOND) != 0
    if beyond.any():
        codes[beyond] = np.where(points[beyond] < _PRIVATE_PLANES, points[beyond], DELETED)
    codes &= ~np.uint32(COMPOSES)
    return _with_yeh_hamza(_kept(_expanded(codes)))


def _compose(text: str, points: Codes, codes: Codes, composing: Indices) -> str:
    """``text`` with the words in NFC that hold a character at ``composing``.

    NFC also puts marks into canonical order, so the other words are left alone: what a word folds to must not depend on
    the words and the texts around it.
    """
    has_half_width = bool((points - _HALF_WIDTH_FROM < _HALF_WIDTH_COUNT).any())
    is_between = (codes == GAP) | (codes == BREAK) | (codes == BOUNDARY)
    borders = is_between.nonzero()[0]
    words = np.cumsum(is_between, dtype=np.int32)[composing]
    gaps = np.diff(words)
    # Words that follow each other are composed together, which takes less time and gives the same.
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


def _with_yeh_hamza(codes: Codes) -> Codes:
    """``codes`` with the mark taken up by any letter that folds to yeh, to which NFC joins it in one form only."""
    marks = (codes == HAMZA_MARK).nonzero()[0]
    seated = marks[1:] if len(marks) and marks[0] == 0 else marks
    codes[seated[codes[seated - 1] == _YEH] - 1] = YEH_HAMZA
    codes[marks] = DELETED
    return codes


def _expanded(codes: Codes) -> Codes:
    """``codes`` with several in the place of each that stands for several."""
    found = (codes >= RARE).nonzero()[0]
    if not len(found):
        return codes
    known = tables()
    which = (codes[found] - RARE).astype(np.intp)
    lengths = known.lengths[which]
    spread = np.ones(len(codes), dtype=np.intp)
    spread[found] = lengths
    expanded = np.repeat(codes, spread)
    before = np.cumsum(lengths) - lengths
    within = np.arange(lengths.sum()) - np.repeat(before, lengths)
    first = found + before - np.arange(len(found))
    expanded[np.repeat(first, lengths) + within] = known.expansions[np.repeat(known.offsets[which], lengths) + within]
    return expanded


def _join_thousands(codes: Codes) -> None:
    """Delete what separates thousands: between one to three digits, not a lone zero, and exactly three.

    A space does so before three zeros only: 120 135 are two numbers.
    """
    digit = _is_digit(codes)
    digits = digit.nonzero()[0]
    places = digits[:-1][digits[1:] - digits[:-1] == 2] + 1  # noqa: PLR2004 - one between two
    if not len(places):
        return
    kinds = codes[places]
    is_round = (codes[places + 1] == _ZERO) & (codes[places + 2] == _ZERO) & (codes[places + 3] == _ZERO)
    is_separator = ((kinds == GAP) & is_round) | ((kinds >= DOT) & (kinds <= QUOTE))
    behind = digit[places + 2] & digit[places + 3] & ~digit[np.minimum(places + 4, len(codes) - 1)]
    too_long = digit[places - 2] & digit[places - 3] & digit[places - 4]
    is_zero = (codes[places - 1] == _ZERO) & ~digit[places - 2]
    codes[places[is_separator & behind & ~too_long & ~is_zero]] = DELETED


def _resolve(codes: Codes) -> None:
    """Put in place what characters with codes of their own become between their neighbours."""
    places = (codes - DELETED < LETTERS_FROM - DELETED).nonzero()[0]
    if not len(places):
        return
    kinds = codes[places]
    codes[places] = _DEFAULTS[kinds]
    hamzas = places[kinds >= HAMZA]
    if len(hamzas):
        _seat_hamza(codes, hamzas)
    inside = _BEHIND.take(codes[places - 1], mode="clip") == kinds
    if np.count_nonzero(inside):
        _close_up(codes, places[inside], kinds[inside])


def _seat_hamza(codes: Codes, places: Indices) -> None:
    # شئون and شؤون, جاءوا and جاؤوا: before waw, hamza is written on any seat.
    before_waw = places[codes[places + 1] == _WAW]
    if len(before_waw):
        codes[before_waw[codes[before_waw - 1] >= _FIRST_LETTER]] = _WAW
    # مائة and مائتين: their alef is not spoken, and no longer written by all.
    hundreds = places[codes[places - 1] == _ALEF]
    hundreds = hundreds[codes[hundreds - 2] == _MEEM]
    if len(hundreds):
        right = codes[hundreds + 1]
        is_hundred = (codes[hundreds] == _YEH) & ((right == _HEH) | (right == _TEH))
        codes[hundreds[is_hundred] - 1] = DELETED


def _close_up(codes: Codes, places: Indices, kinds: Codes) -> None:
    """Abbreviations without their dots and quotation marks; a gap where Persian has a non-joiner or a space."""
    codes[places[kinds == NON_JOINER]] = GAP
    right = _BEHIND.take(codes[places + 1], mode="clip")
    codes[places[(kinds == QUOTE) & (right == QUOTE)]] = DELETED
    lone = (codes[places - 2] < _ZERO) & (codes[places + 2] < _ZERO)
    codes[places[(kinds == DOT) & (right == DOT) & lone]] = DELETED


def _fold_nasals(codes: Codes) -> None:
    """Devanagari: a nasal joined to a stop of its own series is written as anusvara too (हिन्दी, हिंदी)."""
    places = (codes == _VIRAMA).nonzero()[0]
    nasal = codes[places - 1]
    distance = nasal - codes[places + 1]  # the stops of a series stand right before its nasal
    found = places[np.isin(nasal, _NASALS) & (distance >= 1) & (distance <= _STOPS)]
    codes[found - 1] = _ANUSVARA
    codes[found] = DELETED


def _order_marks(codes: Codes) -> None:
    """Thai and Lao: vowels before tones, in whichever order they were typed on one consonant."""
    kinds = tables().marks.take(codes, mode="clip")
    places = kinds.nonzero()[0]
    runs = places - np.arange(len(places))  # the same for marks that follow each other
    codes[places] = codes[places[np.lexsort((kinds[places], runs))]]


def _is_digit(codes: Codes) -> Mask:
    return codes - _ZERO < 10  # noqa: PLR2004 - unsigned, so lower codes are far above


def _points(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "replace"), dtype="<u4")


def _alone(codes: Codes) -> Mask | None:
    """Which codes are tokens of their own, or None where none is."""
    if codes.max(initial=0) < UNSPACED_FROM:
        return None
    return tables().unspaced.take(codes, mode="clip")


def _starts(codes: Codes, alone: Mask | None) -> Indices:
    """Where tokens begin."""
    inside = codes != GAP
    digit = _is_digit(codes)
    begins = inside.copy()
    begins[1:] = ~inside[:-1] | (digit[1:] != digit[:-1])
    if alone is not None:
        begins[1:] |= alone[1:] | alone[:-1]
    starts: Indices = (begins & inside).nonzero()[0]
    return starts


def _hashes(codes: Codes, starts: Indices) -> Hashes:
    if not len(starts):
        return np.empty(0, np.uint64)
    # One running polynomial over the text; dividing by the power that a token begins at makes the token's own of it.
    powers, inverses = _powers(len(codes))
    sums = np.add.reduceat(codes * powers[: len(codes)], starts)
    sums *= inverses[starts]
    return mix(sums)


def mix(values: Hashes) -> Hashes:
    """SplitMix64's finalizer, element by element."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


def _decoded(codes: Codes) -> str:
    return str(codes.astype("<u4", copy=False).tobytes(), "utf-32-le")


def _powers(count: int) -> tuple[Hashes, Hashes]:
    """At least ``count`` powers of the hash's base, from the first, and the inverses of those from the zeroth."""
    return _stored_powers() if count <= _POWERS_STORED else _computed_powers(count)


@cache
def _stored_powers() -> tuple[Hashes, Hashes]:
    return _computed_powers(_POWERS_STORED)


def _computed_powers(count: int) -> tuple[Hashes, Hashes]:
    powers = np.full(count, _BASE, dtype=np.uint64)
    inverses = np.full(count, pow(_BASE, -1, 2**64), dtype=np.uint64)
    inverses[:1] = 1
    return np.multiply.accumulate(powers), np.multiply.accumulate(inverses)
