"""Run seeded schedules of faults, print what each came to, and end with 1 if one of them failed."""

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

from tests.e2e.faults.run_once import Result, attempt, discard, tell
from tests.e2e.faults.schedule import KINDS, schedule
from tests.support.kafka_node import KafkaNode


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    seeds: list[int]
    articles: int
    jobs: int
    folder: Path
    keep: bool
    only: list[str]
    faults: int | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them all and return the exit code: 0 where every schedule went well, else 1."""
    options = parse(arguments)
    end_in_order()
    results: list[Result] = []
    context = multiprocessing.get_context("spawn")
    seeds: Any = context.Queue()
    told: Any = context.Queue()
    for seed in [*options.seeds, *[None] * options.jobs]:
        seeds.put(seed)
    jobs = [context.Process(target=work, args=(options, seeds, told), daemon=True) for _ in range(options.jobs)]
    for job in jobs:
        job.start()
    while len(results) < len(options.seeds):
        try:
            result, text = told.get(timeout=1)
        except queue.Empty:
            if not any(job.is_alive() for job in jobs):
                print("the jobs ended before all seeds were done")
                return 1
            continue
        results.append(result)
        print(line(result), text, sep="\n" if text else "", flush=True)
    for job in jobs:
        job.join()
    print(table(results))
    return 0 if all(result.is_good for result in results) else 1


def end_in_order() -> None:
    """Let SIGTERM end jobs, workers and nodes too."""
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


def work(options: Options, seeds: Queue[int | None], told: Queue[tuple[Result, str]]) -> None:
    """One job: a node of its own, and one seed after the other."""
    end_in_order()
    while (seed := seeds.get()) is not None:
        plan = schedule(seed, only=options.only, faults=options.faults)
        folder = options.folder / f"seed-{seed}-{time.strftime('%H%M%S')}"
        with KafkaNode() as node:
            result = attempt(plan, node, folder, articles=options.articles)
        text = "" if result.is_good else tell(plan, result, folder)
        if result.is_good and not options.keep:
            discard(folder)
        told.put((result, text))


def parse(arguments: Sequence[str] | None) -> Options:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("--seeds", default="1-5", help="such as 7 or 1-60 or 3,8,20-25 (%(default)s)")
    parser.add_argument("--articles", type=int, default=2000, help="in each run (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, each on a Kafka node of its own")
    parser.add_argument("--faults", type=int, help="in each run; default: 5 to 7, by the seed")
    parser.add_argument("--only", default="", help=f"these kinds, in order: {', '.join(KINDS)}")
    parser.add_argument("--logs", type=Path, help="folder for the logs; default: a new one under the temporary folder")
    parser.add_argument("--keep", action="store_true", help="keep the logs of runs that went well too")
    given = parser.parse_args(arguments)
    only = given.only.split(",") if given.only else []
    if unknown := sorted(set(only) - set(KINDS)):
        parser.error(f"unknown kinds: {', '.join(unknown)}")
    try:
        seeds = numbers(given.seeds)
    except ValueError:
        parser.error(f"--seeds {given.seeds}: give numbers and ranges, such as 1-60 or 3,8,20-25")
    folder = given.logs or Path(tempfile.mkdtemp(prefix="article-stream-faults-"))
    jobs = max(1, min(given.jobs, len(seeds)))
    return Options(seeds, given.articles, jobs, folder, given.keep, only, given.faults)


def numbers(text: str) -> list[int]:
    """``3,8,20-22`` as a list."""
    found: list[int] = []
    for piece in text.split(","):
        first, _, last = piece.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def line(result: Result) -> str:
    """One run in one line."""
    judged = result.judgement
    return (
        f"seed {result.seed:4} {'ok  ' if result.is_good else 'FAIL'} {result.seconds:5.0f} s  "
        f"{result.done.total()} faults  {judged.events} outputs of normalize  {judged.repeated} repeated  "
        f"{len(judged.missing)} missing  {len(judged.different)} different  ({', '.join(sorted(result.done))})"
    )


def table(results: Sequence[Result]) -> str:
    """All runs together."""
    done: Counter[str] = sum((result.done for result in results), Counter())
    missed: Counter[str] = sum((result.missed for result in results), Counter())
    exits: Counter[int] = sum((result.exits for result in results), Counter())
    judged = [result.judgement for result in results]
    failed = sorted(result.seed for result in results if not result.is_good)
    figures = {
        "seeds": f"{len(results)}, {len(failed)} failed {failed or ''}",
        "outputs of normalize": sum(one.events for one in judged),
        "repeated": sum(one.repeated for one in judged),
        "missing": sum(len(one.missing) for one in judged),
        "different": sum(len(one.different) for one in judged),
        "stale": sum(len(one.stale) for one in judged),
        "committed early": sum(len(one.early) for one in judged),
        "changelogs broken": sum(len(one.broken) for one in judged),
        "withdrawn before told": sum(one.untold for one in judged),
        "looks at commits": sum(result.looks for result in results),
        "exit codes": ", ".join(f"{code}: {count}" for code, count in sorted(exits.items())),
        "faults": done.total(),
    }
    lines = [f"{name:24} {value}" for name, value in figures.items()]
    lines += [f"  {kind:22} {done[kind]:4}{f'  ({missed[kind]} not met)' if missed[kind] else ''}" for kind in KINDS]
    return "\n".join(lines)
