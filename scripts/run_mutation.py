"""Run a random sample of mutants of the code that delivers and decides, and report which ones no test notices.

``python -m scripts.run_mutation`` (``make mutation``) changes the modules that ``only_mutate`` names in
``pyproject.toml`` with mutmut, draws a sample of the changes with a seed, and runs for each the tests that call the
changed function. A mutant is killed if a test fails, if its tests exceed their time, or if mypy rejects it. Survivors
are compared with ``tests/mutation/accepted.toml``, which gives a reason for each one that is accepted. The exit code
is 1 if there are others.

All mutants are run with the fast tests first, and those that survive with the slow ones. A run that is stopped keeps
its results, which ``--report`` prints.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.mutation.fast_tests_first import SPEED

ACCEPTED: Final = Path("tests/mutation/accepted.toml")
MUTANTS: Final = Path("mutants")
SAMPLE: Final = MUTANTS / "sample.json"

#: What the exit code of a mutant's tests means. Negative numbers are signals: SIGXCPU at the time limit, SIGKILL.
_KILLED_BY: Final[Mapping[int | None, str]] = {
    1: "a test",
    3: "a test",
    24: "the time limit",
    36: "the time limit",
    152: "the time limit",
    255: "the time limit",
    -9: "the time limit",
    -24: "the time limit",
    37: "mypy",
}
_NOT_RUN: Final = (None, 2)

# mutmut calls the third mutant of `OffsetTracker.track` xǁOffsetTrackerǁtrack__mutmut_3, and that of a function x_...
_NAME: Final = re.compile(r"(?P<module>.+)\.x(?:ǁ(?P<owner>.+)ǁ|_)(?P<function>.+)__mutmut_\d+")


def has_survived(exit_code: int | None) -> bool:
    """Whether no test noticed a mutant that was run."""
    return exit_code not in _KILLED_BY and exit_code not in _NOT_RUN


class Survivor(NamedTuple):
    """A mutant that no test notices: where it is, and the lines that it removes and adds."""

    module: str
    function: str
    removed: str
    added: str

    def __str__(self) -> str:
        lines = [f"-{line}" for line in self.removed.splitlines()] + [f"+{line}" for line in self.added.splitlines()]
        return "\n    ".join([f"{self.module} {self.function}", *lines])


def survivor(name: str, diff: str) -> Survivor:
    """Describe a mutant by its name in mutmut and its unified diff."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name} is not the name of a mutant; was mutmut upgraded?")
    owner = match["owner"]
    function = f"{owner}.{match['function']}" if owner else match["function"]
    return Survivor(match["module"], function, _lines(diff, "-"), _lines(diff, "+"))


def _lines(diff: str, sign: str) -> str:
    lines = (line[1:].strip() for line in diff.splitlines() if line.startswith(sign) and not line.startswith(sign * 3))
    return "\n".join(lines)


def read_accepted(text: str) -> dict[Survivor, str]:
    """Read the accepted survivors, each with its reason.

    Raises:
        ValueError: An entry has no reason.
    """
    reasons = {}
    for entry in tomllib.loads(text).get("survivor", []):
        if not entry.get("reason"):
            raise ValueError(f"{ACCEPTED}: the survivor in {entry['module']} {entry['function']} needs a reason")
        for added in entry["added"]:
            reasons[Survivor(entry["module"], entry["function"], entry["removed"], added)] = entry["reason"]
    return reasons


def report(
    exit_codes: Mapping[str, int | None], survivors: Iterable[Survivor], accepted: Mapping[Survivor, str]
) -> str:
    """Describe the results: the score, what killed the mutants, and the survivors, accepted ones last."""
    counts = Counter(_KILLED_BY.get(code, "nothing") for code in exit_codes.values() if code not in _NOT_RUN)
    survived = counts.pop("nothing", 0)
    killed, sampled = counts.total(), counts.total() + survived
    by_reason = sorted(survivors, key=lambda one: (one in accepted, one))
    lines = [f"{one}\n    accepted: {accepted[one]}" if one in accepted else str(one) for one in by_reason]
    known = sum(one in accepted for one in by_reason)
    lines.append(f"Score: {killed} of {sampled} mutants killed ({100 * killed / max(sampled, 1):.1f} %)")
    lines.append("Killed by " + ", ".join(f"{by}: {count}" for by, count in sorted(counts.items())))
    lines.append(f"Survived: {survived}, {known} of them accepted")
    if not_run := len(exit_codes) - sampled:
        lines.append(f"Not run: {not_run}")
    return "\n".join(lines) + "\n"


def draw_sample(names: Iterable[str], size: int, seed: int) -> list[str]:
    """Draw mutants at random; the same ones for the same code and seed."""
    names = sorted(names)
    return sorted(random.Random(seed).sample(names, min(size, len(names))))  # noqa: S311 - no secret


def _modules() -> list[Path]:
    config = tomllib.loads(Path("pyproject.toml").read_text())
    return [Path(name) for name in config["tool"]["mutmut"]["only_mutate"]]


def _generate(jobs: int) -> None:
    from mutmut.__main__ import create_mutants  # noqa: PLC0415 - installed by `make mutation` alone
    from mutmut.utils.file_utils import copy_also_copy_files, copy_src_dir  # noqa: PLC0415 - same

    shutil.rmtree(MUTANTS, ignore_errors=True)
    MUTANTS.mkdir()
    copy_src_dir()
    copy_also_copy_files()
    create_mutants(jobs)


def _exit_codes(module: Path) -> dict[str, int | None]:
    codes: dict[str, int | None] = json.loads((MUTANTS / f"{module}.meta").read_text())["exit_code_by_key"]
    return codes


def _all_exit_codes() -> dict[str, int | None]:
    return {name: code for module in _modules() for name, code in _exit_codes(module).items()}


def _diff(name: str, module: Path) -> str:
    from mutmut.mutation.diff_apply import get_diff_for_mutant  # noqa: PLC0415 - installed by `make mutation` alone

    return str(get_diff_for_mutant(name, path=module))


def _run(names: Sequence[str], speed: str, jobs: int, timeout_s: float) -> None:
    programs = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "STREAM_HYPOTHESIS_PROFILE": "mutation",
        SPEED: speed,
    }
    command = [str(programs / "mutmut"), "run", "--max-children", str(jobs), *names]
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - fixed program
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # mutmut stops its workers
            raise
    if code:
        raise SystemExit(f"mutmut ended with exit code {code}; its output says why")


def _run_sample(sample: Sequence[str], jobs: int, minutes: float) -> None:
    end = time.monotonic() + 60 * minutes
    try:
        _run(sample, "fast", jobs, end - time.monotonic())
        codes = _all_exit_codes()
        if survivors := [name for name in sample if has_survived(codes[name])]:
            _run(survivors, "slow", jobs, end - time.monotonic())
    except subprocess.TimeoutExpired:
        sys.stdout.write(f"\nStopped after {minutes:g} minutes.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.run_mutation", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--sample", type=int, default=1000, help="mutants to run (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=15, help="of the sample (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=60, help="time limit (default: %(default)s)")
    parser.add_argument("--report", action="store_true", help="run nothing, print the results of the last run")
    options = parser.parse_args(arguments)
    if not options.report:
        _generate(options.jobs)
        drawn = draw_sample(_all_exit_codes(), options.sample, options.seed)
        SAMPLE.write_text(json.dumps(drawn))
        _run_sample(drawn, options.jobs, options.minutes)
    sample = set(json.loads(SAMPLE.read_text()))
    exit_codes: dict[str, int | None] = {}
    survivors: list[Survivor] = []
    for module in _modules():
        codes = {name: code for name, code in _exit_codes(module).items() if name in sample}
        exit_codes |= codes
        survivors += [survivor(name, _diff(name, module)) for name, code in codes.items() if has_survived(code)]
    accepted = read_accepted(ACCEPTED.read_text())
    sys.stdout.write(report(exit_codes, survivors, accepted))
    return int(any(one not in accepted for one in survivors))


if __name__ == "__main__":
    raise SystemExit(main())
