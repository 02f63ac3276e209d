"""Fuzz for minutes: ``python -m tests.fuzz.run --minutes 20 --target raw|html|worst``.

Uses atheris, guided by coverage, if it is installed (``pip install atheris``), and otherwise mutates the seeds. Prints
the number of executions, the findings and the slowest input. Inputs that failed are saved in the folder ``--save``;
``--replay FILE`` runs one of them again. The target ``worst`` measures the slowest pages of
`tests.fuzz.hostile_inputs` instead. Exits with 1 if there are findings.
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
from tests.fuzz.mutations import mutate
from tests.fuzz.seeds import MESSAGES, PAGES
from tests.fuzz.targets import TARGETS, Target

SEEDS = {"raw": MESSAGES, "html": PAGES}


class Run:
    """A fuzzing run of one target: counts executions, and saves findings and the slowest input in ``folder``."""

    def __init__(self, target: Target, folder: Path) -> None:
        self._target = target
        self._folder = folder
        self._started = self._last_report = time.monotonic()
        self.executions = 0
        self.findings: set[str] = set()
        self.slowest_s = 0.0

    def execute(self, data: bytes) -> None:
        """Run the target on one input, and report progress twice a minute."""
        start = time.process_time()
        try:
            self._target(data)
        except Exception as error:  # noqa: BLE001 # any exception is a finding
            self._record_finding(data, error)
        duration_s = time.process_time() - start
        self.executions += 1
        if duration_s > self.slowest_s:
            self.slowest_s = duration_s
            self._save("slowest", data)
        if time.monotonic() - self._last_report > 30:
            self._last_report = time.monotonic()
            print(self.summary(), flush=True)

    def _record_finding(self, data: bytes, error: Exception) -> None:
        """Report and save an input that failed, once for each line of code that raised."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        name = f"{type(error).__name__} {Path(frame.filename).name}:{frame.lineno}"
        if name not in self.findings:
            self.findings.add(name)
            path = self._save(hashlib.sha256(data).hexdigest()[:16], data)
            print(f"FINDING {name}: {str(error)[:200]!r}; input saved as {path}", flush=True)

    def _save(self, name: str, data: bytes) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / name
        path.write_bytes(data)
        return path

    def summary(self) -> str:
        """Return the number of executions and findings so far, and the slowest input."""
        elapsed_s = time.monotonic() - self._started
        return (
            f"{self.executions} executions in {elapsed_s:.0f} s, {len(self.findings)} findings, "
            f"slowest input {self.slowest_s:.2f} s of CPU ({self._folder / 'slowest'})"
        )


def _fuzz_with_mutations(run: Run, seeds: tuple[bytes, ...], duration_s: float, seed: int) -> None:
    numbers = random.Random(seed)  # noqa: S311 # inputs, not secrets
    print(f"fuzzing with mutations, --seed {seed}", flush=True)
    end = time.monotonic() + duration_s
    while time.monotonic() < end:
        run.execute(mutate(numbers, seeds))


def _fuzz_with_atheris(run: Run, seeds: tuple[bytes, ...], duration_s: float, seed: int, folder: Path) -> None:
    atheris: Any = importlib.import_module("atheris")  # an optional dependency
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for i, data in enumerate(seeds):
        (corpus / f"seed-{i}").write_bytes(data)
    atheris.instrument_all()
    end = time.monotonic() + duration_s

    def execute(data: bytes) -> None:
        run.execute(data)
        if time.monotonic() > end:
            print(run.summary(), flush=True)
            sys.stdout.flush()
            # libFuzzer never returns, and counts an exception as a crash.
            os._exit(1 if run.findings else 0)

    def mutate_input(data: bytes, size: int, number: int) -> bytes:
        numbers = random.Random(number)  # noqa: S311 # inputs, not secrets
        mutation = atheris.Mutate(data, size) if numbers.random() < 0.5 else mutate(numbers, (data, *seeds))
        return mutation[:size]

    options = [sys.argv[0], str(corpus), f"-seed={seed}", "-max_len=20000", "-timeout=60", "-verbosity=0"]
    atheris.Setup(options, execute, custom_mutator=mutate_input)
    atheris.Fuzz()


def _measure_hostile_pages(shapes: list[str]) -> int:
    """Print the CPU seconds of the slowest hostile pages, the slowest last."""
    read_page("<p>loads the parser")
    results: list[tuple[float, str]] = []
    for shape in shapes:
        html = page(shape)
        start = time.process_time()
        try:
            read_page(html)
            rejection = ""
        except Rejected as error:
            rejection = f" (rejected: {error.code})"
        results.append((time.process_time() - start, f"{shape}, {len(html)} characters{rejection}"))
    for duration_s, description in sorted(results)[-15:]:
        print(f"{duration_s:6.2f} s  {description}")
    return 0


def main() -> int:
    """Run the target that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=[*TARGETS, "worst"], required=True, help="what to fuzz or measure")
    parser.add_argument("--minutes", type=float, default=20, help="how long to fuzz (default: 20)")
    parser.add_argument(
        "--seed", type=int, default=random.SystemRandom().randrange(1, 2**31), help="seed of the mutations"
    )
    parser.add_argument(
        "--save", type=Path, default=Path("fuzz-found"), help="folder for findings and the slowest input"
    )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run the target on this input only")
    parser.add_argument("--mutations", action="store_true", help="mutate the seeds even if atheris is installed")
    arguments = parser.parse_args()
    if arguments.target == "worst":
        return _measure_hostile_pages(list(SHAPES))
    if arguments.replay:
        TARGETS[arguments.target](arguments.replay.read_bytes())
        return 0
    folder = arguments.save / arguments.target
    run = Run(TARGETS[arguments.target], folder)
    seeds, duration_s = SEEDS[arguments.target], arguments.minutes * 60
    if importlib.util.find_spec("atheris") and not arguments.mutations:
        _fuzz_with_atheris(run, seeds, duration_s, arguments.seed, folder)
    _fuzz_with_mutations(run, seeds, duration_s, arguments.seed)
    print(run.summary())
    return 1 if run.findings else 0


if __name__ == "__main__":
    sys.exit(main())
