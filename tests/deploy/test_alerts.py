"""deploy/prometheus: the rules are valid, and promtool runs a test of each alert."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.faster_alerts import faster_alerts
from tests.support.grafana import PROMETHEUS
from tests.support.tools import tool

ALERTS = PROMETHEUS / "alerts.yml"
RULE_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
PACKAGE = "Debian's prometheus package"
PAGES = {
    "AllWorkersDown",
    "BrokerNotAnswering",
    "ConsumerLagHigh",
    "DataDiskAlmostFull",
    "LogWentBack",
    "NoProgress",
    "RestoreStuck",
}
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"\b(\d+)(ms|s|m|h|d)\b")
_NUMBER = re.compile(r"(?:[<>]|\],) (\d+(?:\.\d+)?)")
_LAG_AGE = re.compile(r"(lag_checked_timestamp_seconds\{[^}]*\}\)? [<>] )300\b")


def rules(path: Path = ALERTS) -> list[dict[str, Any]]:
    """Every rule of a rule file."""
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    """Every case that promtool runs."""
    return [case for path in RULE_TESTS for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]


def fired_alerts(case: dict[str, Any]) -> set[str]:
    """The alerts that fire at some moment of ``case``."""
    samples = [sample for test in case["promql_expr_test"] for sample in test["exp_samples"]]
    return {re.findall(r'alertname="(\w+)"', sample["labels"])[0] for sample in samples}


def seconds(text: str) -> list[float]:
    """Every duration in ``text``."""
    return [int(number) * _UNITS[unit] for number, unit in _DURATION.findall(text)]


def run_promtool(*arguments: str | Path) -> None:
    """Run promtool; fail with its output."""
    command = [tool("promtool", PACKAGE), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def faster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules, twenty times as fast."""
    path = tmp_path_factory.mktemp("rules") / "faster.yml"
    path.write_text(yaml.safe_dump(faster_alerts(ALERTS, 20)), encoding="utf-8")
    return path


def test_prometheus_accepts_the_rules() -> None:
    run_promtool("check", "rules", ALERTS)


def test_prometheus_accepts_its_configuration_and_finds_the_rules() -> None:
    run_promtool("check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_not_otherwise(path: Path) -> None:
    run_promtool("test", "rules", path)


def test_each_alert_fires_in_a_case_and_some_cases_fire_none() -> None:
    assert set().union(*map(fired_alerts, cases())) == {rule["alert"] for rule in rules()}
    assert sum(not fired_alerts(case) for case in cases()) >= len(rules())


def test_no_cause_fires_two_pages() -> None:
    for case in cases():
        assert len(fired_alerts(case) & PAGES) <= 1, case["name"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_has_a_severity_a_summary_and_instructions(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] == ("page" if rule["alert"] in PAGES else "ticket")
    assert rule["annotations"]["runbook_url"] == f"docs/operations/runbook.md#{rule['alert'].lower()}"
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["description"].endswith(".")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_selects_one_job(rule: dict[str, Any]) -> None:
    for selector in re.findall(r"\{([^}]*)\}", rule["expr"]):
        assert 'job="article-stream"' in selector


def test_a_faster_clock_divides_every_time_and_no_share(faster: Path) -> None:
    run_promtool("check", "rules", faster)
    for slow, fast in zip(rules(), rules(faster), strict=True):
        assert seconds(fast["for"]) == [time / 20 for time in seconds(slow["for"])]
        assert seconds(fast["expr"]) == [time / 20 for time in seconds(slow["expr"])]
        # The age limit of a lag measurement is at least 45 s, which is a twentieth of 900.
        expr = _LAG_AGE.sub(r"\g<1>900", slow["expr"])
        for before, after in zip(_NUMBER.findall(expr), _NUMBER.findall(fast["expr"]), strict=True):
            # Numbers from 60 on are seconds; shares and counts are smaller.
            assert float(after) == float(before) / (20 if float(before) >= 60 else 1), slow["alert"]


def test_groups_are_evaluated_as_much_faster(faster: Path) -> None:
    (group,) = yaml.safe_load(faster.read_text(encoding="utf-8"))["groups"]
    assert seconds(group["interval"]) == [1.5]


def test_the_documented_command_changes_the_job_and_the_url_of_the_run_book(tmp_path: Path) -> None:
    (command,) = re.findall(r"^#   (sed .+)$", ALERTS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    done = subprocess.run(["sh", "-c", command], cwd=PROMETHEUS, capture_output=True, text=True, check=True)
    path = tmp_path / "alerts.yml"
    path.write_text(done.stdout, encoding="utf-8")
    assert "article-stream" not in "".join(rule["expr"] for rule in rules(path))
    assert rules(path)[0]["expr"] == 'sum by (job) (up{job="news-stream"}) == 0 or absent(up{job="news-stream"})'
    assert rules(path)[0]["annotations"]["runbook_url"] == "https://wiki.example/runbook#allworkersdown"


def test_lag_makes_a_ticket_before_it_pages() -> None:
    by_name = {rule["alert"]: rule for rule in rules()}
    limits = [
        [float(limit) for limit in re.findall(r"\) > (\d+)", by_name[name]["expr"]) if float(limit)]
        for name in ("ConsumerLagGrowing", "ConsumerLagHigh")
    ]
    assert all(min(earlier) < min(later) for earlier, later in pairwise(limits))
