"""Asks Prometheus for every query of the dashboards and alerts, and judges what it tells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.table import Table

from tests.e2e.monitoring.prometheus_api import Prometheus, Rule
from tests.e2e.monitoring.units import formatted
from tests.support.dashboard_queries import Query, queries

#: (dashboard, panel) -> why it rightly has no data while all is well.
EMPTY_WHEN_WELL: Final[Mapping[tuple[str, str], str]] = {}
_ALERTS: Final = "alerts"
_EXPR_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus told about one query: how many series, and their values (of an alert: none while all is well).

    ``missing`` are metrics that the query reads and no worker tells.
    """

    query: Query
    values: Sequence[float]
    missing: Sequence[str] = ()

    @property
    def is_alert(self) -> bool:
        """It is the condition of an alert."""
        return self.query.dashboard == _ALERTS

    @property
    def has_data(self) -> bool:
        """A panel has something to show; an alert could tell if something were wrong."""
        return not self.missing if self.is_alert else not all(map(math.isnan, self.values))

    @property
    def excuse(self) -> str | None:
        """Why it may be empty."""
        return EMPTY_WHEN_WELL.get((self.query.dashboard, self.query.panel))

    @property
    def shown(self) -> str:
        """The value with its unit; of several the smallest and the largest."""
        if self.missing:
            return f"no {', '.join(self.missing)}"
        if self.is_alert:
            return "holds" if self.values else "does not hold"
        told = sorted(value for value in self.values if not math.isnan(value))
        if not told:
            return "no data" if self.excuse is None else f"none: {self.excuse}"
        ends = dict.fromkeys(formatted(value, self.query.unit) for value in (told[0], told[-1]))
        return " … ".join(ends)


def ask_all(prometheus: Prometheus, rules: Path, *, interval: str) -> list[Answer]:
    """Every query with what it tells at this moment.

    Raises:
        ObserveError: Prometheus does not answer, or refuses a query.
    """
    known = {sample.labels["__name__"] for sample in prometheus.at('count by (__name__) ({__name__!=""})')}
    return [
        Answer(
            query,
            [sample.value for sample in prometheus.at(query.expr)],
            sorted(query.metrics - known) if query.dashboard == _ALERTS else (),
        )
        for query in queries(interval=interval, alerts=rules)
    ]


def problems(answers: Iterable[Answer], rules: Iterable[Rule]) -> list[str]:
    """What is not as it has to be while all is well."""
    found = [
        f"{answer.query.dashboard}: {answer.query.panel}: {answer.shown} for {answer.query.expr}"
        for answer in answers
        if not answer.has_data and (answer.is_alert or answer.excuse is None)
    ]
    for rule in rules:
        if rule.error:
            found.append(f"alert {rule.name} cannot be evaluated: {rule.error}")
        elif rule.state == "firing":
            found.append(f"alert {rule.name} fires while all is well")
    return found


def answers_table(answers: Iterable[Answer]) -> Table:
    """Every query with its value."""
    table = Table(title="What Prometheus tells for every query", title_justify="left")
    for name in ("dashboard", "panel", "query"):
        table.add_column(name, overflow="fold")
    table.add_column("samples", justify="right")
    table.add_column("value", overflow="fold")
    for answer in answers:
        query = answer.query
        style = "" if answer.has_data else "dim" if answer.excuse else "bold red"
        table.add_row(
            query.dashboard, query.panel, shortened(query.expr), str(len(answer.values)), answer.shown, style=style
        )
    return table


def rules_table(rules: Iterable[Rule]) -> Table:
    """Every alert with its state."""
    table = Table("alert", "state", title="Alerts", title_justify="left")
    for rule in rules:
        state = rule.error or rule.state
        table.add_row(
            rule.name, state, style="" if state == "inactive" else "bold red" if state != "pending" else "yellow"
        )
    return table


def shortened(expr: str) -> str:
    """``expr`` on one line, its selectors of job and instance left out, cut to what fits a table."""
    text = " ".join(expr.split())
    for selector in ('job="article-stream", instance=~".*", ', 'job="article-stream", instance=~".*"'):
        text = text.replace(selector, "")
    text = text.replace("{}", "")
    return text if len(text) <= _EXPR_CHARS else text[: _EXPR_CHARS - 1] + "…"
