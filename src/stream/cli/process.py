"""``stream process``: files in, published events out, no broker."""

from __future__ import annotations

import base64
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import click
import orjson

from stream import gc_tuning, system_clock
from stream.cli.bidi import escape_json
from stream.cli.input_files import STDIN, expand_paths, read_messages
from stream.cli.progress import show_progress
from stream.core.contracts.records import OutputRecord
from stream.core.pipeline.offline import OfflineFlow
from stream.core.pipeline.outcome import Outcome
from stream.core.timestamps import format_rfc3339, parse_rfc3339
from stream.settings import load_settings

#: The topics that consumers read.
PUBLIC_TOPICS: Final = ("enriched", "duplicates", "clusters", "rejected")
#: The index's changelog, for those who want to see what is remembered.
CHANGELOG_TOPIC: Final = "fingerprints"


@click.command(epilog="Example: stream process articles.jsonl.gz page.html -o events.jsonl")
@click.argument("files", nargs=-1)
@click.option("-o", "--output", type=click.File("wb"), default="-", help="Output file; - is standard output.")
@click.option("--window-days", type=float, help="How many days back duplicates are found.")
@click.option(
    "--topic",
    "topics",
    multiple=True,
    type=click.Choice([*PUBLIC_TOPICS, CHANGELOG_TOPIC]),
    help=f"Print only this topic; repeatable. Default: {', '.join(PUBLIC_TOPICS)}.",
)
@click.option(
    "--now",
    help="Time of the run in RFC 3339 (default: this machine's clock). A fetched_at of over a day later is dropped.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress and no summary.")
def process(
    *,
    files: tuple[str, ...],
    output: BinaryIO,
    window_days: float | None,
    topics: tuple[str, ...],
    now: str | None,
    quiet: bool,
) -> None:
    """Process files without a broker: raw events in, published events out.

    FILES are JSONL, JSON, .txt and .html files, gzipped ones (.gz) and folders of them, or - for standard input (the
    default). Prints one line for each published event, in order: {"topic", "key", "value", "headers"}. The value of a
    dead letter is the original text, or value_base64 where it is not UTF-8.
    """
    gc_tuning.tune_gc()
    settings = load_settings(window_days=window_days)
    topic_names = {getattr(settings.topics, name) for name in topics or PUBLIC_TOPICS}
    now = now or system_clock.now()
    latest_ms = parse_rfc3339(now)
    if latest_ms is None:
        raise click.BadParameter(f"{now!r} is not a time such as 2026-05-04T06:00:00Z", param_hint="--now")
    flow = OfflineFlow(
        topics=settings.topics, window_ms=settings.window_ms, limits=settings.limits, latest_ms=latest_ms
    )
    counts: Counter[str] = Counter()
    input_files = expand_paths(files or (STDIN,))
    started = time.monotonic()
    with show_progress(input_files, quiet=quiet) as track:
        messages = (message.value for message in track(read_messages(input_files)))
        for outcomes in flow.run(messages, now=format_rfc3339(latest_ms)):
            counts.update(outcome.code or outcome.result for outcome in outcomes)
            output.writelines(escape_json(line, output) for line in _format_lines(outcomes, topic_names))
    output.flush()
    if not quiet:
        _summarize(counts, time.monotonic() - started)


def _format_lines(outcomes: list[Outcome], topics: set[str]) -> Iterator[bytes]:
    for outcome in outcomes:
        for record in outcome.outputs:
            if record.topic in topics:
                line = _line_of(record, is_json=outcome.code is None)
                yield orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _line_of(record: OutputRecord, *, is_json: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"topic": record.topic, "key": _decode(record.key)}
    if is_json and record.value is not None:
        line["value"] = orjson.Fragment(record.value)
    else:
        text = _decode(record.value)
        if text is None and record.value is not None:
            line["value_base64"] = base64.b64encode(record.value).decode()
        else:
            line["value"] = text
    line["headers"] = {name: value.decode("utf-8", "backslashreplace") for name, value in record.headers}
    return line


def _decode(value: bytes | None) -> str | None:
    """``value`` as text; None where there is none, or it is not UTF-8."""
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _summarize(counts: Counter[str], seconds: float) -> None:
    parts = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    click.echo(f"{counts.total()} events in {seconds:.1f} s: {parts or 'nothing to do'}", file=sys.stderr)
