"""Draws the dashboards from live data, for the documentation; no Grafana is needed.

Layout, titles, units, colours and thresholds are those of the dashboards' JSON.
"""

from __future__ import annotations

import io
import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator
from PIL import Image, ImageDraw, ImageFont

from tests.e2e.monitoring.prometheus_api import Prometheus, Series
from tests.support.dashboard_queries import DASHBOARDS, format_value, panels, queries, unit_scale

# In pixels: the picture's width, a row and a column of Grafana's grid, the heading, the gap between panels.
_WIDTH, _ROW, _COLUMN, _HEAD, _GAP = 1200, 34, 1195 / 24, 44, 5
_DPI, _SIZE, _LEGEND_ROWS, _BARS = 100, 8.5, 4, 12
_TEXT, _DIM, _GRID, _BACKGROUND = "#24292e", "#6a737d", "#e9edf2", "#f4f5f5"
_LINES: Final = ("#73BF69", "#F2CC0C", "#5794F2", "#FF9830", "#F2495C", "#B877D9", "#8AB8FF", "#37872D", "#C4162A")
_COLORS: Final = {"green": "#56A64B", "red": "#E02F44", "blue": "#3274D9", "transparent": "#ffffff"}


@dataclass(frozen=True, slots=True)
class Span:
    """A range of time in seconds since 1970, in steps of ``step_s``; ``interval`` is for rates."""

    start: float
    end: float
    step_s: float
    interval: str


class Line:
    """One series of a panel: its name in the legend, and its value at every step of ``span`` (NaN: none)."""

    def __init__(self, series: Series, legend: str, span: Span) -> None:
        self.name = re.sub(r"\{\{(\w+)\}\}", lambda match: series.labels.get(match[1], ""), legend)
        self.times = span.start + span.step_s * np.arange(round((span.end - span.start) / span.step_s) + 1)
        self.values = np.full(len(self.times), math.nan)
        self.values[np.rint((np.array(series.times) - span.start) / span.step_s).astype(int)] = series.values
        finite = self.values[np.isfinite(self.values)]
        self.last = float(finite[-1]) if len(finite) else math.nan


def draw_dashboards(prometheus: Prometheus, folder: Path, span: Span, rules: Path) -> list[Path]:
    """Draw every dashboard that has queries into ``folder``, as NAME.png, and return the files.

    Raises:
        MonitoringError: Prometheus does not answer, or rejects a query.
    """
    folder.mkdir(parents=True, exist_ok=True)
    all_queries = list(queries(interval=span.interval, alerts=rules))
    pictures = []
    for path in sorted(DASHBOARDS.glob("*.json")):
        of_board = iter([query for query in all_queries if query.dashboard == path.stem])
        board = json.loads(path.read_text(encoding="utf-8"))
        lines: dict[int, list[Line]] = {}
        for panel in panels(board):
            for _ in panel.get("targets", []):
                query = next(of_board)
                series = prometheus.over(query.expr, start=span.start, end=span.end, step_s=span.step_s)
                lines.setdefault(panel["id"], []).extend(Line(each, query.legend, span) for each in series)
        if lines:
            pictures.append(folder / f"{path.stem}.png")
            draw_board(board, lines).quantize(96).save(pictures[-1], optimize=True)  # few colours make a small file
    return pictures


def draw_board(board: Mapping[str, Any], lines: Mapping[int, Sequence[Line]]) -> Image.Image:
    """Draw a dashboard; ``lines`` holds those of each panel by its id."""
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    picture = Image.new("RGB", (_WIDTH, bottom * _ROW + _HEAD + _GAP), _BACKGROUND)
    font = ImageFont.truetype(findfont("DejaVu Sans:bold"), 18)
    ImageDraw.Draw(picture).text((12, 14), board["title"], fill=_TEXT, font=font)
    for panel in board["panels"]:
        x, y = round(panel["gridPos"]["x"] * _COLUMN) + _GAP, panel["gridPos"]["y"] * _ROW + _HEAD + _GAP
        if panel["type"] == "row":
            ImageDraw.Draw(picture).text((x + 7, y + 5), panel["title"], fill=_TEXT, font=font)
        else:
            with io.BytesIO() as png:
                draw_panel(panel, lines.get(panel["id"], [])).savefig(png)
                picture.paste(Image.open(png), (x, y))
    return picture


def draw_panel(panel: Mapping[str, Any], lines: Sequence[Line]) -> Figure:
    """Draw a panel of a dashboard's JSON."""
    width, height = panel["gridPos"]["w"] * _COLUMN - _GAP, panel["gridPos"]["h"] * _ROW - _GAP
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="white", layout="constrained")
    size = min(9.5, width / len(panel["title"]) / 0.95)  # a long title gets smaller
    figure.suptitle(panel["title"], x=8 / width, ha="left", color=_TEXT, size=size, weight="bold")
    axes = figure.add_subplot()
    axes.spines[:].set_visible(False)
    axes.tick_params(labelsize=_SIZE, colors=_DIM, length=0)
    lines = [line for line in lines if math.isfinite(line.last)]
    if lines:
        DRAW[panel["type"]](axes, panel, lines)
    else:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "No data", ha="center", va="center", color=_DIM, size=_SIZE + 2)
    return figure


def _color_of(panel: Mapping[str, Any], value: float) -> str:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    color = [step["color"] for step in steps if step.get("value") is None or value >= step["value"]][-1]
    return str(_COLORS.get(color, color))


def _format(panel: Mapping[str, Any], value: float) -> str:
    defaults = panel["fieldConfig"]["defaults"]
    return format_value(
        round(value) if defaults.get("decimals") == 0 and value > 1 else value, defaults.get("unit", "")
    )


def _draw_stat(axes: Axes, panel: Mapping[str, Any], lines: Sequence[Line]) -> None:
    """One value on its colour, with its past as an area."""
    line = lines[0]
    axes.set(facecolor=_color_of(panel, line.last), xticks=[], yticks=[])
    if panel["options"].get("graphMode") == "area":
        low, high = np.nanmin(line.values), np.nanmax(line.values)
        axes.fill_between(line.times, line.values, low, color="white", alpha=0.28, linewidth=0)
        axes.set(xlim=(line.times[0], line.times[-1]), ylim=(low, low + 3 * (high - low or 1)))
    text = line.name if panel["options"].get("textMode") == "name" else _format(panel, line.last)
    style: dict[str, Any] = {"ha": "center", "va": "center", "color": "white", "size": 15, "weight": "bold"}
    axes.text(0.5, 0.55, text, transform=axes.transAxes, **style)


def _draw_lines(axes: Axes, panel: Mapping[str, Any], lines: Sequence[Line]) -> None:
    """Series over time: lines, bars or stacked areas, and dashed thresholds."""
    defaults = panel["fieldConfig"]["defaults"]
    custom = defaults.get("custom", {})
    colors = [_LINES[i % len(_LINES)] for i in range(len(lines))]
    if (is_bars := custom.get("drawStyle") == "bars") or custom.get("stacking", {}).get("mode") == "normal":
        style: dict[str, Any] = {"alpha": 0.65, "linewidth": 0} | ({"step": "mid"} if is_bars else {})
        axes.stackplot(lines[0].times, np.nan_to_num([line.values for line in lines]), colors=colors, **style)
    else:
        for line, color in zip(lines, colors, strict=True):
            axes.plot(line.times, line.values, color=color, linewidth=1.5)
    _draw_time_axis(axes, lines[0])
    low, high = (defaults.get(key, end) for key, end in zip(("min", "max"), axes.get_ylim(), strict=True))
    size, _ = unit_scale(high, defaults.get("unit", ""))
    locator = MaxNLocator(4, steps=[1, 2, 5, 10])
    ticks = size * np.asarray(locator.tick_values(low / size, max(high / size, low / size + 0.01)))
    axes.yaxis.set_major_locator(MultipleLocator(ticks[1] - ticks[0]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _format(panel, value)))
    axes.set_ylim(low, ticks[-1])
    if custom.get("thresholdsStyle", {}).get("mode") == "dashed":
        for value in [step["value"] for step in defaults["thresholds"]["steps"] if step.get("value")]:
            if value < ticks[-1]:
                axes.axhline(value, color=_color_of(panel, value), linestyle="--", linewidth=1.2)
    labels = [f"{line.name}  {_format(panel, line.last)}" for line in lines]
    columns = max(1, int(panel["gridPos"]["w"] * _COLUMN / (max(map(len, labels)) * 7.2 + 36)))
    largest = sorted(range(len(lines)), key=lambda i: -lines[i].last)[: _LEGEND_ROWS * columns]
    _add_legend(axes, [(labels[i], colors[i]) for i in sorted(largest)], columns)


def _draw_bars(axes: Axes, panel: Mapping[str, Any], lines: Sequence[Line]) -> None:
    """The largest of the last values as horizontal bars."""
    lines = sorted(lines, key=lambda line: line.last, reverse=True)[:_BARS]
    names = [line.name if len(line.name) <= 30 else line.name[:29] + "…" for line in lines]
    colors = [_color_of(panel, line.last) for line in lines]
    bars = axes.barh(range(len(lines)), [line.last for line in lines], height=0.68, color=colors)
    axes.bar_label(bars, [_format(panel, line.last) for line in lines], padding=4, fontsize=_SIZE, color=_TEXT)
    axes.set_yticks(range(len(lines)), names)
    axes.set(xticks=[], xlim=(0, 1.25 * (lines[0].last or 1)), ylim=(max(len(lines), 6) - 0.4, -0.6))


def _draw_states(axes: Axes, panel: Mapping[str, Any], lines: Sequence[Line]) -> None:
    """A row for each series, coloured by its value."""
    states = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    lines = sorted(lines, key=lambda line: line.name)
    for value, state in states.items():
        for i, line in enumerate(lines):
            bars = [(start, line.times[1] - line.times[0]) for start in line.times[line.values == float(value)]]
            axes.broken_barh(bars, (i - 0.4, 0.8), color=_COLORS.get(state["color"], state["color"]), linewidth=0)
    _draw_time_axis(axes, lines[0])
    axes.set_yticks(range(len(lines)), [line.name for line in lines])
    axes.set_ylim(len(lines) - 0.4, -0.6)
    _add_legend(
        axes, [(each["text"], _COLORS.get(each["color"], each["color"])) for each in states.values()], len(states)
    )


def _draw_time_axis(axes: Axes, line: Line) -> None:
    axes.set_xlim(line.times[0], line.times[-1])
    axes.xaxis.set_major_locator(MultipleLocator(60))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: time.strftime("%H:%M", time.gmtime(seconds))))
    axes.grid(visible=True, color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _add_legend(axes: Axes, entries: Sequence[tuple[str, str]], columns: int) -> None:
    handles = [axes.plot([], [], color=color, linewidth=3, label=label)[0] for label, color in entries]
    style: dict[str, Any] = {"fontsize": _SIZE, "labelcolor": _TEXT, "frameon": False, "handlelength": 0.9}
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, columnspacing=1.2, **style)


DRAW: Final[Mapping[str, Callable[[Axes, Mapping[str, Any], Sequence[Line]], None]]] = {
    "stat": _draw_stat,
    "timeseries": _draw_lines,
    "bargauge": _draw_bars,
    "state-timeline": _draw_states,
}
