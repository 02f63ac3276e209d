"""Raw messages as scrapers send them: invented articles in nine scripts and what becomes of them on the way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from stream.core.timestamps import format_rfc3339
from tests.support.stories import STORIES

Headers = list[tuple[str, bytes]]

#: Milliseconds between the fetches of two articles.
STEP_MS: Final = 15_000
#: An article is repeated or changed while it is among so many of the last.
RECENT: Final = 150

_LANGUAGES: Final = {
    name: (sorted({word for sentence in found["sentences"] for word in sentence.split()}), found)
    for name, found in STORIES.items()
}
_GARBAGE: Final = (
    b"",
    b"{",
    b"[1, 2]",
    b"\xff\xfe\x00",
    b'{"title": "neither text nor address"}',
    b'{"url": "ftp://paper.example/1", "text": "no web address"}',
    b'{"url": "https://paper.example/1", "text": ["not", "a", "text"]}',
    b'{"url": "https://paper.example/1", "status": "canceled?", "text": "x"}',
    b'"just a sentence"',
    b"[" * 2000,
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the raw topic; ``timestamp`` in milliseconds since 1970."""

    key: bytes | None
    value: bytes
    headers: Headers
    timestamp: int


class Newsroom:
    """Makes ``count`` articles from ``seed``; the last one was fetched at ``end_ms``."""

    def __init__(self, seed: int, count: int, *, end_ms: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._count = count
        self._now_ms = end_ms - count * STEP_MS
        self._made: list[dict[str, Any]] = []
        self._sent: list[Message] = []
        self._number = 0

    def messages(self) -> Iterator[Message]:
        """All messages in order; arrays hold several articles, garbage holds none."""
        while self._number < self._count:
            self._number += 1
            self._now_ms += STEP_MS
            yield self._message()

    def _message(self) -> Message:
        draw = self._chance.random()
        if draw < 0.03:
            return self._wrapped(self._chance.choice(_GARBAGE), None)
        if draw < 0.06:
            items = [self._article() for _ in range(self._chance.randint(2, 5))]
            self._number += len(items) - 1
            if self._chance.random() < 0.3:
                items.insert(1, {"url": "no address", "text": "a bad one among good ones"})
            return self._wrapped(orjson.dumps(items), None)
        if draw < 0.08 and self._sent:  # the scraper did not hear that it was stored
            return self._chance.choice(self._sent[-RECENT:])
        article = self._takedown() if draw < 0.12 and self._made else self._article()
        message = self._wrapped(orjson.dumps(article), article["url"].encode())
        if draw > 0.99 and self._sent:  # an id that stands for another article already
            message.headers[:] = self._chance.choice(self._sent[-RECENT:]).headers
        return message

    def _wrapped(self, value: bytes, key: bytes | None) -> Message:
        headers: Headers = []
        if self._chance.random() < 0.5:
            headers = [("ce_id", str(self._number).encode()), ("ce_source", b"/scrapers/one")]
        message = Message(key, value, headers, self._now_ms)
        if headers:
            self._sent.append(message)
        return message

    def _article(self) -> dict[str, Any]:
        kinds: dict[str, tuple[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {
            "copy": (14, self._copied),
            "edited": (9, self._edited),
            "excerpt": (8, self._cut),
            "expansion": (6, self._expanded),
            "revision": (8, self._revised),
            "recrawl": (6, lambda earlier: {**earlier}),
        }
        made: dict[str, Any]
        if not self._made or self._chance.random() < 0.45:
            made = self._original()
        else:
            weights = [weight for weight, _ in kinds.values()]
            _, change = self._chance.choices(list(kinds.values()), weights)[0]
            made = change(self._chance.choice(self._made[-RECENT:]))
        made["fetched_at"] = format_rfc3339(self._now_ms)
        if self._chance.random() < 0.05:
            del made["fetched_at"]
        self._made.append(made)
        return made

    def _original(self) -> dict[str, Any]:
        name = self._chance.choice(["Arabic", "Arabic", "Latin", "Latin", *_LANGUAGES])
        name = name if name in _LANGUAGES else self._chance.choice(list(_LANGUAGES))
        text = "\n".join(self._sentence(name) for _ in range(self._chance.randint(2, 9)))
        return {
            "url": self._address(),
            "title": self._sentence(name)[:60],
            "text": text,
            "tenant": self._chance.choice(["default", "agency"]),
            "source": {"name": "The Paper", "domain": f"paper{self._chance.randint(1, 9)}.example"},
            "tags": [name],
        }

    def _sentence(self, name: str) -> str:
        words = _LANGUAGES[name][0]
        # Scripts without spaces have whole sentences for words: one of them, and a number that makes it another.
        length = self._chance.randint(9, 16) if len(words) > 40 else 2
        return " ".join(self._chance.choices(words, k=length)).rstrip(".") + f" {self._chance.randint(1, 999)}."

    def _address(self) -> str:
        return f"https://paper.example/story/{self._number}-{self._chance.randrange(10**6)}"

    def _copied(self, earlier: dict[str, Any]) -> dict[str, Any]:
        return {**earlier, "url": self._address(), "source": {"domain": "reprints.example"}}

    def _edited(self, earlier: dict[str, Any]) -> dict[str, Any]:
        words = earlier["text"].split(" ")
        for _ in range(max(1, len(words) // 30)):
            words[self._chance.randrange(len(words))] = self._chance.choice(words)
        return {**self._copied(earlier), "text": " ".join(words)}

    def _cut(self, earlier: dict[str, Any]) -> dict[str, Any]:
        lines = earlier["text"].split("\n")
        return {**self._copied(earlier), "text": "\n".join(lines[: max(1, len(lines) // 2)])}

    def _expanded(self, earlier: dict[str, Any]) -> dict[str, Any]:
        name = earlier["tags"][0]
        more = [self._sentence(name) for _ in range(3)]
        return {**self._copied(earlier), "text": "\n".join([earlier["text"], *more])}

    def _revised(self, earlier: dict[str, Any]) -> dict[str, Any]:
        lines = earlier["text"].split("\n")
        lines[self._chance.randrange(len(lines))] = self._sentence(earlier["tags"][0])
        return {**earlier, "text": "\n".join(lines)}

    def _takedown(self) -> dict[str, Any]:
        earlier = self._chance.choice(self._made[-RECENT:])
        kept = {name: earlier[name] for name in ("url", "tenant")}
        return {**kept, "status": "canceled", "fetched_at": format_rfc3339(self._now_ms)}
