"""deploy/observe: what the run shows and how it judges, and the run itself on a real Kafka and Prometheus."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import orjson
import pytest
import yaml
from rich.console import Console, RenderableType

from tests.support.tools import ROOT, tool

OBSERVE = ROOT / "deploy" / "observe"
sys.path.append(str(OBSERVE))

# ruff: noqa: E402 - the scripts stand beside each other, and are found by their folder
from matplotlib.figure import Figure

from stream import system_clock
from stream.core.contracts.events import RELATIONS
from stream.core.pipeline.offline import OfflineFlow
from stream.core.pipeline.outcome import TAKEDOWN_RESULTS
from tests.e2e.monitoring import checks, scenarios
from tests.e2e.monitoring import run as observe
from tests.e2e.monitoring.checks import Answer, problems
from tests.e2e.monitoring.plots import DRAWN, Line, Panel, draw_lines
from tests.e2e.monitoring.prometheus_api import Rule, Series
from tests.e2e.monitoring.scenarios import SCENARIOS, Outcome, Scenario, faster_rules
from tests.e2e.monitoring.stack import JOB, prometheus_config
from tests.e2e.monitoring.units import formatted, pleasant_step
from tests.support.article_generator import GARBAGE, Newsroom
from tests.support.dashboard_queries import ALERTS, DASHBOARDS, Query, panels, queries

NAN = float("nan")
ENDLESS = float("inf")
RUN = (sys.executable, "-m", "tests.e2e.monitoring.run")
STAYS = "Ctrl-C stops all"


def query(dashboard: str = "flow", panel: str = "Lag", expr: str = "max(stream_consumer_lag_seconds{})") -> Query:
    return Query(dashboard, panel, "", expr, "s")


def printed(shown: RenderableType) -> str:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(shown)
    return console.export_text()


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0, "s", "0 s"),
        (0.0123, "s", "12.3 ms"),
        (90, "s", "1.5 min"),
        (604_800, "s", "7 d"),
        (250, "ms", "250 ms"),
        (0.00359, "percentunit", "0.359 %"),
        (1, "percentunit", "100 %"),
        (42.5, "percent", "42.5 %"),
        (1536, "bytes", "1.5 KiB"),
        (-(5 * 1024**3), "bytes", "-5 GiB"),
        (1680, "short", "1.68 K"),
        (999.96, "none", "1000"),
        (38.51, "cps", "38.5 c/s"),
        (3, "furlongs", "3 furlongs"),
        (ENDLESS, "s", "∞"),
        (NAN, "s", "NaN"),
    ],
)
def test_values_read_as_in_grafana(value: float, unit: str, shown: str) -> None:
    assert formatted(value, unit) == shown


@pytest.mark.parametrize(
    ("about", "unit", "step"),
    [(0.3, "short", 0.5), (21, "short", 25), (7, "s", 10), (100_000, "s", 172_800), (3e6, "bytes", 4 * 1024**2)],
)
def test_ticks_are_a_pleasant_step_apart(about: float, unit: str, step: float) -> None:
    assert pleasant_step(about, unit) == step


@pytest.mark.parametrize(
    ("answer", "shown", "is_problem"),
    [
        (Answer(query(), [1.5]), "1.5 s", False),
        (Answer(query(), [3, 1, 2]), "1 s … 3 s", False),
        (Answer(query(), [2, 2]), "2 s", False),
        (Answer(query(), [NAN, 0]), "0 s", False),
        (Answer(query(), []), "no data", True),
        (Answer(query(), [NAN]), "no data", True),
        (Answer(query("alerts"), []), "does not hold", False),
        (Answer(query("alerts"), [1]), "holds", False),
        (Answer(query("alerts"), [], ["stream_ready"]), "no stream_ready", True),
    ],
)
def test_a_query_without_data_is_a_problem(answer: Answer, shown: str, is_problem: bool) -> None:
    assert answer.shown == shown
    assert bool(problems([answer], [])) == is_problem
    assert shown in printed(checks.answers_table([answer]))


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
    assert bool(problems([], [rule])) == is_problem
    assert (rule.error or rule.state) in printed(checks.rules_table([rule]))


def test_long_queries_are_shortened() -> None:
    asked = next(each for each in queries() if each.dashboard == "flow")
    assert "job=" in asked.expr
    assert "job=" not in checks.shortened(asked.expr)
    assert checks.shortened("x" * 100) == "x" * 59 + "…"


@pytest.mark.parametrize(
    ("fired", "resolved", "is_right"),
    [
        ({"WorkerDown": 16.0}, 2.0, True),
        ({}, 2.0, False),
        ({"WorkerDown": 16.0, "NoProgress": 20.0}, 2.0, False),
        ({"WorkerDown": 16.0}, None, False),
    ],
)
def test_a_scenario_is_right_where_exactly_its_alerts_fire_and_resolve(
    fired: dict[str, float], resolved: float | None, is_right: bool
) -> None:
    scenario = Scenario("a worker is killed", frozenset({"WorkerDown"}), scenarios.worker_killed)
    outcome = Outcome(scenario, fired, resolved)
    assert outcome.is_right == is_right
    shown = printed(scenarios.outcomes_table([outcome]))
    assert all(name in shown for name in {"a worker is killed", *fired})


def test_scenarios_expect_alerts_that_there_are() -> None:
    known = {each.panel for each in queries() if each.dashboard == "alerts"}
    assert set().union(*(scenario.expected for scenario in SCENARIOS)) <= known


def test_faster_alerts_are_the_same_ones_and_the_disk_keeps_its_time(tmp_path: Path) -> None:
    usual, faster = (
        {rule["alert"]: rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]}
        for path in (ALERTS, faster_rules(tmp_path))
    )
    assert faster.keys() == usual.keys()
    assert (usual["WorkerDown"]["for"], faster["WorkerDown"]["for"]) == ("5m", "15s")
    assert {name for name in usual if faster[name] == usual[name]} == {"DataDiskAlmostFull", "DataDiskFilling"}


def test_prometheus_reads_every_worker_under_the_job_of_the_alerts(tmp_path: Path) -> None:
    config = prometheus_config(tmp_path, ["127.0.0.1:1", "127.0.0.1:2"])
    (job,) = config["scrape_configs"]
    assert f'job="{job["job_name"]}"' in next(each.expr for each in queries() if each.panel == "WorkerDown")
    assert job == {"job_name": JOB, "static_configs": [{"targets": ["127.0.0.1:1", "127.0.0.1:2"]}]}


def test_the_newsroom_sends_every_kind_of_article_in_many_languages() -> None:
    newsroom = Newsroom(seed=1)
    flow = OfflineFlow(window_ms=86_400_000)
    found: Counter[str] = Counter()
    languages: set[str] = set()
    for (outcome,) in flow.run((newsroom.message().value for _ in range(350)), now=system_clock.now()):
        found[outcome.result] += 1
        languages |= {outcome.article.language} if outcome.article else set()
    assert found.keys() >= {*RELATIONS, TAKEDOWN_RESULTS[0]}
    assert not outcome.code
    assert len(languages) > 8


def test_garbage_is_rejected_and_as_frequent_as_asked_for() -> None:
    flow = OfflineFlow(window_ms=86_400_000)
    codes = [outcome.code for (outcome,) in flow.run(GARBAGE, now=system_clock.now())]
    assert None not in codes
    assert len(set(codes)) == len(GARBAGE) - 1  # two are no JSON, each in its way
    newsroom = Newsroom(seed=1, garbage_share=0.05)
    assert 60 < sum(newsroom.message().is_garbage for _ in range(2000)) < 140


def test_all_kinds_of_panels_can_be_drawn() -> None:
    used = {
        panel["type"]
        for board in DASHBOARDS.glob("*.json")
        for panel in panels(orjson.loads(board.read_bytes()))
        if panel.get("targets")
    }
    assert used <= DRAWN.keys()


def test_a_drawn_panel_has_a_line_and_a_legend_for_each_series_and_no_line_across_a_gap() -> None:
    axes = Figure().add_axes((0.1, 0.1, 0.8, 0.8))
    lines = [Line("a", Series({}, [0, 2, 4, 20], [1, 2, 3, 4])), Line("b", Series({}, [0, 2], [5, NAN]))]
    draw_lines(axes, Panel({"fieldConfig": {"defaults": {"unit": "s", "min": 0}}}, lines, 0, 20, 2))
    across = axes.get_lines()[0]
    assert np.isnan(np.asarray(across.get_ydata())).tolist() == [False, False, False, True, False]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["a  4 s", "b  5 s"]


@pytest.mark.parametrize("arguments", [("--seconds", "0"), ("--rate", "many"), ("--faults", "--pictures", "x"), ("x",)])
def test_wrong_usage_is_status_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        observe.parse(arguments)
    assert end.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_what_is_missing_is_named_in_one_line_with_status_69(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "JAVA_HOME": "", "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    result = subprocess.run(RUN, env=bare, capture_output=True, text=True, check=False)
    assert result.returncode == 69
    assert result.stderr.count("\n") == 1
    assert all(name in result.stderr for name in ("install Java 17", "Maven", "Debian's package `prometheus`"))


@pytest.mark.kafka
@pytest.mark.usefixtures("local_kafka")
def test_every_panel_has_data_no_alert_fires_and_nothing_is_left(tmp_path: Path) -> None:
    tool("prometheus", "Debian's prometheus package")
    process = subprocess.Popen(
        [*RUN, "--seconds", "15", "--stay"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout as output, process.stderr as errors:
        lines = []
        for line in output:  # to its end, where it fails
            lines.append(line)
            if STAYS in line:
                process.send_signal(signal.SIGTERM)
        told = "".join(lines)
        assert (process.wait(), errors.read()) == (0, ""), told
    asked = list(queries())
    assert f"all {len(asked)} queries have what they need, and no alert fires" in told
    assert all(each.panel.split()[0] in told for each in asked)
    assert list(tmp_path.iterdir()) == []
