"""One line of the report: what was looked at, how it is, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stream.doctor.facts import Unknown


class State(StrEnum):
    """How a check went. Only FAIL makes the whole fail."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check and its answer. ``advice`` is the next step; ``figures`` are for scripts."""

    check: str
    state: State
    found: str
    advice: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.state in (State.WARN, State.FAIL) and not self.advice:
            raise ValueError(f"{self.check}: {self.state} without a next step")


def ok(check: str, found: str, **figures: Any) -> Finding:
    """All is well."""
    return Finding(check, State.OK, found, figures=figures)


def warn(check: str, found: str, advice: str, **figures: Any) -> Finding:
    """It works, and may not for long, or not as meant."""
    return Finding(check, State.WARN, found, advice, figures)


def fail(check: str, found: str, advice: str, **figures: Any) -> Finding:
    """A worker cannot do its work, or loses something."""
    return Finding(check, State.FAIL, found, advice, figures)


def unknown(check: str, why: Unknown | str, advice: str = "") -> Finding:
    """It could not be found out."""
    return Finding(check, State.UNKNOWN, why.reason if isinstance(why, Unknown) else why, advice)


def skipped(check: str, why: str) -> Finding:
    """It does not apply, or depends on what failed."""
    return Finding(check, State.SKIPPED, why)


def is_well(findings: Iterable[Finding]) -> bool:
    """Nothing failed."""
    return all(finding.state is not State.FAIL for finding in findings)


def count(number: int, name: str) -> str:
    """The number and what is counted: "1 topic", "2,000 topics"."""
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def span(seconds: float) -> str:
    """A duration as people say it: "8 s", "5 min", "3.5 h", "7 days"."""
    for unit, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{round(seconds / unit, 1):g} {name}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def size(number: float) -> str:
    """Bytes as people say them: "512 bytes", "25 MiB"."""
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if number >= unit:
            return f"{round(number / unit, 1):g} {name}"
    return f"{number:.0f} bytes"


def names(values: Iterable[object], *, most: int = 8) -> str:
    """Values with commas between them, of many only the first ones."""
    listed = list(map(str, values))
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")
