"""Runs every query of the dashboards and alerts on a Prometheus and checks the results."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.table import Table

from tests.e2e.monitoring.prometheus_api import Prometheus, Rule
from tests.support.dashboard_queries import Query, format_value, queries

_ALERTS: Final = "alerts"
_EXPR_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one query: the value of each series (of an alert: none unless its condition holds).

    ``missing`` are metrics that the query reads and no worker exposes.
    """

    query: Query
    values: Sequence[float]
    missing: Sequence[str] = ()

    @property
    def is_alert(self) -> bool:
        """The query is the condition of an alert."""
        return self.query.dashboard == _ALERTS

    @property
    def has_data(self) -> bool:
        """The panel has something to show; the alert would fire if something were wrong."""
        return not self.missing if self.is_alert else not all(map(math.isnan, self.values))

    @property
    def summary(self) -> str:
        """The value with its unit; the smallest and the largest of several."""
        if self.missing:
            return f"no {', '.join(self.missing)}"
        if self.is_alert:
            return "true" if self.values else "false"
        values = sorted(value for value in self.values if not math.isnan(value))
        if not values:
            return "no data"
        return " … ".join(dict.fromkeys(format_value(value, self.query.unit) for value in (values[0], values[-1])))


def run_queries(prometheus: Prometheus, rules: Path, *, interval: str) -> list[Result]:
    """Run every query now.

    Raises:
        MonitoringError: Prometheus does not answer, or rejects a query.
    """
    exposed = {sample.labels["__name__"] for sample in prometheus.at('count by (__name__) ({__name__!=""})')}
    return [
        Result(
            query,
            [sample.value for sample in prometheus.at(query.expr)],
            sorted(query.metrics - exposed) if query.dashboard == _ALERTS else (),
        )
        for query in queries(interval=interval, alerts=rules)
    ]


def find_problems(results: Iterable[Result], rules: Iterable[Rule]) -> list[str]:
    """List everything that must not happen in a healthy flow."""
    problems = [
        f"{result.query.dashboard}: {result.query.panel}: {result.summary} for {result.query.expr}"
        for result in results
        if not result.has_data
    ]
    for rule in rules:
        if rule.error:
            problems.append(f"alert {rule.name} cannot be evaluated: {rule.error}")
        elif rule.state == "firing":
            problems.append(f"alert {rule.name} is firing although the flow is healthy")
    return problems


def results_table(results: Iterable[Result]) -> Table:
    """Every query with its value."""
    table = Table(title="Query results", title_justify="left")
    for name in ("dashboard", "panel", "query"):
        table.add_column(name, overflow="fold")
    table.add_column("series", justify="right")
    table.add_column("value", overflow="fold")
    for result in results:
        query = result.query
        row = (query.dashboard, query.panel, shorten(query.expr), str(len(result.values)), result.summary)
        table.add_row(*row, style="" if result.has_data else "bold red")
    return table


def rules_table(rules: Iterable[Rule]) -> Table:
    """Every alert with its state."""
    table = Table("alert", "state", title="Alerts", title_justify="left")
    styles = {"inactive": "", "pending": "yellow"}
    for rule in rules:
        state = rule.error or rule.state
        table.add_row(rule.name, state, style=styles.get(state, "bold red"))
    return table


def shorten(expr: str) -> str:
    """Put ``expr`` on one line without its selectors of job and instance, cut to fit the table."""
    text = " ".join(expr.split())
    for selector in ('job="article-stream", instance=~".*", ', 'job="article-stream", instance=~".*"'):
        text = text.replace(selector, "")
    text = text.replace("{}", "")
    return text if len(text) <= _EXPR_CHARS else text[: _EXPR_CHARS - 1] + "…"
