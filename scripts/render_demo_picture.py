"""Draw docs/images/demo.svg, the demo as the README shows it: ``python -m scripts.render_demo_picture``."""

from __future__ import annotations

import asyncio
import io
import re
from itertools import islice
from pathlib import Path

from rich.console import Console

from stream.cli.demo import report_lines
from stream.demo.feed import samples
from stream.demo.runner import Arrival, Demo
from stream.observability.log_setup import configure_logging

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "demo.svg"
COLUMNS = 96
LINES = 42
#: The picture loads nothing: any monospace font of the reader's will do.
WEB_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)


async def collect_arrivals() -> list[Arrival]:
    """Run the demo."""
    demo = Demo()
    async with demo.flow.running():
        return [arrival async for arrival in demo.feed(samples(), pause_s=0)]


def main() -> None:
    """Run the demo and draw the first lines of its report."""
    configure_logging("ERROR")
    arrivals = asyncio.run(collect_arrivals())
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in islice(report_lines(arrivals, COLUMNS), LINES):
        console.print(line, soft_wrap=True)
    console.print("…", style="dim")
    PICTURE.write_text(WEB_FONTS.sub("", console.export_svg(title="make demo")), encoding="utf-8")


if __name__ == "__main__":
    main()
