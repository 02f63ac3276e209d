"""A worker on a real Kafka, both steps: articles per CPU second of the worker, and its memory over time."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from kafka import KafkaProducer

from benchmarks.corpus import repeat_events
from stream.cli.produce import message_key
from stream.demo.runner import free_port

ROOT = Path(__file__).parent.parent
POLL_S = 1.0
#: Records that are sent ahead of the worker, so that it never waits and the disk never fills.
AHEAD = 20_000


def run(corpus: Path, articles: int) -> None:
    """Print a line for each tenth of the articles, then the throughput."""
    with tempfile.TemporaryDirectory() as folder, start_kafka() as broker:
        port = free_port()
        env = {**os.environ, "STREAM_BROKER": broker, "STREAM_DATA_DIR": folder, "STREAM_WEB_PORT": str(port)}
        subprocess.run([sys.executable, "-m", "stream", "topics"], env=env, check=True, stdout=subprocess.DEVNULL)
        with _process([sys.executable, "-m", "stream", "worker"], env):
            page = f"http://127.0.0.1:{port}/metrics"
            _wait_for(page)
            _measure(corpus, articles, broker, page)
            size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
            print(f"index on disk: {size / articles:.0f} bytes per article")


def _measure(corpus: Path, articles: int, broker: str, page: str) -> None:
    start = _read(page)
    state = {"done": 0.0}
    feeder = threading.Thread(target=_feed, args=(corpus, articles, broker, state), daemon=True)
    feeder.start()
    next_line = articles / 10
    while state["done"] < articles:
        time.sleep(POLL_S)
        now = _read(page)
        state["done"] = _count_decided(now) - _count_decided(start)
        if state["done"] >= next_line:
            next_line += articles / 10
            print(f"  {state['done']:8.0f} articles, {now['process_resident_memory_bytes'] / 2**20:6.0f} MiB resident")
    cpu = now["process_cpu_seconds_total"] - start["process_cpu_seconds_total"]
    print(f"worker, both steps: {articles} articles, {cpu:.1f} CPU s: {articles / cpu:.0f} articles/CPU s")
    _print_steps(now, articles)


def _feed(corpus: Path, articles: int, broker: str, state: dict[str, float]) -> None:
    producer = KafkaProducer(bootstrap_servers=broker, linger_ms=20, batch_size=256 * 1024)
    for sent, value in enumerate(repeat_events(corpus, articles)):
        while sent - state["done"] > AHEAD:
            time.sleep(POLL_S / 10)
        producer.send("articles.raw", value=value, key=message_key(value))
    producer.flush()
    producer.close()


def _print_steps(metrics: dict[str, float], articles: int) -> None:
    prefix = 'stream_step_duration_seconds_sum{step="'
    step_seconds = {name.removeprefix(prefix)[:-2]: value for name, value in metrics.items() if name.startswith(prefix)}
    for name, seconds in sorted(step_seconds.items(), key=lambda pair: -pair[1]):
        print(f"  {name:18} {seconds / articles * 1e6:7.1f} us per article")


def _count_decided(metrics: dict[str, float]) -> float:
    return sum(value for name, value in metrics.items() if name.startswith("stream_events_decided_total"))


def _read(page: str) -> dict[str, float]:
    with urllib.request.urlopen(page) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def _wait_for(page: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            _read(page)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


@contextlib.contextmanager
def _process(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, env=env, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def start_kafka() -> Iterator[str]:
    """Start a Kafka node, and yield its address."""
    command = [sys.executable, "-m", "tools.kafka_node.run", "--print-address"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as node:
        try:
            yield (node.stdout.readline() if node.stdout else "").strip()
        finally:
            node.terminate()
