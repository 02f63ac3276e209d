"""The run book as a page of Grafana: one panel a section, so that panels can link to the one that they need."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from boards.panels import RUNBOOK

_WIDTH: Final = 24
_HEIGHT: Final = 12


def anchor(heading: str) -> str:
    """The name under which Markdown viewers link to ``heading``."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections(text: str) -> list[tuple[str, str]]:
    """(heading, Markdown) of each section of the second level, in order."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


def board(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """The dashboard, and the number of each section's panel by its anchor."""
    found = sections(path.read_text(encoding="utf-8"))
    numbers = {anchor(heading): number for number, (heading, _) in enumerate(found, 1)}
    panels = [
        {
            "id": number,
            "type": "text",
            "title": heading,
            "gridPos": {"x": 0, "y": (number - 1) * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
            "options": {"mode": "markdown", "content": content.replace("](#", f"]({RUNBOOK}")},
        }
        for number, (heading, content) in enumerate(found, 1)
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
