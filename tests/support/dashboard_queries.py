"""Every query of the dashboards and of the alerts, with its template variables replaced."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARDS: Final = DEPLOY / "grafana" / "dashboards"
ALERTS: Final = DEPLOY / "prometheus" / "alerts.yml"
_METRIC: Final = re.compile(r"\b(?:stream|process|python)_[a-z0-9_]+\b|\bup\b")


@dataclass(frozen=True, slots=True)
class Query:
    """One query. ``dashboard`` is ``alerts`` for the condition of an alert, whose ``panel`` is the alert's name.

    ``unit`` is Grafana's name of it (``s``, ``bytes``, ``short``), empty for alerts. A panel's query has to return
    data; an alert's returns some only while its condition holds, so look at its `metrics` instead.
    """

    dashboard: str
    panel: str
    legend: str
    expr: str
    unit: str

    @property
    def metrics(self) -> frozenset[str]:
        """Names of the metrics that it reads, as Prometheus stores them (``_total``, ``_bucket``)."""
        return frozenset(_METRIC.findall(self.expr))


def queries(
    *, job: str = "article-stream", instance: str = ".*", interval: str = "1m", alerts: Path = ALERTS
) -> Iterator[Query]:
    """Every query there is.

    Args:
        job: for ``$job``.
        instance: a regular expression, for ``$instance``.
        interval: for ``$__rate_interval``, ``$__interval`` and ``$__range``: four scrape intervals or more.
        alerts: The rule file.
    """
    given = {
        "$job": job,
        "$instance": instance,
        "$__rate_interval": interval,
        "$__interval": interval,
        "$__range": interval,
    }
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in panels(json.loads(path.read_text(encoding="utf-8"))):
            unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "")
            for target in panel.get("targets", []):
                expr = _replaced(target["expr"], given)
                yield Query(path.stem, panel["title"], target.get("legendFormat", ""), expr, unit)
    for group in yaml.safe_load(alerts.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield Query("alerts", rule["alert"], "", rule["expr"], "")


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel of a dashboard but its rows; those of collapsed rows too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def _replaced(expr: str, given: dict[str, str]) -> str:
    for name in sorted(given, key=len, reverse=True):
        expr = expr.replace(name, given[name])
    return expr
