"""Spaces around punctuation: none before a mark, one after it. Arabic newsroom systems often get this wrong."""

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
# Marks of one script, or a few, that are never part of an address or an abbreviation.
_SCRIPT_MARKS: Final = "،؛؟۔।॥።፣፤"
_WIDE_MARKS: Final = "，。！？；：、"
_OPEN: Final = r"(\["
_CLOSE: Final = r")\]"

#: The triggers of each fix.
BEFORE_MARK_TRIGGERS: Final = (CharacterPair(" ", f".,:;!?{_SCRIPT_MARKS}{_WIDE_MARKS}"),)
SCRIPT_MARK_TRIGGERS: Final = (CharacterPair(_SCRIPT_MARKS, "0-\U0010ffff"),)
ARABIC_WORD_TRIGGERS: Final = (CharacterPair(".,:!", _ARABIC), CharacterPair(".,:!", '"«“(»”'))
CASED_WORD_TRIGGERS: Final = (CharacterPair(".,;!?", f"{_SMALL}{_CAPITAL}{_HEBREW}"),)
INSIDE_BRACKET_TRIGGERS: Final = (CharacterPair("([«", " "), CharacterPair(" ", ")]»"))

_SPACE_BEFORE_MARK: Final = re.compile(rf" [.,:;!?{_SCRIPT_MARKS}{_WIDE_MARKS}]")
_AFTER_SCRIPT_MARK: Final = re.compile(rf"[{_SCRIPT_MARKS}](?=[^\W_])")
# A straight quotation mark after a full stop closes, after a colon it opens.
_AFTER_ARABIC_WORD: Final = re.compile(
    rf"[.!:,\"»”](?:(?<=[.!])[\"»”]?(?=[«(]?[{_ARABIC}]{{2}})|(?<=[:,])(?=[\"«“(]?[{_ARABIC}]{{2}})"
    rf"|(?<=[\"»”])[.,](?=[\"«“(]?[{_ARABIC}]{{2}}))"
)
_AFTER_CASED_WORD: Final = re.compile(
    rf"[.!?](?=[{_CAPITAL}][{_SMALL}])|[,;](?=[{_SMALL}{_CAPITAL}]{{2}})|[.,](?=[{_HEBREW}]{{2}})"
)
_ARABIC_WORD: Final = re.compile(f"[{_ARABIC}]{{3}}")
_ARABIC_LETTER: Final = re.compile(f"[{_ARABIC}]")
_SMALL_OR_HEBREW: Final = re.compile(rf"(?:[{_SMALL}]{{2}}|[{_HEBREW}]{{3}})\Z")
#: How far back to look for a letter that shows the script of the sentence.
_LOOK_BACK_CHARS: Final = 24
#: How far back to look for the start of a word; longer runs without a space are not words.
_RUN_CHARS_MAX: Final = 120
_ADDRESS: Final = re.compile(r"://|www\.|[@/\\_#=&]")
_DOMAINS: Final = frozenset("com net org io co uk de fr gov edu info biz tv me js py app dev news ai".split())
#: How far back to look for the partner of a guillemet.
_QUOTE_CHARS_MAX: Final = 1_000
_TATWEEL: Final = "\u0640"
_WORD: Final = re.compile(r"\w+")
_INSIDE: Final = re.compile(rf"[{_OPEN}«] | [{_CLOSE}»]")


def remove_space_before_mark(text: str) -> tuple[str, int]:
    """Remove a space before a punctuation mark.

    Latin text keeps it before ``: ; ! ?``, as French typography requires it there.

    >>> remove_space_before_mark("وصل ، ثم غادر .")
    ('وصل، ثم غادر.', 2)
    >>> remove_space_before_mark("Quoi ? Le .NET , oui .")
    ('Quoi ? Le .NET, oui.', 2)
    """
    count = 0

    def remove(match: re.Match[str]) -> str:
        nonlocal count
        if not _belongs_to_word_before(text, match.start(), match[0][1]):
            return match[0]
        count += 1
        return match[0][1]

    return _SPACE_BEFORE_MARK.sub(remove, text), count


def add_space_after_script_mark(text: str) -> tuple[str, int]:
    """Add a space after a mark that only certain scripts use, except in numbers.

    >>> add_space_after_script_mark("وصل،ثم غادر؛عند ١،٥")
    ('وصل، ثم غادر؛ عند ١،٥', 2)
    """
    return _add_spaces(text, _AFTER_SCRIPT_MARK, _is_outside_number)


def add_space_after_arabic_word(text: str) -> tuple[str, int]:
    """Add a space after a mark, with or without a quotation mark, between two Arabic words, except in initials.

    >>> add_space_after_arabic_word("غادر.وعاد (ا.ف.ب)")
    ('غادر. وعاد (ا.ف.ب)', 1)
    """
    return _add_spaces(text, _AFTER_ARABIC_WORD, _separates_arabic_words)


def add_space_after_cased_word(text: str) -> tuple[str, int]:
    """Add a space after a mark between two words in Latin, Greek, Cyrillic or Hebrew.

    Numbers, initials and addresses stay as they are.

    >>> add_space_after_cased_word("He left.Then he came,alone, to www.Example.Org")
    ('He left. Then he came, alone, to www.Example.Org', 2)
    """
    return _add_spaces(text, _AFTER_CASED_WORD, _separates_cased_words)


def remove_spaces_inside_brackets(text: str) -> tuple[str, int]:
    """Remove spaces inside brackets, and inside guillemets around Arabic text.

    Other guillemets keep them, as French typography requires them there.

    >>> remove_spaces_inside_brackets("بلغ ( 354 ) شخصاً، « نعم » et « oui »")
    ('بلغ (354) شخصاً، «نعم» et « oui »', 4)
    """
    count = 0

    def remove(match: re.Match[str]) -> str:
        nonlocal count
        mark = match[0].strip()
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if not _is_inner_space(before, after, mark) or not _has_expected_direction(text, match.start(), mark):
            return match[0]
        count += 1
        # A space on the wrong side of a bracket moves to the other side.
        if mark in "([" and _is_end_of_word(before):
            return f" {mark}"
        return f"{mark} " if mark in ")]" and _is_end_of_word(after) else mark

    return _INSIDE.sub(remove, text), count


def _add_spaces(text: str, pattern: re.Pattern[str], needs_space: Callable[[str, int, int], bool]) -> tuple[str, int]:
    """Add a space after each match for which ``needs_space(text, start, end)`` is true."""
    count = 0

    def add(match: re.Match[str]) -> str:
        nonlocal count
        if not needs_space(text, match.start(), match.end()):
            return match[0]
        count += 1
        return match[0] + " "

    return pattern.sub(add, text), count


def _belongs_to_word_before(text: str, space: int, mark: str) -> bool:
    """Whether the mark after the space at ``space`` belongs to the word before it."""
    before, after = text[space - 1 : space], text[space + 2 : space + 3]
    if not before or before in "\n,;:،؛":
        return False
    if mark in _SCRIPT_MARKS or (mark in _WIDE_MARKS and not before.isascii()):
        return True
    if before.isdigit() and text[space + 2 : space + 4].strip()[:1].isdigit():
        return False  # a score, a time, or a number in groups
    if after and not after.isspace() and after not in "\"'»”’)]":
        return before.isalpha() and after.isalpha() and _can_follow_directly(before, mark, after)
    return mark in ".," or not _is_latin(_last_letter(text, space))


def _can_follow_directly(before: str, mark: str, after: str) -> bool:
    """Whether the mark can be a punctuation mark between the two letters; in .NET and .com it is not."""
    return mark == "," or (mark in ".:" and not _is_latin(after) and not _is_latin(before))


def _last_letter(text: str, end: int) -> str:
    """Return the last letter before ``end``, which shows the script of the sentence; a Latin one if there is none."""
    return next((c for c in reversed(text[max(0, end - _LOOK_BACK_CHARS) : end]) if c.isalpha()), "a")


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")


def _is_outside_number(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isdigit() and text[end].isdigit())


def _separates_arabic_words(text: str, start: int, end: int) -> bool:
    if not _ARABIC_WORD.fullmatch(text, max(0, start - 3), start):
        return False
    word = _WORD.match(text, end + (text[end] in '"«“('))
    return word is not None and text[word.end() : word.end() + 1] != "."  # with a dot it may be one of several initials


def _separates_cased_words(text: str, start: int, end: int) -> bool:
    if not _SMALL_OR_HEBREW.search(text, max(0, start - 3), start):
        return False
    word = _WORD.match(text, end)
    if word is None or word[0].casefold() in _DOMAINS or word[0][1:] != word[0][1:].lower():
        return False
    space_before = max(text.rfind(space, max(0, start - _RUN_CHARS_MAX), start) for space in " \n")
    return not _ADDRESS.search(text, space_before + 1, min(word.end() + 1, len(text)))


def _has_expected_direction(text: str, i: int, mark: str) -> bool:
    """Whether a guillemet at ``i`` closes the one before it, or opens if none is open. Brackets always pass."""
    if mark not in "«»":
        return True
    start = max(0, i - _QUOTE_CHARS_MAX)
    return (text.rfind("«", start, i) > text.rfind("»", start, i)) == (mark == "»")


def _is_end_of_word(character: str) -> bool:
    return character.isalnum() and character != _TATWEEL


def _is_inner_space(before: str, after: str, mark: str) -> bool:
    if mark == "«":
        return bool(_ARABIC_LETTER.match(after)) and not _is_end_of_word(before)
    if mark == "»":
        return bool(_ARABIC_LETTER.match(before)) and not after.isalpha()
    return before not in (":", ";", "-", "=") if mark in "([" else before != "\n"
