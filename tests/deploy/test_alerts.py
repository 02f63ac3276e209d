"""The alerts: what the code makes, valid, each one tested by Prometheus's own tool."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.grafana import PROMETHEUS, run
from tests.support.tools import tool

BUILD = PROMETHEUS / "rules.py"
ALERTS = PROMETHEUS / "alerts.yml"
RULE_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
PACKAGE = "Debian's prometheus package"
PAGES = {
    "AllWorkersDown",
    "BrokerNotAnswering",
    "ConsumerLagHigh",
    "DataDiskAlmostFull",
    "NoProgress",
    "RestoreStuck",
}
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"\b(\d+)(ms|s|m|h|d)\b")
_NUMBER = re.compile(r"(?:[<>]|\],) (\d+(?:\.\d+)?)")
_TOLD = re.compile(r"(lag_checked_timestamp_seconds\{[^}]*\}\)? [<>] )300\b")


def rules(path: Path = ALERTS) -> list[dict[str, Any]]:
    """Every rule of a rule file."""
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def scenarios() -> list[dict[str, Any]]:
    """Every case that promtool plays through."""
    return [case for path in RULE_TESTS for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]


def fired(case: dict[str, Any]) -> set[str]:
    """The alerts that fire at some moment of ``case``."""
    samples = [sample for test in case["promql_expr_test"] for sample in test["exp_samples"]]
    return {re.findall(r'alertname="(\w+)"', sample["labels"])[0] for sample in samples}


def seconds(text: str) -> list[float]:
    """Every duration in ``text``."""
    return [int(number) * _UNITS[unit] for number, unit in _DURATION.findall(text)]


def promtool(*arguments: str | Path) -> None:
    """Run promtool; what it says if it fails is the failure."""
    command = [tool("promtool", PACKAGE), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def faster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rules, twenty times as fast."""
    path = tmp_path_factory.mktemp("rules") / "faster.yml"
    made = run(BUILD, "--faster", "20", "-o", str(path))
    assert made.returncode == 0, made.stderr
    return path


def test_the_file_is_what_the_code_makes(tmp_path: Path) -> None:
    checked = run(BUILD, "--check")
    assert checked.returncode == 0, checked.stderr
    stale = tmp_path / "alerts.yml"
    stale.write_text(ALERTS.read_text(encoding="utf-8").replace("> 900", "> 901"), encoding="utf-8")
    assert run(BUILD, "--check", "-o", str(stale)).returncode == 1


def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", ALERTS)


def test_prometheus_takes_the_configuration_and_finds_the_rules() -> None:
    promtool("check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_do_not(path: Path) -> None:
    promtool("test", "rules", path)


def test_each_alert_fires_in_a_case_and_some_cases_fire_none() -> None:
    cases = scenarios()
    assert set().union(*map(fired, cases)) == {rule["alert"] for rule in rules()}
    assert sum(not fired(case) for case in cases) >= len(rules())


def test_no_trouble_fires_two_pages() -> None:
    for case in scenarios():
        assert len(fired(case) & PAGES) <= 1, case["name"]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] == ("page" if rule["alert"] in PAGES else "ticket")
    assert rule["annotations"]["runbook_url"] == f"docs/operations/runbook.md#{rule['alert'].lower()}"
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["description"].endswith(".")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_looks_at_one_job_only(rule: dict[str, Any]) -> None:
    for selector in re.findall(r"\{([^}]*)\}", rule["expr"]):
        assert 'job="article-stream"' in selector


def test_a_faster_clock_divides_all_times_and_no_share(faster: Path) -> None:
    promtool("check", "rules", faster)
    for slow, fast in zip(rules(), rules(faster), strict=True):
        assert seconds(fast["for"]) == [time / 20 for time in seconds(slow["for"])]
        assert seconds(fast["expr"]) == [time / 20 for time in seconds(slow["expr"])]
        # What workers need to be told the lag is 45 s at least, which is a twentieth of 900.
        told = _TOLD.sub(r"\g<1>900", slow["expr"])
        for before, after in zip(_NUMBER.findall(told), _NUMBER.findall(fast["expr"]), strict=True):
            # What is large is a number of seconds: shares and counts are below.
            assert float(after) == float(before) / (20 if float(before) >= 60 else 1), slow["alert"]


def test_groups_are_evaluated_as_much_faster(faster: Path) -> None:
    (group,) = yaml.safe_load(faster.read_text(encoding="utf-8"))["groups"]
    assert seconds(group["interval"]) == [1.5]


def test_a_clock_cannot_stand_still(tmp_path: Path) -> None:
    assert run(BUILD, "--faster", "0", "-o", str(tmp_path / "alerts.yml")).returncode == 2


def test_another_job_and_another_address_of_the_run_book(tmp_path: Path) -> None:
    path = tmp_path / "alerts.yml"
    run(BUILD, "--job", "news/stream", "--runbook-url", "https://wiki.example/stream", "-o", str(path))
    assert "article-stream" not in "".join(rule["expr"] for rule in rules(path))
    assert rules(path)[0]["expr"] == 'sum by (job) (up{job="news/stream"}) == 0 or absent(up{job="news/stream"})'
    assert rules(path)[0]["annotations"]["runbook_url"] == "https://wiki.example/stream#allworkersdown"


def test_the_lag_pages_later_than_it_makes_a_ticket() -> None:
    by_name = {rule["alert"]: rule for rule in rules()}
    limits = [
        [float(limit) for limit in re.findall(r"\) > (\d+)", by_name[name]["expr"]) if float(limit)]
        for name in ("ConsumerLagGrowing", "ConsumerLagHigh")
    ]
    assert all(min(one) < min(other) for one, other in pairwise(limits))
