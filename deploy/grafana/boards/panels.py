"""The kinds of panels, each with a unit, a description, a legend and a link to the run book.

In expressions, ``{}`` and ``{label="x"}`` become selectors that also have the selected job and instances.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as model

SOURCE: Final = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
_SELECTED: Final = 'job="$job", instance=~"$instance"'
_REFS: Final = "ABCDEFGH"
#: Units.
PER_SECOND, PER_MINUTE = "suffix:/s", "suffix:/min"
GREEN, YELLOW, RED, BLUE, GREY = "green", "#EAB839", "red", "blue", "#808080"

#: The run book as a dashboard; ``generate.py`` adds the number of the section's panel.
RUNBOOK: Final = "/d/article-stream-runbook?viewPanel="

Steps = Sequence[tuple[float, str]]
Query = tuple[str, str]
Panel = Builder[model.Panel]
Rows = list[tuple[str, list[Panel]]]
_Kind = stat.Panel | timeseries.Panel | bargauge.Panel | statetimeline.Panel


def select(expr: str) -> str:
    """Add the selected job and instances to every selector of ``expr``."""
    return re.sub(r"\{(?=[^}])", "{" + _SELECTED + ", ", expr).replace("{}", "{" + _SELECTED + "}")


def _finish(
    panel: _Kind,
    title: str,
    unit: str,
    description: str,
    queries: Sequence[Query],
    *,
    w: int,
    h: int,
    runbook: str | None,
    instant: bool = False,
) -> Panel:
    panel.title(title).unit(unit).description(description).datasource(SOURCE).span(w).height(h)
    for ref, (expr, legend) in zip(_REFS, queries, strict=False):
        query = prometheus.Dataquery().expr(select(expr)).legend_format(legend).ref_id(ref).datasource(SOURCE)
        panel.with_target(query.instant() if instant else query.range())
    if runbook:
        panel.links([dashboard.DashboardLink(f"Run book: {runbook}").url(f"{RUNBOOK}{runbook}").target_blank(True)])
    return panel


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    all_steps = [model.Threshold(value=value if i else None, color=color) for i, (value, color) in enumerate(steps)]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(all_steps)


def _last_value() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def single_value(
    title: str,
    unit: str,
    description: str,
    *queries: Query,
    steps: Steps = ((0, BLUE),),
    w: int = 3,
    h: int = 4,
    decimals: int | None = None,
    runbook: str | None = None,
    show_legend: bool = False,
) -> Panel:
    """One value, coloured by ``steps`` of (from, colour). ``show_legend``: show the legend instead of the value."""
    panel = stat.Panel().thresholds(_thresholds(steps)).reduce_options(_last_value())
    panel.color_mode(options.BigValueColorMode.BACKGROUND).graph_mode(options.BigValueGraphMode.AREA)
    panel.text_mode(options.BigValueTextMode.NAME if show_legend else options.BigValueTextMode.AUTO)
    if show_legend:
        panel.graph_mode(options.BigValueGraphMode.NONE)
    if decimals is not None:
        panel.decimals(decimals)
    return _finish(panel, title, unit, description, queries, w=w, h=h, runbook=runbook)


def lines(
    title: str,
    unit: str,
    description: str,
    *queries: Query,
    w: int = 8,
    h: int = 8,
    stacked: bool = False,
    bars: bool = False,
    thresholds: Steps = (),
    low: float | None = 0,
    high: float | None = None,
    runbook: str | None = None,
) -> Panel:
    """Series over time. ``thresholds`` of (value, colour) are dashed lines."""
    panel = timeseries.Panel().line_width(1).fill_opacity(60 if stacked or bars else 8)
    panel.show_points(options.VisibilityMode.AUTO).span_nulls(False)
    panel.tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING))
    legend = common.VizLegendOptions().show_legend(True).placement(options.LegendPlacement.BOTTOM)
    panel.legend(legend.display_mode(options.LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"]))
    if stacked:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    if bars:
        panel.draw_style(options.GraphDrawStyle.BARS)
    if low is not None:
        panel.min(low)
    if high is not None:
        panel.max(high)
    if thresholds:
        panel.thresholds(_thresholds([(0, "transparent"), *thresholds]))
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED))
    return _finish(panel, title, unit, description, queries, w=w, h=h, runbook=runbook)


def ranking(
    title: str,
    unit: str,
    description: str,
    *queries: Query,
    w: int = 8,
    h: int = 8,
    steps: Steps = ((0, BLUE),),
    runbook: str | None = None,
) -> Panel:
    """Bars of the current values."""
    panel = bargauge.Panel().orientation(options.VizOrientation.HORIZONTAL).thresholds(_thresholds(steps)).min(0)
    panel.display_mode(options.BarGaugeDisplayMode.BASIC).reduce_options(_last_value())
    return _finish(panel, title, unit, description, queries, w=w, h=h, runbook=runbook, instant=True)


def timeline(
    title: str,
    description: str,
    *queries: Query,
    words: dict[str, tuple[str, str]],
    w: int = 12,
    h: int = 8,
    runbook: str | None = None,
) -> Panel:
    """States over time. ``words``: value to (text, colour)."""
    panel = statetimeline.Panel().mappings([_words(words)]).show_value(options.VisibilityMode.NEVER).row_height(0.8)
    panel.fill_opacity(80).line_width(0).merge_values(True)
    panel.legend(common.VizLegendOptions().show_legend(True).placement(options.LegendPlacement.BOTTOM))
    return _finish(panel, title, "none", description, queries, w=w, h=h, runbook=runbook)


def _words(words: dict[str, tuple[str, str]]) -> model.ValueMap:
    results = {
        value: model.ValueMappingResult(text=text, color=color, index=i)
        for i, (value, (text, color)) in enumerate(words.items())
    }
    return model.ValueMap(options=results)
