"""Logs that go back: a topic that is created again, or a partition that loses its end. Then an operator recovers."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from tests.e2e.faults.producer import Feed
from tests.e2e.faults.run_topics import RunTopics
from tests.e2e.faults.schedule import Fault
from tests.e2e.faults.supervisor import LOG_WENT_BACK, Supervisor, WorkerSlot, wait_for
from tests.e2e.faults.topic_observer import Observer
from tests.support.kafka_node import KafkaNode
from tests.support.processes import STREAM

#: The topics by the first words of the kinds.
_TOPICS: Final = {"raw": "raw", "normalized": "normalized", "changelog": "fingerprints"}
_SETTLE_S: Final = 90.0
_NOTICE_S: Final = 60.0
_RECOVER_S: Final = 60.0
_COMMAND_S: Final = 60.0
_PAUSE_S: Final = 1.0
_EXIT_NO_CHANGE, _EXIT_CHANGED, _EXIT_UNAVAILABLE = 0, 1, 69


@dataclass(frozen=True, slots=True)
class LogFaults:
    """Makes logs go back, checks that workers notice it, and recovers.

    Attributes:
        problems: What went wrong.
        blind: Logs that went back without a worker or ``stream recover`` noticing it.
    """

    run_topics: RunTopics
    supervisor: Supervisor
    node: KafkaNode
    feed: Feed
    observer: Observer
    problems: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)

    def inject(self, fault: Fault) -> bool:
        """Inject a fault of the kinds ``…_recreate`` and ``…_cut``, and recover; False if nothing was lost.

        With an even ``fault.pick`` the workers run meanwhile, else they are stopped before and started afterwards.
        """
        name, _, what = fault.kind.partition("_")
        topic: str = getattr(self.run_topics.topics, _TOPICS[name])
        if name == "changelog":
            self._leave_one()
        is_running = fault.pick % 2 == 0
        before = self._noticed()
        with self._settled() as is_settled:
            if not is_settled:
                return False
            slots = [] if is_running else self.supervisor.stop_all()
            go_back: Callable[[str], bool] = self._recreate if what == "recreate" else self._cut
            is_lost = go_back(topic)
        with self.observer.pause():
            self.supervisor.start(slots)
            # Kafka deletes a topic's offsets with the topic: a new one is read from its start.
            is_forgotten = fault.kind == "raw_recreate" and not is_running
            if is_lost and not is_forgotten and not wait_for(lambda: self._noticed() > before, _NOTICE_S):
                self.blind.append(f"{fault}: no worker has stopped")
            slots = self.supervisor.stop_all()
            if is_lost:
                self._recover(slots[0], fault, is_forgotten=fault.kind == "raw_recreate")
            self.supervisor.expect_log_changes()
            self.supervisor.start(slots)
        return is_lost

    def _leave_one(self) -> None:
        """Leave one worker: its index alone has what the changelog loses."""
        _, *others = self.supervisor.wanted
        for slot in others:
            self.supervisor.leave(slot)

    @contextlib.contextmanager
    def _settled(self) -> Iterator[bool]:
        """Send nothing in this context, and begin it with nothing left to do; False if that takes too long."""
        with self.feed.pause():
            looks = self.observer.looks

            def is_idle() -> bool:
                return self.observer.lag == 0 and self.observer.looks > looks + 1

            is_settled = wait_for(is_idle, _SETTLE_S)
            is_ready = wait_for(lambda: all(slot.is_ready for slot in self.supervisor.wanted), _SETTLE_S)
            with self.observer.pause():
                yield is_settled and is_ready

    def _noticed(self) -> int:
        return self.supervisor.exits().count(LOG_WENT_BACK)

    def _recreate(self, topic: str) -> bool:
        self.run_topics.recreate(topic)
        return True

    def _cut(self, topic: str) -> bool:
        """Kill the broker, cut the largest partition to half, as a disk that lost its cache, and start it again."""
        partitions = range(len(self.run_topics.ends(topic)))
        # By number: the folders of deleted topics stay for a minute, under similar names.
        segments = {path: number for number in partitions for path in self.node.data.glob(f"**/{topic}-{number}/*.log")}
        segment = max(segments, key=lambda path: path.stat().st_size)
        partition = segments[segment]
        records, end = self.run_topics.read(topic), self.run_topics.ends(topic)[partition]
        self.node.kill()
        for index in segment.parent.glob("*index"):
            index.unlink()
        with segment.open("r+b") as file:
            file.truncate(segment.stat().st_size // 2)
        self.node.start()
        return self.run_topics.note_truncation(topic, partition, records=records, end=end) > 0

    def _recover(self, slot: WorkerSlot, fault: Fault, *, is_forgotten: bool) -> None:
        """Do what the run book says: look, recover, look again."""
        dry = self._run(slot)
        if dry.returncode != _EXIT_CHANGED and not (is_forgotten and dry.returncode == _EXIT_NO_CHANGE):
            self.blind.append(f"{fault}: stream recover ends with {dry.returncode}: {dry.stdout}{dry.stderr}")
        deadline = time.monotonic() + _RECOVER_S
        # Workers that were killed are members of the group until their session ends.
        while (done := self._run(slot, "--yes")).returncode == _EXIT_UNAVAILABLE and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)
        again = self._run(slot)
        for ran in (done, again):
            if ran.returncode:
                self.problems.append(f"{fault}: {ran.args} ends with {ran.returncode}: {ran.stdout}{ran.stderr}")

    def _run(self, slot: WorkerSlot, *options: str) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [STREAM, "recover", *options],
            env=slot.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_S,
        )
        slot.note(f"stream recover {' '.join(options)}: exit code {ran.returncode}\n{ran.stdout}{ran.stderr}".rstrip())
        return ran
