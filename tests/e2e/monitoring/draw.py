"""Draws the panels of each dashboard from live data: its JSON says where they are and how they look.

The pictures stand in for screenshots: the dashboards themselves need a Grafana.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from tests.e2e.monitoring.plots import DIM, DRAWN, SMALL, TEXT, Line, Panel
from tests.e2e.monitoring.prometheus_api import Prometheus, Series
from tests.support.dashboard_queries import DASHBOARDS, Query, panels, queries

#: Pixels: of the picture's width, of a row of Grafana's grid, around each panel.
_WIDTH: Final = 1600
_ROW: Final = 38
_HEAD: Final = 48
_GAP: Final = 5
_GRID_COLUMNS: Final = 24
_DPI: Final = 100
_COLORS: Final = 96
_BACKGROUND: Final = "#f4f5f5"
_BORDER: Final = "#dde1e6"
#: Of a panel: space for the title, and for what stands left of and under each kind of content.
_TITLE: Final = 30
_TITLE_CHAR: Final = 9.4
_LEFT: Final = {"timeseries": 78, "state-timeline": 260}
_BOTTOM: Final = {"timeseries": 100, "state-timeline": 50}
_LABEL: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in seconds since 1970, in steps of ``step_s``; ``interval`` is for rates."""

    start: float
    end: float
    step_s: float
    interval: str


def draw_all(prometheus: Prometheus, folder: Path, span: Span, rules: Path) -> list[Path]:
    """Draw every dashboard that has queries into ``folder``, as NAME.png, and return the files.

    Raises:
        ObserveError: Prometheus does not answer, or refuses a query.
    """
    mpl.use("Agg")
    folder.mkdir(parents=True, exist_ok=True)
    asked = list(queries(interval=span.interval, alerts=rules))
    pictures = []
    for board in sorted(DASHBOARDS.glob("*.json")):
        mine = [query for query in asked if query.dashboard == board.stem]
        if mine:
            pictures.append(folder / f"{board.stem}.png")
            _draw(json.loads(board.read_text(encoding="utf-8")), mine, prometheus, span, pictures[-1])
    return pictures


def _draw(board: dict[str, Any], asked: Sequence[Query], prometheus: Prometheus, span: Span, picture: Path) -> None:
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"]) * _ROW + _HEAD + _GAP
    figure = Figure(figsize=(_WIDTH / _DPI, height / _DPI), dpi=_DPI, facecolor=_BACKGROUND)
    page = _Page(figure, height)
    page.write(board["title"], 12, 14, size=17, weight="bold")
    for row in board["panels"]:
        if row["type"] == "row":
            page.write(row["title"], 12, row["gridPos"]["y"] * _ROW + _HEAD + 12, size=13, weight="bold")
    left = iter(asked)
    for json_panel in panels(board):
        told = [_told(prometheus, next(left), span, target) for target in json_panel.get("targets", [])]
        lines = [line for found in told for line in found]
        page.panel(Panel(json_panel, lines, span.start, span.end, span.step_s))
    with io.BytesIO() as drawn:
        figure.savefig(drawn)
        # Few colours, for a small file; Pillow is what matplotlib writes with.
        Image.open(drawn).convert("RGB").quantize(_COLORS).save(picture, optimize=True)


def _told(prometheus: Prometheus, query: Query, span: Span, target: Mapping[str, Any]) -> list[Line]:
    """What Prometheus tells for one query of a panel: over the time, or at its end."""
    if target.get("instant"):
        found = [Series(each.labels, [span.end], [each.value]) for each in prometheus.at(query.expr, moment=span.end)]
    else:
        found = prometheus.over(query.expr, start=span.start, end=span.end, step_s=span.step_s)
    return [Line(_name(query, series.labels), series) for series in found]


class _Page:
    """A figure that is written on in pixels from its upper left corner."""

    def __init__(self, figure: Figure, height: int) -> None:
        self._figure = figure
        self._height = height

    def write(self, text: str, x: float, y: float, **how: Any) -> None:
        """One line of text that begins at a point."""
        self._figure.text(x / _WIDTH, 1 - y / self._height, text, va="top", color=TEXT, **how)

    def panel(self, panel: Panel) -> None:
        """A panel's frame, title and content."""
        place, kind = panel.json["gridPos"], panel.json["type"]
        column = (_WIDTH - _GAP) / _GRID_COLUMNS
        x, y = place["x"] * column + _GAP, place["y"] * _ROW + _HEAD + _GAP
        width, height = place["w"] * column - _GAP, place["h"] * _ROW - _GAP
        self._frame(x, y, width, height)
        self.write(_cut(panel.json["title"], int(width / _TITLE_CHAR)), x + 9, y + 8, size=10, weight="bold")
        left, bottom = _LEFT.get(kind, 10), _BOTTOM.get(kind, 8)
        axes = self._axes(x + left, y + _TITLE, width - left - 12, height - _TITLE - bottom)
        if any(line.told for line in panel.lines):
            DRAWN[kind](axes, panel)
        else:
            axes.set_axis_off()
            axes.text(0.5, 0.5, "No data", ha="center", va="center", color=DIM, size=SMALL + 2)

    def _frame(self, x: float, y: float, width: float, height: float) -> None:
        frame = Rectangle(
            (x / _WIDTH, 1 - (y + height) / self._height),
            width / _WIDTH,
            height / self._height,
            facecolor="white",
            edgecolor=_BORDER,
            linewidth=1,
            zorder=-1,
            transform=self._figure.transFigure,
        )
        self._figure.add_artist(frame)

    def _axes(self, x: float, y: float, width: float, height: float) -> Axes:
        box = (x / _WIDTH, 1 - (y + height) / self._height, width / _WIDTH, height / self._height)
        return self._figure.add_axes(box)


def _name(query: Query, labels: Mapping[str, str]) -> str:
    """The legend of one series, as Grafana fills it in."""
    return _LABEL.sub(lambda label: labels.get(label[1], ""), query.legend)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
