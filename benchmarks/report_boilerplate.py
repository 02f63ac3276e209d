"""Boilerplate in real news: how often each fix applies, the largest cuts, the teasers found, and the time it takes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from benchmarks.corpus import rows
from stream.core.folding import fold_letters
from stream.core.normalize.boilerplate import ArticleParts, remove_boilerplate
from stream.core.normalize.fixes import FixCounts
from stream.core.normalize.text import clean_line, clean_text

CORPORA = ("arabic_news.jsonl.gz", "english_news.jsonl.gz", "other_news.jsonl.gz")
TRUNCATED = Path("labelled") / "ant_truncated.jsonl"
CUTS_SHOWN = 20
ROUNDS = 5
WIDTH = 110


class Case(NamedTuple):
    """One clean article, with and without its boilerplate."""

    id: str
    text: str
    parts: ArticleParts
    fixes: FixCounts

    @property
    def cut_chars(self) -> int:
        """The number of characters that were removed from the text."""
        return len(self.text) - len(self.parts.text)


def run(data: Path) -> None:
    """Print the report on the corpora in the folder ``data``."""
    cases: list[Case] = []
    for name in CORPORA:
        if (data / name).is_file():
            cases += _report_corpus(data / name)
    _print_largest_cuts("by characters", sorted(cases, key=lambda case: -case.cut_chars))
    _print_largest_cuts("by share", sorted(cases, key=lambda case: -case.cut_chars / len(case.text)))
    if (data / TRUNCATED).is_file():
        _print_teasers(data / TRUNCATED)


def print_examples(data: Path, fix: str, count: int = 10) -> None:
    """Print the lines that ``fix`` and others removed from ``count`` articles, and what is left."""
    changed = (
        case for name in CORPORA if (data / name).is_file() for case in _clean_articles(data / name) if case.fixes[fix]
    )
    for case in islice(changed, count):
        remaining_lines = set(case.parts.text.split("\n"))
        print(f"\n{case.id} {dict(case.fixes)}")
        print(
            "\n".join(
                f"  - {line[:WIDTH]} … {line[-WIDTH // 2 :]}"
                for line in case.text.split("\n")
                if line not in remaining_lines
            )
        )
        print(f"  + {case.parts.text[:WIDTH]!r} … {case.parts.text[-WIDTH // 2 :]!r}")
        moved = {name: getattr(case.parts, name) for name in ArticleParts.__slots__ if name != "text"}
        print(f"  { ({name: value for name, value in moved.items() if value}) }")


def _articles(path: Path) -> Iterator[tuple[str, str, str | None]]:
    for row in rows(path):
        title = row.get("title")
        text = clean_text(row["text"], FixCounts())
        if text:
            yield str(row["id"]), text, clean_line(title, FixCounts()) if title else None


def _clean_articles(path: Path) -> Iterator[Case]:
    for name, text, title in _articles(path):
        fixes = FixCounts()
        yield Case(name, text, remove_boilerplate(text, title, fixes), fixes)


def _report_corpus(path: Path) -> list[Case]:
    articles = list(_articles(path))
    cases = list(_clean_articles(path))
    counts = Counter(fix for case in cases for fix in case.fixes)
    changed = sum(map(bool, (case.fixes for case in cases)))
    removing_us, folding_us = _measure_us(articles)
    print(f"{path.name}: {len(cases)} articles, {changed} of them changed")
    print(f"  {removing_us:.1f} µs per article; folding the text alone takes {folding_us:.1f} µs")
    print("  articles by fix: " + ", ".join(f"{fix} {count}" for fix, count in counts.most_common()))
    return cases


def _measure_us(articles: list[tuple[str, str, str | None]]) -> tuple[float, float]:
    """Return CPU microseconds per article of `remove_boilerplate` and of `fold_letters`, best of `ROUNDS` rounds."""
    removing, folding = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _, text, title in articles:
            remove_boilerplate(text, title, FixCounts())
        middle = time.process_time()
        for _, text, _ in articles:
            fold_letters(text)
        removing.append(middle - start)
        folding.append(time.process_time() - middle)
    return min(removing) / len(articles) * 1e6, min(folding) / len(articles) * 1e6


def _print_largest_cuts(order: str, cases: list[Case]) -> None:
    print(f"largest cuts {order}:")
    for case in filter(lambda case: case.cut_chars, cases[:CUTS_SHOWN]):
        share = case.cut_chars / len(case.text)
        print(f"  {case.id}: {case.cut_chars} of {len(case.text)} ({share:.0%}) {dict(case.fixes)}")


def _print_teasers(path: Path) -> None:
    pairs: list[dict[str, Any]] = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    true_positives = false_positives = 0
    for pair in pairs:
        short, long = clean_text(pair["short"], FixCounts()), clean_text(pair["long"], FixCounts())
        true_positives += remove_boilerplate(f"{short}\n{long}", None, FixCounts()).teaser == short.split("\n")[0]
        false_positives += remove_boilerplate(long, None, FixCounts()).teaser is not None
    share = true_positives / len(pairs)
    print(f"{true_positives} of {len(pairs)} teasers found ({share:.2%}), {false_positives} in texts without one")
