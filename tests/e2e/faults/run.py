"""Run seeded schedules of faults, print the result of each, and exit with 1 if one of them failed."""

from __future__ import annotations

import argparse
import multiprocessing
import queue
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

from tests.e2e.faults.run_once import Result, describe_failure, discard, run_safely
from tests.e2e.faults.schedule import KINDS, schedule
from tests.support.kafka_node import KafkaNode


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command."""

    seeds: list[int]
    articles: int
    jobs: int
    folder: Path
    keep: bool
    only: list[str]
    faults: int | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all schedules and return the exit code: 0 if none failed, else 1."""
    options = parse(arguments)
    exit_on_sigterm()
    results: list[Result] = []
    context = multiprocessing.get_context("spawn")
    seeds: Any = context.Queue()
    finished: Any = context.Queue()
    for seed in [*options.seeds, *[None] * options.jobs]:
        seeds.put(seed)
    jobs = [context.Process(target=work, args=(options, seeds, finished), daemon=True) for _ in range(options.jobs)]
    for job in jobs:
        job.start()
    while len(results) < len(options.seeds):
        try:
            result, text = finished.get(timeout=1)
        except queue.Empty:
            if not any(job.is_alive() for job in jobs):
                print("the jobs ended before all seeds were done")
                return 1
            continue
        results.append(result)
        print(summary_line(result), text, sep="\n" if text else "", flush=True)
    for job in jobs:
        job.join()
    print(summary_table(results))
    return 0 if all(result.is_good for result in results) else 1


def exit_on_sigterm() -> None:
    """Exit on SIGTERM so that jobs, workers and nodes are ended too."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def work(options: Options, seeds: Queue[int | None], finished: Queue[tuple[Result, str]]) -> None:
    """One job: a node of its own, and one seed after the other."""
    exit_on_sigterm()
    while (seed := seeds.get()) is not None:
        plan = schedule(seed, only=options.only, faults=options.faults)
        folder = options.folder / f"seed-{seed}-{time.strftime('%H%M%S')}"
        with KafkaNode() as node:
            result = run_safely(plan, node, folder, articles=options.articles)
        text = "" if result.is_good else describe_failure(plan, result, folder)
        if result.is_good and not options.keep:
            discard(folder)
        finished.put((result, text))


def parse(arguments: Sequence[str] | None) -> Options:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.faults", description=__doc__)
    parser.add_argument("--seeds", default="1-5", help="such as 7 or 1-60 or 3,8,20-25 (%(default)s)")
    parser.add_argument("--articles", type=int, default=2000, help="in each run (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, each on a Kafka node of its own")
    parser.add_argument("--faults", type=int, help="in each run; default: 5 to 7, by the seed")
    parser.add_argument("--only", default="", help=f"these kinds, in order: {', '.join(KINDS)}")
    parser.add_argument("--logs", type=Path, help="folder for the logs; default: a new one under the temporary folder")
    parser.add_argument("--keep", action="store_true", help="also keep the logs of runs that did not fail")
    options = parser.parse_args(arguments)
    only = options.only.split(",") if options.only else []
    if unknown := sorted(set(only) - set(KINDS)):
        parser.error(f"unknown kinds: {', '.join(unknown)}")
    try:
        seeds = parse_seeds(options.seeds)
    except ValueError:
        parser.error(f"--seeds {options.seeds}: give numbers and ranges, such as 1-60 or 3,8,20-25")
    folder = options.logs or Path(tempfile.mkdtemp(prefix="article-stream-faults-"))
    jobs = max(1, min(options.jobs, len(seeds)))
    return Options(seeds, options.articles, jobs, folder, options.keep, only, options.faults)


def parse_seeds(text: str) -> list[int]:
    """Return the numbers of a text such as ``3,8,20-22``."""
    seeds: list[int] = []
    for piece in text.split(","):
        first, _, last = piece.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def summary_line(result: Result) -> str:
    """One run, in one line."""
    check = result.check
    return (
        f"seed {result.seed:4} {'ok  ' if result.is_good else 'FAIL'} {result.seconds:5.0f} s  "
        f"{result.done.total()} faults  {check.events} outputs of normalize  {check.repeated} repeated  "
        f"{len(check.missing)} missing  {len(check.different)} different  {len(result.blind)} blind  "
        f"({', '.join(sorted(result.done))})"
    )


def summary_table(results: Sequence[Result]) -> str:
    """All runs together."""
    done: Counter[str] = sum((result.done for result in results), Counter())
    missed: Counter[str] = sum((result.missed for result in results), Counter())
    exits: Counter[int] = sum((result.exits for result in results), Counter())
    checks = [result.check for result in results]
    failed = sorted(result.seed for result in results if not result.is_good)
    figures = {
        "seeds": f"{len(results)}, {len(failed)} failed {failed or ''}",
        "outputs of normalize": sum(each.events for each in checks),
        "repeated": sum(each.repeated for each in checks),
        "missing": sum(len(each.missing) for each in checks),
        "different": sum(len(each.different) for each in checks),
        "silently blind": sum(len(result.blind) for result in results),
        "stale": sum(len(each.stale) for each in checks),
        "committed early": sum(len(each.early) for each in checks),
        "identities taken": sum(len(each.robbed) for each in checks),
        "changelogs broken": sum(len(each.broken) for each in checks),
        "withdrawn unpublished": sum(each.withdrawn_unpublished for each in checks),
        "samples of commits": sum(result.looks for result in results),
        "exit codes": ", ".join(f"{code}: {count}" for code, count in sorted(exits.items())),
        "faults": done.total(),
    }
    lines = [f"{name:24} {value}" for name, value in figures.items()]
    lines += [
        f"  {kind:22} {done[kind]:4}{f'  ({missed[kind]} not injected)' if missed[kind] else ''}" for kind in KINDS
    ]
    return "\n".join(lines)
