"""Draws one panel's content into axes, as Grafana shows its kind."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator

from tests.e2e.monitoring.prometheus_api import Series
from tests.e2e.monitoring.units import formatted, pleasant_step

TEXT: Final = "#24292e"
DIM: Final = "#6a737d"
GRID: Final = "#e9edf2"
SMALL: Final = 9.0
_PALETTE: Final = (
    *("#73BF69", "#F2CC0C", "#5794F2", "#FF9830", "#F2495C", "#B877D9", "#8AB8FF", "#37872D", "#E0B400"),
    *("#1F60C4", "#FA6400", "#C4162A", "#8F3BB8", "#96D98D", "#FFEE52", "#C0D8FF", "#FFB357", "#FF7383"),
)
_NAMED: Final = {"green": "#56A64B", "red": "#E02F44", "blue": "#3274D9", "transparent": "#ffffff"}
_LEGEND_ROWS: Final = 4
#: Pixels of a small character, about.
_CHAR: Final = 6.6
_TICKS: Final = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One series of a panel with the name that its legend gives it."""

    name: str
    series: Series

    @property
    def told(self) -> list[float]:
        """Its values but NaN and the infinite."""
        return [value for value in self.series.values if math.isfinite(value)]


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of a dashboard's JSON with what its queries told from ``start`` to ``end``, in steps of ``step_s``."""

    json: Mapping[str, Any]
    lines: Sequence[Line]
    start: float
    end: float
    step_s: float

    @property
    def defaults(self) -> Mapping[str, Any]:
        """How its fields are shown."""
        found: Mapping[str, Any] = self.json.get("fieldConfig", {}).get("defaults", {})
        return found

    @property
    def unit(self) -> str:
        """Grafana's name of its unit."""
        return str(self.defaults.get("unit", ""))

    @property
    def thresholds(self) -> list[tuple[float, str]]:
        """From which value on which colour, the lowest first."""
        steps = self.defaults.get("thresholds", {}).get("steps", [])
        return [(-math.inf if step.get("value") is None else step["value"], color(step["color"])) for step in steps]

    def color_of(self, value: float) -> str:
        """The colour of ``value`` by the thresholds."""
        return [found for at, found in self.thresholds if value >= at][-1]

    def shown(self, value: float) -> str:
        """``value`` with its unit, to the places that are set."""
        places = self.defaults.get("decimals")
        if places is not None:
            value = round(value, places + 2 if self.unit == "percentunit" else places)
        return formatted(value, self.unit)

    def words(self) -> dict[str, tuple[str, str]]:
        """Value -> (text, colour), where the panel shows values as words."""
        return {
            value: (told["text"], color(told["color"]))
            for mapping in self.defaults.get("mappings", [])
            for value, told in mapping["options"].items()
        }


def color(name: str) -> str:
    """What matplotlib understands, for a colour of Grafana."""
    return _NAMED.get(name, name)


def draw_stat(axes: Axes, panel: Panel) -> None:
    """One figure on its colour, with what it was before as an area."""
    line = panel.lines[0]
    axes.set_facecolor(panel.color_of(line.told[-1]))
    axes.set_xticks([])
    axes.set_yticks([])
    _without_frame(axes)
    if panel.json["options"].get("graphMode") == "area":
        low, high = min(line.told), max(line.told)
        axes.fill_between(line.series.times, line.series.values, low - 1e-9, color="white", alpha=0.28, linewidth=0)
        axes.set_ylim(low - 1e-9, low + (high - low or 1.0) * 3)
        axes.set_xlim(line.series.times[0], line.series.times[-1])
    is_name = panel.json["options"].get("textMode") == "name"
    shown = line.name if is_name else panel.shown(line.told[-1])
    how: dict[str, Any] = {"ha": "center", "va": "center", "color": "white", "size": 20, "weight": "bold"}
    axes.text(0.5, 0.55, shown, transform=axes.transAxes, **how)


def draw_lines(axes: Axes, panel: Panel) -> None:
    """Series over time: lines, bars or stacked areas; dashed lines where limits are within sight."""
    custom = panel.defaults.get("custom", {})
    is_bars = custom.get("drawStyle") == "bars"
    if is_bars or custom.get("stacking", {}).get("mode") == "normal":
        _stack(axes, panel, is_bars=is_bars)
    else:
        for at, line in enumerate(panel.lines):
            axes.plot(*_with_gaps(line.series, panel.step_s), color=_shade(at), linewidth=1.6)
    _time_axis(axes, panel)
    _value_axis(axes, panel)
    if custom.get("thresholdsStyle", {}).get("mode") == "dashed":
        for value, shade in panel.thresholds:
            if 0 < value < axes.get_ylim()[1]:
                axes.axhline(value, color=shade, linestyle=(0, (5, 4)), linewidth=1.3)
    _legend(axes, panel)


def _stack(axes: Axes, panel: Panel, *, is_bars: bool) -> None:
    """One on the other; a series that is not told at some time is nothing then."""
    times = sorted({at for line in panel.lines for at in line.series.times})
    base = [0.0] * len(times)
    for number, line in enumerate(panel.lines):
        told = {
            at: value for at, value in zip(line.series.times, line.series.values, strict=True) if math.isfinite(value)
        }
        top = [low + told.get(at, 0.0) for low, at in zip(base, times, strict=True)]
        step: Literal["mid"] | None = "mid" if is_bars else None
        axes.fill_between(times, base, top, color=_shade(number), alpha=0.65, linewidth=0, step=step)
        base = top


def draw_bars(axes: Axes, panel: Panel) -> None:
    """What is now, as horizontal bars, the largest on top."""
    told = sorted(((line.told[-1], line.name) for line in panel.lines if line.told), reverse=True)
    most = max(value for value, _ in told) or 1.0
    for at, (value, name) in enumerate(told):
        axes.barh(-at, value, color=panel.color_of(value), height=0.68)
        axes.text(-most * 0.02, -at, name, ha="right", va="center", size=SMALL, color=TEXT)
        axes.text(value + most * 0.02, -at, panel.shown(value), va="center", size=SMALL, color=TEXT)
    names = min(0.6, (max(len(name) for _, name in told) + 1) * _CHAR / axes.get_window_extent().width)
    right = most * 1.25
    axes.set_xlim(-right * names / (1 - names), right)
    axes.set_ylim(-max(len(told), 6) + 0.4, 0.6)
    axes.set_axis_off()


def draw_states(axes: Axes, panel: Panel) -> None:
    """A row for each series, coloured by its value."""
    words = panel.words()
    lines = sorted(panel.lines, key=lambda line: line.name)
    for at, line in enumerate(lines):
        spans: dict[str, list[tuple[float, float]]] = {}
        for since, value in zip(line.series.times, line.series.values, strict=True):
            _, shade = words.get(f"{value:g}", ("", DIM))
            spans.setdefault(shade, []).append((since, panel.step_s))
        for shade, each in spans.items():
            axes.broken_barh(each, (-at - 0.4, 0.8), color=shade, linewidth=0)
    axes.set_yticks([-at for at in range(len(lines))], [line.name for line in lines])
    axes.set_ylim(-len(lines) + 0.4, 0.6)
    _time_axis(axes, panel)
    axes.grid(visible=False)
    for text, shade in words.values():
        axes.plot([], [], color=shade, linewidth=6, label=text)
    how: dict[str, Any] = {"ncols": len(words), "frameon": False, "fontsize": SMALL, "labelcolor": TEXT}
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), **how)


DRAWN: Final[Mapping[str, Callable[[Axes, Panel], None]]] = {
    "stat": draw_stat,
    "timeseries": draw_lines,
    "bargauge": draw_bars,
    "state-timeline": draw_states,
}


def _with_gaps(series: Series, step_s: float) -> tuple[list[float], list[float]]:
    """The points, with NaN where some are missing, so that no line crosses the gap."""
    times, values = [], []
    before: float | None = None
    for at, value in zip(series.times, series.values, strict=True):
        if before is not None and at - before > 1.5 * step_s:
            times.append(before + step_s)
            values.append(math.nan)
        times.append(at)
        values.append(value if math.isfinite(value) else math.nan)
        before = at
    return times, values


def _time_axis(axes: Axes, panel: Panel) -> None:
    axes.set_xlim(panel.start, panel.end)
    axes.xaxis.set_major_locator(MultipleLocator(60))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: time.strftime("%H:%M", time.gmtime(seconds))))
    axes.tick_params(labelsize=SMALL, colors=DIM, length=0)
    axes.grid(visible=True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    _without_frame(axes)


def _value_axis(axes: Axes, panel: Panel) -> None:
    low, high = axes.get_ylim()
    low = panel.defaults.get("min", low)
    high = panel.defaults.get("max", high)
    if high <= low:
        high = low + 1
    step = pleasant_step((high - low) / _TICKS, panel.unit)
    axes.set_ylim(low, math.ceil(high / step - 1e-9) * step)
    axes.yaxis.set_major_locator(MultipleLocator(step))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: formatted(value, panel.unit)))


def _legend(axes: Axes, panel: Panel) -> None:
    """Names with their last values under the picture; the largest, if there are too many for the place."""
    entries = [
        (max(line.told), f"{line.name}  {panel.shown(line.told[-1])}", _shade(at))
        for at, line in enumerate(panel.lines)
        if line.told
    ]
    longest = max(len(label) for _, label, _ in entries)
    columns = max(1, int(axes.get_window_extent().width / ((longest + 5) * _CHAR)))
    if len(entries) > columns * _LEGEND_ROWS:
        left_out = len(entries) - columns * _LEGEND_ROWS + 1
        entries = [*sorted(entries, reverse=True)[:-left_out], (0, f"and {left_out} more", "none")]
    for _, label, shade in entries:
        axes.plot([], [], color=shade, linewidth=3, label=label)
    how: dict[str, Any] = {"frameon": False, "fontsize": SMALL, "labelcolor": TEXT, "borderaxespad": 0.2}
    axes.legend(
        loc="upper left", bbox_to_anchor=(-0.02, -0.09), ncols=columns, handlelength=0.9, columnspacing=1.2, **how
    )


def _shade(number: int) -> str:
    return _PALETTE[number % len(_PALETTE)]


def _without_frame(axes: Axes) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
