"""The result of one check: what was found, how serious it is, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stream.doctor.facts import Unknown


class State(StrEnum):
    """The result of a check. Only FAIL makes the whole report fail."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. ``advice`` is the next step; ``figures`` are values for scripts."""

    check: str
    state: State
    summary: str
    advice: str = ""
    figures: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.state in (State.WARN, State.FAIL) and not self.advice:
            raise ValueError(f"{self.check}: {self.state} without a next step")


def ok(check: str, summary: str, **figures: Any) -> Finding:
    """Everything is in order."""
    return Finding(check, State.OK, summary, figures=figures)


def warn(check: str, summary: str, advice: str, **figures: Any) -> Finding:
    """It works, but possibly not for long, or not as intended."""
    return Finding(check, State.WARN, summary, advice, figures)


def fail(check: str, summary: str, advice: str, **figures: Any) -> Finding:
    """A worker cannot work, or loses data."""
    return Finding(check, State.FAIL, summary, advice, figures)


def unknown(check: str, reason: Unknown | str, advice: str = "") -> Finding:
    """The facts could not be collected."""
    return Finding(check, State.UNKNOWN, reason.reason if isinstance(reason, Unknown) else reason, advice)


def skip(check: str, reason: str) -> Finding:
    """The check does not apply, or depends on one that failed."""
    return Finding(check, State.SKIPPED, reason)


def is_acceptable(findings: Iterable[Finding], *, strict: bool) -> bool:
    """Whether no finding is a failure and, if ``strict``, none is a warning."""
    bad_states = {State.FAIL, State.WARN} if strict else {State.FAIL}
    return all(finding.state not in bad_states for finding in findings)


def format_count(number: int, noun: str) -> str:
    """Format a number with its noun.

    >>> format_count(1, "topic"), format_count(2000, "topic")
    ('1 topic', '2,000 topics')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def format_duration(seconds: float) -> str:
    """Format a duration in the largest unit that fits twice.

    >>> format_duration(8), format_duration(300), format_duration(7 * 86400)
    ('8 s', '5 min', '7 days')
    """
    for unit, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{round(seconds / unit, 1):g} {name}"
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def format_size(size_bytes: float) -> str:
    """Format a size in the largest unit that fits.

    >>> format_size(512), format_size(25 << 20)
    ('512 bytes', '25 MiB')
    """
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size_bytes >= unit:
            return f"{round(size_bytes / unit, 1):g} {name}"
    return f"{size_bytes:.0f} bytes"


def join_names(values: Iterable[object], *, limit: int = 8) -> str:
    """Join values with commas, and say how many are left out beyond ``limit``.

    >>> join_names("abcd", limit=2)
    'a, b and 2 more'
    """
    names = list(map(str, values))
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")
