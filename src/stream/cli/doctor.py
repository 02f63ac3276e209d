"""``stream doctor``: whether everything that a worker needs is there, and what to do where it is not."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stream.cli.bidi import console
from stream.doctor.collect_broker import ask_broker
from stream.doctor.collect_host import ask_machine, ask_sources, python_version
from stream.doctor.findings import Finding, State, is_well
from stream.doctor.report import judge, judge_unset
from stream.errors import SettingsError
from stream.settings import STAGES, Stage, load_settings

_STYLES: Final = {
    State.OK: "green",
    State.WARN: "bold yellow",
    State.FAIL: "bold red",
    State.UNKNOWN: "dim",
    State.SKIPPED: "dim",
}
_STATE_COLUMNS: Final = max(map(len, State))


@click.command(epilog="Example: STREAM_BROKER=kafka:9092 stream doctor --data-dir /var/lib/stream")
@click.option("--broker", help="host:port[,host:port…] of Kafka.")
@click.option(
    "--step", "steps", multiple=True, type=click.Choice(STAGES), help="What the worker runs; repeatable. Default: both."
)
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder of the index.")
@click.option("--web-port", type=int, help="Port of the worker's pages.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
def doctor(
    broker: str | None, steps: tuple[Stage, ...], data_dir: Path | None, web_port: int | None, as_json: bool
) -> None:
    """Check everything that a worker needs, and say what to do.

    Settings, broker, topics, retention, permissions, clock, disk, index, consumer group, lag, dead letters: one line
    each, with OK, WARN or FAIL, or that it is unknown or was skipped. Run it as the user and on the machine of the
    worker; it changes nothing and disturbs no worker.

    Exit codes: 0 nothing failed, 1 something did, 2 wrong usage.
    """
    with _waiting(quiet=as_json):
        findings = _findings(steps or STAGES, broker=broker, data_dir=data_dir, web_port=web_port)
    if as_json:
        click.echo(orjson.dumps(_as_json(findings)))
    else:
        _show(console(), findings)
    sys.exit(0 if is_well(findings) else 1)


def _findings(steps: Sequence[Stage], **given: Any) -> list[Finding]:
    try:
        settings = load_settings(**given)
        broker = None if settings.is_memory else ask_broker(settings)
    except SettingsError as error:
        return judge_unset(str(error), python_version())
    return judge(settings, ask_sources(), broker, ask_machine(settings), steps=steps)


@contextlib.contextmanager
def _waiting(*, quiet: bool) -> Iterator[None]:
    if quiet or not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status("asking"):
        yield


def _show(out: Console, findings: Sequence[Finding]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=_STATE_COLUMNS)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(Text(finding.state, style=_STYLES[finding.state]), finding.check, Text(finding.found))
        if finding.advice:
            table.add_row("", "", Text(f"→ {finding.advice}", style="bold"))
    out.print(table)
    counts = Counter(finding.state for finding in findings)
    out.print(Text(", ".join(f"{counts[state]} {state}" for state in State if counts[state])))


def _as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "ok": is_well(findings),
        "findings": [
            {
                "check": finding.check,
                "state": finding.state.value.lower(),
                "found": finding.found,
                "advice": finding.advice or None,
                "figures": finding.figures,
            }
            for finding in findings
        ],
    }
