"""Mojibake: text that was decoded with the wrong character encoding."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import Final, NamedTuple

from stream.core.normalize.trigger_scan import CharacterPair

# Encodings that UTF-8 is decoded with by mistake: those that ftfy handles, and that of Arabic, which it does not.
_LIKE_LATIN: Final = ("latin-1", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257")
_ARABIC: Final = "cp1256"


def _decode_bytes(low: int, high: int, encodings: Iterable[str]) -> str:
    """Return all characters that the bytes from ``low`` to ``high`` stand for in one of the encodings."""
    characters = {character for name in encodings for character in bytes(range(low, high)).decode(name, "ignore")}
    return "".join(sorted(characters - {"-"}))


_TRAILS_1256: Final = _decode_bytes(0x80, 0xC0, (_ARABIC,))
_TRAILS: Final = _decode_bytes(0x80, 0xC0, _LIKE_LATIN)
_MAC_TRAILS: Final = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø"
# The first byte of UTF-8 sequences of two bytes (Latin, Greek, Cyrillic, Hebrew, Arabic) and of three (all others),
# as the wrong encodings show it. The names with TRAILS hold what they make of the bytes that follow.
_LEADS_OF_TWO: Final = "ÂÃÄÅÎÏÐÑ×ØÙÚРСΞΟ"
_LEADS_OF_THREE: Final = "à-ïа-пвгα-ο"
#: What UTF-8 that was decoded with another encoding contains; few other texts do.
UTF8_TRIGGERS: Final = (
    CharacterPair(_LEADS_OF_TWO, _TRAILS),
    CharacterPair(_LEADS_OF_THREE, _TRAILS),
    CharacterPair("√‚ÿŸ–—¬", _MAC_TRAILS),
    CharacterPair("طظ", "".join(c for c in _TRAILS_1256 if not c.isalpha() and c not in "،؛؟»«”“’‘…–\u200c\u200d")),
)
_SUSPECT: Final = re.compile(
    f"[{_LEADS_OF_TWO}][{re.escape(_TRAILS)}]|[{_LEADS_OF_THREE}][{re.escape(_TRAILS)}]{{2}}|[√‚ÿŸ–—¬][{_MAC_TRAILS}]"
)
#: Adjacent letters of the upper half of Latin-1, which every text in a legacy encoding has.
LEGACY_TRIGGERS: Final = (CharacterPair("À-ÖØ-öø-ÿ", "À-ÖØ-öø-ÿ"),)

_QUOTED_CAPITAL: Final = re.compile(r"(?<=[A-ZÀ-ÖØ-Þ])[À-ÖØ-Þ](?=[»”’](?:\W|$))")
#: The beginning of the private use area, where such a letter is kept meanwhile.
_HIDDEN: Final = 0xE000
_HIDDEN_CAPITAL: Final = re.compile("[\ue0c0-\ue0de]")

# Arabic letters in UTF-8 start with the bytes that are these four letters in windows-1256; ASCII may come between.
_LETTER_1256: Final = "[طظعغ][" + re.escape(_TRAILS_1256) + "]"
_RUN_1256: Final = re.compile(rf"(?:{_LETTER_1256}[\x20-\x7e]*+){{3,}}+")
_SPACE_BYTE: Final = re.compile(
    f"\xa0(?<=[{_LEADS_OF_TWO}{_LEADS_OF_THREE}√‚ÿŸ–—¬طظ]\xa0)|\xa0(?<=[{_LEADS_OF_THREE}][{re.escape(_TRAILS)}]\xa0)"
)
_WORD_1256: Final = re.compile(rf"(?:{_LETTER_1256}){{3}}")
_RUN_LEGACY: Final = re.compile(r"[À-ÖØ-öø-ÿ]{4}")


class _LegacyEncoding(NamedTuple):
    """A single-byte encoding, and the letters that make up most of a text in its language."""

    name: str
    frequent_letters: str


_LEGACY_ENCODINGS: Final = (
    _LegacyEncoding("cp1256", "اليمونرتبدعةسفكقحه"),
    _LegacyEncoding("cp1251", "оеаинтсрвлкмдпуяыь"),
    _LegacyEncoding("cp1253", "αοιετνσρκπυηίμλςόά"),
    _LegacyEncoding("cp1255", "יוהלארתבשמנםעדחק"),
)
_FREQUENT_SHARE_MIN: Final = 0.6
_UPPER_LATIN_SHARE_MIN: Final = 0.7


def fix_utf8_mojibake(text: str) -> tuple[str, int]:
    """Fix UTF-8 that was decoded as windows-1256 or as one of the encodings that ftfy knows; count the lines.

    windows-1256 is reversed here, all others by ``ftfy.fix_encoding`` (Speer, 2019, doi:10.5281/zenodo.2591652).

    >>> fix_utf8_mojibake("CafÃ© fermÃ©")
    ('Café fermé', 1)
    >>> fix_utf8_mojibake("ط®ط¨ط±")
    ('خبر', 1)
    """
    lines = _RUN_1256.sub(_redecode_1256, text).split("\n")
    fixed_lines = [_fix_line(line) if _SUSPECT.search(line) else line for line in lines]
    fixed = "\n".join(fixed_lines)
    return (fixed, sum(map(str.__ne__, text.split("\n"), fixed_lines)) or 1) if fixed != text else (text, 0)


def _fix_line(line: str) -> str:
    """Fix a line, except for capital letters before a closing quotation mark, as in «ATÉ AMANHÃ»."""
    hidden = _QUOTED_CAPITAL.sub(lambda match: chr(_HIDDEN + ord(match[0])), line)
    fixed: str = _ftfy().fix_encoding(hidden)
    return _HIDDEN_CAPITAL.sub(lambda match: chr(ord(match[0]) - _HIDDEN), fixed)


def has_broken_no_break_space(text: str) -> bool:
    r"""Whether a no-break space in ``text`` may be a byte of a wrongly decoded letter.

    >>> has_broken_no_break_space("voilÃ\xa0"), has_broken_no_break_space("10\xa0km")
    (True, False)
    """
    return _SPACE_BYTE.search(text) is not None


def fix_legacy_mojibake(text: str) -> tuple[str, int]:
    """Fix lines in windows-1256, -1251, -1253 or -1255 that were decoded as windows-1252; count the lines.

    >>> fix_legacy_mojibake("ÎÈÑ ÚÇÌá")
    ('خبر عاجل', 1)
    """
    if not _RUN_LEGACY.search(text):
        return text, 0
    lines = text.split("\n")
    fixed = [_redecode_legacy(line) for line in lines]
    return "\n".join(fixed), sum(map(str.__ne__, lines, fixed))


def _redecode_1256(match: re.Match[str]) -> str:
    if not _WORD_1256.search(match[0]):
        return match[0]
    try:
        return match[0].encode(_ARABIC).decode()
    except UnicodeError:
        return match[0]


def _redecode_legacy(line: str) -> str:
    """Return the decoding of ``line`` that looks most like a language, or ``line`` if it looks right as it is."""
    letters = [character for character in line if character.isalpha()]
    if not _RUN_LEGACY.search(line) or sum(map(_is_upper_latin, letters)) < _UPPER_LATIN_SHARE_MIN * len(letters):
        return line
    _ftfy()  # registers the codec that accepts the bytes that windows-1252 leaves undefined
    try:
        raw = line.encode("sloppy-windows-1252")
        decodings = [(raw.decode(name, "replace"), frequent) for name, frequent in _LEGACY_ENCODINGS]
    except UnicodeError:
        return line
    share, best = max((sum(map(text.lower().count, frequent)) / len(letters), text) for text, frequent in decodings)
    return best if share >= _FREQUENT_SHARE_MIN and "\ufffd" not in best else line


def _is_upper_latin(letter: str) -> bool:
    return "À" <= letter <= "ÿ"


@cache
def _ftfy() -> ModuleType:
    # Imported for the first text that needs it: few do, and the import takes a tenth of a second.
    import ftfy  # noqa: PLC0415 # see above
    import ftfy.bad_codecs  # noqa: PLC0415 # see above

    return ftfy
