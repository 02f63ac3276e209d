"""Writes docs/images/demo.svg: the demo's table as the README shows it. Run it with ``python scripts/render_demo_picture.py``."""

from __future__ import annotations

import asyncio
import io
import re
from pathlib import Path

from rich.console import Console

from stream.cli.demo import arrivals_table, summary
from stream.demo.feed import samples
from stream.demo.runner import Arrival, Demo
from stream.observability.log_setup import configure_logging

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "demo.svg"
COLUMNS = 128
ROWS = 34
#: The picture loads nothing: any monospace font of the reader's will do.
WEB_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)


async def _arrivals() -> list[Arrival]:
    demo = Demo()
    async with demo.flow.running():
        return [arrival async for arrival in demo.feed(samples(), pause_s=0)]


def main() -> None:
    """Run the demo and draw its first rows and its summary."""
    configure_logging("ERROR")
    arrivals = asyncio.run(_arrivals())
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(arrivals_table(arrivals[:ROWS], ROWS))
    console.print(f"… {len(arrivals) - ROWS} more", style="dim")
    console.print(summary(arrivals))
    drawn = console.export_svg(title="make demo")
    PICTURE.write_text(WEB_FONTS.sub("", drawn), encoding="utf-8")


if __name__ == "__main__":
    main()
