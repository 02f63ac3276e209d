"""Page furniture on real news: how often each step applies, the largest cuts, teasers found, and the time it takes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from benchmarks.corpus import rows
from stream.core.folding import letters
from stream.core.normalize.boilerplate import ArticleParts, remove_boilerplate
from stream.core.normalize.fixes import FixCounts
from stream.core.normalize.text import clean_line, clean_text

CORPORA = ("arabic_news.jsonl.gz", "english_news.jsonl.gz", "other_news.jsonl.gz")
TRUNCATED = Path("labelled") / "ant_truncated.jsonl"
CUTS_SHOWN = 20
ROUNDS = 5
WIDTH = 110


class Case(NamedTuple):
    """One article: clean, and without its furniture."""

    id: str
    text: str
    body: ArticleParts
    fixes: FixCounts

    @property
    def cut_chars(self) -> int:
        """Characters that are no longer in the text."""
        return len(self.text) - len(self.body.text)


def run(data: Path) -> None:
    """Print the figures for the corpora in the folder ``data``."""
    cases: list[Case] = []
    for name in CORPORA:
        if (data / name).is_file():
            cases += _counted(data / name)
    _print_cuts("by characters", sorted(cases, key=lambda case: -case.cut_chars))
    _print_cuts("by share", sorted(cases, key=lambda case: -case.cut_chars / len(case.text)))
    if (data / TRUNCATED).is_file():
        _print_teasers(data / TRUNCATED)


def examples(data: Path, step: str, count: int = 10) -> None:
    """Print the lines before and after of ``count`` articles that ``step`` changed."""
    changed = (case for name in CORPORA if (data / name).is_file() for case in _read(data / name) if case.fixes[step])
    for case in islice(changed, count):
        left = set(case.body.text.split("\n"))
        print(f"\n{case.id} {dict(case.fixes)}")
        print(
            "\n".join(
                f"  - {line[:WIDTH]} … {line[-WIDTH // 2 :]}" for line in case.text.split("\n") if line not in left
            )
        )
        print(f"  + {case.body.text[:WIDTH]!r} … {case.body.text[-WIDTH // 2 :]!r}")
        moved = {name: getattr(case.body, name) for name in ArticleParts.__slots__ if name != "text"}
        print(f"  { ({name: value for name, value in moved.items() if value}) }")


def _articles(path: Path) -> Iterator[tuple[str, str, str | None]]:
    for row in rows(path):
        title = row.get("title")
        text = clean_text(row["text"], FixCounts())
        if text:
            yield str(row["id"]), text, clean_line(title, FixCounts()) if title else None


def _read(path: Path) -> Iterator[Case]:
    for name, text, title in _articles(path):
        fixes = FixCounts()
        yield Case(name, text, remove_boilerplate(text, title, fixes), fixes)


def _counted(path: Path) -> list[Case]:
    articles = list(_articles(path))
    cases = list(_read(path))
    steps = Counter(step for case in cases for step in case.fixes)
    changed = sum(map(bool, (case.fixes for case in cases)))
    mean, folding = _microseconds(articles)
    print(f"{path.name}: {len(cases)} articles, {changed} changed")
    print(f"  {mean:.1f} µs an article; folding the text alone takes {folding:.1f}")
    print("  articles by step: " + ", ".join(f"{step} {count}" for step, count in steps.most_common()))
    return cases


def _microseconds(articles: list[tuple[str, str, str | None]]) -> tuple[float, float]:
    """(`remove_boilerplate`, `letters`) an article, each the best of some rounds."""
    stripping, folding = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _, text, title in articles:
            remove_boilerplate(text, title, FixCounts())
        middle = time.process_time()
        for _, text, _ in articles:
            letters(text)
        stripping.append(middle - start)
        folding.append(time.process_time() - middle)
    return min(stripping) / len(articles) * 1e6, min(folding) / len(articles) * 1e6


def _print_cuts(order: str, cases: list[Case]) -> None:
    print(f"largest cuts {order}:")
    for case in filter(lambda case: case.cut_chars, cases[:CUTS_SHOWN]):
        share = case.cut_chars / len(case.text)
        print(f"  {case.id}: {case.cut_chars} of {len(case.text)} ({share:.0%}) {dict(case.fixes)}")


def _print_teasers(path: Path) -> None:
    pairs: list[dict[str, Any]] = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    found = false = 0
    for pair in pairs:
        short, long = clean_text(pair["short"], FixCounts()), clean_text(pair["long"], FixCounts())
        found += remove_boilerplate(f"{short}\n{long}", None, FixCounts()).teaser == short.split("\n")[0]
        false += remove_boilerplate(long, None, FixCounts()).teaser is not None
    print(f"teasers of {len(pairs)}: {found} found ({found / len(pairs):.2%}), {false} in untouched texts")
