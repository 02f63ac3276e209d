"""Text that was decoded with the wrong character encoding, put right."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import Final, NamedTuple

from stream.core.normalize.trigger_scan import CharacterPair

# Encodings that UTF-8 is read as by mistake: those that ftfy puts right, and the one of Arabic, which it does not.
_LIKE_LATIN: Final = ("latin-1", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257")
_ARABIC: Final = "cp1256"


def _decoded(low: int, high: int, encodings: Iterable[str]) -> str:
    found = {character for name in encodings for character in bytes(range(low, high)).decode(name, "ignore")}
    return "".join(sorted(found - {"-"}))


_TRAILS_1256: Final = _decoded(0x80, 0xC0, (_ARABIC,))
_TRAILS: Final = _decoded(0x80, 0xC0, _LIKE_LATIN)
_MAC_TRAILS: Final = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø"
# First bytes of two (Latin, Greek, Cyrillic, Hebrew, Arabic) and of three (all others), as they are read by mistake.
_TWO: Final = "ÂÃÄÅÎÏÐÑ×ØÙÚРСΞΟ"
_THREE: Final = "à-ïа-пвгα-ο"
#: What a text in UTF-8 that was read as another encoding holds; few others do.
UTF8_TRIGGERS: Final = (
    CharacterPair(_TWO, _TRAILS),
    CharacterPair(_THREE, _TRAILS),
    CharacterPair("√‚ÿŸ–—¬", _MAC_TRAILS),
    CharacterPair("طظ", "".join(c for c in _TRAILS_1256 if not c.isalpha() and c not in "،؛؟»«”“’‘…–\u200c\u200d")),
)
_SUSPECT: Final = re.compile(
    f"[{_TWO}][{re.escape(_TRAILS)}]|[{_THREE}][{re.escape(_TRAILS)}]{{2}}|[√‚ÿŸ–—¬][{_MAC_TRAILS}]"
)
#: Three letters of the upper half of Latin-1 behind each other are rare in every language that has them.
LEGACY_TRIGGERS: Final = (CharacterPair("À-ÖØ-öø-ÿ", "À-ÖØ-öø-ÿ"),)

# Letters of Arabic in UTF-8 begin with the bytes that are these four in windows-1256; ASCII may stand between them.
_LETTER_1256: Final = "[طظعغ][" + re.escape(_TRAILS_1256) + "]"
_RUN_1256: Final = re.compile(rf"(?:{_LETTER_1256}[\x20-\x7e]*+){{3,}}+")
_SPACE_BYTE: Final = re.compile(f"\xa0(?<=[{_TWO}{_THREE}√‚ÿŸ–—¬طظ]\xa0)|\xa0(?<=[{_THREE}][{re.escape(_TRAILS)}]\xa0)")
_WORD_1256: Final = re.compile(rf"(?:{_LETTER_1256}){{3}}")
_RUN_LEGACY: Final = re.compile(r"[À-ÖØ-öø-ÿ]{4}")


class _Legacy(NamedTuple):
    """An encoding of one byte a character, and the letters that make up most of a text in its language."""

    encoding: str
    usual: str


_LEGACY: Final = (
    _Legacy("cp1256", "اليمونرتبدعةسفكقحه"),
    _Legacy("cp1251", "оеаинтсрвлкмдпуяыь"),
    _Legacy("cp1253", "αοιετνσρκπυηίμλςόά"),
    _Legacy("cp1255", "יוהלארתבשמנםעדחק"),
)
_USUAL_MIN: Final = 0.6
_UPPER_LATIN_MIN: Final = 0.7


def fix_utf8_mojibake(text: str) -> tuple[str, int]:
    """UTF-8 that was read as windows-1256, or as one of the encodings like Latin-1 that ftfy knows; lines changed."""
    lines = _RUN_1256.sub(_from_1256, text).split("\n")
    fixed = [_ftfy().fix_encoding(line) if _SUSPECT.search(line) else line for line in lines]
    again = "\n".join(fixed)
    return (again, sum(map(str.__ne__, text.split("\n"), fixed)) or 1) if again != text else (text, 0)


def has_broken_no_break_space(text: str) -> bool:
    """Whether a no-break space may be a byte of a letter."""
    return _SPACE_BYTE.search(text) is not None


def fix_legacy_mojibake(text: str) -> tuple[str, int]:
    """Lines in windows-1256, -1251, -1253 or -1255 that were read as windows-1252."""
    if not _RUN_LEGACY.search(text):
        return text, 0
    lines = text.split("\n")
    fixed = [_legacy(line) for line in lines]
    return "\n".join(fixed), sum(map(str.__ne__, lines, fixed))


def _from_1256(match: re.Match[str]) -> str:
    if not _WORD_1256.search(match[0]):
        return match[0]
    try:
        return match[0].encode(_ARABIC).decode()
    except UnicodeError:
        return match[0]


def _legacy(line: str) -> str:
    """The reading of ``line`` that looks most like a language, where Latin letters do not."""
    letters = [character for character in line if character.isalpha()]
    if not _RUN_LEGACY.search(line) or sum(map(_is_upper_latin, letters)) < _UPPER_LATIN_MIN * len(letters):
        return line
    _ftfy()  # brings the codec that takes what windows-1252 leaves undefined
    try:
        raw = line.encode("sloppy-windows-1252")
        readings = [(raw.decode(encoding, "replace"), usual) for encoding, usual in _LEGACY]
    except UnicodeError:
        return line
    share, reading = max((sum(map(text.lower().count, usual)) / len(letters), text) for text, usual in readings)
    return reading if share >= _USUAL_MIN and "\ufffd" not in reading else line


def _is_upper_latin(letter: str) -> bool:
    return "À" <= letter <= "ÿ"


@cache
def _ftfy() -> ModuleType:
    # Imported for the first text that needs it: few do, and it takes a tenth of a second.
    import ftfy  # noqa: PLC0415 # see above
    import ftfy.bad_codecs  # noqa: PLC0415 # see above

    return ftfy
