"""One run: the articles, the workers, the faults of a schedule, and the check."""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from kafka import KafkaAdminClient

from tests.e2e.faults import crash_points
from tests.e2e.faults.checker import CheckResult, check
from tests.e2e.faults.fault_injection import Nemesis
from tests.e2e.faults.oracle import Log
from tests.e2e.faults.producer import Feed
from tests.e2e.faults.run_topics import RunTopics
from tests.e2e.faults.schedule import Fault, Schedule
from tests.e2e.faults.supervisor import STOP_S, Supervisor, wait_for
from tests.e2e.faults.topic_observer import Observer
from tests.e2e.faults.workload import Workload
from tests.support.kafka_node import KafkaNode

#: Seconds until the lag must be zero after the last fault.
_RECOVERY_S: Final = 150.0
#: Articles are sent for about this many seconds per fault.
_SECONDS_PER_FAULT: Final = 6.0
_READY_S: Final = 60.0


@dataclass(slots=True)
class Result:
    """The result of one run.

    ``problems``: what must not happen; ``blind``: what workers should have noticed, and have not; ``exits``: the
    workers' exit codes.
    """

    seed: int
    done: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    exits: Counter[int] = field(default_factory=Counter)
    check: CheckResult = field(default_factory=CheckResult)
    problems: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    looks: int = 0
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, nothing differs, and all workers recovered."""
        return not self.problems and not self.blind and self.check.is_good


def run(plan: Schedule, node: KafkaNode, folder: Path, *, articles: int) -> Result:
    """Run ``plan`` with about ``articles`` articles on ``node``; the logs go to ``folder``."""
    result, began = Result(plan.seed), time.monotonic()
    folder.mkdir(parents=True)
    run_topics = RunTopics(node.address, f"faults{plan.seed}-{uuid.uuid4().hex[:6]}", plan, folder)
    messages = list(Workload(plan.seed, articles, end_ms=int(time.time() * 1000)).messages())
    rate = len(messages) / (_SECONDS_PER_FAULT * (len(plan.faults) + 1))
    environment = {**run_topics.environment(), crash_points.MEMTABLE_KIB: str(plan.memtable_kib)}
    with contextlib.ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor(environment, folder))
        feed = stack.enter_context(Feed(node.address, run_topics.topics.raw, messages, rate=rate, seed=plan.seed))
        observer = stack.enter_context(Observer(run_topics))
        supervisor.join(plan.workers)
        nemesis = Nemesis.of(run_topics, supervisor, node, feed, observer)
        try:
            _inject_all(plan.faults, nemesis, result)
            result.problems += nemesis.problems
            result.blind += nemesis.blind
            _recover(nemesis, result)
        finally:
            _stop_workers(supervisor, result)
        result.looks = observer.looks
    log = run_topics.log()
    result.check = check(run_topics.settings, log, observer.samples)
    if not result.is_good:
        _dump(log, folder / "topics.jsonl")
    _delete_topics(run_topics)
    result.seconds = time.monotonic() - began
    return result


def _inject_all(faults: Sequence[Fault], nemesis: Nemesis, result: Result) -> None:
    feed, observer = nemesis.feed, nemesis.observer
    feed.open(faults[0].at if faults else 1.0)
    wait_for(lambda: observer.lag is not None and sum(observer.samples[-1].committed.values()) > 0, _READY_S)
    for fault, gate in zip(faults, [*(fault.at for fault in faults[1:]), 1.0], strict=True):
        feed.open(fault.at, hurry=True)
        wait_for(lambda fault=fault: feed.progress >= fault.at, _READY_S)  # type: ignore[misc] # bound now
        feed.open(gate)
        began = time.monotonic()
        is_done = nemesis.inject(fault)
        (result.done if is_done else result.missed)[fault.kind] += 1
        result.notes.append(f"{fault}: {'done' if is_done else 'not met'} in {time.monotonic() - began:.1f} s")
        if fault.pick % 2:  # every other fault meets workers that have not recovered from the one before
            nemesis.wait_ready()


def _recover(nemesis: Nemesis, result: Result) -> None:
    feed, observer = nemesis.feed, nemesis.observer
    feed.open(1.0, hurry=True)
    if not wait_for(lambda: feed.is_stored or feed.failures, _RECOVERY_S):
        result.problems.append("not all articles were stored in the raw topic")
    result.problems += [f"an article was not stored: {failure!r}" for failure in feed.failures[:3]]
    looks = observer.looks
    if not wait_for(lambda: observer.looks > looks + 2 and observer.lag == 0, _RECOVERY_S):
        last = observer.samples[-1]
        lags = {tp: last.ends[tp] - last.committed.get(tp, 0) for tp in last.ends if tp in last.committed}
        result.problems.append(f"the lag did not return to zero within {_RECOVERY_S:.0f} s: {lags}")


def _stop_workers(supervisor: Supervisor, result: Result) -> None:
    running = [slot for slot in supervisor.wanted if slot.is_running]
    for slot in supervisor.wanted:
        slot.is_wanted = False
        slot.signal(signal.SIGTERM)
    wait_for(lambda: all(slot.process is None for slot in supervisor.slots), STOP_S)
    for slot in running:
        code = slot.exits[-1] if slot.process is None else None
        # A process that was started a moment ago does not handle SIGTERM yet.
        if code not in (0, -signal.SIGTERM) and not result.problems:
            result.problems.append(f"worker {slot.name} did not stop cleanly: exit code {code}")
    result.exits = Counter(supervisor.exits())
    result.problems += [f"a worker ended with exit code {code}" for code in sorted(supervisor.unexpected_exits())]


def run_safely(plan: Schedule, node: KafkaNode, folder: Path, *, articles: int) -> Result:
    """Call `run`, and report what it raises as a problem."""
    try:
        return run(plan, node, folder, articles=articles)
    except Exception:  # noqa: BLE001 - the other seeds go on, and this one is reported as failed
        return Result(plan.seed, problems=[traceback.format_exc()])


def describe_failure(plan: Schedule, result: Result, folder: Path) -> str:
    """Describe a failed run: its schedule and the first differences. Also written to the folder."""
    lines = [
        str(plan),
        *result.notes,
        *result.problems,
        *(f"blind: {each}" for each in result.blind),
        *result.check.lines(),
    ]
    lines.append(f"exit codes {dict(result.exits)}, {result.looks} samples; logs and topics in {folder}")
    text = "\n".join(lines)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "findings.txt").write_text(text + "\n", encoding="utf-8")
    return text


def discard(folder: Path) -> None:
    """Remove the folder of a run that went well."""
    shutil.rmtree(folder, ignore_errors=True)


def _delete_topics(run_topics: RunTopics) -> None:
    client: Any = KafkaAdminClient(bootstrap_servers=run_topics.settings.servers)
    with contextlib.closing(client):
        client.delete_topics([spec.name for spec in run_topics.settings.topic_specs])


def _dump(log: Log, file: Path) -> None:
    with file.open("wb") as out:
        for topic, records in log.items():
            for record in records:
                row = {
                    "topic": topic,
                    "partition": record.partition,
                    "offset": record.offset,
                    "generation": record.generation,
                    "timestamp": record.timestamp,
                    "key": _text(record.key),
                    "value": _text(record.value),
                    "headers": {name: _text(value) for name, value in record.headers},
                }
                out.write(orjson.dumps(row) + b"\n")


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "backslashreplace")
