"""Marks typed again and again, words that a line break parted, and addresses that were disguised."""

from __future__ import annotations

import re
from typing import Final

from stream.core.normalize.trigger_scan import CharacterPair

_EMPHASIS: Final = "!?؟！？"
_PAUSES: Final = ",،؛;，、；："
#: What the steps of this module look for.
EMPHASIS_TRIGGERS: Final = (CharacterPair(_EMPHASIS, _EMPHASIS),)
PAUSE_TRIGGERS: Final = (CharacterPair(_PAUSES, _PAUSES),)
DOT_TRIGGERS: Final = (CharacterPair(".", "."),)
HYPHEN_TRIGGERS: Final = (CharacterPair("-‐", "\n"),)
DISGUISE_TRIGGERS: Final = (
    CharacterPair("[({", "@aAdD."),
    CharacterPair(" ", "@"),
    CharacterPair("x", "x"),
    CharacterPair("/", " "),
)

_EMPHATIC: Final = re.compile(rf"([{_EMPHASIS}])\1++")
# Two commas before a word are an opening quote.
_PAUSED: Final = re.compile(rf"([{_PAUSES}])\1++(?!(?<=,,)\S)")
# Six dots are the ellipsis of Chinese and Japanese.
_DOTTED: Final = re.compile(r"(?<![.\u3000-\u30ff\u3400-\u9fff])\.{4,}+")

_BROKEN: Final = re.compile(r"(?<=[^\W\d_]{2})[-‐]\n(?=[^\W\d_]{2})")
_WORD: Final = re.compile(r"[^\W\d_]+")
# Words, and compounds of two with a hyphen between them.
_WORDS: Final = re.compile(r"[^\W\d_]++(?:-[^\W\d_]++)?")
_WORD_CHARS_MAX: Final = 40
#: From here on a text breaks words at the ends of its lines; before that a hyphen is part of a compound.
_BREAKS_MIN: Final = 3
# Behind a hyphen these stand between two compounds with one head, as in «Vor- und Nachteile».
_CONJUNCTIONS: Final = frozenset("and or und oder bzw et ou y o e en of och og to и или".split())

_NAME: Final = r"[A-Za-z0-9-]{1,63}"
# What a text must hold, what is looked for then, and what it means.
_HIDDEN: Final = (
    (
        ("[.]", "dot", "DOT"),
        re.compile(r"(?<=[A-Za-z0-9])(?:\[\.\]| ?[\[({] ?(?:dot|DOT) ?[\])}] ?)(?=[A-Za-z0-9])"),
        ".",
    ),
    (
        ("@", "(at", "[at", "{at", "( at", "[ at", "{ at", "(AT", "[AT", "{AT"),
        re.compile(
            rf"(?<=[\w.+-])(?: ?[\[({{] ?(?:at|AT|@) ?[\])}}] ?| @ ?)(?=(?:{_NAME}\.){{1,4}}[A-Za-z]{{2,24}}\b)"
        ),
        "@",
    ),
    (("hxxp",), re.compile(r"\bhxxp(?=s?://)"), "http"),
    (("://",), re.compile(r"\b(https?://) (?=[A-Za-z0-9])"), r"\1"),
)


def shorten_emphasis(text: str) -> tuple[str, int]:
    """One mark for several of the same. Question marks inside a word stand for letters that were lost, and stay."""
    count = 0

    def shorten(match: re.Match[str]) -> str:
        nonlocal count
        before, behind = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if match[1] == "?" and before.isalnum() and behind.isalnum():
            return match[0]
        count += 1
        return match[1]

    return _EMPHATIC.sub(shorten, text), count


def shorten_pauses(text: str) -> tuple[str, int]:
    """One comma or semicolon for several of the same."""
    return _PAUSED.subn(r"\1", text)


def shorten_dots(text: str) -> tuple[str, int]:
    """Three dots for more; two are a habit of Arabic and stay."""
    return _DOTTED.subn("...", text) if "...." in text else (text, 0)


def join_broken_words(text: str) -> tuple[str, int]:
    """Words parted at the end of a line joined: without the hyphen where the text writes them so, or breaks many."""
    breaks = [match for match in _BROKEN.finditer(text) if _is_broken(text, match.end())]
    many = len(breaks) >= _BREAKS_MIN
    words = frozenset(_WORDS.findall(text.casefold())) if breaks else frozenset()
    kept: list[str] = []
    place = 0
    for match in breaks:
        kept += text[place : match.start()], "" if _is_one_word(text, match, words, many=many) else "-"
        place = match.end()
    return "".join([*kept, text[place:]]), len(breaks)


def restore_addresses(text: str) -> tuple[str, int]:
    """Addresses as they are meant: ``name (at) example [dot] com``, ``hxxp://``, ``http:// example.com``."""
    count = 0
    for signs, pattern, shown in _HIDDEN:
        if any(sign in text for sign in signs):
            text, changed = pattern.subn(shown, text)
            count += changed
    return text, count


def _is_broken(text: str, behind: int) -> bool:
    word = _WORD.match(text, behind, behind + _WORD_CHARS_MAX)
    return word is not None and word[0].islower() and word[0] not in _CONJUNCTIONS


def _is_one_word(text: str, hyphen: re.Match[str], words: frozenset[str], *, many: bool) -> bool:
    start, end = hyphen.span()
    piece = text[max(0, start - _WORD_CHARS_MAX) : start]
    first = next(reversed(_WORD.findall(piece)), "").casefold()
    second = _WORD.match(text, end, end + _WORD_CHARS_MAX)
    rest = second[0].casefold() if second else ""
    if piece[: -len(first) or None].endswith("-") or f"{first}-{rest}" in words:
        return False
    return first + rest in words or many
