"""Which results of queries and alerts are problems."""

from __future__ import annotations

import pytest

from tests.e2e.monitoring import checks
from tests.e2e.monitoring.checks import Result, find_problems
from tests.e2e.monitoring.prometheus_api import Rule
from tests.support.dashboard_queries import Query, format_value, queries
from tests.support.tables import render

NAN = float("nan")
INFINITE = float("inf")


def query(dashboard: str = "flow", panel: str = "Lag", expr: str = "max(stream_consumer_lag_seconds{})") -> Query:
    return Query(dashboard, panel, "", expr, "s")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0, "s", "0 s"),
        (0.0123, "s", "12.3 ms"),
        (90, "s", "1.5 min"),
        (604_800, "s", "7 d"),
        (0.00359, "percentunit", "0.359 %"),
        (0, "percentunit", "0 %"),
        (1, "percentunit", "100 %"),
        (0, "bytes", "0 B"),
        (1536, "bytes", "1.5 KiB"),
        (-(5 * 1024**3), "bytes", "-5 GiB"),
        (1680, "short", "1.68 K"),
        (999.96, "none", "1000"),
        (38.51, "suffix:/s", "38.5 /s"),
        (3, "furlongs", "3 furlongs"),
        (INFINITE, "s", "∞"),
        (NAN, "s", "NaN"),
    ],
)
def test_values_are_formatted_as_in_grafana(value: float, unit: str, expected: str) -> None:
    assert format_value(value, unit) == expected


@pytest.mark.parametrize(
    ("result", "summary", "is_problem"),
    [
        (Result(query(), [1.5]), "1.5 s", False),
        (Result(query(), [3, 1, 2]), "1 s … 3 s", False),
        (Result(query(), [2, 2]), "2 s", False),
        (Result(query(), [NAN, 0]), "0 s", False),
        (Result(query(), []), "no data", True),
        (Result(query(), [NAN]), "no data", True),
        (Result(query("alerts"), []), "false", False),
        (Result(query("alerts"), [1]), "true", False),
        (Result(query("alerts"), [], ["stream_ready"]), "no stream_ready", True),
    ],
)
def test_a_query_without_data_is_a_problem(result: Result, summary: str, is_problem: bool) -> None:
    assert result.summary == summary
    assert bool(find_problems([result], [])) == is_problem
    assert summary in render(checks.results_table([result]))


@pytest.mark.parametrize(
    ("rule", "is_problem"),
    [
        (Rule("WorkerDown", "inactive", ""), False),
        (Rule("WorkerDown", "pending", ""), False),
        (Rule("WorkerDown", "firing", ""), True),
        (Rule("WorkerDown", "inactive", "many-to-many matching not allowed"), True),
    ],
)
def test_an_alert_that_fires_or_fails_is_a_problem(rule: Rule, is_problem: bool) -> None:
    assert bool(find_problems([], [rule])) == is_problem
    assert (rule.error or rule.state) in render(checks.rules_table([rule]))


def test_long_queries_are_shortened() -> None:
    expr = next(each.expr for each in queries() if each.dashboard == "flow")
    assert "job=" in expr
    assert "job=" not in checks.shorten(expr)
    assert checks.shorten("x" * 100) == "x" * 59 + "…"
