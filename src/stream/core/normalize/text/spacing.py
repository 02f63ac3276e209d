"""Spaces around punctuation: none before a mark, one behind it. The commonest fault of Arabic newsroom systems."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from stream.core.normalize.text.characters import ARABIC_LETTERS as _ARABIC
from stream.core.normalize.text.characters import HEBREW_LETTERS as _HEBREW
from stream.core.normalize.trigger_scan import CharacterPair

# Letters of the scripts with capitals: Latin, Greek and Cyrillic.
_CASED: Final = [*map(chr, range(0x41, 0x530)), *map(chr, range(0x1E00, 0x2000))]
_SMALL: Final = "".join(filter(str.islower, _CASED))
_CAPITAL: Final = "".join(filter(str.isupper, _CASED))
# Marks that belong to one script, or a few, and are never a part of a number, an address or an abbreviation.
_OWN_STOPS: Final = "،؛؟۔।॥።፣፤"
_WIDE_STOPS: Final = "，。！？；：、"
_OPEN: Final = r"(\["
_CLOSE: Final = r")\]"

#: What the steps of this module look for.
BEFORE_MARK_TRIGGERS: Final = (CharacterPair(" ", f".,:;!?{_OWN_STOPS}{_WIDE_STOPS}"),)
SCRIPT_MARK_TRIGGERS: Final = (CharacterPair(_OWN_STOPS, "0-\U0010ffff"),)
ARABIC_WORD_TRIGGERS: Final = (CharacterPair(".,:!", _ARABIC), CharacterPair(".,:!", '"«“(»”'))
CASED_WORD_TRIGGERS: Final = (CharacterPair(".,;!?", f"{_SMALL}{_CAPITAL}{_HEBREW}"),)
INSIDE_BRACKET_TRIGGERS: Final = (CharacterPair("([«", " "), CharacterPair(" ", ")]»"))

_BEFORE: Final = re.compile(rf" [.,:;!?{_OWN_STOPS}{_WIDE_STOPS}]")
_BEHIND_OWN: Final = re.compile(rf"[{_OWN_STOPS}](?=[^\W_])")
# Behind a stop a straight quote closes, behind a colon it opens.
_BEHIND_ARABIC: Final = re.compile(
    rf"[.!:,\"»”](?:(?<=[.!])[\"»”]?(?=[«(]?[{_ARABIC}]{{2}})|(?<=[:,])(?=[\"«“(]?[{_ARABIC}]{{2}})"
    rf"|(?<=[\"»”])[.,](?=[\"«“(]?[{_ARABIC}]{{2}}))"
)
_BEHIND_OTHERS: Final = re.compile(
    rf"[.!?](?=[{_CAPITAL}][{_SMALL}])|[,;](?=[{_SMALL}{_CAPITAL}]{{2}})|[.,](?=[{_HEBREW}]{{2}})"
)
_ARABIC_WORD: Final = re.compile(f"[{_ARABIC}]{{3}}")
_ARABIC_LETTER: Final = re.compile(f"[{_ARABIC}]")
_SMALL_OR_HEBREW: Final = re.compile(rf"(?:[{_SMALL}]{{2}}|[{_HEBREW}]{{3}})\Z")
#: How far back the letter is looked for that tells the script of a sentence.
_LOOK_BACK: Final = 24
#: How long a piece without spaces is looked at; longer ones are no words.
_PIECE_CHARS_MAX: Final = 120
_ADDRESS: Final = re.compile(r"://|www\.|[@/\\_#=&]")
_DOMAINS: Final = frozenset("com net org io co uk de fr gov edu info biz tv me js py app dev news ai".split())
#: How far a guillemet's partner is looked for.
_QUOTE_CHARS_MAX: Final = 1_000
_TATWEEL: Final = "\u0640"
_WORD: Final = re.compile(r"\w+")
_INSIDE: Final = re.compile(rf"[{_OPEN}«] | [{_CLOSE}»]")


def remove_space_before_mark(text: str) -> tuple[str, int]:
    """No space before a mark. French, and whoever writes Latin letters as it does, keeps it before : ; ! and ?."""
    count = 0

    def join(match: re.Match[str]) -> str:
        nonlocal count
        if not _is_loose(text, match.start(), match[0][1]):
            return match[0]
        count += 1
        return match[0][1]

    return _BEFORE.sub(join, text), count


def add_space_after_script_mark(text: str) -> tuple[str, int]:
    """A space behind a mark that one script has for itself; not in numbers."""
    return _parted(text, _BEHIND_OWN, _is_own_stop)


def add_space_after_arabic_word(text: str) -> tuple[str, int]:
    """A space behind a mark, alone or with a quote, where it sticks two Arabic words together; not in initials."""
    return _parted(text, _BEHIND_ARABIC, _parts_arabic)


def add_space_after_cased_word(text: str) -> tuple[str, int]:
    """A space behind a mark where two words would stick together; not in numbers, initials and addresses."""
    return _parted(text, _BEHIND_OTHERS, _parts_others)


def remove_spaces_inside_brackets(text: str) -> tuple[str, int]:
    """No space inside of brackets, nor inside of «quotes» in Arabic script, as French has it there."""
    count = 0

    def join(match: re.Match[str]) -> str:
        nonlocal count
        mark = match[0].strip()
        before, behind = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if not _is_inside(before, behind, mark) or not _is_in_turn(text, match.start(), mark):
            return match[0]
        count += 1
        # A space on the wrong side of a bracket moves to the other one.
        if mark in "([" and _ends_word(before):
            return f" {mark}"
        return f"{mark} " if mark in ")]" and _ends_word(behind) else mark

    return _INSIDE.sub(join, text), count


def _parted(text: str, pattern: re.Pattern[str], check: Callable[[str, int, int], bool]) -> tuple[str, int]:
    count = 0

    def part(match: re.Match[str]) -> str:
        nonlocal count
        if not check(text, match.start(), match.end()):
            return match[0]
        count += 1
        return match[0] + " "

    return pattern.sub(part, text), count


def _is_loose(text: str, space: int, mark: str) -> bool:
    """Whether the mark behind the space belongs to the word before it."""
    before, behind = text[space - 1 : space], text[space + 2 : space + 3]
    if not before or before in "\n,;:،؛":
        return False
    if mark in _OWN_STOPS or (mark in _WIDE_STOPS and not before.isascii()):
        return True
    if before.isdigit() and text[space + 2 : space + 4].strip()[:1].isdigit():
        return False  # a score, a time, or a number in parts
    if behind and not behind.isspace() and behind not in "\"'»”’)]":
        return before.isalpha() and behind.isalpha() and _may_stick(before, mark, behind)
    return mark in ".," or not _is_latin(_last_letter(text, space))


def _may_stick(before: str, mark: str, behind: str) -> bool:
    return mark == "," or (mark in ".:" and not _is_latin(behind) and not _is_latin(before))  # not in .NET, .com


def _last_letter(text: str, end: int) -> str:
    """The letter that tells the script of the sentence before ``end``; a Latin one if there is none."""
    return next((c for c in reversed(text[max(0, end - _LOOK_BACK) : end]) if c.isalpha()), "a")


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")


def _is_own_stop(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isdigit() and text[end].isdigit())


def _parts_arabic(text: str, start: int, end: int) -> bool:
    if not _ARABIC_WORD.fullmatch(text, max(0, start - 3), start):
        return False
    word = _WORD.match(text, end + (text[end] in '"«“('))
    return word is not None and text[word.end() : word.end() + 1] != "."  # else it may be one of several initials


def _parts_others(text: str, start: int, end: int) -> bool:
    if not _SMALL_OR_HEBREW.search(text, max(0, start - 3), start):
        return False
    word = _WORD.match(text, end)
    if word is None or word[0].casefold() in _DOMAINS or word[0][1:] != word[0][1:].lower():
        return False
    piece = max(text.rfind(space, max(0, start - _PIECE_CHARS_MAX), start) for space in " \n")
    return not _ADDRESS.search(text, piece + 1, min(word.end() + 1, len(text)))


def _is_in_turn(text: str, place: int, mark: str) -> bool:
    """Whether the guillemet before this one is its partner, or none is open; brackets always are."""
    if mark not in "«»":
        return True
    start = max(0, place - _QUOTE_CHARS_MAX)
    return (text.rfind("«", start, place) > text.rfind("»", start, place)) == (mark == "»")


def _ends_word(character: str) -> bool:
    return character.isalnum() and character != _TATWEEL


def _is_inside(before: str, behind: str, mark: str) -> bool:
    if mark == "«":
        return bool(_ARABIC_LETTER.match(behind)) and not _ends_word(before)
    if mark == "»":
        return bool(_ARABIC_LETTER.match(before)) and not behind.isalpha()
    return before not in (":", ";", "-", "=") if mark in "([" else before != "\n"
