"""Runs the benchmarks that are named, or all of them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks import events, process, worker

BENCHMARKS = {"events": events.run, "process": process.run, "worker": worker.run}
CORPUS = "arabic_news.jsonl.gz"


def main() -> int:
    """Print one table for each benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="default: all")
    parser.add_argument("--data", type=Path, required=True, help=f"folder that holds {CORPUS}")
    parser.add_argument("--articles", type=int, default=60_000, help="articles through the worker (200000 for memory)")
    given = parser.parse_args()
    corpus = given.data / CORPUS
    if not corpus.is_file():
        print(f"{corpus} is missing; the benchmarks need a corpus of raw events, name its folder with --data")
        return 1
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for name in given.names or BENCHMARKS:
        print(f"\n== {name}")
        BENCHMARKS[name](corpus, given.articles)
    return 0


if __name__ == "__main__":
    sys.exit(main())
