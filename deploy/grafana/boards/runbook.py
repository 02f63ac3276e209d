"""The run book as a dashboard: one panel per section, so that other panels can link to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from boards.panels import RUNBOOK

_WIDTH: Final = 24
_HEIGHT: Final = 12


def anchor(heading: str) -> str:
    """The anchor that Markdown viewers give to ``heading``."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def split_sections(text: str) -> list[tuple[str, str]]:
    """Split Markdown into the (heading, content) of each section of the second level."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def board(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the dashboard, and the number of each section's panel by its anchor."""
    sections = split_sections(path.read_text(encoding="utf-8"))
    numbers = {anchor(heading): number for number, (heading, _) in enumerate(sections, 1)}
    panels = [
        {
            "id": number,
            "type": "text",
            "title": heading,
            "gridPos": {"x": 0, "y": (number - 1) * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
            "options": {"mode": "markdown", "content": content.replace("](#", f"]({RUNBOOK}")},
        }
        for number, (heading, content) in enumerate(sections, 1)
    ]
    return {
        "uid": "article-stream-runbook",
        "title": "Article stream: run book",
        "description": "What each alert means and what to do. The same text as docs/operations/runbook.md.",
        "tags": ["article-stream"],
        "editable": False,
        "schemaVersion": 39,
        "panels": panels,
    }, numbers
