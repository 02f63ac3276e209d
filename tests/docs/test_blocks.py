"""The code blocks of the documentation do what the pages say.

The word after a block's language says how it is checked; CONTRIBUTING.md lists them. Blocks of one page run in order,
in one empty folder. `make demo` and `make test` themselves are run by .ci/run.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
import yaml

from stream.demo.runner import free_port
from stream.settings import load_settings
from tests.support.markdown import ROOT, Block, Document, document, documents

#: The run book and deploy/ have tests of their own.
PAGES: Final = [
    page
    for page in documents()
    if page.blocks and not page.name.startswith(("deploy/", "tests/")) and page.name != "docs/operations/runbook.md"
]
RUN: Final = [page for page in PAGES if any((block.language, block.kind) == ("sh", "") for block in page.blocks)]
ON_KAFKA: Final = [page for page in PAGES if any(block.kind == "kafka" for block in page.blocks)]
KINDS: Final = {
    ("sh", ""), ("sh", "kafka"), ("sh", "worker"), ("sh", "static"), ("python", "kafka"),
    ("json", ""), ("toml", ""), ("yaml", ""), ("mermaid", ""), ("text", ""), ("text", "demo"),
}  # fmt: skip
BROKER: Final = "127.0.0.1:9092"
PORT: Final = "6066"
DEADLINE_S: Final = 60.0
README: Final = "README.md"


def name_of(page: Document) -> str:
    return page.name


def environment(**more: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "COLUMNS": "120", **more}


def run(commands: str, folder: Path, **more: str) -> str:
    """What ``commands`` write to standard output; fails where one of them fails."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
    return done.stdout


# Blocks that are read


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_how_it_is_checked(page: Document) -> None:
    assert {(block.language, block.kind) for block in page.blocks} <= KINDS


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_data_can_be_read(page: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for block in page.blocks:
        if block.language == "json":
            orjson.loads(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
        elif block.language == "toml":
            (tmp_path / "settings.toml").write_text(block.text, "utf-8")
            monkeypatch.setenv("STREAM_CONFIG", str(tmp_path / "settings.toml"))
            values = tomllib.loads(block.text)
            assert load_settings().model_dump(mode="json", include=set(values), exclude_none=True) == values
        elif block.language == "mermaid":
            assert block.text.startswith(("flowchart ", "sequenceDiagram\n"))


MAKE: Final = sorted(
    {line for page in PAGES for block in page.blocks for line in re.findall(r"^make .+", block.text, re.MULTILINE)}
)


@pytest.mark.parametrize("line", MAKE)
def test_make_would_run(line: str) -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    run(f"{line} --dry-run", ROOT)


# Blocks that run without a broker


class Outputs:
    """What the blocks of each page print that need no broker. They run when they are first asked for."""

    def __init__(self, new_folder: Callable[[str], Path]) -> None:
        self._new_folder = new_folder
        self._folders: dict[str, Path] = {}
        self._printed: dict[str, list[str]] = {}

    def of(self, page: Document) -> list[str]:
        """The output of each block of ``page``."""
        if page.name not in self._printed:
            folder = self._folders[page.name] = self._new_folder("page")
            blocks = [block.text for block in page.blocks if (block.language, block.kind) == ("sh", "")]
            self._printed[page.name] = [run(commands, folder) for commands in blocks]
        return self._printed[page.name]

    def folder(self, page: Document) -> Path:
        """Where the blocks of ``page`` ran."""
        self.of(page)
        return self._folders[page.name]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    return Outputs(tmp_path_factory.mktemp)


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_blocks_run(page: Document, outputs: Outputs) -> None:
    assert outputs.of(page)


def events(lines: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in lines.splitlines() if line.startswith("{")]


def test_the_readme_processes_and_explains(outputs: Outputs) -> None:
    (text,) = outputs.of(document(README))
    lines = events(text)
    assert [line["topic"] for line in lines] == [
        "articles.enriched",
        "articles.duplicates",
        "articles.clusters",
        "articles.rejected",
    ]
    assert lines[1]["value"]["duplicate"]["relation"] == "copy"
    assert lines[1]["value"]["duplicate"]["duplicate_of"] == "a1"
    assert lines[3]["value"] == "this is not JSON"
    assert lines[3]["headers"]["__errors.code"] == "invalid_json"
    assert "B is a copy of A: both texts are the same, apart from spelling variants, spacing and punctuation" in text


def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    (output,) = (block.text for block in document(README).blocks if block.kind == "demo")
    assert output in run("stream demo --pause 0", tmp_path, COLUMNS="80")


def test_one_topic_can_be_shown(outputs: Outputs) -> None:
    (processed,) = outputs.of(document("docs/guides/files.md"))
    assert [line["topic"] for line in events(processed)] == ["articles.duplicates"]


def test_decisions_are_measured_and_explained(outputs: Outputs) -> None:
    measured, explained = outputs.of(document("docs/guides/evaluating-decisions.md"))
    assert "pairs.jsonl      2         0     1.0000  1.0000  1.0000" in measured
    assert (
        "B is a copy of A: both texts are the same, apart from spelling variants, spacing and punctuation" in explained
    )


def test_a_takedown_leaves_tombstones_and_another_canonical(outputs: Outputs) -> None:
    rejected, takedown = outputs.of(document("docs/guides/producing.md"))
    assert [line["headers"]["__errors.code"] for line in events(rejected)] == ["wrong_type"]
    lines = events(takedown)
    tombstones = [(line["topic"], line["key"]) for line in lines if line["value"] is None]
    assert tombstones == [("articles.enriched", "default/a1"), ("articles.duplicates", "default/a1")]
    cluster, promoted = lines[-2:]
    assert (cluster["topic"], cluster["value"]["canonical_id"]) == ("articles.clusters", "b7")
    assert (promoted["topic"], promoted["value"]["id"]) == ("articles.enriched", "b7")


# Blocks that need a broker and a worker: one worker for all pages


class Cluster:
    """The tests' broker, with topics of its own, and the README's worker on it."""

    def __init__(self, broker: str, prefix: str, folder: Path) -> None:
        self.prefix = prefix
        self.folder = folder
        self.broker = broker
        self.port = str(free_port())
        self.settings = {
            "STREAM_TOPIC_PREFIX": prefix,
            "STREAM_GROUP": f"{prefix}docs",
            "STREAM_WEB_PORT": self.port,
        }

    def adapt(self, text: str) -> str:
        """``text`` with this cluster's addresses and topics."""
        text = text.replace(BROKER, self.broker).replace(PORT, self.port)
        return re.sub(r"\barticles\.(raw|enriched|duplicates|clusters|rejected)\b", rf"{self.prefix}articles.\1", text)

    def run(self, block: Block) -> str:
        """What ``block`` prints."""
        if block.language == "python":
            (self.folder / "program.py").write_text(self.adapt(block.text), "utf-8")
            return run("python program.py", self.folder, **self.settings)
        commands = f"export STREAM_BROKER={self.broker}\n{self.adapt(block.text)}"
        return run(commands, self.folder, **self.settings)


@pytest.fixture(scope="module")
def cluster(kafka_broker: str, outputs: Outputs) -> Iterator[Cluster]:
    """The cluster, with the README's worker and the articles that the README produces, in the folder of its files."""
    require_kcat()
    readme = document(README)
    cluster = Cluster(kafka_broker, f"docs-{uuid.uuid4().hex[:10]}-", outputs.folder(readme))
    (start,) = (block for block in readme.blocks if block.kind == "worker")
    log_path = cluster.folder / "worker.log"
    with (
        log_path.open("wb") as log,
        subprocess.Popen(
            ["bash", "-euc", cluster.adapt(start.text)],
            cwd=cluster.folder,
            env=environment(**cluster.settings),
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as worker,
    ):
        try:
            wait_for(f"curl -sf http://127.0.0.1:{cluster.port}/readyz", cluster)
            (produce,) = (block for block in readme.blocks if block.text.startswith("stream produce"))
            cluster.run(produce)
            yield cluster
        finally:
            os.killpg(worker.pid, signal.SIGTERM)
            worker.wait(DEADLINE_S)
    assert worker.returncode in (0, -signal.SIGTERM), log_path.read_text()


def require_kcat() -> None:
    if shutil.which("kcat") is None:
        if os.environ.get("STREAM_REQUIRE_KAFKA"):
            pytest.fail("kcat is needed for this test; install it from your distribution")
        pytest.skip("kcat is not installed")


def wait_for(command: str, cluster: Cluster) -> str:
    """What ``command`` prints, as soon as it ends well and prints something."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=cluster.folder,
            env=environment(**cluster.settings),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0 and done.stdout:
            return done.stdout
        assert time.monotonic() < deadline, f"not in time: {command}\n{done.stderr}"
        time.sleep(0.2)


@pytest.mark.kafka
def test_the_readme_produces_consumes_and_operates(cluster: Cluster) -> None:
    _produce, consume, operate = (block for block in document(README).blocks if block.kind == "kafka")
    consumed = wait_for(cluster.adapt(consume.text), cluster)
    assert consumed.startswith("default/a1 ")
    assert "ce_id=" in consumed
    operated = cluster.run(operate)
    assert operated.startswith(('{"ok":true', '{"ok": true'))
    assert 'stream_events_decided_total{relation="copy"} 1.0' in operated


@pytest.mark.kafka
@pytest.mark.parametrize("page", [page for page in ON_KAFKA if page.name != README], ids=name_of)
def test_blocks_run_on_kafka(page: Document, cluster: Cluster) -> None:
    (_produce, consume, _operate) = (block for block in document(README).blocks if block.kind == "kafka")
    wait_for(cluster.adapt(consume.text), cluster)
    for block in page.blocks:
        if block.kind == "kafka":
            assert cluster.run(block) or "produce" in block.text or "KafkaProducer" in block.text
