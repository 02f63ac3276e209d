"""The corpus, repeated with changed ids and days so that it never runs out and old articles leave the window."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
#: Articles that share one day, so that a window of seven days holds 35,000.
ARTICLES_A_DAY = 5_000


def rows(corpus: Path) -> list[dict[str, Any]]:
    """The raw events of the corpus."""
    with gzip.open(corpus) as file:
        return [orjson.loads(line) for line in file]


def repeated(corpus: Path, count: int) -> Iterator[bytes]:
    """``count`` raw events: each round has ids and addresses of its own and later days."""
    known = rows(corpus)
    endless = ((turn, row) for turn in range(count) for row in known)
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
