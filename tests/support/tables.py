"""Renders rich tables as text."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType


def render(table: RenderableType) -> str:
    """The text of a table on a wide terminal."""
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(table)
    return console.export_text()
