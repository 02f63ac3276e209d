"""Panels as the dashboards use them: a unit, a description, a legend that reads well, and a link to the run book.

In expressions ``{}`` and ``{label="x"}`` stand for a selector that also has the chosen job and instances.
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
_CHOSEN: Final = 'job="$job", instance=~"$instance"'
_REFS: Final = "ABCDEFGH"
GREEN, YELLOW, RED, BLUE, GREY = "green", "#EAB839", "red", "blue", "#808080"

#: Where the run book is, as a page of Grafana: ``build.py`` fills in the number of the section's panel.
RUNBOOK: Final = "/d/article-stream-runbook?viewPanel="

Steps = Sequence[tuple[float, str]]
Query = tuple[str, str]
Panel = Builder[model.Panel]
Rows = list[tuple[str, list[Panel]]]
_Kind = stat.Panel | timeseries.Panel | bargauge.Panel | statetimeline.Panel


def chosen(expr: str) -> str:
    """``expr`` with the chosen job and instances in every selector."""
    return re.sub(r"\{(?=[^}])", "{" + _CHOSEN + ", ", expr).replace("{}", "{" + _CHOSEN + "}")


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
        query = prometheus.Dataquery().expr(chosen(expr)).legend_format(legend).ref_id(ref).datasource(SOURCE)
        panel.with_target(query.instant() if instant else query.range())
    if runbook:
        panel.links([dashboard.DashboardLink(f"Run book: {runbook}").url(f"{RUNBOOK}{runbook}").target_blank(True)])
    return panel


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    all_steps = [model.Threshold(value=value if at else None, color=color) for at, (value, color) in enumerate(steps)]
    return dashboard.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(all_steps)


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def figure(
    title: str,
    unit: str,
    description: str,
    *queries: Query,
    steps: Steps = ((0, BLUE),),
    w: int = 3,
    h: int = 4,
    decimals: int | None = None,
    runbook: str | None = None,
    names: bool = False,
) -> Panel:
    """One figure, coloured by ``steps`` of (from, colour). ``names``: the legend is shown in its place."""
    panel = stat.Panel().thresholds(_thresholds(steps)).reduce_options(_last())
    panel.color_mode(options.BigValueColorMode.BACKGROUND).graph_mode(options.BigValueGraphMode.AREA)
    panel.text_mode(options.BigValueTextMode.NAME if names else options.BigValueTextMode.AUTO)
    if names:
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
    limits: Steps = (),
    low: float | None = 0,
    high: float | None = None,
    runbook: str | None = None,
) -> Panel:
    """Series over time. ``limits``: (value, colour) drawn as dashed lines."""
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
    if limits:
        panel.thresholds(_thresholds([(0, "transparent"), *limits]))
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
    """Bars of what is now, the largest of each query."""
    panel = bargauge.Panel().orientation(options.VizOrientation.HORIZONTAL).thresholds(_thresholds(steps)).min(0)
    panel.display_mode(options.BarGaugeDisplayMode.BASIC).reduce_options(_last())
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
        value: model.ValueMappingResult(text=text, color=color, index=at)
        for at, (value, (text, color)) in enumerate(words.items())
    }
    return model.ValueMap(options=results)
