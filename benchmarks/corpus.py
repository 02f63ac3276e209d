"""The corpus: real news where a folder is given, else articles generated from the words of the demo's feed.

It is repeated with changed ids and days, so that it never runs out and old articles leave the window.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from tests.support.article_generator import vocabularies

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
#: Articles that share one day, so that a window of seven days holds 35,000.
ARTICLES_A_DAY = 5_000
WRITTEN_ARTICLES = 15_000
WRITTEN_PARAGRAPHS = 6
WRITTEN_WORDS = 46
#: Every so many articles one is a shortened copy of the one before it.
COPY_EVERY = 6


def write_corpus(corpus: Path) -> None:
    """Write a corpus of Arabic articles of the usual length, each sixth a copy; the same at every call."""
    words, _ = vocabularies()["ar"]
    chance = random.Random(1)  # noqa: S311 - no secret
    paragraphs: list[str] = []
    with gzip.open(corpus, "wb", compresslevel=1) as file:
        for number in range(WRITTEN_ARTICLES):
            if number % COPY_EVERY != COPY_EVERY - 1:
                paragraphs = [" ".join(chance.choices(words, k=WRITTEN_WORDS)) for _ in range(WRITTEN_PARAGRAPHS)]
            else:
                paragraphs = paragraphs[:-1]
            event = {"id": f"written-{number}", "url": f"https://news.example/{number}", "text": "\n".join(paragraphs)}
            file.write(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))


def rows(corpus: Path) -> list[dict[str, Any]]:
    """The raw events of the corpus."""
    with gzip.open(corpus) as file:
        return [orjson.loads(line) for line in file]


def repeat_events(corpus: Path, count: int) -> Iterator[bytes]:
    """Yield ``count`` raw events; each round through the corpus has ids and URLs of its own, and later days."""
    events = rows(corpus)
    endless = ((turn, row) for turn in range(count) for row in events)
    for number, (turn, row) in enumerate(islice(endless, count)):
        day = FIRST_DAY + timedelta(days=number // ARTICLES_A_DAY, seconds=number % ARTICLES_A_DAY)
        url = row.get("url")
        yield orjson.dumps(
            {
                **row,
                "id": f"{row['id']}-{turn}",
                "url": f"{url}?article={turn}" if url else None,
                "fetched_at": day.isoformat(),
            }
        )
