"""Measures ``stream process`` on one CPU core with the index in memory, and the time of each part of the flow."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from stream.cli.input_files import InputFile, read_messages
from stream.core.pipeline.offline import OfflineFlow
from stream.settings import DAY_MS

P = ParamSpec("P")
R = TypeVar("R")
RUNS = 3


class Stopwatch:
    """Adds up the time of each part of the flow."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    def wrap(self, name: str, step: Callable[P, R]) -> Callable[P, R]:
        """Return ``step`` with its time added up."""

        def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            start = time.perf_counter()
            try:
                return step(*args, **kwargs)
            finally:
                self.seconds[name] += time.perf_counter() - start
                self.calls[name] += 1

        return timed


def run(corpus: Path, _articles: int) -> None:
    """Print articles per second of the whole command, then the time of each part."""
    for _ in range(RUNS):
        _time_command(corpus)
    _time_parts(corpus)


def _time_command(corpus: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    command = [sys.executable, "-m", "stream", "process", str(corpus), "-o", "/dev/null"]
    result = subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    count = int(result.stderr.split(" events", maxsplit=1)[0])
    peak = after.ru_maxrss / 1024
    rate = f"{count / cpu:.0f} articles/CPU s"
    print(f"stream process: {count} articles, {cpu:.1f} CPU s, {wall:.1f} s: {rate}, {peak:.0f} MiB")


def _time_parts(corpus: Path) -> None:
    watch = Stopwatch()
    flow = OfflineFlow(window_ms=7 * DAY_MS, wrap=watch.wrap)
    started = time.perf_counter()
    messages = (message.value for message in read_messages([InputFile(str(corpus), corpus.name)]))
    count = sum(len(outcomes) for outcomes in flow.run(messages, now="2026-01-01T00:00:00.000Z"))
    total = time.perf_counter() - started
    for name, seconds in sorted(watch.seconds.items(), key=lambda pair: -pair[1]):
        print(f"  {name:18} {seconds / count * 1e6:7.1f} us per article, {seconds / total:5.1%}")
    rest = total - sum(watch.seconds.values())
    print(f"  {'the rest':18} {rest / count * 1e6:7.1f} us per article, {rest / total:5.1%}")
