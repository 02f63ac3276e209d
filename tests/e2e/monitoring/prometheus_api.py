"""Asks a Prometheus: https://prometheus.io/docs/prometheus/latest/querying/api/."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

import orjson

from tests.support.processes_of_stack import ObserveError

_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One series at one moment."""

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
    """An alert: ``state`` is inactive, pending or firing; ``error`` is empty where it can be evaluated."""

    name: str
    state: str
    error: str


class Prometheus:
    """The API at ``url``."""

    def __init__(self, url: str) -> None:
        self.url = url

    def at(self, query: str, *, moment: float | None = None) -> list[Sample]:
        """What ``query`` tells at ``moment``, seconds since 1970; by default now.

        Raises:
            ObserveError: Prometheus does not answer, or not this query.
        """
        found = self._ask("query", query=query, **({} if moment is None else {"time": f"{moment:.3f}"}))
        if found["resultType"] == "scalar":
            return [Sample({}, float(found["result"][1]))]
        return [Sample(each["metric"], float(each["value"][1])) for each in found["result"]]

    def over(self, query: str, *, start: float, end: float, step_s: float) -> list[Series]:
        """What ``query`` tells from ``start`` to ``end``, seconds since 1970.

        Raises:
            ObserveError: Prometheus does not answer, or not this query.
        """
        found = self._ask("query_range", query=query, start=f"{start:.3f}", end=f"{end:.3f}", step=f"{step_s:g}")
        return [
            Series(
                each["metric"], [float(at) for at, _ in each["values"]], [float(value) for _, value in each["values"]]
            )
            for each in found["result"]
        ]

    def rules(self) -> list[Rule]:
        """All alerts, in the order of their file.

        Raises:
            ObserveError: Prometheus does not answer.
        """
        groups = self._ask("rules", type="alert")["groups"]
        return [
            Rule(rule["name"], rule["state"], rule.get("lastError") or "")
            for group in groups
            for rule in group["rules"]
        ]

    def firing(self) -> set[str]:
        """The names of the alerts that fire.

        Raises:
            ObserveError: Prometheus does not answer.
        """
        found = self._ask("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"}

    def targets_up(self) -> int:
        """How many targets were read by the last scrape.

        Raises:
            ObserveError: Prometheus does not answer.
        """
        return sum(target["health"] == "up" for target in self._ask("targets", state="active")["activeTargets"])

    def _ask(self, page: str, **arguments: str) -> Any:
        url = f"{self.url}/api/v1/{page}?{urllib.parse.urlencode(arguments)}"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - our own, on loopback
                return orjson.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            raise ObserveError(f"Prometheus refuses {arguments}: {error.read().decode(errors='replace')}") from None
        except OSError as error:
            raise ObserveError(f"Prometheus does not answer at {self.url}: {error}") from None
