"""Invented articles without end: new ones, copies, revisions, excerpts, re-crawls and takedowns.

Their words come from the demo's sample feed, shuffled, so the languages are told as in real text and no two articles
are alike by chance.
"""

from __future__ import annotations

import random
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from stream import system_clock
from stream.demo.feed import samples

#: An article is repeated or changed while it is among so many of the last.
RECENT: Final = 400
#: Of the good messages, and of the articles among them.
TAKEDOWN_SHARE: Final = 0.01
ORIGINAL_SHARE: Final = 0.62
PAPERS: Final = 24
#: What scrapers send when they are broken; each has a code of its own.
GARBAGE: Final = (
    b"<html><title>502 Bad Gateway</title></html>",
    b'{"url": "https://paper.example/cut", "text": "the scraper ended while it',
    b"\xff\xfe\x00",
    b"[1, 2]",
    b'{"text": "Neither an address nor an id came with this text."}',
    b'{"url": "https://paper.example/empty", "title": "Nothing to read"}',
    b'{"url": "ftp://paper.example/1", "text": "This is no address on the web."}',
    b'{"url": "https://paper.example/2", "text": 42}',
)
_SPACED: Final = re.compile(r"\s")
#: Characters that stand for a word where a script has no spaces.
_PIECE: Final = 4


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the raw topic."""

    key: bytes | None
    value: bytes
    is_garbage: bool = False


def _vocabularies() -> dict[str, list[str]]:
    """For each language of the sample feed its words, or pieces of its text where there are no spaces."""
    texts: dict[str, list[str]] = defaultdict(list)
    for sample in samples():
        article = orjson.loads(sample.value) if sample.value and list(sample.expected) == ["new"] else None
        if isinstance(article, dict) and article.get("language") and article.get("text"):
            texts[article["language"].partition("-")[0]].append(article["text"])
    return {language: _words(" ".join(found)) for language, found in texts.items()}


def _words(text: str) -> list[str]:
    words = [word for word in _SPACED.split(text) if not any(letter.isdigit() or letter in "<>&" for letter in word)]
    if max(map(len, words)) < 40:
        return sorted(set(words))
    joined = "".join(words)
    return sorted({joined[at : at + _PIECE] for at in range(0, len(joined) - _PIECE, 3)})


class Newsroom:
    """Makes messages, of which ``garbage_share`` are of no use; the same ``seed`` makes the same ones."""

    def __init__(self, seed: int, *, garbage_share: float = 0.0) -> None:
        self.garbage_share = garbage_share
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._words = _vocabularies()
        self._weights = {language: len(words) for language, words in self._words.items()}
        self._recent: list[dict[str, Any]] = []
        self._number = 0
        self._lock = threading.Lock()

    def message(self) -> Message:
        """The next message, fetched at this moment. Threads may ask at once."""
        with self._lock:
            return self._message()

    def _message(self) -> Message:
        self._number += 1
        if self._chance.random() < self.garbage_share:
            return Message(None, self._chance.choice(GARBAGE), is_garbage=True)
        if self._recent and self._chance.random() < TAKEDOWN_SHARE:
            article = {"url": self._chance.choice(self._recent)["url"], "status": "canceled"}
        else:
            article = self._article()
        fetched = {"fetched_at": system_clock.now()}
        return Message(article["url"].encode(), orjson.dumps(article | fetched))

    def _article(self) -> dict[str, Any]:
        changes: tuple[tuple[int, Callable[[dict[str, Any]], dict[str, Any]]], ...] = (
            (12, self._copied),
            (7, self._edited),
            (6, self._cut),
            (4, self._expanded),
            (5, self._revised),
            (6, dict),  # crawled again
        )
        if not self._recent or self._chance.random() < ORIGINAL_SHARE:
            made = self._original()
        else:
            (change,) = self._chance.choices([change for _, change in changes], [weight for weight, _ in changes])
            made = change(self._chance.choice(self._recent))
        self._recent = [*self._recent[-RECENT:], made]
        return made

    def _original(self) -> dict[str, Any]:
        (language,) = self._chance.choices(list(self._weights), list(self._weights.values()))
        title = " ".join(self._chance.choices(self._words[language], k=6))
        lines = [self._line(language) for _ in range(self._chance.randint(3, 8))]
        return {**self._place(), "title": title, "text": "\n".join(lines), "language": language}

    def _place(self) -> dict[str, Any]:
        """An address at one of the papers; the first ones publish most."""
        paper = min(int(self._chance.expovariate(1 / 6)), PAPERS - 1) + 1
        domain = f"paper{paper:02d}.example"
        return {
            "url": f"https://{domain}/story/{self._number}-{self._chance.randrange(10**6)}",
            "source": {"name": f"Paper {paper}", "domain": domain},
        }

    def _line(self, language: str) -> str:
        between = " " if max(map(len, self._words[language])) > _PIECE else ""
        return between.join(self._chance.choices(self._words[language], k=self._chance.randint(12, 30))) + "."

    def _copied(self, earlier: dict[str, Any]) -> dict[str, Any]:
        return {**earlier, **self._place()}

    def _edited(self, earlier: dict[str, Any]) -> dict[str, Any]:
        words = earlier["text"].split(" ")
        for _ in range(max(1, len(words) // 40)):
            words[self._chance.randrange(len(words))] = self._chance.choice(self._words[earlier["language"]])
        return {**self._copied(earlier), "text": " ".join(words)}

    def _cut(self, earlier: dict[str, Any]) -> dict[str, Any]:
        lines = earlier["text"].split("\n")
        return {**self._copied(earlier), "text": "\n".join(lines[: (len(lines) + 1) // 2])}

    def _expanded(self, earlier: dict[str, Any]) -> dict[str, Any]:
        more = [self._line(earlier["language"]) for _ in range(3)]
        return {**self._copied(earlier), "text": "\n".join([earlier["text"], *more])}

    def _revised(self, earlier: dict[str, Any]) -> dict[str, Any]:
        return {**earlier, "text": f"{earlier['text']}\n{self._line(earlier['language'])}"}
