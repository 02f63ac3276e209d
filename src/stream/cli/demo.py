"""``stream demo``: see the whole flow work, with nothing to install."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from stream.cli.bidi import phrase
from stream.cli.terminal_width import clip
from stream.demo.feed import WITHDRAWN_RESULT, samples
from stream.demo.runner import Arrival, Demo
from stream.demo.story import Story, describe_clean_up, describe_reason, group_into_stories
from stream.errors import REJECTION_CODES
from stream.observability.log_setup import configure_logging
from stream.runtime import http_server

_STYLES: Final = {
    "new": "bold green",
    "revision": "bold cyan",
    "expansion": "bold cyan",
    "recrawl": "dim",
    "copy": "yellow",
    "near_copy": "yellow",
    "excerpt": "yellow",
    "outdated": "dim",
    WITHDRAWN_RESULT: "magenta",
}
_REJECTED: Final = "red"
#: Columns of a line that is not on a terminal: a log, a pipe.
_PLAIN_COLUMNS: Final = 100
_LIVE_ROWS: Final = 12
#: Columns of the number, the result and the source. Titles come last in their lines: terminals differ in how wide they
#: draw Hindi, Thai and emoji, and what follows would be out of line.
_NUMBER, _RESULT, _SOURCE = 4, 10, 22
#: Columns of a rejection code.
_CODE: Final = max(map(len, REJECTION_CODES))
_INDENT: Final = " " * (_NUMBER + 1)

_INTRODUCTION: Final = """\
Scrapers push the same news again and again: reprints, teasers, updates, pages
fetched twice. This demo sends {count} messages from invented sites through a real
worker. For each article it decides: is it new, a new version, or a copy, and of
which article? Broker and index are in memory; nothing is kept.
"""
_NEXT_STEPS: Final = """\
Try next
  . .venv/bin/activate        put the commands on your path
  stream process FILE.jsonl   the same decisions for your own files, no broker
  stream explain A.txt B.txt  why two texts are linked, or not
  make demo ARGS=--keep       keep the worker running, and open its pages
  README.md                   run it on Kafka"""


@click.command(epilog="Example: stream demo --keep, then open the pages that it names")
@click.option("--keep", is_flag=True, help="Keep running until Ctrl-C, with the worker's pages open.")
@click.option("--pause", default=0.1, show_default=True, help="Seconds between two messages.")
@click.option("--web-port", type=int, help="Port of the worker's pages. Default: a free one.")
def demo(keep: bool, pause: float, web_port: int | None) -> None:
    """See the whole flow work: send a sample feed in eleven languages through a worker.

    Shows what became of each article and why. The broker lives in this process and keeps nothing. Exits with 1 if an
    article did not become what the feed expects.
    """
    demo = Demo(web_port=web_port)
    configure_logging("ERROR")  # the dead letters are shown anyway
    try:
        sys.exit(asyncio.run(_run(demo, pause, keep=keep)))
    except KeyboardInterrupt:
        sys.exit(0)


async def _run(demo: Demo, pause: float, *, keep: bool) -> int:
    pages = http_server.WorkerPages(demo.flow.metrics.registry, demo.flow)
    with http_server.bind(demo.settings.web_host, demo.settings.web_port) as sockets:
        async with http_server.serve(pages, sockets):
            return await _show_flow(demo, pause, keep=keep)


async def _show_flow(demo: Demo, pause: float, *, keep: bool) -> int:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PLAIN_COLUMNS
    feed = samples()
    arrivals: list[Arrival] = []
    console.print(_INTRODUCTION.format(count=len(feed)))
    async with demo.flow.running():
        with Live(console=console, refresh_per_second=10, transient=True) as live:
            async for arrival in demo.feed(feed, pause_s=pause):
                arrivals.append(arrival)
                if console.is_terminal:
                    live.update(_progress(arrivals, len(feed), console.width))
        for line in report_lines(arrivals, console.width):
            console.print(line, soft_wrap=True)
        console.print()
        console.print(_NEXT_STEPS)
        if keep:
            console.print(f"\nThe worker keeps running; its pages are at {demo.url}/ (Ctrl-C stops it)")
            await asyncio.Event().wait()
    return 0 if all(arrival.is_expected for arrival in arrivals) else 1


def _progress(arrivals: Sequence[Arrival], count: int, width: int) -> Group:
    rows = [_row(arrival, width) for arrival in arrivals[-_LIVE_ROWS:]]
    return Group(*rows, Text(f"message {arrivals[-1].number} of {count}", style="dim"))


def report_lines(arrivals: Sequence[Arrival], width: int) -> Iterator[Text]:
    """Yield the demo's result as lines of at most ``width`` columns: stories, other articles, dead letters, counts."""
    stories = group_into_stories(arrivals)
    yield Text("Stories: each article with the copies and versions that were linked to it", style="bold")
    for story in stories:
        if not story.is_single:
            yield Text()
            yield from _story_lines(story, arrivals, width)
    yield Text()
    yield Text("Articles that nothing was linked to", style="bold")
    for story in stories:
        if story.is_single:
            yield from _article_lines(story.arrivals[0], arrivals, width)
    yield Text()
    yield Text("Dead letters: what cannot be used is kept with its reason", style="bold")
    for arrival in arrivals:
        if arrival.event is None and arrival.result != WITHDRAWN_RESULT:
            yield from _article_lines(arrival, arrivals, width)
    yield Text()
    yield from _summary(arrivals)


def _story_lines(story: Story, arrivals: Sequence[Arrival], width: int) -> Iterator[Text]:
    first, *linked = story.arrivals
    yield from _article_lines(first, arrivals, width)
    for arrival in linked:
        yield from _article_lines(arrival, arrivals, width)


def _article_lines(arrival: Arrival, arrivals: Sequence[Arrival], width: int) -> Iterator[Text]:
    """The article's row, and below it the reason and what was cleaned up."""
    words = describe_reason(arrival, arrivals)
    if arrival.event is None:
        row = _row_start(arrival)
        first, *others = wrap(words, width, initial_indent=" " * len(row), subsequent_indent=_INDENT)
        yield row + Text(first.lstrip())
        yield from map(Text, others)
        return
    yield _row(arrival, width)
    for line in wrap(words, width, initial_indent=_INDENT, subsequent_indent=_INDENT):
        yield Text(line)
    for line in wrap(describe_clean_up(arrival.event), width, initial_indent=_INDENT, subsequent_indent=_INDENT):
        yield Text(line, style="dim")


def _row(arrival: Arrival, width: int) -> Text:
    row = _row_start(arrival)
    event = arrival.event
    if event is None:
        return row
    source = event["source"]["domain"] or event["source"]["name"] or ""
    row.append(f"{clip(source, _SOURCE):<{_SOURCE}} ", style="dim")
    return row + phrase(clip(event["title"] or event["text"], max(1, width - len(row))))


def _row_start(arrival: Arrival) -> Text:
    row = Text(f"{arrival.label:>{_NUMBER}} ")
    is_dead_letter = arrival.result not in _STYLES
    columns = _CODE if is_dead_letter else _RESULT
    row.append(f"{arrival.result:<{columns}} ", style=_REJECTED if is_dead_letter else _STYLES[arrival.result])
    if not arrival.is_expected:
        row.append(f"(expected {arrival.expected}) ", style="bold red")
    return row


def _summary(arrivals: Sequence[Arrival]) -> Iterator[Text]:
    counts = Counter(arrival.result for arrival in arrivals)
    duplicates = sum(1 for arrival in arrivals if arrival.event and arrival.event["duplicate"]["is_duplicate"])
    published = sum(1 for arrival in arrivals if arrival.event)
    dead_letters = len(arrivals) - published - counts[WITHDRAWN_RESULT]
    languages = {arrival.event["language"]["tag"] for arrival in arrivals if arrival.event}
    plural = "" if len(languages) == 1 else "s"
    yield Text(f"{len(arrivals)} articles in {len(languages)} language{plural}:", style="bold")
    for count, meaning in (
        (published - duplicates, "for consumers: new, or newly revised"),
        (duplicates, "duplicates, each linked to the article that it repeats"),
        (dead_letters, "dead letters"),
        (counts[WITHDRAWN_RESULT], "withdrawn"),
    ):
        yield Text(f"{count:>{_NUMBER}} {meaning}")
    expected = sum(arrival.is_expected for arrival in arrivals)
    style = "" if expected == len(arrivals) else "bold red"
    yield Text(f"{expected} of {len(arrivals)} as expected", style=style)
