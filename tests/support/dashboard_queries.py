"""The queries of the dashboards and of the alerts, with template variables replaced, and the units of their values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARDS: Final = DEPLOY / "grafana" / "dashboards"
ALERTS: Final = DEPLOY / "prometheus" / "alerts.yml"
#: Of Grafana's units, largest first; other units follow the number.
_SCALES: Final = {
    "bytes": ((1024**3, " GiB"), (1024**2, " MiB"), (1024, " KiB"), (1, " B")),
    "s": ((86_400, " d"), (3600, " h"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs")),
    "percentunit": ((0.01, " %"),),
    "short": ((10**9, " Bil"), (10**6, " Mil"), (1000, " K"), (1, "")),
}
_METRIC: Final = re.compile(r"\b(?:stream|process|python)_[a-z0-9_]+\b|\bup\b")


@dataclass(frozen=True, slots=True)
class Query:
    """One query. ``dashboard`` is ``alerts`` for the condition of an alert, whose ``panel`` is the alert's name.

    ``unit`` is Grafana's name of the unit (``s``, ``bytes``, ``short``), empty for alerts. A panel's query has to
    return data; an alert's query returns data only while its condition holds, so check its `metrics` instead.
    """

    dashboard: str
    panel: str
    legend: str
    expr: str
    unit: str

    @property
    def metrics(self) -> frozenset[str]:
        """The names of the metrics that it reads, as Prometheus stores them (``_total``, ``_bucket``)."""
        return frozenset(_METRIC.findall(self.expr))


def queries(
    *, job: str = "article-stream", instance: str = ".*", interval: str = "1m", alerts: Path = ALERTS
) -> Iterator[Query]:
    """Yield every query of the dashboards and of the alerts.

    Args:
        job: For ``$job``.
        instance: A regular expression, for ``$instance``.
        interval: For ``$__rate_interval``, ``$__interval`` and ``$__range``: four scrape intervals or more.
        alerts: The rule file.
    """
    variables = {
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
                expr = _substitute(target["expr"], variables)
                yield Query(path.stem, panel["title"], target.get("legendFormat", ""), expr, unit)
    for group in yaml.safe_load(alerts.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield Query("alerts", rule["alert"], "", rule["expr"], "")


def panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel of a dashboard except rows, including the panels of collapsed rows."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def _substitute(expr: str, variables: dict[str, str]) -> str:
    for name in sorted(variables, key=len, reverse=True):
        expr = expr.replace(name, variables[name])
    return expr


def unit_scale(value: float, unit: str) -> tuple[float, str]:
    """The size in which ``value`` is shown, such as 1024 for KiB, and what follows the number."""
    scales = _SCALES.get("short" if unit in ("", "none") else unit, ((1, f" {unit.removeprefix('suffix:')}"),))
    base = min(scales, key=lambda scale: abs(scale[0] - 1))
    return next((scale for scale in scales if abs(value) >= scale[0]), base)


def format_value(value: float, unit: str) -> str:
    """Format a value with its unit and three digits, much as Grafana does."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    size, suffix = unit_scale(value, unit)
    return f"{float(f'{value / size:.3g}'):f}".rstrip("0").rstrip(".") + suffix
