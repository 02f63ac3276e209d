"""``stream doctor``: check everything that a worker needs, and say how to fix what is wrong."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console

from stream.cli.bidi import console
from stream.cli.findings_table import findings_as_json, print_findings
from stream.doctor.collect_broker import collect_broker
from stream.doctor.collect_host import collect_host, collect_setting_sources, python_version
from stream.doctor.findings import Finding, is_acceptable
from stream.doctor.report import check_all, report_invalid_settings
from stream.errors import SettingsError
from stream.settings import STAGES, Stage, load_settings


@click.command(epilog="Example: STREAM_BROKER=kafka:9092 stream doctor --data-dir /var/lib/stream")
@click.option("--broker", help="Kafka bootstrap servers: host:port[,host:port…].")
@click.option(
    "--step",
    "steps",
    multiple=True,
    type=click.Choice(STAGES),
    help="Step that the worker runs. Repeatable; default: both.",
)
@click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder of the duplicate index.")
@click.option("--web-port", type=int, help="Port of the worker's web pages.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for scripts.")
def doctor(
    broker: str | None,
    *,
    steps: tuple[Stage, ...],
    data_dir: Path | None,
    web_port: int | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Check everything that a worker needs, and say how to fix what is wrong.

    Prints one line for each check of settings, host, disk, index, broker, topics, permissions, clock, consumer group,
    lag and dead letters: OK, WARN, FAIL, unknown or skipped. Run it on the host of the worker, as the worker's user. It
    changes nothing and does not disturb running workers.

    Exit codes: 0 no failure; 1 at least one failure, or with --strict a warning; 2 wrong usage.
    """
    with _show_status(quiet=as_json):
        findings = _collect_findings(steps or STAGES, broker=broker, data_dir=data_dir, web_port=web_port)
    is_ok = is_acceptable(findings, strict=strict)
    if as_json:
        click.echo(orjson.dumps(findings_as_json(findings, is_ok=is_ok)))
    else:
        print_findings(console(), findings)
    sys.exit(0 if is_ok else 1)


def _collect_findings(steps: Sequence[Stage], **options: Any) -> list[Finding]:
    try:
        settings = load_settings(**options)
        broker = None if settings.is_memory else collect_broker(settings)
    except SettingsError as error:
        return report_invalid_settings(str(error), python_version())
    return check_all(settings, collect_setting_sources(), broker, collect_host(settings), steps=steps)


@contextlib.contextmanager
def _show_status(*, quiet: bool) -> Iterator[None]:
    if quiet or not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status("checking"):
        yield
