"""The pictures of the dashboards."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import orjson
import pytest

from tests.e2e.monitoring.dashboard_pictures import DRAW, Line, Span, draw_panel
from tests.e2e.monitoring.prometheus_api import Series
from tests.support.dashboard_queries import DASHBOARDS, panels

NAN = float("nan")
SPAN = Span(0, 20, 2, "10s")


def test_every_kind_of_panel_can_be_drawn() -> None:
    used = {
        panel["type"]
        for board in DASHBOARDS.glob("*.json")
        for panel in panels(orjson.loads(board.read_bytes()))
        if panel.get("targets")
    }
    assert used <= DRAW.keys()


def panel(kind: str, unit: str = "short", title: str = "Title") -> dict[str, Any]:
    thresholds = {"steps": [{"color": "blue"}]}
    return {
        "id": 1,
        "type": kind,
        "title": title,
        "gridPos": {"x": 0, "y": 0, "w": 8, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "thresholds": thresholds}},
    }


def line(name: str, times: list[float], values: list[float]) -> Line:
    return Line(Series({}, times, values), name, SPAN)


def test_a_panel_has_a_line_and_a_legend_for_each_series_and_no_line_across_a_gap() -> None:
    figure = draw_panel(panel("timeseries", "s"), [line("a", [0, 2, 4, 20], [1, 2, 3, 4]), line("b", [0, 2], [5, NAN])])
    values = np.asarray(figure.axes[0].get_lines()[0].get_ydata())
    assert np.flatnonzero(~np.isnan(values)).tolist() == [0, 1, 2, 10]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a  4 s", "b  5 s"]


@pytest.mark.parametrize(
    ("high", "unit", "step"), [(1.2, "short", 0.5), (28, "s", 10), (12 * 1024**2, "bytes", 5 * 1024**2)]
)
def test_ticks_are_round_numbers_of_the_unit(high: float, unit: str, step: float) -> None:
    figure = draw_panel(panel("timeseries", unit), [line("a", [0, 2], [0, high])])
    assert set(np.diff(figure.axes[0].get_yticks())) == {step}


def test_titles_and_names_of_sources_stay_inside_their_panel() -> None:
    title = "A title that is too long for a panel of only eight columns, but must not be cut"
    figure = draw_panel(
        panel("bargauge", title=title), [line("an-extraordinarily-long-domain-of-a-source.example", [20], [3.0])]
    )
    figure.savefig(io.BytesIO())
    (name,) = figure.axes[0].get_yticklabels()
    assert figure.get_suptitle() == title
    for text in (*figure.texts, *figure.axes[0].texts, name):
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1, text.get_text()
