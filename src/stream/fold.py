"""Folding for matching: what readers call the same text becomes the same tokens.

Published text is never folded. A look-up table over code points does it in one pass: case, diacritics
of Latin, Greek, Cyrillic, Hebrew and Arabic, Arabic letter variants, tatweel, digits of every script
and compatibility forms (Unicode NFKC, UAX #15).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
Hashes = NDArray[np.uint64]

_SPACE: Final = 0x20
# What the table holds for characters that fold to none, beside the code points of those that fold to one.
_GAP: Final = 0  # a space, or punctuation; zero adds nothing to a hash
_DELETED: Final = 1
_SEVERAL: Final = 0xFFFF_FFFF  # folds to more than one character: the slow path
_TABLE_SIZE: Final = 0x20000  # beyond it are rare ideographs, and variation selectors
_PRIVATE_PLANES: Final = 0xE0000

# Marks that readers leave out. Vowel signs of Indic scripts and Thai are letters to them, and stay.
_OPTIONAL_RANGES: Final = (
    (0x0300, 0x036F),  # Latin, Greek, Cyrillic
    (0x0483, 0x0487),
    (0x0591, 0x05C7),  # Hebrew points
    (0x0610, 0x061A),  # Arabic signs
    (0x064B, 0x065F),  # harakat, and hamza and madda as marks
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
    (0xFE20, 0xFE2F),
)
_OPTIONAL: Final = frozenset(chr(point) for low, high in _OPTIONAL_RANGES for point in range(low, high + 1))
_LETTER_VARIANTS: Final = {
    "ى": "ي", "ی": "ي", "ے": "ي", "ې": "ي", "ۍ": "ي",
    "ک": "ك", "ڪ": "ك",
    "ة": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه", "ۀ": "ه", "ۂ": "ه", "ۃ": "ه",
    "ٱ": "ا", "ٲ": "ا", "ٳ": "ا",
    "ء": "", "ـ": "", "ٴ": "",
}  # fmt: skip
# Scripts written without spaces: every character is a token.
_UNSPACED: Final = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x109F),  # Tibetan, Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),
    (0x3041, 0x30FF),  # Kana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
)
# Of the polynomial that a token's hash is.
_BASE: Final = 0x100000001B3  # odd, so it has an inverse modulo 2**64
_POWERS_STORED: Final = 32_768


@dataclass(frozen=True, slots=True)
class _Tables:
    fold: Codes
    unspaced: NDArray[np.bool_]
    several: dict[int, str]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The folded tokens of one text, in order, as arrays of the same length.

    ``hashes``: one 64-bit hash a token. ``numeric``: the token begins with a digit.
    ``unspaced``: it is one character of a script without spaces.
    """

    hashes: Hashes
    numeric: NDArray[np.bool_]
    unspaced: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.hashes)


def fold_text(text: str) -> str:
    """``text`` folded, tokens separated by one space. Idempotent."""
    codes = _fold(text)
    codes[codes == _GAP] = _SPACE
    return " ".join(_decoded(codes).split())


def letters(text: str) -> str:
    """``text`` folded, without anything between the tokens: spacing and punctuation make no difference."""
    codes = _fold(text)
    return _decoded(codes[codes != _GAP])


def token_hashes(text: str) -> Hashes:
    """The ``hashes`` of `tokenize` alone."""
    codes = _fold(text)
    return _hashes(codes, _starts(codes, _alone(codes)))


def tokenize(text: str) -> Tokens:
    """The folded tokens of ``text``, hashed.

    A token's hash is a polynomial over its code points modulo 2**64, mixed by SplitMix64
    (Steele, Lea and Flood 2014), so it depends on nothing but the folded token.
    """
    codes = _fold(text)
    alone = _alone(codes)
    starts = _starts(codes, alone)
    first = codes[starts]
    return Tokens(
        hashes=_hashes(codes, starts),
        numeric=(first >= ord("0")) & (first <= ord("9")),
        unspaced=np.zeros(len(starts), np.bool_) if alone is None else alone[starts],
    )


def _fold(text: str) -> Codes:
    """The folded code points of ``text``, with `_GAP` for all that is not part of a token."""
    tables = _tables()
    points = np.frombuffer(text.encode("utf-32-le", "replace"), dtype="<u4")
    folded = tables.fold.take(points, mode="clip")
    highest = points.max(initial=0)
    if highest >= _TABLE_SIZE:
        beyond = np.where(points < _PRIVATE_PLANES, points, _DELETED)
        folded = np.where(points < _TABLE_SIZE, folded, beyond).astype(np.uint32, copy=False)
    if folded.max(initial=0) == _SEVERAL:
        return _fold(text.translate(tables.several))
    kept: Codes = folded[folded != _DELETED]
    return kept


def _alone(codes: Codes) -> NDArray[np.bool_] | None:
    """Which codes are tokens of their own, or None where none is."""
    if codes.max(initial=0) < _UNSPACED[0][0]:
        return None
    return _tables().unspaced.take(codes, mode="clip")


def _starts(codes: Codes, alone: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    """Where tokens begin."""
    inside = codes != _GAP
    begins = inside.copy()
    if alone is None:
        np.greater(inside[1:], inside[:-1], out=begins[1:])
    else:
        begins[1:] &= ~inside[:-1] | alone[1:] | alone[:-1]
    return np.flatnonzero(begins)


def _hashes(codes: Codes, starts: NDArray[np.intp]) -> Hashes:
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


@cache
def _tables() -> _Tables:
    folded = [_fold_character(chr(point)) for point in range(_TABLE_SIZE)]
    several = {point: characters for point, characters in enumerate(folded) if len(characters) > 1}
    fold = np.array([_code(characters) for characters in folded], dtype=np.uint32)
    unspaced = np.zeros(_TABLE_SIZE + 1, dtype=np.bool_)
    for low, high in _UNSPACED:
        unspaced[low : high + 1] = True
    unspaced[_TABLE_SIZE] = True  # for all beyond the table: rare ideographs
    return _Tables(fold, unspaced, several)


def _code(folded: str) -> int:
    if len(folded) > 1:
        return _SEVERAL
    if folded == " ":
        return _GAP
    return ord(folded) if folded else _DELETED


def _fold_character(character: str) -> str:
    if character.isalpha() and _is_plain(character):
        return character
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category in ("Mn", "Me") and character in _OPTIONAL:
        return ""
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category[0] in "CZ" or (category[0] in "PS" and not _is_word_like(character)):
        return " "
    return _fold_letter(character)


def _fold_letter(character: str) -> str:
    # A ligature may hold variants and marks of its own, so the result is folded until it is stable.
    plain = unicodedata.normalize("NFKC", character)
    parts = unicodedata.normalize("NFKD", plain)
    bare = "".join(part for part in parts if part not in _OPTIONAL)
    if bare != parts:
        plain = unicodedata.normalize("NFC", bare)
    folded = "".join(_LETTER_VARIANTS.get(letter, letter) for letter in plain.casefold())
    if folded == character or len(folded) == 0:
        return folded
    return "".join(_fold_character(letter) for letter in folded)


def _is_plain(character: str) -> bool:
    """Nothing to fold; true of nearly all letters, and found out quickly."""
    return (
        character.casefold() == character
        and not unicodedata.decomposition(character)
        and character not in _LETTER_VARIANTS
        and character not in _OPTIONAL
    )


def _is_word_like(character: str) -> bool:
    """Symbols that stand for words, such as ﷺ and ﷼, decompose into letters."""
    return character.isprintable() and unicodedata.normalize("NFKC", character)[0].isalpha()
