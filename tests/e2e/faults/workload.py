"""The raw messages of a fault run: articles in nine scripts, takedowns, arrays, garbage, and messages sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from stream.core.timestamps import format_rfc3339
from tests.support.article_generator import GARBAGE, ArticleGenerator, Headers, RawMessage

#: Milliseconds between the fetches of two articles.
_STEP_MS: Final = 15_000
#: A message is sent again while it is among this many of the last ones.
_RECENT: Final = 150


class Workload:
    """``count`` articles generated from ``seed``; the last one was fetched at ``end_ms``."""

    def __init__(self, seed: int, count: int, *, end_ms: int) -> None:
        self._articles = ArticleGenerator(seed, tenants=("default", "agency"), original_share=0.45)
        self._random = self._articles.random
        self._count = count
        self._now_ms = end_ms - count * _STEP_MS
        self._sent: list[RawMessage] = []
        self._number = 0

    def messages(self) -> Iterator[RawMessage]:
        """Generate all messages in order; arrays hold several articles, garbage holds none."""
        while self._number < self._count:
            self._number += 1
            self._now_ms += _STEP_MS
            yield self._message()

    def _message(self) -> RawMessage:
        draw = self._random.random()
        if draw < 0.03:
            return self._wrap(self._random.choice(GARBAGE), None)
        if draw < 0.06:
            items = [self._article() for _ in range(self._random.randint(2, 5))]
            self._number += len(items) - 1
            if self._random.random() < 0.3:
                items.insert(1, {"url": "no URL", "text": "an invalid item among valid ones"})
            return self._wrap(orjson.dumps(items), None)
        if draw < 0.08 and self._sent:  # the scraper did not learn that the message was stored
            return self._random.choice(self._sent[-_RECENT:])
        article = self._takedown() if draw < 0.12 else self._article()
        message = self._wrap(orjson.dumps(article), article["url"].encode())
        if draw > 0.99 and self._sent:  # an id that another article has already
            message.headers[:] = self._random.choice(self._sent[-_RECENT:]).headers
        return message

    def _wrap(self, value: bytes, key: bytes | None) -> RawMessage:
        headers: Headers = []
        if self._random.random() < 0.5:
            headers = [("ce_id", str(self._number).encode()), ("ce_source", b"/scrapers/one")]
        message = RawMessage(key, value, self._now_ms, headers)
        if headers:
            self._sent.append(message)
        return message

    def _article(self) -> dict[str, Any]:
        article = self._articles.article()
        del article["language"]  # has to be detected
        if self._random.random() > 0.05:
            article["fetched_at"] = format_rfc3339(self._now_ms)
        return article

    def _takedown(self) -> dict[str, Any]:
        return {**self._articles.takedown(), "fetched_at": format_rfc3339(self._now_ms)}
