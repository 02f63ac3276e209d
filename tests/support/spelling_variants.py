"""Spelling variants of a text: different characters that readers take for the same text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

Change = Callable[[str, Random], str]

#: Letters and marks that are written for each other, in any direction within a group.
SPELLINGS: Final = ("اأإآٱ", "كک", '«»“”„"″', "'’‘`´")
FINAL_SPELLINGS: Final = ("يىی", "ةهە")
DIGIT_ZEROS: Final = "0٠۰０"
HARAKAT: Final = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0670"
INVISIBLE: Final = "\u200b\u200d\u200e\u200f\u00ad\u2060\u2066\u2069\ufeff\u061c"
SPACES: Final = "\u00a0\u2009\u202f\u3000\t\n"
PHRASES: Final = (
    ("صلى الله عليه وسلم", "ﷺ"),
    ("جل جلاله", "ﷻ"),
    ("الله", "ﷲ"),
    ("ريال", "﷼"),
)
_WORD = re.compile(r"[ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي]+")


def variant(text: str, seed: int) -> str:
    """Return ``text`` in another spelling, which is the same for the same seed."""
    random = Random(seed)  # noqa: S311 - not a secret
    for change in CHANGES:
        text = change(text, random)
    return text


def vary_letter_forms(text: str, random: Random) -> str:
    """Vary the forms of alef, kaf and quotation marks anywhere."""
    groups = {letter: group for group in SPELLINGS for letter in group}
    return "".join(random.choice(groups.get(letter, letter)) for letter in text)


def vary_final_letters(text: str, random: Random) -> str:
    """Vary the last letter of words: yeh and alef maqsura, teh marbuta and heh."""
    groups = {letter: group for group in FINAL_SPELLINGS for letter in group}

    def replace_last(word: re.Match[str]) -> str:
        return word[0][:-1] + random.choice(groups.get(word[0][-1], word[0][-1]))

    return _WORD.sub(replace_last, text)


def vary_hamza_seats(text: str, random: Random) -> str:
    """Move hamza to another seat where both are in use."""
    pairs = (("ئو", "ؤو"), ("ئة", "ئه"), ("مائة", "مئة"), ("ؤ", "و\u0654"), ("ئ", "ي\u0654"))
    for first, second in pairs:
        text = _swap_some(text, first, second, random)
    return text


def add_marks(text: str, random: Random) -> str:
    """Add tatweel, vowel signs and invisible characters inside words."""
    return _WORD.sub(
        lambda word: "".join(letter + _random_marks(random) for letter in word[0][:-1]) + word[0][-1], text
    )


def _random_marks(random: Random) -> str:
    if random.random() > _MARKED_SHARE:
        return ""
    return random.choice(("ـ" * random.randint(1, 4), random.choice(HARAKAT), random.choice(INVISIBLE)))


def vary_digits(text: str, random: Random) -> str:
    """Write all digits in another script, with another thousands separator."""
    zero = ord(random.choice(DIGIT_ZEROS))
    text = "".join(chr(zero + int(letter)) if letter in _DIGITS else letter for letter in text)
    return re.sub(
        r"(?<![\d.,٬،])(\d{1,3})[.,٬،](\d{3})(?![\d.,٬،])", lambda match: _vary_thousands(match, random), text
    )


def _vary_thousands(match: re.Match[str], random: Random) -> str:
    return match[0] if int(match[1]) == 0 else match[1] + random.choice((",", "٬", "،", ".", "")) + match[2]


def use_presentation_forms(text: str, random: Random) -> str:
    """Write some words in presentation forms (U+FB50 to U+FEFF), as old publishing systems and PDF files do."""

    def replace_some(word: re.Match[str]) -> str:
        return _to_presentation_forms(word[0], random) if random.random() < _FORMS_SHARE else word[0]

    return _WORD.sub(replace_some, text)


def _to_presentation_forms(word: str, random: Random) -> str:
    word = random.choice((word, word.replace("لا", "ﻻ"), word.replace("لا", "ﻼ")))
    return "".join(random.choice(_FORMS.get(letter, letter)) for letter in word)


def use_ligatures(text: str, random: Random) -> str:
    """Replace phrases by the single character that Unicode has for them."""
    for phrase, character in PHRASES:
        # Neither inside a longer word nor before vowel signs.
        text = re.sub(rf"(?<!\w){phrase}(?![\w{HARAKAT}])", _choose(phrase, character, random), text)
    return text


def vary_spaces(text: str, random: Random) -> str:
    """Vary spaces, and add or remove them around punctuation and between numbers and letters."""

    def add_spaces(mark: re.Match[str]) -> str:
        return f"{random.choice(('', ' '))}{mark[0]}{random.choice(('', ' '))}"

    text = re.sub(r"(?<=[\u0621-\u064a])[،؛؟!:()](?=\s|[\u0621-\u064a])", add_spaces, text)
    text = re.sub(
        r"(?<=\d)(?=[\u0621-\u063a\u0641-\u064a])|(?<=[\u0621-\u063a\u0641-\u064a])(?=\d)",
        lambda _: random.choice(("", " ")),
        text,
    )
    return re.sub(r"(?<!\d) (?!\d)", lambda _: random.choice((" ", " ", "  ", random.choice(SPACES))), text)


def _swap_some(text: str, first: str, second: str, random: Random) -> str:
    return re.sub(f"{first}|{second}", _choose(first, second, random), text)


def _choose(first: str, second: str, random: Random) -> Callable[[re.Match[str]], str]:
    return lambda _: random.choice((first, second))


def _presentation_forms() -> dict[str, Sequence[str]]:
    forms: dict[str, list[str]] = {}
    for point in range(0xFB50, 0xFEFD):
        plain = unicodedata.normalize("NFKC", chr(point))
        if len(plain) == 1 and unicodedata.decomposition(chr(point)).startswith(("<in", "<is", "<fi", "<me")):
            forms.setdefault(plain, []).append(chr(point))
    return {letter: tuple(variants) for letter, variants in forms.items()}


_FORMS: Final = _presentation_forms()
_DIGITS: Final = frozenset(chr(ord(zero) + number) for zero in DIGIT_ZEROS for number in range(10))
_MARKED_SHARE: Final = 0.05
_FORMS_SHARE: Final = 0.1

#: Changes in an order in which none undoes another.
CHANGES: Final[Sequence[Change]] = (
    use_ligatures,
    vary_hamza_seats,
    vary_final_letters,
    vary_spaces,
    vary_digits,
    vary_letter_forms,
    use_presentation_forms,
    add_marks,
)
