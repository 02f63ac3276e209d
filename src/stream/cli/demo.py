"""``stream demo``: see the whole flow work, with nothing to install."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import Any, Final, Self

import click
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from stream.demo.feed import WITHDRAWN, samples
from stream.demo.runner import Arrival, Demo
from stream.observability.log_setup import configure_logging
from stream.runtime.worker import require_port

_STYLES: Final = {
    "new": "bold green",
    "revision": "bold cyan",
    "expansion": "bold cyan",
    "recrawl": "dim",
    "copy": "yellow",
    "near_copy": "yellow",
    "excerpt": "yellow",
    WITHDRAWN: "magenta",
}
_REJECTED: Final = "red"
#: Columns of a line that is not on a terminal: a log, a pipe.
_PLAIN_COLUMNS: Final = 150
_LIVE_ROWS: Final = 18


@click.command(epilog="Example: stream demo --keep, then open the metrics page it names")
@click.option("--keep", is_flag=True, help="Stay until Ctrl-C, with the metrics page up.")
@click.option("--pause", default=0.1, show_default=True, help="Seconds between two messages.")
@click.option("--web-port", type=int, help="Port of the metrics page. Default: a free one.")
def demo(keep: bool, pause: float, web_port: int | None) -> None:
    """Send a sample feed in eleven languages through the worker and show what becomes of each article.

    The broker lives in this process and keeps nothing. Exits with 1 if anything came out otherwise than expected.
    """
    configure_logging("ERROR")  # the table shows the dead letters
    running = Demo(web_port=web_port)
    require_port(running.settings.web_host, running.settings.web_port)
    try:
        sys.exit(asyncio.run(_run(running, pause, keep=keep)))
    except KeyboardInterrupt:
        sys.exit(0)


async def _run(running: Demo, pause: float, *, keep: bool) -> int:
    is_terminal = sys.stdout.isatty()
    console = Console() if is_terminal else Console(width=_PLAIN_COLUMNS)
    arrivals: list[Arrival] = []
    async with running.flow.running():
        console.print(f"broker {running.settings.broker} (in memory, keeps nothing); metrics at {running.url}/metrics")
        with Live(console=console, refresh_per_second=10, transient=True) if is_terminal else _Quiet() as live:
            async for arrival in running.feed(samples(), pause_s=pause):
                arrivals.append(arrival)
                live.update(Group(arrivals_table(arrivals, _LIVE_ROWS), _counts(arrivals)))
        console.print(arrivals_table(arrivals, len(arrivals)))
        console.print(summary(arrivals))
        if keep:
            console.print(f"staying until Ctrl-C; {running.url}/metrics")
            await asyncio.Event().wait()
    return 0 if all(arrival.is_expected for arrival in arrivals) else 1


class _Quiet:
    """Stands in for the live table where there is no terminal."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, _table: Any) -> None:
        """Show nothing."""


def arrivals_table(arrivals: list[Arrival], rows: int) -> Table:
    """The last ``rows`` of ``arrivals``, each with what it became and why."""
    numbers = {arrival.event["id"]: arrival.number for arrival in reversed(arrivals) if arrival.event}
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("#", justify="right", width=3)
    table.add_column("became", min_width=10, no_wrap=True)
    table.add_column("lang", width=4)
    table.add_column("source", ratio=2, no_wrap=True)
    table.add_column("title", ratio=5, no_wrap=True)
    table.add_column("why", ratio=8, no_wrap=True)
    for arrival in arrivals[-rows:]:
        table.add_row(*_row(arrival, numbers))
    return table


def _row(arrival: Arrival, numbers: dict[str, int]) -> tuple[Text | str, ...]:
    style = _STYLES.get(arrival.result, _REJECTED)
    became = Text(arrival.result, style=style)
    if not arrival.is_expected:
        became.append(f" (expected {arrival.expected})", style="bold red")
    event = arrival.event
    if arrival.result == WITHDRAWN:
        gone = arrival.reason or ""
        return str(arrival.number), became, "", "", Text("tombstone", style="dim"), f"of {numbers.get(gone, gone)}"
    if event is None:
        return str(arrival.number), became, "", "", Text("dead letter", style="dim"), arrival.reason or ""
    source = event["source"]["domain"] or event["source"]["name"] or ""
    return (
        str(arrival.number),
        became,
        event["language"]["tag"],
        source,
        event["title"] or event["text"],
        _why(event, numbers),
    )


def _why(event: dict[str, Any], numbers: dict[str, int]) -> str:
    verdict = event["duplicate"]
    parts = []
    if verdict["duplicate_of"]:
        measures = f"contains {verdict['containment']:.0%}, Jaccard {verdict['jaccard']:.2f}"
        if verdict["relation"] == "revision":
            change = verdict["change"]
            measures = f"{change['tokens']:.0%} of the words changed" + ", numbers too" * change["numbers"]
        parts.append(f"of {numbers.get(verdict['duplicate_of'], '?')}, {verdict['method']}, {measures}")
    if event["teaser"]:
        parts.append("cut first line moved to its teaser")
    fixes = [f"{fix['step']} {fix['count']}" for fix in event["fixes"] if fix["step"] != "teaser"]
    if fixes:
        parts.append("fixed " + ", ".join(fixes))
    return "; ".join(parts)


def _counts(arrivals: list[Arrival]) -> Text:
    counts = Counter(arrival.result for arrival in arrivals)
    line = Text(f"{len(arrivals)} articles  ")
    for name, count in sorted(counts.items(), key=lambda pair: -pair[1]):
        line.append(f"{name} {count}  ", style=_STYLES.get(name, _REJECTED))
    return line


def summary(arrivals: list[Arrival]) -> Group:
    """Counts by what became of the articles."""
    wrong = [arrival for arrival in arrivals if not arrival.is_expected]
    duplicates = sum(1 for arrival in arrivals if arrival.event and arrival.event["duplicate"]["is_duplicate"])
    withdrawn = sum(1 for arrival in arrivals if arrival.result == WITHDRAWN)
    dead = sum(1 for arrival in arrivals if arrival.event is None) - withdrawn
    languages = {arrival.event["language"]["tag"] for arrival in arrivals if arrival.event}
    told = (
        f"{len(arrivals) - duplicates - dead - withdrawn} events for consumers, {duplicates} duplicates linked, "
        f"{dead} dead letters, {withdrawn} withdrawn, in {len(languages)} languages; "
        f"{len(arrivals) - len(wrong)} of {len(arrivals)} as expected"
    )
    return Group(_counts(arrivals), Text(told, style="bold"))
