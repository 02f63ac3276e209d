"""The dashboards: what the code makes, complete, and readable."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from stream.observability.metric_definitions import CATALOGUE
from tests.support.grafana import BOARDS, GRAFANA, board, load, run

QUERIES = load(GRAFANA / "queries.py")
#: Metrics of the catalogue that are on no panel, and why.
NOT_SHOWN: dict[str, str] = {}
GRID_COLUMNS = 24
#: What a laptop shows without scrolling, in Grafana's grid rows of 38 pixels.
FIRST_VIEW_ROWS = 20
_SELECTOR = re.compile(r"([a-z_]+)\{([^}]*)\}")
_ENDS = r"(?:_bucket|_sum|_count)?"


def panels(name: str) -> list[dict[str, Any]]:
    """Every panel of a dashboard but its rows."""
    return list(QUERIES.panels(board(name)))


def exprs(name: str) -> Iterator[str]:
    """Every query of a dashboard as it is written."""
    return (target["expr"] for panel in panels(name) for target in panel["targets"])


def shown_by(queries: Iterator[Any]) -> set[str]:
    """The metrics that ``queries`` read, by the names in the catalogue's queries."""
    names = set().union(*(query.metrics for query in queries))
    histograms = {metric.series for metric in CATALOGUE if metric.type == "histogram"}
    return {next((base for base in histograms if re.fullmatch(base + _ENDS, name)), name) for name in names}


def test_the_files_are_what_the_code_makes() -> None:
    checked = run(GRAFANA / "build.py", "--check")
    assert checked.returncode == 0, checked.stderr


def test_a_stale_file_is_told(tmp_path: Any) -> None:
    copy = tmp_path / "grafana"
    copy.mkdir()
    (tmp_path / "runbook.md").write_text((GRAFANA.parent / "runbook.md").read_text(encoding="utf-8"), encoding="utf-8")
    for script in GRAFANA.glob("*.py"):
        (copy / script.name).write_text(script.read_text(encoding="utf-8"), encoding="utf-8")
    (copy / "dashboards").mkdir()
    assert run(copy / "build.py").returncode == 0
    stale = copy / "dashboards" / "flow.json"
    stale.write_text(stale.read_text(encoding="utf-8").replace("Workers up", "Workers"), encoding="utf-8")
    checked = run(copy / "build.py", "--check")
    assert checked.returncode == 1
    assert "flow.json" in checked.stderr


@pytest.mark.parametrize("name", BOARDS)
def test_each_panel_has_a_unit_a_description_and_queries(name: str) -> None:
    for panel in panels(name):
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


@pytest.mark.parametrize("name", BOARDS)
def test_no_two_panels_of_a_dashboard_have_one_title_or_number(name: str) -> None:
    for key in ("id", "title"):
        found = [panel[key] for panel in panels(name)]
        assert len(found) == len(set(found))


@pytest.mark.parametrize("name", BOARDS)
def test_panels_lie_side_by_side_within_the_grid(name: str) -> None:
    places = [panel["gridPos"] for panel in board(name)["panels"]]
    for at in places:
        assert at["x"] + at["w"] <= GRID_COLUMNS
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


@pytest.mark.parametrize("name", BOARDS)
def test_what_matters_most_is_in_the_first_view(name: str) -> None:
    rows = [panel["gridPos"]["y"] for panel in board(name)["panels"] if panel["type"] == "row"]
    assert min(rows) <= FIRST_VIEW_ROWS
    assert all(panel["type"] == "stat" for panel in panels(name) if panel["gridPos"]["y"] == 0)


@pytest.mark.parametrize("name", BOARDS)
def test_links_lead_to_the_section_of_the_run_book_that_they_name(name: str) -> None:
    sections = load_sections()
    linked = [link for panel in panels(name) for link in panel.get("links", [])]
    assert len(linked) > len(panels(name)) / 2
    for link in linked:
        number = int(link["url"].removeprefix("/d/article-stream-runbook?viewPanel="))
        assert link["title"] == f"Run book: {sections[number]}"


def load_sections() -> dict[int, str]:
    """The anchor of each section of the run book, by the number of its panel."""
    found = board("runbook")["panels"]
    return {panel["id"]: re.sub(r"[^\w\- ]", "", panel["title"].lower()).replace(" ", "-") for panel in found}


@pytest.mark.parametrize("name", BOARDS)
def test_every_selector_has_the_chosen_job_and_instances(name: str) -> None:
    for expr in exprs(name):
        assert _SELECTOR.search(expr), expr
        for metric, selector in _SELECTOR.findall(expr):
            assert selector.startswith('job="$job", instance=~"$instance"'), (metric, expr)


@pytest.mark.parametrize("name", BOARDS)
def test_counters_are_only_looked_at_as_rates(name: str) -> None:
    for expr in exprs(name):
        for found in re.finditer(r"[a-z_]+_(?:total|bucket|sum|count)\{", expr):
            before = expr[: found.start()]
            assert before.endswith(("rate(", "increase(")), expr


@pytest.mark.parametrize("name", BOARDS)
def test_the_lag_which_every_worker_tells_is_not_summed_over_workers(name: str) -> None:
    for expr in exprs(name):
        for found in re.finditer(r"stream_consumer_lag_(?:records|seconds)\{", expr):
            before = expr[: found.start()]
            assert before.endswith(("max by (topic, partition) (", "max(")), expr


def test_every_metric_is_on_a_panel_or_says_why_not() -> None:
    shown = shown_by(query for query in QUERIES.queries() if query.dashboard != "alerts")
    assert {metric.series for metric in CATALOGUE} - shown == NOT_SHOWN.keys()


def test_queries_read_only_metrics_that_there_are() -> None:
    assert shown_by(QUERIES.queries()) - {metric.series for metric in CATALOGUE} == {"up"}


def test_queries_are_listed_with_their_variables_replaced() -> None:
    found = list(QUERIES.queries(job="flow-1", instance="a|b", interval="7s"))
    assert {query.dashboard for query in found} == {*BOARDS, "alerts"}
    assert not [query for query in found if "$" in query.expr]
    first = next(query for query in found if query.panel == "Records in by step")
    expected = 'sum by (step) (rate(stream_records_consumed_total{job="flow-1", instance=~"a|b"}[7s]))'
    assert (first.dashboard, first.legend, first.expr, first.unit) == ("flow", "{{step}}", expected, "cps")
    assert first.metrics == {"stream_records_consumed_total"}


@pytest.mark.parametrize("name", BOARDS)
def test_data_source_job_and_instances_can_be_chosen(name: str) -> None:
    found = {variable["name"]: variable for variable in board(name)["templating"]["list"]}
    assert list(found) == ["datasource", "job", "instance"]
    assert found["instance"]["multi"]
    assert found["instance"]["includeAll"]


@pytest.mark.parametrize("name", BOARDS)
def test_restarts_and_alerts_are_marked(name: str) -> None:
    marks = {mark["name"]: mark["expr"] for mark in board(name)["annotations"]["list"]}
    assert "process_start_time_seconds" in marks["Restarts"]
    assert "ALERTS" in marks["Alerts"]


def test_grafana_is_told_where_dashboards_and_data_are() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    scraped = yaml.safe_load((GRAFANA.parent / "prometheus" / "prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "article-stream.yml").read_text())[
        "providers"
    ]
    mounts = yaml.safe_load((GRAFANA.parents[1] / "docker-compose.yml").read_text())["services"]["grafana"]["volumes"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in mounts
