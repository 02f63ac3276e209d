"""Fuzz for minutes: ``python -m tests.fuzz.run --minutes 20 --target raw|html|worst``.

Uses atheris, guided by coverage, where it is installed (``pip install atheris``), else mutations of the seeds. Prints
executions, findings and the slowest input; what fails is saved in ``--save`` and given to ``--replay FILE``. The target
``worst`` measures the longest pages of `fuzz.hostile` instead. Ends with 1 if anything was found.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import os
import random
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from stream.core.normalize.html import read_page
from stream.errors import Rejected
from tests.fuzz.hostile_inputs import PAGES as SHAPES
from tests.fuzz.hostile_inputs import page
from tests.fuzz.mutations import mutated
from tests.fuzz.seeds import MESSAGES, PAGES
from tests.fuzz.targets import TARGETS, Target

SEEDS = {"raw": MESSAGES, "html": PAGES}


class Run:
    """A target with its books: what was tried, what was found, what took longest."""

    def __init__(self, target: Target, folder: Path) -> None:
        self._target = target
        self._folder = folder
        self._began = self._told = time.monotonic()
        self.executions = 0
        self.findings: set[str] = set()
        self.slowest = 0.0

    def one(self, data: bytes) -> None:
        """Try one input; what it raises is noted, each place once."""
        start = time.process_time()
        try:
            self._target(data)
        except Exception as error:  # noqa: BLE001 # whatever it is, it is what is looked for
            self._found(data, error)
        taken = time.process_time() - start
        self.executions += 1
        if taken > self.slowest:
            self.slowest = taken
            self._save("slowest", data)
        if time.monotonic() - self._told > 30:
            self._told = time.monotonic()
            print(self.summary(), flush=True)

    def _found(self, data: bytes, error: Exception) -> None:
        place = traceback.extract_tb(error.__traceback__)[-1]
        name = f"{type(error).__name__} {Path(place.filename).name}:{place.lineno}"
        if name not in self.findings:
            self.findings.add(name)
            saved = self._save(hashlib.sha256(data).hexdigest()[:16], data)
            print(f"FOUND {name}: {str(error)[:200]!r}; saved as {saved}", flush=True)

    def _save(self, name: str, data: bytes) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / name
        path.write_bytes(data)
        return path

    def summary(self) -> str:
        """What was done so far."""
        seconds = time.monotonic() - self._began
        return (
            f"{self.executions} executions in {seconds:.0f} s, {len(self.findings)} findings, "
            f"slowest {self.slowest:.2f} s of CPU ({self._folder / 'slowest'})"
        )


def _mutating(run: Run, seeds: tuple[bytes, ...], seconds: float, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 # inputs, no secrets
    print(f"mutations, seed {seed}", flush=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        run.one(mutated(chance, seeds))


def _guided(run: Run, seeds: tuple[bytes, ...], seconds: float, seed: int, folder: Path) -> None:
    atheris: Any = importlib.import_module("atheris")  # installed by who wants it
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(data)
    atheris.instrument_all()
    end = time.monotonic() + seconds

    def one(data: bytes) -> None:
        run.one(data)
        if time.monotonic() > end:
            print(run.summary(), flush=True)
            sys.stdout.flush()
            # libFuzzer never returns, and counts an exception as a crash.
            os._exit(1 if run.findings else 0)

    def change(data: bytes, size: int, number: int) -> bytes:
        chance = random.Random(number)  # noqa: S311 # inputs, no secrets
        made = atheris.Mutate(data, size) if chance.random() < 0.5 else mutated(chance, (data, *seeds))
        return made[:size]

    options = [sys.argv[0], str(corpus), f"-seed={seed}", "-max_len=20000", "-timeout=60", "-verbosity=0"]
    atheris.Setup(options, one, custom_mutator=change)
    atheris.Fuzz()


def _worst(names: list[str]) -> int:
    """CPU seconds of each hostile page, the worst last."""
    read_page("<p>warm")
    times: list[tuple[float, str]] = []
    for name in names:
        html = page(name)
        start = time.process_time()
        try:
            read_page(html)
            rejected = ""
        except Rejected as error:
            rejected = f" ({error.code})"
        times.append((time.process_time() - start, f"{name}, {len(html)} characters{rejected}"))
    for taken, what in sorted(times)[-15:]:
        print(f"{taken:6.2f} s  {what}")
    return 0


def main() -> int:
    """Run as told on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=[*TARGETS, "worst"], required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 2**31))
    parser.add_argument("--save", type=Path, default=Path("fuzz-found"))
    parser.add_argument("--replay", type=Path, help="run this input alone")
    parser.add_argument("--mutations", action="store_true", help="do not use atheris, though it is installed")
    given = parser.parse_args()
    if given.target == "worst":
        return _worst(list(SHAPES))
    if given.replay:
        TARGETS[given.target](given.replay.read_bytes())
        return 0
    folder = given.save / given.target
    run = Run(TARGETS[given.target], folder)
    seeds, seconds = SEEDS[given.target], given.minutes * 60
    if importlib.util.find_spec("atheris") and not given.mutations:
        _guided(run, seeds, seconds, given.seed, folder)
    _mutating(run, seeds, seconds, given.seed)
    print(run.summary())
    return 1 if run.findings else 0


if __name__ == "__main__":
    sys.exit(main())
