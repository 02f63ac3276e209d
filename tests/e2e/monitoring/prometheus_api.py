"""A client of Prometheus's HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tests.support.processes_of_stack import MonitoringError

_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One series at one time."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Series:
    """One series over time: seconds since 1970 and values, of the same length."""

    labels: dict[str, str]
    times: list[float]
    values: list[float]


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert: ``state`` is inactive, pending or firing; ``error`` is empty if it can be evaluated."""

    name: str
    state: str
    error: str


class Prometheus:
    """The API at ``url``."""

    def __init__(self, url: str) -> None:
        self.url = url

    def at(self, query: str, *, moment: float | None = None) -> list[Sample]:
        """Evaluate ``query`` at ``moment``, in seconds since 1970; by default now.

        Raises:
            MonitoringError: Prometheus does not answer, or rejects the query.
        """
        data = self._get("query", query=query, **({} if moment is None else {"time": f"{moment:.3f}"}))
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(each["metric"], float(each["value"][1])) for each in data["result"]]

    def over(self, query: str, *, start: float, end: float, step_s: float) -> list[Series]:
        """Evaluate ``query`` from ``start`` to ``end``, in seconds since 1970.

        Raises:
            MonitoringError: Prometheus does not answer, or rejects the query.
        """
        data = self._get("query_range", query=query, start=f"{start:.3f}", end=f"{end:.3f}", step=f"{step_s:g}")
        return [
            Series(each["metric"], [float(time) for time, _ in each["values"]], [float(v) for _, v in each["values"]])
            for each in data["result"]
        ]

    def rules(self) -> list[Rule]:
        """Return all alerts, in the order of their file.

        Raises:
            MonitoringError: Prometheus does not answer.
        """
        groups = self._get("rules", type="alert")["groups"]
        return [
            Rule(rule["name"], rule["state"], rule.get("lastError") or "")
            for group in groups
            for rule in group["rules"]
        ]

    def firing(self) -> set[str]:
        """Return the names of the alerts that are firing.

        Raises:
            MonitoringError: Prometheus does not answer.
        """
        alerts = self._get("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def targets_up(self) -> int:
        """Count the targets that the last scrape reached.

        Raises:
            MonitoringError: Prometheus does not answer.
        """
        return sum(target["health"] == "up" for target in self._get("targets", state="active")["activeTargets"])

    def _get(self, page: str, **arguments: str) -> Any:
        url = f"{self.url}/api/v1/{page}?{urllib.parse.urlencode(arguments)}"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:  # noqa: S310 - our own process, on loopback
                return orjson.loads(response.read())["data"]
        except urllib.error.HTTPError as error:
            raise MonitoringError(f"Prometheus rejects {arguments}: {error.read().decode(errors='replace')}") from None
        except OSError as error:
            raise MonitoringError(f"Prometheus does not answer at {self.url}: {error}") from None
