"""The demo's report on terminals of several sizes, drawn by a terminal emulator."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Sequence

import pyte
import pytest
from rich.console import Console
from rich.text import Text

from stream.cli.demo import report_lines
from stream.cli.terminal_width import max_columns
from stream.core.contracts.events import RELATIONS
from stream.demo.feed import samples
from stream.demo.runner import Arrival, Demo

#: Where the source begins in the row of an article.
SOURCE_COLUMN = 16
ROW = re.compile(rf" *#\d+[a-z]? ({'|'.join(RELATIONS)}) ")


@pytest.fixture(scope="module")
def arrivals() -> list[Arrival]:
    """What becomes of the whole feed."""

    async def run() -> list[Arrival]:
        demo = Demo()
        async with demo.flow.running():
            return [arrival async for arrival in demo.feed(samples(), pause_s=0)]

    return asyncio.run(run())


def screen_of(lines: Sequence[Text], width: int) -> list[str]:
    """``lines`` as a terminal of ``width`` columns shows them."""
    output = io.StringIO()
    console = Console(width=width, file=output, force_terminal=True, highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)
    screen = pyte.Screen(width, 2 * len(lines))
    pyte.Stream(screen).feed(output.getvalue().replace("\n", "\r\n"))
    return [row.rstrip() for row in screen.display][: screen.cursor.y]


@pytest.mark.parametrize("width", [80, 100, 120])
def test_no_line_wraps_and_columns_stay_in_line(arrivals: list[Arrival], width: int) -> None:
    lines = list(report_lines(arrivals, width))
    assert max(max_columns(line.plain) for line in lines) <= width
    shown = screen_of(lines, width)
    assert len(shown) == len(lines)
    rows = [row for row in shown if ROW.match(row)]
    assert len(rows) == sum(1 for arrival in arrivals if arrival.event)
    sources = {arrival.event["source"]["domain"] for arrival in arrivals if arrival.event}
    assert all(any(row[SOURCE_COLUMN:].startswith(source[:10]) for source in sources) for row in rows)
