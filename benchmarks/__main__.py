"""Runs the benchmarks that are named, or all of them."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    bench_dedup,
    bench_events,
    bench_folding,
    bench_metrics,
    bench_normalize,
    bench_offline,
    bench_read_committed,
    bench_restore,
    bench_worker,
    report_boilerplate,
    report_html_text,
    report_languages,
)
from benchmarks.corpus import write_corpus

Arguments = argparse.Namespace
BENCHMARKS: dict[str, Callable[[Path, Arguments], None]] = {
    "events": lambda corpus, arguments: bench_events.run(corpus, arguments.articles),
    "normalize": lambda corpus, arguments: bench_normalize.run(corpus, arguments.articles),
    "pages": lambda corpus, _: report_html_text.run(corpus.parent),
    "folding": lambda corpus, arguments: bench_folding.run(corpus, arguments.articles),
    "languages": lambda corpus, _: report_languages.run(corpus.parent),
    "boilerplate": lambda corpus, _: report_boilerplate.run(corpus.parent),
    "dedup": lambda corpus, arguments: bench_dedup.run(corpus, arguments.indexed, arguments.folder),
    "restores": lambda corpus, _: bench_restore.run(corpus),
    "process": lambda corpus, arguments: bench_offline.run(corpus, arguments.articles),
    "read-committed": lambda _corpus, _arguments: bench_read_committed.run(),
    "metrics": lambda corpus, arguments: bench_metrics.run(corpus, arguments.articles),
    "worker": lambda corpus, arguments: bench_worker.run(corpus, arguments.articles),
}
CORPUS = "arabic_news.jsonl.gz"


def main() -> int:
    """Print one table for each benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="default: all")
    parser.add_argument("--data", type=Path, help=f"folder that holds {CORPUS}; default: articles written here")
    parser.add_argument("--articles", type=int, default=60_000, help="articles through the worker (200000 for memory)")
    parser.add_argument(
        "--indexed", type=int, nargs="+", default=[1_000_000], help="articles in the index for dedup, 1.5 GB a million"
    )
    parser.add_argument("--folder", type=Path, help="where dedup keeps those indexes; default: made anew")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        arguments.folder = arguments.folder or Path(folder)
        corpus = (arguments.data or Path(folder)) / CORPUS
        if arguments.data is None:
            write_corpus(corpus)
        elif not corpus.is_file():
            print(f"{corpus} is missing; it holds raw events, one a line")
            return 1
        _run(corpus, arguments)
    return 0


def _run(corpus: Path, arguments: Arguments) -> None:
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for name in arguments.names or BENCHMARKS:
        print(f"\n== {name}")
        BENCHMARKS[name](corpus, arguments)


if __name__ == "__main__":
    sys.exit(main())
