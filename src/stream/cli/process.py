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
from stream.cli.input_files import STDIN, expand, read_messages
from stream.cli.progress import reading
from stream.core.contracts.records import OutputRecord
from stream.core.pipeline.offline import OfflineFlow
from stream.core.pipeline.outcome import Outcome
from stream.settings import load_settings

#: What consumers read.
PUBLIC: Final = ("enriched", "duplicates", "clusters", "rejected")
#: The index's changelog, for those who want to see what is remembered.
INTERNAL: Final = "fingerprints"


@click.command(epilog="Example: stream process articles.jsonl.gz page.html -o events.jsonl")
@click.argument("files", nargs=-1)
@click.option("-o", "--output", type=click.File("wb"), default="-", help="Where to write; - is standard output.")
@click.option("--window-days", type=float, help="How far back duplicates are found.")
@click.option(
    "--topic",
    "shown",
    multiple=True,
    type=click.Choice([*PUBLIC, INTERNAL]),
    help=f"Show only this topic; repeatable. Default: {', '.join(PUBLIC)}.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def process(
    files: tuple[str, ...], output: BinaryIO, window_days: float | None, shown: tuple[str, ...], quiet: bool
) -> None:
    """Process raw events without a broker.

    FILES are JSONL, JSON, .txt and .html files, .gz too, folders of them, or - for standard input (the default).
    Writes one line for each published event, in order: {"topic", "key", "value", "headers"}. A dead letter's
    value is the original text, or value_base64 where that is not UTF-8.
    """
    gc_tuning.relax()
    settings = load_settings(window_days=window_days)
    topics = settings.topics
    wanted = {getattr(topics, name) for name in shown or PUBLIC}
    flow = OfflineFlow(topics=topics, window_ms=settings.window_ms, limits=settings.limits)
    counts: Counter[str] = Counter()
    paths = expand(files or (STDIN,))
    started = time.monotonic()
    with reading(paths, quiet=quiet) as watched:
        messages = (message.value for message in watched(read_messages(paths)))
        for outcomes in flow.run(messages, now=system_clock.now()):
            counts.update(outcome.code or outcome.result for outcome in outcomes)
            output.writelines(_lines(outcomes, wanted))
    output.flush()
    if not quiet:
        _summarize(counts, time.monotonic() - started)


def _lines(outcomes: list[Outcome], wanted: set[str]) -> Iterator[bytes]:
    for outcome in outcomes:
        for sent in outcome.outputs:
            if sent.topic in wanted:
                yield orjson.dumps(_line(sent, is_json=outcome.code is None), option=orjson.OPT_APPEND_NEWLINE)


def _line(sent: OutputRecord, *, is_json: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"topic": sent.topic, "key": _text(sent.key)}
    if is_json and sent.value is not None:
        line["value"] = orjson.Fragment(sent.value)
    else:
        text = _text(sent.value)
        if text is None and sent.value is not None:
            line["value_base64"] = base64.b64encode(sent.value).decode()
        else:
            line["value"] = text
    line["headers"] = {name: value.decode("utf-8", "backslashreplace") for name, value in sent.headers}
    return line


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _summarize(counts: Counter[str], seconds: float) -> None:
    total = sum(counts.values())
    parts = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    click.echo(f"{total} events in {seconds:.1f} s: {parts or 'nothing to do'}", file=sys.stderr)
