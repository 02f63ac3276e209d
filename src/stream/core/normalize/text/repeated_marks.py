"""Repeated punctuation, words that were broken at the end of a line, and disguised addresses."""

from __future__ import annotations

import re
from typing import Final

from stream.core.normalize.trigger_scan import CharacterPair

_EMPHASIS: Final = "!?؟！？"
_PAUSES: Final = ",،؛;，、；："
#: The triggers of each fix.
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
# Two commas right before a word are an opening quotation mark.
_PAUSED: Final = re.compile(rf"([{_PAUSES}])\1++(?!(?<=,,)\S)")
# Six dots are an ellipsis in Chinese and Japanese.
_DOTTED: Final = re.compile(r"(?<![.\u3000-\u30ff\u3400-\u9fff])\.{4,}+")

_BROKEN: Final = re.compile(r"(?<=[^\W\d_]{2})[-‐]\n(?=[^\W\d_]{2})")
_WORD: Final = re.compile(r"[^\W\d_]+")
# Words, and compounds of two words with a hyphen.
_WORDS: Final = re.compile(r"[^\W\d_]++(?:-[^\W\d_]++)?")
_WORD_CHARS_MAX: Final = 40
#: A text with this many hyphens at line ends breaks its words there; with fewer, a hyphen belongs to a compound.
_BREAKS_MIN: Final = 3
# After a hyphen these join two compounds that share their last part, as in «Vor- und Nachteile».
_CONJUNCTIONS: Final = frozenset("and or und oder bzw et ou y o e en of och og to и или".split())

_NAME: Final = r"[A-Za-z0-9-]{1,63}"
# Strings of which the text has to contain one, the pattern to search for then, and its replacement.
_DISGUISES: Final = (
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
    """Shorten repeated exclamation and question marks to one.

    Question marks inside a word stay, because they stand for letters that were lost.

    >>> shorten_emphasis("لماذا؟؟؟ No!! Bogot??a")
    ('لماذا؟ No! Bogot??a', 2)
    """
    count = 0

    def shorten(match: re.Match[str]) -> str:
        nonlocal count
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if match[1] == "?" and before.isalnum() and after.isalnum():
            return match[0]
        count += 1
        return match[1]

    return _EMPHATIC.sub(shorten, text), count


def shorten_pauses(text: str) -> tuple[str, int]:
    """Shorten repeated commas, semicolons and the like to one.

    >>> shorten_pauses("كذا،، ثم;; end")
    ('كذا، ثم; end', 2)
    """
    return _PAUSED.subn(r"\1", text)


def shorten_dots(text: str) -> tuple[str, int]:
    """Shorten four or more dots to three; two dots are common in Arabic and stay.

    >>> shorten_dots("well..... and then..")
    ('well... and then..', 1)
    """
    return _DOTTED.subn("...", text) if "...." in text else (text, 0)


def join_broken_words(text: str) -> tuple[str, int]:
    r"""Join words that were broken at the end of a line.

    The hyphen goes if the text contains the word without it, or if it breaks at least `_BREAKS_MIN` words.

    >>> join_broken_words("The govern-\nment said that the government agreed.")
    ('The government said that the government agreed.', 1)
    >>> join_broken_words("an anti-\naircraft gun")
    ('an anti-aircraft gun', 1)
    """
    breaks = [match for match in _BROKEN.finditer(text) if _continues_word(text, match.end())]
    breaks_words = len(breaks) >= _BREAKS_MIN
    words = frozenset(_WORDS.findall(text.casefold())) if breaks else frozenset()
    parts: list[str] = []
    start = 0
    for match in breaks:
        parts += text[start : match.start()], "" if _is_one_word(text, match, words, default=breaks_words) else "-"
        start = match.end()
    return "".join([*parts, text[start:]]), len(breaks)


def restore_addresses(text: str) -> tuple[str, int]:
    """Restore e-mail and web addresses that were disguised or broken.

    >>> restore_addresses("name (at) example [dot] org, hxxps://example.org, http:// example.org")
    ('name@example.org, https://example.org, http://example.org', 4)
    """
    count = 0
    for hints, pattern, replacement in _DISGUISES:
        if any(hint in text for hint in hints):
            text, changes = pattern.subn(replacement, text)
            count += changes
    return text, count


def _continues_word(text: str, start: int) -> bool:
    word = _WORD.match(text, start, start + _WORD_CHARS_MAX)
    return word is not None and word[0].islower() and word[0] not in _CONJUNCTIONS


def _is_one_word(text: str, hyphen: re.Match[str], words: frozenset[str], *, default: bool) -> bool:
    """Whether the parts around the hyphen are one word; ``default`` where ``words`` contains neither spelling."""
    start, end = hyphen.span()
    before = text[max(0, start - _WORD_CHARS_MAX) : start]
    first = next(reversed(_WORD.findall(before)), "").casefold()
    match = _WORD.match(text, end, end + _WORD_CHARS_MAX)
    second = match[0].casefold() if match else ""
    if before[: -len(first) or None].endswith("-") or f"{first}-{second}" in words:
        return False
    return first + second in words or default
