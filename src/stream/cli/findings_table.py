"""Findings of `stream doctor` and `stream topics --check`: as a table for people, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.cli.bidi import escape_invisible
from stream.doctor.findings import Finding, State

STYLES: Final = {
    State.OK: "green",
    State.WARN: "bold yellow",
    State.FAIL: "bold red",
    State.UNKNOWN: "dim",
    State.SKIPPED: "dim",
}
_STATE_COLUMNS: Final = max(map(len, State))


def print_findings(out: Console, findings: Sequence[Finding]) -> None:
    """Print one line for each finding, with the next step below it, and how many there are of each state."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=_STATE_COLUMNS)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(
            Text(finding.state, style=STYLES[finding.state]), finding.check, Text(escape_invisible(finding.summary))
        )
        if finding.advice:
            table.add_row("", "", Text(f"→ {escape_invisible(finding.advice)}", style="bold"))
    out.print(table)
    counts = Counter(finding.state for finding in findings)
    out.print(Text(", ".join(f"{counts[state]} {state}" for state in State if counts[state])))


def findings_as_json(findings: Sequence[Finding], *, is_ok: bool) -> dict[str, Any]:
    """The findings as one object, for scripts."""
    return {
        "ok": is_ok,
        "findings": [
            {
                "check": finding.check,
                "state": finding.state.value.lower(),
                "found": finding.summary,
                "advice": finding.advice or None,
                "figures": finding.figures,
            }
            for finding in findings
        ],
    }
