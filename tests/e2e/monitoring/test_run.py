"""The monitoring run: its scenarios and options, and the run itself on a real Kafka and Prometheus."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.monitoring import run, scenarios
from tests.e2e.monitoring.scenarios import SCENARIOS, Outcome, Scenario, write_faster_rules
from tests.e2e.monitoring.stack import JOB, prometheus_config
from tests.support.dashboard_queries import ALERTS, queries
from tests.support.tables import render
from tests.support.tools import FOLDERS, tool

RUN = (sys.executable, "-m", "tests.e2e.monitoring.run")
STAYING = "Ctrl-C stops everything"


@pytest.mark.parametrize(
    ("fired", "resolved", "is_right"),
    [
        ({"WorkerDown": 16.0}, 2.0, True),
        ({}, 2.0, False),
        ({"WorkerDown": 16.0, "NoProgress": 20.0}, 2.0, False),
        ({"WorkerDown": 16.0}, None, False),
    ],
)
def test_a_scenario_is_right_if_exactly_its_alerts_fire_and_are_resolved(
    fired: dict[str, float], resolved: float | None, is_right: bool
) -> None:
    scenario = Scenario("a worker is killed", frozenset({"WorkerDown"}), scenarios.kill_worker)
    outcome = Outcome(scenario, fired, resolved)
    assert outcome.is_right == is_right
    text = render(scenarios.outcomes_table([outcome]))
    assert all(name in text for name in {"a worker is killed", *fired})


def test_scenarios_expect_alerts_that_exist() -> None:
    alerts = {query.panel for query in queries() if query.dashboard == "alerts"}
    assert set().union(*(scenario.expected for scenario in SCENARIOS)) <= alerts


def test_faster_alerts_are_the_same_ones_and_the_disk_alerts_keep_their_times(tmp_path: Path) -> None:
    usual, faster = (
        {rule["alert"]: rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]}
        for path in (ALERTS, write_faster_rules(tmp_path))
    )
    assert faster.keys() == usual.keys()
    assert (usual["WorkerDown"]["for"], faster["WorkerDown"]["for"]) == ("5m", "15s")
    assert {name for name in usual if faster[name] == usual[name]} == {"DataDiskAlmostFull", "DataDiskFilling"}


def test_prometheus_scrapes_every_worker_under_the_job_that_alerts_select(tmp_path: Path) -> None:
    config = prometheus_config(tmp_path, ["127.0.0.1:1", "127.0.0.1:2"])
    (job,) = config["scrape_configs"]
    assert f'job="{job["job_name"]}"' in next(query.expr for query in queries() if query.panel == "WorkerDown")
    assert job == {"job_name": JOB, "static_configs": [{"targets": ["127.0.0.1:1", "127.0.0.1:2"]}]}


@pytest.mark.parametrize("arguments", [("--seconds", "0"), ("--rate", "many"), ("--faults", "--pictures", "x"), ("x",)])
def test_a_usage_error_is_status_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run.parse(arguments)
    assert end.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_missing_programs_are_named_in_one_line_with_status_69(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "JAVA_HOME": "", "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    result = subprocess.run(RUN, env=bare, capture_output=True, text=True, check=False)
    assert result.returncode == 69
    assert result.stderr.count("\n") == 1
    assert all(name in result.stderr for name in ("install Java 17", "Maven", "Debian's package `prometheus`"))


@pytest.mark.kafka
@pytest.mark.usefixtures("local_kafka")
def test_every_panel_has_data_no_alert_fires_and_nothing_is_left_behind(tmp_path: Path) -> None:
    tool("prometheus", "Debian's prometheus package")
    path = os.pathsep.join([*map(str, FOLDERS), os.environ["PATH"]])
    process = subprocess.Popen(
        [*RUN, "--seconds", "15", "--stay"],
        env=os.environ | {"TMPDIR": str(tmp_path), "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout as stdout, process.stderr as stderr:
        lines = []
        for line in stdout:  # to its end, if the run fails
            lines.append(line)
            if STAYING in line:
                process.send_signal(signal.SIGTERM)
        output = "".join(lines)
        assert (process.wait(), stderr.read()) == (0, ""), output
    every_query = list(queries())
    assert f"all {len(every_query)} queries have data, and no alert is firing" in output
    assert all(query.panel.split()[0] in output for query in every_query)
    assert list(tmp_path.iterdir()) == []
