"""Generates raw articles: originals, and copies, edits, excerpts, expansions, revisions and recrawls of recent ones.

The words come from the demo's sample feed, shuffled, so that languages are detected as in real text and no two
originals resemble each other by chance. The module needs nothing but `stream` and what `stream` depends on: the sample
producer of docker-compose.yml runs it as well.
"""

from __future__ import annotations

import random
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import orjson

from stream import system_clock
from stream.core.timestamps import format_rfc3339
from stream.demo.feed import samples

Article = dict[str, Any]
Headers = list[tuple[str, bytes]]

#: What broken scrapers send.
GARBAGE: Final = (
    b"",
    b"<html><title>502 Bad Gateway</title></html>",
    b'{"url": "https://paper.example/cut", "text": "the scraper ended while it',
    b"\xff\xfe\x00",
    b"[1, 2]",
    b'"just a sentence"',
    b"[" * 2000,
    b'{"text": "This text came without a URL and without an id."}',
    b'{"url": "https://paper.example/empty", "title": "Nothing to read"}',
    b'{"url": "ftp://paper.example/1", "text": "This is not a web URL."}',
    b'{"url": "https://paper.example/2", "text": 42}',
    b'{"url": "https://paper.example/3", "status": "canceled?", "text": "Unknown status."}',
)
_SITES: Final = 24
_RECENT: Final = 400
_ORIGINAL_SHARE: Final = 0.6
_TAKEDOWN_SHARE: Final = 0.01
_UNUSABLE: Final = re.compile(r"[\d<>&]")
#: Characters that stand for a word in scripts that have no spaces.
_PIECE_CHARS: Final = 4


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message of the raw topic. ``timestamp``: milliseconds since 1970."""

    key: bytes | None
    value: bytes
    timestamp: int
    headers: Headers = field(default_factory=list)


@cache
def vocabularies() -> dict[str, tuple[list[str], str]]:
    """Return the words of each language of the sample feed, and what goes between two of them."""
    texts: dict[str, list[str]] = defaultdict(list)
    for sample in samples():
        article = orjson.loads(sample.value) if sample.value and list(sample.expected) == ["new"] else None
        if isinstance(article, dict) and article.get("language") and article.get("text"):
            texts[article["language"].partition("-")[0]].append(article["text"])
    return {language: _vocabulary(" ".join(parts)) for language, parts in texts.items()}


def _vocabulary(text: str) -> tuple[list[str], str]:
    words = [word for word in text.split() if not _UNUSABLE.search(word)]
    if max(map(len, words)) < 40:
        return sorted(set(words)), " "
    joined_words = "".join(words)
    return sorted({joined_words[i : i + _PIECE_CHARS] for i in range(0, len(joined_words) - _PIECE_CHARS, 3)}), ""


class ArticleGenerator:
    """Generates articles without end; the same ``seed`` generates the same ones.

    Args:
        seed: Of `random`, which callers may draw from as well.
        languages: Of the originals; by default all of the sample feed, each as often as its vocabulary is large.
        tenants: Of the originals.
        original_share: How many articles are originals; the others repeat or change one of the last 400.
    """

    def __init__(
        self,
        seed: int,
        *,
        languages: Sequence[str] = (),
        tenants: Sequence[str] = ("default",),
        original_share: float = _ORIGINAL_SHARE,
    ) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._languages = list(languages or vocabularies())
        self._weights = [len(vocabularies()[language][0]) for language in self._languages]
        self._tenants = tenants
        self._original_share = original_share
        self._recent: list[Article] = []
        self._number = 0
        changes: dict[Callable[[Article], Article], int] = {
            self._copy: 12,
            self._edit: 7,
            self._excerpt: 6,
            self._expand: 4,
            self._revise: 5,
            dict: 6,  # fetched again
        }
        self._changes, self._change_weights = list(changes), list(changes.values())

    def article(self) -> Article:
        """Generate the next article; the caller adds ``fetched_at``."""
        self._number += 1
        if not self._recent or self.random.random() < self._original_share:
            article = self._original()
        else:
            (change,) = self.random.choices(self._changes, self._change_weights)
            article = change(self.random.choice(self._recent))
        self._recent = [*self._recent[-_RECENT:], article]
        return dict(article)

    def takedown(self) -> Article:
        """Generate a takedown of a recent article, or an article if there is none; the caller adds ``fetched_at``."""
        if not self._recent:
            return self.article()
        earlier = self.random.choice(self._recent)
        return {"url": earlier["url"], "tenant": earlier["tenant"], "status": "canceled"}

    def text(self, language: str, *, lines: int) -> str:
        """Generate a text that shares no passage with any other one."""
        return "\n".join(self._line(language) for _ in range(lines))

    def _original(self) -> Article:
        (language,) = self.random.choices(self._languages, self._weights)
        words, separator = vocabularies()[language]
        return {
            **self._publication(),
            "title": separator.join(self.random.choices(words, k=6)),
            "text": self.text(language, lines=self.random.randint(3, 8)),
            "language": language,
            "tenant": self.random.choice(self._tenants),
        }

    def _publication(self) -> Article:
        """A URL and its site; the first sites publish most."""
        site = min(int(self.random.expovariate(1 / 6)), _SITES - 1) + 1
        domain = f"paper{site:02d}.example"
        return {
            "url": f"https://{domain}/story/{self._number}-{self.random.randrange(10**6)}",
            "source": {"name": f"Paper {site}", "domain": domain},
        }

    def _line(self, language: str) -> str:
        words, separator = vocabularies()[language]
        return separator.join(self.random.choices(words, k=self.random.randint(12, 30))) + "."

    def _copy(self, earlier: Article) -> Article:
        return {**earlier, **self._publication()}

    def _edit(self, earlier: Article) -> Article:
        vocabulary, _ = vocabularies()[earlier["language"]]
        words = earlier["text"].split(" ")
        for _ in range(max(1, len(words) // 40)):
            words[self.random.randrange(len(words))] = self.random.choice(vocabulary)
        return {**self._copy(earlier), "text": " ".join(words)}

    def _excerpt(self, earlier: Article) -> Article:
        lines = earlier["text"].split("\n")
        return {**self._copy(earlier), "text": "\n".join(lines[: (len(lines) + 1) // 2])}

    def _expand(self, earlier: Article) -> Article:
        return {**self._copy(earlier), "text": f"{earlier['text']}\n{self.text(earlier['language'], lines=3)}"}

    def _revise(self, earlier: Article) -> Article:
        lines = earlier["text"].split("\n")
        lines[self.random.randrange(len(lines))] = self._line(earlier["language"])
        return {**earlier, "text": "\n".join(lines)}


class LiveFeed:
    """Raw messages of scrapers that run now. ``garbage_share`` of them cannot be used; it may be changed at any time.

    Threads may draw from one feed.
    """

    def __init__(self, seed: int, *, garbage_share: float = 0.0) -> None:
        self.garbage_share = garbage_share
        self._articles = ArticleGenerator(seed)
        self._lock = threading.Lock()

    def message(self) -> RawMessage:
        """Generate the next message, fetched now."""
        now_ms = system_clock.now_ms()
        with self._lock:
            chance = self._articles.random
            if chance.random() < self.garbage_share:
                return RawMessage(None, chance.choice(GARBAGE), now_ms)
            is_takedown = chance.random() < _TAKEDOWN_SHARE
            article = self._articles.takedown() if is_takedown else self._articles.article()
        value = orjson.dumps({**article, "fetched_at": format_rfc3339(now_ms)})
        return RawMessage(article["url"].encode(), value, now_ms)
