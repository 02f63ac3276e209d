"""deploy/grafana: the dashboards are up to date, complete and readable."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stream.observability.metric_definitions import CATALOGUE
from tests.support import dashboard_queries
from tests.support.dashboard_queries import Query
from tests.support.grafana import BOARDS, GRAFANA, RUNBOOK, board

GENERATE = Path("deploy", "grafana", "generate.py")
#: Metrics that are on no panel, and why.
NOT_SHOWN: dict[str, str] = {}
GRID_COLUMNS = 24
#: What a laptop shows without scrolling, in rows of Grafana's grid, of 38 pixels.
FIRST_VIEW_ROWS = 20
_SELECTOR = re.compile(r"([a-z_]+)\{([^}]*)\}")
_ENDS = r"(?:_bucket|_sum|_count)?"


def panels(name: str) -> list[dict[str, Any]]:
    """Every panel of a dashboard except its rows."""
    return list(dashboard_queries.panels(board(name)))


def exprs(name: str) -> Iterator[str]:
    """Every query of a dashboard, with its variables."""
    return (target["expr"] for panel in panels(name) for target in panel["targets"])


def metrics_of(queries: Iterator[Query]) -> set[str]:
    """The metrics that ``queries`` read, by the names of their definitions."""
    names = set[str]().union(*(query.metrics for query in queries))
    histograms = {metric.series for metric in CATALOGUE if metric.type == "histogram"}
    return {next((base for base in histograms if re.fullmatch(base + _ENDS, name)), name) for name in names}


def run_generator(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the generator of the project in ``root``."""
    command = [sys.executable, str(root / GENERATE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_files_are_up_to_date() -> None:
    done = run_generator(GRAFANA.parents[1], "--check")
    assert done.returncode == 0, done.stderr


def test_an_outdated_file_is_reported(tmp_path: Path) -> None:
    shutil.copytree(GRAFANA, tmp_path / "deploy" / "grafana", ignore=shutil.ignore_patterns("__pycache__", "*.json"))
    (tmp_path / "docs" / "operations").mkdir(parents=True)
    shutil.copy(RUNBOOK, tmp_path / "docs" / "operations")
    assert run_generator(tmp_path).returncode == 0
    outdated = tmp_path / "deploy" / "grafana" / "dashboards" / "flow.json"
    outdated.write_text(outdated.read_text(encoding="utf-8").replace("Workers up", "Workers"), encoding="utf-8")
    done = run_generator(tmp_path, "--check")
    assert done.returncode == 1
    assert "flow.json" in done.stderr


@pytest.mark.parametrize("name", BOARDS)
def test_each_panel_has_a_unit_a_description_and_queries(name: str) -> None:
    for panel in panels(name):
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["description"].endswith("."), panel["title"]
        assert panel["targets"], panel["title"]
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


@pytest.mark.parametrize("name", BOARDS)
def test_titles_and_ids_of_panels_are_unique(name: str) -> None:
    for key in ("id", "title"):
        values = [panel[key] for panel in panels(name)]
        assert len(values) == len(set(values))


@pytest.mark.parametrize("name", BOARDS)
def test_panels_fit_the_grid_and_do_not_overlap(name: str) -> None:
    positions = [panel["gridPos"] for panel in board(name)["panels"]]
    assert all(position["x"] + position["w"] <= GRID_COLUMNS for position in positions)
    for a, b in itertools.combinations(positions, 2):
        is_beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        is_below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert is_beside or is_below, (a, b)


@pytest.mark.parametrize("name", BOARDS)
def test_the_summary_is_visible_without_scrolling(name: str) -> None:
    rows = [panel["gridPos"]["y"] for panel in board(name)["panels"] if panel["type"] == "row"]
    assert min(rows) <= FIRST_VIEW_ROWS
    assert all(panel["type"] == "stat" for panel in panels(name) if panel["gridPos"]["y"] == 0)


@pytest.mark.parametrize("name", BOARDS)
def test_links_lead_to_the_section_of_the_run_book_that_their_title_names(name: str) -> None:
    sections = runbook_sections()
    links = [link for panel in panels(name) for link in panel.get("links", [])]
    assert len(links) > len(panels(name)) / 2
    for link in links:
        number = int(link["url"].removeprefix("/d/article-stream-runbook?viewPanel="))
        assert link["title"] == f"Run book: {sections[number]}"


def runbook_sections() -> dict[int, str]:
    """The anchor of each section of the run book, by the number of its panel."""
    sections = board("runbook")["panels"]
    return {panel["id"]: re.sub(r"[^\w\- ]", "", panel["title"].lower()).replace(" ", "-") for panel in sections}


@pytest.mark.parametrize("name", BOARDS)
def test_every_selector_has_the_selected_job_and_instances(name: str) -> None:
    for expr in exprs(name):
        assert _SELECTOR.search(expr), expr
        for metric, selector in _SELECTOR.findall(expr):
            assert selector.startswith('job="$job", instance=~"$instance"'), (metric, expr)


@pytest.mark.parametrize("name", BOARDS)
def test_counters_are_only_used_as_rates(name: str) -> None:
    for expr in exprs(name):
        for match in re.finditer(r"[a-z_]+_(?:total|bucket|sum|count)\{", expr):
            before = expr[: match.start()]
            assert before.endswith(("rate(", "increase(")), expr


@pytest.mark.parametrize("name", BOARDS)
def test_lag_is_not_summed_over_workers_because_each_one_reports_the_same(name: str) -> None:
    for expr in exprs(name):
        for match in re.finditer(r"stream_consumer_lag_(?:records|seconds)\{", expr):
            before = expr[: match.start()]
            assert before.endswith(("max by (topic, partition) (", "max(")), expr


def test_every_metric_is_on_a_panel_or_has_a_reason_not_to_be() -> None:
    on_panels = metrics_of(query for query in dashboard_queries.queries() if query.dashboard != "alerts")
    assert {metric.series for metric in CATALOGUE} - on_panels == NOT_SHOWN.keys()


def test_queries_read_only_metrics_that_exist() -> None:
    assert metrics_of(dashboard_queries.queries()) - {metric.series for metric in CATALOGUE} == {"up"}


def test_variables_of_queries_are_replaced() -> None:
    queries = list(dashboard_queries.queries(job="flow-1", instance="a|b", interval="7s"))
    assert {query.dashboard for query in queries} == {*BOARDS, "alerts"}
    assert not [query for query in queries if "$" in query.expr]
    first = next(query for query in queries if query.panel == "Records consumed by step")
    expected = 'sum by (step) (rate(stream_records_consumed_total{job="flow-1", instance=~"a|b"}[7s]))'
    assert (first.dashboard, first.legend, first.expr, first.unit) == ("flow", "{{step}}", expected, "suffix:/s")
    assert first.metrics == {"stream_records_consumed_total"}


@pytest.mark.parametrize("name", BOARDS)
def test_data_source_job_and_instances_can_be_selected(name: str) -> None:
    variables = {variable["name"]: variable for variable in board(name)["templating"]["list"]}
    assert list(variables) == ["datasource", "job", "instance"]
    assert variables["instance"]["multi"]
    assert variables["instance"]["includeAll"]


@pytest.mark.parametrize("name", BOARDS)
def test_restarts_and_alerts_are_marked(name: str) -> None:
    marks = {mark["name"]: mark["expr"] for mark in board(name)["annotations"]["list"]}
    assert "process_start_time_seconds" in marks["Restarts"]
    assert "ALERTS" in marks["Alerts"]


def test_grafana_is_provisioned_with_the_dashboards_and_the_data_source() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    scraped = yaml.safe_load((GRAFANA.parent / "prometheus" / "prometheus.yml").read_text())
    assert source["jsonData"]["timeInterval"] == scraped["global"]["scrape_interval"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "article-stream.yml").read_text())[
        "providers"
    ]
    mounts = yaml.safe_load((GRAFANA.parents[1] / "docker-compose.yml").read_text())["services"]["grafana"]["volumes"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in mounts
