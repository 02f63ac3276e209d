"""Finds the words that notices have, in folded text.

The folder ``words`` has a file for each language, with entries separated by semicolons:

- ``reader``, ``self``, ``report``: words that address the reader, by which a page speaks of itself, and of reports.
- For each topic of notices, ``rare`` words are hardly used for anything else; ``common`` ones are.
- ``indicators``: parts of such words in lower case, as they are written. A text without any is no notice; a long one
  has one of ``first_indicators`` in its beginning.

An entry that ends with an asterisk stands for all words that begin with it. Entries are folded like the text, so
spelling variants need none of their own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from stream.core.contracts.events import Notice
from stream.core.folding import fold_text

LANGUAGES: Final = tuple("ar de en es fa fr he hi id it ja ko nl pl pt ro ru sv sw tr uk ur zh".split())
TOPICS: Final[tuple[Notice, ...]] = ("consent", "paywall", "bot_check", "not_found", "donation", "site")
_READER, _SELF, _REPORT = "reader", "self", "report"
#: Languages whose vocabulary is that of another one.
_RELATED: Final = {"da": "sv", "nb": "sv", "nn": "sv", "no": "sv", "ms": "id", "be": "ru", "gl": "pt", "ca": "es"}
_UNSPACED: Final = frozenset({"zh", "ja"})
#: Particles that are written together with the next word.
_PROCLITICS: Final = {
    "ar": "[وف]?(?:[بك]?ال|لل|[بلكس])?",
    "fa": "(?:ن?می)?",
    "he": "[וש]?[הבלמכ]?",
}
_ARTICLES: Final = ("ال", "لل")


class Word(NamedTuple):
    """What an entry of a vocabulary stands for.

    Attributes:
        is_reader: It addresses the reader.
        is_self: By it the page speaks of itself.
        is_report: It is a word of reports.
        topics: The topics that it belongs to; those for which it is no common word have the weight 1, others 0.5.
    """

    is_reader: bool
    is_self: bool
    is_report: bool
    topics: tuple[tuple[str, float], ...]


@dataclass(slots=True)
class Lexicon:
    """The compiled vocabulary of a language, together with the topics of English, which pages in any language use."""

    pattern: re.Pattern[str]
    words: dict[str, Word]

    def find_words(self, folded: str) -> Iterator[tuple[str, Word]]:
        """Yield each entry that occurs in ``folded``, and what it stands for."""
        for match in self.pattern.finditer(folded):
            word = self.words[match["entry"]]
            if word.is_reader and match["particles"].endswith(_ARTICLES):  # a noun, such as التبرع beside تبرع
                word = word._replace(is_reader=False)
            yield match["entry"], word


@dataclass(slots=True)
class _Entry:
    kinds: set[str] = field(default_factory=set)
    topics: dict[str, float] = field(default_factory=dict)
    is_prefix: bool = False

    def add(self, other: _Entry) -> None:
        self.kinds |= other.kinds
        for topic, weight in other.topics.items():
            self.topics[topic] = max(weight, self.topics.get(topic, 0.0))


@cache
def find_language(tag: str) -> str:
    """The one of `LANGUAGES` whose words are used for a BCP 47 tag; English for a language without words of its own."""
    primary = tag.partition("-")[0]
    return _RELATED.get(primary, primary if primary in LANGUAGES else "en")


def find_lexicon(tag: str) -> Lexicon:
    """The lexicon for a BCP 47 tag."""
    return _compile(find_language(tag))


@cache
def _compile(language: str) -> Lexicon:
    entries = _read_entries(language)
    if language != "en":
        for text, entry in _read_entries("en").items():
            if 1.0 in entry.topics.values() and text not in entries:
                entries[text] = entry
    is_unspaced = language in _UNSPACED
    _add_parts(entries, is_unspaced=is_unspaced)
    longest_first = sorted(entries, key=lambda text: (-len(text), text))
    start = f"{'' if is_unspaced else '(?<![^ ])'}(?P<particles>{_PROCLITICS.get(language, '')})"
    end = "" if is_unspaced else "(?![^ ])"
    alternatives = "|".join(re.escape(text) + ("" if entries[text].is_prefix else end) for text in longest_first)
    words = {
        text: Word(
            _READER in entry.kinds, _SELF in entry.kinds, _REPORT in entry.kinds, tuple(sorted(entry.topics.items()))
        )
        for text, entry in entries.items()
    }
    return Lexicon(re.compile(f"{start}(?P<entry>{alternatives})"), words)


def _read_entries(language: str) -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    words = read_words(language)
    for kind in (_READER, _SELF, _REPORT):
        _add_entries(entries, words[kind], _Entry({kind}))
    for topic in TOPICS:
        for key, weight in (("rare", 1.0), ("common", 0.5)):
            _add_entries(entries, words[topic][key], _Entry(topics={topic: weight}))
    return entries


def _add_entries(entries: dict[str, _Entry], listed: str, meaning: _Entry) -> None:
    for written in split_words(listed):
        entry = entries.setdefault(fold_text(written.rstrip("*")), _Entry())
        entry.is_prefix |= written.endswith("*")
        entry.add(meaning)


@cache
def read_words(language: str) -> dict[str, Any]:
    """Read the file of words of one of `LANGUAGES`."""
    return tomllib.loads(files(__package__).joinpath(f"words/{language}.toml").read_text("utf-8"))


def split_words(listed: str) -> tuple[str, ...]:
    """Split the value of a key into its entries."""
    return tuple(filter(None, map(str.strip, listed.split(";"))))


def _add_parts(entries: dict[str, _Entry], *, is_unspaced: bool) -> None:
    """Let each entry also stand for what the entries inside it stand for, since matches do not overlap."""
    mark = "" if is_unspaced else " "
    for text, entry in entries.items():
        if not is_unspaced and " " not in text:
            continue
        for part, other in entries.items():
            if part != text and f"{mark}{part}{mark}" in f"{mark}{text}{mark}":
                entry.add(other)
