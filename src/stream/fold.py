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
_DELETED: Final = 0
_SEVERAL: Final = 0xFFFF_FFFF  # folds to more than one character: the slow path
_TABLE_SIZE: Final = 0x20000  # beyond it are rare ideographs, and variation selectors
_PRIVATE_PLANES: Final = 0xE0000

# Marks that readers leave out. Vowel signs of Indic scripts and Thai are letters to them, and stay.
_OPTIONAL_MARKS: Final = (
    (0x0300, 0x036F),  # Latin, Greek, Cyrillic
    (0x0483, 0x0487),
    (0x0591, 0x05C7),  # Hebrew points
    (0x0610, 0x061A),  # Arabic signs
    (0x064B, 0x065F),  # harakat, and hamza and madda as marks
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
    (0xFE20, 0xFE2F),
)
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


def fold_codes(text: str) -> Codes:
    """The folded code points of ``text``; everything that is not part of a token is a space."""
    tables = _tables()
    points = np.frombuffer(text.encode("utf-32-le", "replace"), dtype="<u4")
    folded = tables.fold[np.minimum(points, _TABLE_SIZE - 1)]
    beyond = points >= _TABLE_SIZE
    if beyond.any():
        folded = np.where(beyond, np.where(points < _PRIVATE_PLANES, points, _DELETED), folded)
    if (folded == _SEVERAL).any():
        return fold_codes(text.translate(tables.several))
    return folded[folded != _DELETED].astype(np.uint32, copy=False)


def fold_text(text: str) -> str:
    """``text`` folded, tokens separated by one space. Idempotent."""
    spaced = fold_codes(text).astype("<u4").tobytes().decode("utf-32-le")
    return " ".join(spaced.split(" ")).strip() if "  " not in spaced else " ".join(spaced.split())


def letters(text: str) -> str:
    """``text`` folded, without anything between the tokens: spacing and punctuation make no difference."""
    codes = fold_codes(text)
    return codes[codes != _SPACE].astype("<u4").tobytes().decode("utf-32-le")


def tokenize(text: str) -> Tokens:
    """The folded tokens of ``text``, hashed.

    A token's hash is a polynomial over its code points modulo 2**64, mixed by SplitMix64
    (Steele, Lea and Flood 2014), so it depends on nothing but the folded token.
    """
    codes = fold_codes(text)
    if not len(codes):
        return _NO_TOKENS
    inside = codes != _SPACE
    alone = _tables().unspaced[np.minimum(codes, _TABLE_SIZE - 1)] | (codes >= _TABLE_SIZE)
    starts_here = inside.copy()
    starts_here[1:] &= ~inside[:-1] | alone[1:] | alone[:-1]
    starts = np.flatnonzero(starts_here)
    if not len(starts):
        return _NO_TOKENS
    index = np.cumsum(starts_here) - 1
    place = np.arange(len(codes)) - starts[np.maximum(index, 0)]
    terms = codes.astype(np.uint64) * _POWERS[place & _POWER_MASK]
    terms[~inside] = 0
    first = codes[starts]
    return Tokens(
        hashes=mix(np.add.reduceat(terms, starts)),
        numeric=(first >= ord("0")) & (first <= ord("9")),
        unspaced=alone[starts],
    )


def mix(values: Hashes) -> Hashes:
    """SplitMix64's finalizer, element by element."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


_POWER_MASK: Final = 255
_POWERS: Final[Hashes] = np.cumprod(np.full(_POWER_MASK + 1, 0x100000001B3, dtype=np.uint64), dtype=np.uint64)
_NO_TOKENS: Final = Tokens(
    hashes=np.empty(0, np.uint64), numeric=np.empty(0, np.bool_), unspaced=np.empty(0, np.bool_)
)


@cache
def _tables() -> _Tables:
    fold = np.empty(_TABLE_SIZE, dtype=np.uint32)
    several: dict[int, str] = {}
    for point in range(_TABLE_SIZE):
        folded = _fold_character(chr(point))
        if len(folded) > 1:
            several[point] = folded
        fold[point] = _SEVERAL if len(folded) > 1 else ord(folded) if folded else _DELETED
    unspaced = np.zeros(_TABLE_SIZE, dtype=np.bool_)
    for low, high in _UNSPACED:
        unspaced[low : high + 1] = True
    return _Tables(fold, unspaced, several)


def _fold_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category in ("Mn", "Me") and _is_optional(character):
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
    bare = "".join(part for part in parts if not _is_optional(part))
    if bare != parts:
        plain = unicodedata.normalize("NFC", bare)
    folded = "".join(_LETTER_VARIANTS.get(letter, letter) for letter in plain.casefold())
    if folded == character or len(folded) == 0:
        return folded
    return "".join(_fold_character(letter) for letter in folded)


def _is_optional(character: str) -> bool:
    point = ord(character)
    return any(low <= point <= high for low, high in _OPTIONAL_MARKS)


def _is_word_like(character: str) -> bool:
    """Symbols that stand for words, such as ﷺ and ﷼, decompose into letters."""
    return character.isprintable() and unicodedata.normalize("NFKC", character)[0].isalpha()
