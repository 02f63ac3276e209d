"""The scripts of a text, counted in one pass over its code points."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

LATIN: Final = "Latn"
ARABIC: Final = "Arab"
HAN: Final = "Hani"
KANA: Final = "Kana"
HANGUL: Final = "Hang"
#: Compatibility characters: presentation forms, full-width letters, mathematical alphabets. NFKC maps them to ordinary
#: letters.
COMPATIBILITY_FORMS: Final = "Zyyy"

# The first and last code point of each range, by ISO 15924 code (Unicode blocks; letters and their vowel signs only).
_RANGES: Final = {
    LATIN: ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2AF), (0x1E00, 0x1EFF), (0xA720, 0xA7FF)),
    "Grek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "Cyrl": ((0x400, 0x52F), (0x1C80, 0x1C8F), (0xA640, 0xA69F)),
    "Armn": ((0x531, 0x58A),),
    "Hebr": ((0x591, 0x5F4),),
    ARABIC: (
        (0x620, 0x64A), (0x66E, 0x6D3), (0x6D5, 0x6D5), (0x6EE, 0x6EF), (0x6FA, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8C9),
    ),
    "Syrc": ((0x710, 0x74F),),
    "Thaa": ((0x780, 0x7B1),),
    "Nkoo": ((0x7CA, 0x7F5),),
    "Deva": ((0x900, 0x963), (0x971, 0x97F)),
    "Beng": ((0x980, 0x9E3), (0x9F0, 0x9F1)),
    "Guru": ((0xA01, 0xA5E), (0xA70, 0xA76)),
    "Gujr": ((0xA81, 0xAE3), (0xAF9, 0xAFF)),
    "Orya": ((0xB01, 0xB63), (0xB71, 0xB71)),
    "Taml": ((0xB82, 0xBD7),),
    "Telu": ((0xC00, 0xC63),),
    "Knda": ((0xC80, 0xCE3), (0xCF1, 0xCF3)),
    "Mlym": ((0xD00, 0xD57), (0xD5F, 0xD63), (0xD7A, 0xD7F)),
    "Sinh": ((0xD81, 0xDDF),),
    "Thai": ((0xE01, 0xE4E),),
    "Laoo": ((0xE81, 0xECD), (0xEDC, 0xEDF)),
    "Tibt": ((0xF00, 0xF00), (0xF40, 0xFBC)),
    "Mymr": ((0x1000, 0x103F), (0x1050, 0x108F), (0xA9E0, 0xA9FE), (0xAA60, 0xAA7F)),
    "Geor": ((0x10A0, 0x10FF), (0x1C90, 0x1CBF)),
    HANGUL: ((0x1100, 0x11FF), (0x3131, 0x318E), (0xAC00, 0xD7A3)),
    "Ethi": ((0x1200, 0x135A), (0x1380, 0x138F), (0x2D80, 0x2DDE)),
    "Cher": ((0x13A0, 0x13FD), (0xAB70, 0xABBF)),
    "Cans": ((0x1401, 0x167F),),
    "Khmr": ((0x1780, 0x17D3),),
    "Mong": ((0x1820, 0x18AA),),
    "Olck": ((0x1C5A, 0x1C7D),),
    "Tfng": ((0x2D30, 0x2D67),),
    KANA: ((0x3041, 0x3096), (0x30A1, 0x30FA), (0x31F0, 0x31FF)),
    HAN: ((0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAD9)),
    "Mtei": ((0xABC0, 0xABEA),),
    COMPATIBILITY_FORMS: (
        (0xFB00, 0xFDFB), (0xFE70, 0xFEFC), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0xFF66, 0xFFDC), (0x1D400, 0x1D7CB),
    ),
}  # fmt: skip
_CODES: Final = ("", *_RANGES)
# Scripts that occur on their own only in a language with a mixture of scripts, and the code of that mixture.
_MIXTURES: Final = {KANA: "Jpan", HANGUL: "Kore"}
#: The codes that `main_script` returns, besides "".
SCRIPTS: Final = frozenset(_RANGES).difference(_MIXTURES).union(_MIXTURES.values())
# How many Latin letters a letter counts for. In mixed text the script other than Latin is the article's, since names
# and brands are in Latin script everywhere.
_WEIGHTS: Final = {LATIN: 1.0, HAN: 5.0, "Jpan": 5.0, "Kore": 5.0}
_DEFAULT_WEIGHT: Final = 2.0
_TABLE_SIZE: Final = 0x1D800  # one more than the highest code point in the table

# The shares of East Asian letters from which text is Japanese (Han characters and kana) and Korean (Hangul and perhaps
# Han characters).
_KANA_SHARE_MIN: Final = 0.1
_HANGUL_SHARE_MIN: Final = 0.3


def letters_by_script(text: str) -> dict[str, int]:
    """Count the letters of ``text`` by script (ISO 15924 code). Scripts without any are left out.

    Japanese and Korean count as the scripts that they mix; `main_script` merges those.

    >>> letters_by_script("حي 3 a")
    {'Latn': 1, 'Arab': 2}
    """
    if text.isascii():
        count = sum(map(str.isalpha, text))
        return {LATIN: count} if count else {}
    points = np.frombuffer(text.encode("utf-32-le", "replace"), dtype="<u4")
    counts = np.bincount(_script_table().take(points, mode="clip"), minlength=len(_CODES))
    counts[0] = 0  # characters that are not letters
    return {_CODES[i]: int(counts[i]) for i in counts.nonzero()[0].tolist()}


def main_script(counts: dict[str, int]) -> tuple[str, int, float]:
    """Return the script of the text with these ``counts``: its code, its letters, and its share of the text (0 to 1).

    ``Jpan`` and ``Kore`` are the mixtures of Japanese and Korean. Text without letters gives ``("", 0, 0.0)``.

    >>> main_script({"Hani": 2, "Kana": 3})
    ('Jpan', 5, 1.0)
    """
    if len(counts) == 1:
        ((code, count),) = counts.items()
        return _MIXTURES.get(code, code), count, 1.0
    counts = _merge_mixtures(counts)
    weights = {code: count * _WEIGHTS.get(code, _DEFAULT_WEIGHT) for code, count in counts.items()}
    if not weights:
        return "", 0, 0.0
    code = max(weights, key=weights.__getitem__)
    return code, counts[code], weights[code] / sum(weights.values())


def _merge_mixtures(counts: dict[str, int]) -> dict[str, int]:
    east_asian = {code: counts[code] for code in (KANA, HANGUL, HAN) if code in counts}
    if not east_asian:
        return counts
    total = sum(east_asian.values())
    code = HAN
    if east_asian.get(HANGUL, 0) > _HANGUL_SHARE_MIN * total:
        code = "Kore"
    elif east_asian.get(KANA, 0) > _KANA_SHARE_MIN * total:
        code = "Jpan"
    return {**{other: count for other, count in counts.items() if other not in east_asian}, code: total}


@cache
def _script_table() -> NDArray[np.intp]:
    """Return the position in `_CODES` of each code point's script; 0 for those that are not letters."""
    table = np.zeros(_TABLE_SIZE + 1, dtype=np.intp)
    for i, ranges in enumerate(_RANGES.values(), start=1):
        for first, last in ranges:
            table[first : last + 1] = i
    return table
