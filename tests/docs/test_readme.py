"""The README's commands do what it says. `make demo` and `make test` themselves are run by .ci/run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from stream.core.normalize.boilerplate import phrases
from stream.core.normalize.text import TEXT_STEPS
from stream.demo.runner import free_port
from stream.observability.metric_definitions import CATALOGUE

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
BROKER, PORT = "127.0.0.1:9092", "6066"
DEADLINE_S = 60.0


def test_every_fix_is_explained() -> None:
    names = {step.name for step in TEXT_STEPS.steps}
    names |= phrases.BUTTONS.keys() | phrases.LINES.keys() | phrases.STARTS.keys()
    for path in (ROOT / "tests" / "cases").glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            fixes = orjson.loads(line).get("fixes")
            names |= fixes.keys() if isinstance(fixes, dict) else set()
    assert not [name for name in sorted(names) if f"`{name}`" not in README]


def block(beginning: str) -> str:
    """The one block of commands that begins so."""
    found: list[str] = [commands for commands in BLOCKS if commands.startswith(beginning)]
    assert len(found) == 1, f"{len(found)} blocks begin with {beginning!r}"
    return found[0]


def environment(**more: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, **more}


def run(commands: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )


def test_every_block_is_run_by_a_test_here() -> None:
    beginnings = [
        "make demo",
        "printf",
        "head",
        "make kafka",
        "export STREAM_BROKER",
        "stream produce",
        "echo",
        "kcat",
        "curl",
    ]
    assert [commands.startswith(start) for commands, start in zip(BLOCKS, beginnings, strict=True)] == [True] * 9


@pytest.mark.parametrize("line", [line for start in ("make demo", "make kafka") for line in block(start).splitlines()])
def test_make_targets_exist(line: str) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    subprocess.run(["bash", "-c", f"{line} --dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_files_are_processed_without_a_broker(tmp_path: Path) -> None:
    done = run(block("printf"), tmp_path)
    lines = [orjson.loads(line) for line in done.stdout.splitlines()]
    topics = [line["topic"] for line in lines]
    assert topics == [
        "articles.enriched",
        "articles.duplicates",
        "articles.clusters",
        "articles.rejected",
        "articles.duplicates",
    ]
    assert lines[1]["value"]["duplicate"]["relation"] == "copy"
    assert lines[1]["value"]["duplicate"]["duplicate_of"] == "a1"
    assert lines[3]["value"] == "this is not JSON"
    assert lines[3]["headers"]["__errors.code"] == "invalid_json"


def test_decisions_are_explained_and_measured(tmp_path: Path) -> None:
    run(block("printf"), tmp_path)
    told = run(block("head"), tmp_path, COLUMNS="120").stdout
    assert "B is copy of A: both texts are the same once folded" in told
    assert "pairs.jsonl      1         0     1.0000  1.0000  1.0000" in told


def test_a_takedown_leaves_tombstones_and_another_canonical(tmp_path: Path) -> None:
    run(block("printf"), tmp_path)
    lines = [orjson.loads(line) for line in run(block("echo"), tmp_path).stdout.splitlines()]
    told = [(line["topic"], line["key"]) for line in lines if line["value"] is None]
    assert told == [("articles.enriched", "a1"), ("articles.duplicates", "a1")]
    assert lines[-1]["topic"] == "articles.clusters"
    assert lines[-1]["value"]["canonical_id"] == "b7"


def test_metrics_that_are_named_exist() -> None:
    there = {metric.series for metric in CATALOGUE}
    assert (named := set(re.findall(r"`(stream_[a-z_]+)`", README)))
    assert named <= there


@pytest.fixture
def here(kafka_broker: str, topic_prefix: str, tmp_path: Path) -> tuple[dict[str, str], Path]:
    """Settings for the README's commands against the tests' broker, and the sample that they send."""
    run(block("printf"), tmp_path)
    port = str(free_port())
    settings = {"STREAM_TOPIC_PREFIX": topic_prefix, "STREAM_GROUP": topic_prefix + "readme", "STREAM_WEB_PORT": port}
    settings["BROKER"] = kafka_broker
    return settings, tmp_path


@pytest.mark.kafka
def test_run_on_kafka_produce_consume_and_operate(here: tuple[dict[str, str], Path]) -> None:
    settings, folder = here
    prefix = settings["STREAM_TOPIC_PREFIX"]

    def adapted(beginning: str) -> str:
        commands = block(beginning).replace(BROKER, settings["BROKER"]).replace(PORT, settings["STREAM_WEB_PORT"])
        return commands.replace("articles.", f"{prefix}articles.")

    with (
        (folder / "worker.log").open("wb") as log,
        subprocess.Popen(
            ["bash", "-euc", adapted("export STREAM_BROKER")],
            cwd=folder,
            env=environment(**settings),
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as worker,
    ):
        try:
            wait_until_ready(settings["STREAM_WEB_PORT"])
            export = f"export STREAM_BROKER={settings['BROKER']}\n"
            run(export + adapted("stream produce"), folder, **settings)
            consumed = wait_for_enriched(adapted("kcat"), folder, settings)
            assert consumed.startswith("a1 ")
            assert "ce_id=" in consumed
            operated = run(export + adapted("curl"), folder, **settings).stdout
            assert operated.startswith(('{"ok":true', '{"ok": true'))
            assert 'stream_events_decided_total{relation="copy"} 1.0' in operated
        finally:
            os.killpg(worker.pid, signal.SIGTERM)
            worker.wait(DEADLINE_S)
    assert worker.returncode in (0, -signal.SIGTERM), (folder / "worker.log").read_text()


def wait_until_ready(port: str) -> None:
    command = ["curl", "-sf", f"http://127.0.0.1:{port}/readyz"]
    deadline = time.monotonic() + DEADLINE_S
    while subprocess.run(command, check=False, capture_output=True).returncode:
        assert time.monotonic() < deadline, "the worker did not become ready"
        time.sleep(0.2)


def wait_for_enriched(kcat: str, folder: Path, settings: dict[str, str]) -> str:
    if shutil.which("kcat") is None:
        if os.environ.get("STREAM_REQUIRE_KAFKA"):
            pytest.fail("kcat is needed for this test; install it from your distribution")
        pytest.skip("kcat is not installed")
    deadline = time.monotonic() + DEADLINE_S
    while not (found := run(kcat, folder, **settings).stdout):
        assert time.monotonic() < deadline, "nothing was published"
        time.sleep(0.2)
    return found
