"""Speed of the whole normalize step on text, compared with using ftfy and courlan directly in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import courlan
import ftfy
import orjson

from benchmarks.corpus import rows
from stream.core.contracts.events import Origin, RawEvent
from stream.core.normalize import EventContext, normalize
from stream.core.validation import parse_message, split_articles, validate

ROUNDS = 5
ARTICLES = 5_000


def run(corpus: Path, _articles: int) -> None:
    """Print articles per CPU second, the best of `ROUNDS` alternating rounds."""
    events = _sample_events(rows(corpus))
    context = EventContext("0" * 32, Origin(topic="articles.raw", partition=0, offset=0), None, 0)
    cases: list[tuple[str, Callable[[RawEvent], Any]]] = [
        ("normalize", lambda event: normalize(event, context)),
        ("ftfy.fix_text + courlan.clean_url", _use_libraries_directly),
    ]
    best = dict.fromkeys((name for name, _ in cases), float("inf"))
    for _ in range(ROUNDS):
        for name, case in cases:
            best[name] = min(best[name], _cpu_seconds(case, events))
    chars = sum(len(event.text or "") for event in events) / len(events)
    print(f"{len(events)} articles of {chars:.0f} characters on average")
    for name, seconds in best.items():
        micros = seconds / len(events) * 1e6
        print(f"{name:36} {1e6 / micros:8.0f} articles/s {micros:7.1f} us {best['normalize'] / seconds:6.2f}")


def _sample_events(rows_of_corpus: list[dict[str, Any]]) -> list[RawEvent]:
    """Return about `ARTICLES` events spread evenly over the corpus."""
    step = max(1, len(rows_of_corpus) // ARTICLES)
    return [validate(split_articles(parse_message(orjson.dumps(row)))[0]) for row in rows_of_corpus[::step]]


def _use_libraries_directly(event: RawEvent) -> tuple[str, str | None]:
    return ftfy.fix_text(event.text or ""), courlan.clean_url(event.url) if event.url else None


def _cpu_seconds(case: Callable[[RawEvent], Any], events: list[RawEvent]) -> float:
    start = time.process_time()
    for event in events:
        case(event)
    return time.process_time() - start
