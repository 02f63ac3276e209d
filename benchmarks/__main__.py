"""Runs the benchmarks that are named, or all of them."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import events, folding, furniture, languages, normalize, pages, process, worker
from benchmarks.corpus import written

BENCHMARKS: dict[str, Callable[[Path, int], None]] = {
    "events": events.run,
    "normalize": normalize.run,
    "pages": lambda corpus, _: pages.run(corpus.parent),
    "folding": folding.run,
    "languages": lambda corpus, _: languages.run(corpus.parent),
    "furniture": lambda corpus, _: furniture.run(corpus.parent),
    "process": process.run,
    "worker": worker.run,
}
CORPUS = "arabic_news.jsonl.gz"


def main() -> int:
    """Print one table for each benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="default: all")
    parser.add_argument("--data", type=Path, help=f"folder that holds {CORPUS}; default: articles written here")
    parser.add_argument("--articles", type=int, default=60_000, help="articles through the worker (200000 for memory)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = (given.data or Path(folder)) / CORPUS
        if given.data is None:
            written(corpus)
        elif not corpus.is_file():
            print(f"{corpus} is missing; it holds raw events, one a line")
            return 1
        _run(given.names or BENCHMARKS, corpus, given.articles)
    return 0


def _run(names: Iterable[str], corpus: Path, articles: int) -> None:
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for name in names:
        print(f"\n== {name}")
        BENCHMARKS[name](corpus, articles)


if __name__ == "__main__":
    sys.exit(main())
