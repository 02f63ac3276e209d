"""Other spellings of a text that its readers call the same text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from random import Random
from typing import Final

Change = Callable[[str, Random], str]

#: Letters and marks written for each other, each group in any direction.
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
    """``text`` in another spelling; the same one for the same seed."""
    random = Random(seed)  # noqa: S311 - no secret
    for change in CHANGES:
        text = change(text, random)
    return text


def spelled_otherwise(text: str, random: Random) -> str:
    """Other forms of alef, kaf and quotation marks wherever they stand."""
    groups = {letter: group for group in SPELLINGS for letter in group}
    return "".join(random.choice(groups.get(letter, letter)) for letter in text)


def ended_otherwise(text: str, random: Random) -> str:
    """Other forms of the last letter of words: yeh and alef maqsura, teh marbuta and heh."""
    groups = {letter: group for group in FINAL_SPELLINGS for letter in group}

    def changed(word: re.Match[str]) -> str:
        return word[0][:-1] + random.choice(groups.get(word[0][-1], word[0][-1]))

    return _WORD.sub(changed, text)


def seated_otherwise(text: str, random: Random) -> str:
    """Hamza on another seat, where both are in use."""
    pairs = (("ئو", "ؤو"), ("ئة", "ئه"), ("مائة", "مئة"), ("ؤ", "و\u0654"), ("ئ", "ي\u0654"))
    for one, other in pairs:
        text = _some(text, one, other, random)
    return text


def decorated(text: str, random: Random) -> str:
    """Tatweel, vowel signs and invisible characters inside words."""
    return _WORD.sub(lambda word: "".join(letter + _decoration(random) for letter in word[0][:-1]) + word[0][-1], text)


def _decoration(random: Random) -> str:
    if random.random() > _DECORATED_SHARE:
        return ""
    return random.choice(("ـ" * random.randint(1, 4), random.choice(HARAKAT), random.choice(INVISIBLE)))


def in_other_digits(text: str, random: Random) -> str:
    """All digits in those of another script, and the separator of thousands with them."""
    zero = ord(random.choice(DIGIT_ZEROS))
    text = "".join(chr(zero + int(letter)) if letter in _DIGITS else letter for letter in text)
    return re.sub(r"(?<![\d.,٬،])(\d{1,3})[.,٬،](\d{3})(?![\d.,٬،])", lambda found: _thousands(found, random), text)


def _thousands(found: re.Match[str], random: Random) -> str:
    return found[0] if int(found[1]) == 0 else found[1] + random.choice((",", "٬", "،", ".", "")) + found[2]


def in_presentation_forms(text: str, random: Random) -> str:
    """Some words in the letter shapes of U+FB50 to U+FEFF, as old publishing systems and PDF files give them."""

    def changed(word: re.Match[str]) -> str:
        return _shaped(word[0], random) if random.random() < _SHAPED_SHARE else word[0]

    return _WORD.sub(changed, text)


def _shaped(word: str, random: Random) -> str:
    word = random.choice((word, word.replace("لا", "ﻻ"), word.replace("لا", "ﻼ")))
    return "".join(random.choice(_SHAPES.get(letter, letter)) for letter in word)


def in_one_character(text: str, random: Random) -> str:
    """Phrases as the one character that Unicode has for them."""
    for phrase, character in PHRASES:
        # Not in a longer word, nor before the vowel signs of one.
        text = re.sub(rf"(?<!\w){phrase}(?![\w{HARAKAT}])", _either(phrase, character, random), text)
    return text


def spaced_otherwise(text: str, random: Random) -> str:
    """Other spaces, and more or none around punctuation and between numbers and letters."""

    def changed(mark: re.Match[str]) -> str:
        return f"{random.choice(('', ' '))}{mark[0]}{random.choice(('', ' '))}"

    text = re.sub(r"(?<=[\u0621-\u064a])[،؛؟!:()](?=\s|[\u0621-\u064a])", changed, text)
    text = re.sub(
        r"(?<=\d)(?=[\u0621-\u063a\u0641-\u064a])|(?<=[\u0621-\u063a\u0641-\u064a])(?=\d)",
        lambda _: random.choice(("", " ")),
        text,
    )
    return re.sub(r"(?<!\d) (?!\d)", lambda _: random.choice((" ", " ", "  ", random.choice(SPACES))), text)


def _some(text: str, one: str, other: str, random: Random) -> str:
    return re.sub(f"{one}|{other}", _either(one, other, random), text)


def _either(one: str, other: str, random: Random) -> Callable[[re.Match[str]], str]:
    return lambda _: random.choice((one, other))


def _presentation_shapes() -> dict[str, Sequence[str]]:
    shapes: dict[str, list[str]] = {}
    for point in range(0xFB50, 0xFEFD):
        plain = unicodedata.normalize("NFKC", chr(point))
        if len(plain) == 1 and unicodedata.decomposition(chr(point)).startswith(("<in", "<is", "<fi", "<me")):
            shapes.setdefault(plain, []).append(chr(point))
    return {letter: tuple(found) for letter, found in shapes.items()}


_SHAPES: Final = _presentation_shapes()
_DIGITS: Final = frozenset(chr(ord(zero) + number) for zero in DIGIT_ZEROS for number in range(10))
_DECORATED_SHARE: Final = 0.05
_SHAPED_SHARE: Final = 0.1

#: In an order in which none undoes what another has made.
CHANGES: Final[Sequence[Change]] = (
    in_one_character,
    seated_otherwise,
    ended_otherwise,
    spaced_otherwise,
    in_other_digits,
    spelled_otherwise,
    in_presentation_forms,
    decorated,
)
