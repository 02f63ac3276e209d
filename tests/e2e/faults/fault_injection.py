"""The nemesis: does the faults of a schedule to the workers, the broker and the folders of one run."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from stream.core.index.partition_index import PartitionIndex
from stream.state.rocksdb_store import RocksStore
from tests.e2e.faults import foreign_writer
from tests.e2e.faults.crash_points import BATCH_POINTS, CLOSE_POINTS, Order, find_claimant, give_order
from tests.e2e.faults.log_faults import LogFaults
from tests.e2e.faults.producer import Feed
from tests.e2e.faults.run_topics import RunTopics
from tests.e2e.faults.schedule import LOG_KINDS, Fault
from tests.e2e.faults.supervisor import Supervisor, WorkerSlot, wait_for
from tests.e2e.faults.topic_observer import Observer
from tests.support.kafka_node import KafkaNode

#: Seconds in which a point has to be reached, and a worker has to do what it was asked for.
_REACH_S: Final = 40.0
_SETTLE_S: Final = 60.0
_WORKERS_MAX: Final = 3
_READY_S: Final = 30.0
_STEP_S: Final = 5.0
_FILE_BYTES: Final = 4096
_SLICE_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Nemesis:
    """Injects faults into all parts of one run."""

    run_topics: RunTopics
    supervisor: Supervisor
    node: KafkaNode
    feed: Feed
    observer: Observer
    logs: LogFaults

    @classmethod
    def of(
        cls, run_topics: RunTopics, supervisor: Supervisor, node: KafkaNode, feed: Feed, observer: Observer
    ) -> Nemesis:
        """The nemesis of these parts."""
        logs = LogFaults(run_topics, supervisor, node, feed, observer)
        return cls(run_topics, supervisor, node, feed, observer, logs)

    @property
    def problems(self) -> Sequence[str]:
        """What went wrong."""
        return self.logs.problems

    @property
    def blind(self) -> list[str]:
        """What workers should have noticed, and have not."""
        return self.logs.blind

    def inject(self, fault: Fault) -> bool:
        """Inject ``fault``, and undo what does not undo itself; False if it could not be injected."""
        injections: dict[str, Callable[[Fault], bool]] = {
            "kill": self._kill,
            "kill_at": self._kill_at,
            "sigterm": self._sigterm,
            "join": self._join,
            "leave": self._leave,
            "rolling": self._rolling,
            "zombie_at": self._pause_at,
            "worker_pause": self._pause_worker,
            "broker_kill": self._kill_broker,
            "broker_pause": self._pause_broker,
            "broker_pause_session": self._pause_broker,
            "broker_pause_long": self._pause_broker,
            "broker_slow": self._slow_broker,
            "refuse_size": self._refuse,
            "refuse_replicas": self._refuse,
            "disk_full": self._fill_disk,
            "index_corrupt": self._damage_index,
            "index_files": self._damage_index,
            "index_delete": self._damage_index,
            "changelog_truncate": self._truncate,
            "clock_step": self._step_clock,
            "forged_ids": self._forge_ids,
            "aborted_transaction": self._abort_transaction,
            "changelog_transaction": self._restore_during_transaction,
            "changelog_foreign": self._write_foreign,
            **dict.fromkeys(LOG_KINDS, self.logs.inject),
        }
        return injections[fault.kind](fault)

    # Workers

    def _kill(self, fault: Fault) -> bool:
        time.sleep(fault.seconds)
        return self._end(self.supervisor.pick(fault.pick), signal.SIGKILL)

    def _end(self, slot: WorkerSlot, number: int) -> bool:
        wait_for(lambda: slot.is_running, _STEP_S)
        before = len(slot.exits)
        slot.signal(number)
        return wait_for(lambda: len(slot.exits) > before, _SETTLE_S)

    def _kill_at(self, fault: Fault) -> bool:
        orders, slot = self.supervisor.orders, self.supervisor.pick(fault.pick)
        give_order(orders, Order(fault.point, fault.passings))
        if fault.point in CLOSE_POINTS:
            slot.signal(signal.SIGTERM)
        elif fault.point not in BATCH_POINTS:
            slot.signal(signal.SIGKILL)
        is_reached = wait_for(lambda: not orders.exists(), _REACH_S)
        orders.unlink(missing_ok=True)
        return is_reached

    def _sigterm(self, fault: Fault) -> bool:
        return self._end(self.supervisor.pick(fault.pick), signal.SIGTERM)

    def _join(self, _fault: Fault) -> bool:
        if len(self.supervisor.wanted) >= _WORKERS_MAX:
            return False
        self.supervisor.join()
        self.wait_ready()
        return True

    def _leave(self, fault: Fault) -> bool:
        self._need_two()
        return self.supervisor.leave(self.supervisor.pick(fault.pick))

    def _need_two(self) -> None:
        if len(self.supervisor.wanted) == 1:
            self.supervisor.join()
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until every worker is ready, at most `_READY_S` seconds."""
        wait_for(lambda: all(slot.is_ready for slot in self.supervisor.wanted), _READY_S)

    def _rolling(self, _fault: Fault) -> bool:
        for slot in list(self.supervisor.wanted):
            self._end(slot, signal.SIGTERM)
            wait_for(lambda slot=slot: slot.is_ready, _READY_S)  # type: ignore[misc] # bound now
        return True

    def _pause_worker(self, fault: Fault) -> bool:
        self._need_two()
        slot = self.supervisor.pick(fault.pick)
        slot.signal(signal.SIGSTOP)
        time.sleep(fault.seconds)
        slot.signal(signal.SIGCONT)
        return slot.is_running

    def _pause_at(self, fault: Fault) -> bool:
        self._need_two()
        orders = self.supervisor.orders
        give_order(orders, Order(fault.point, fault.passings, is_sleep=True))
        is_reached = wait_for(lambda: not orders.exists(), _REACH_S)
        orders.unlink(missing_ok=True)
        if is_reached and (pid := find_claimant(orders)):
            time.sleep(fault.seconds)
            os.kill(pid, signal.SIGCONT)
        return is_reached

    def _step_clock(self, fault: Fault) -> bool:
        self.supervisor.clock.write_text(str(fault.seconds), encoding="ascii")
        time.sleep(_STEP_S)
        self.supervisor.clock.unlink()
        return True

    # Broker

    def _kill_broker(self, fault: Fault) -> bool:
        self.node.kill()
        time.sleep(fault.seconds)
        self.node.start()
        return True

    def _pause_broker(self, fault: Fault) -> bool:
        self.node.pause()
        try:
            time.sleep(fault.seconds)
        finally:
            self.node.resume()
        return True

    def _slow_broker(self, fault: Fault) -> bool:
        end = time.monotonic() + fault.seconds
        while time.monotonic() < end:
            self.node.pause()
            time.sleep(_SLICE_S * 0.9)
            self.node.resume()
            time.sleep(_SLICE_S * 0.1)
        return True

    def _refuse(self, fault: Fault) -> bool:
        topic: str = getattr(self.run_topics.topics, fault.topic)
        if fault.kind == "refuse_size":
            self.run_topics.configure(topic, max_message_bytes="100")
        else:
            self.run_topics.configure(topic, min_insync_replicas="2")
        try:
            time.sleep(fault.seconds)
        finally:
            self.run_topics.configure(topic)
        return True

    # Other programs

    def _forge_ids(self, fault: Fault) -> bool:
        return bool(foreign_writer.claim_identities(self.run_topics, fault.pick))

    def _abort_transaction(self, fault: Fault) -> bool:
        topics = self.run_topics.topics
        names = (topics.raw, topics.normalized, topics.fingerprints)
        with foreign_writer.aborted_transaction(self.run_topics, names, seed=fault.pick):
            time.sleep(fault.seconds)
        return True

    def _restore_during_transaction(self, fault: Fault) -> bool:
        """An open transaction hides what workers wrote to the changelog behind its first record."""
        self.wait_ready()
        with foreign_writer.aborted_transaction(
            self.run_topics, (self.run_topics.topics.fingerprints,), seed=fault.pick
        ):
            time.sleep(fault.seconds / 2)
            is_deleted = self._damage_index(replace(fault, kind="index_delete"))
            time.sleep(fault.seconds / 2)
        return is_deleted

    def _write_foreign(self, fault: Fault) -> bool:
        """What is in the changelog by mistake or by intent is skipped and reported, and changes nothing."""
        self.wait_ready()
        skipped = self._count_skipped()
        if not foreign_writer.write_to_changelog(self.run_topics, fault.pick):
            return False
        is_deleted = self._damage_index(replace(fault, kind="index_delete"))
        if is_deleted and not wait_for(lambda: self._count_skipped() > skipped, _SETTLE_S):
            self.blind.append(f"{fault}: no worker has reported a skipped record")
        return is_deleted

    def _count_skipped(self) -> int:
        logs = (slot.log.read_text(encoding="utf-8") for slot in self.supervisor.slots if slot.log.exists())
        return sum(text.count("skipped a changelog record") for text in logs)

    # Disk

    def _fill_disk(self, fault: Fault) -> bool:
        slot = self.supervisor.pick(fault.pick)
        wait_for(lambda: slot.is_ready, _READY_S)
        slot.limit_file_size(_FILE_BYTES)
        time.sleep(fault.seconds / 2)
        is_ended = self._end(slot, signal.SIGTERM)  # what is in memory has to go to disk then
        time.sleep(fault.seconds / 2)
        slot.limit_file_size(None)
        # A worker that still runs has been limited since its start, and may not have noticed yet.
        return is_ended

    def _damage_index(self, fault: Fault) -> bool:
        slot, chance = self.supervisor.pick(fault.pick), random.Random(f"{fault}")  # noqa: S311 - repeatable, not secret
        slot.is_wanted = False
        slot.signal(signal.SIGKILL)
        wait_for(lambda: slot.process is None, _SETTLE_S)
        files = sorted(path for path in slot.data.rglob("*") if path.is_file() and path.stat().st_size)
        if fault.kind == "index_delete":
            shutil.rmtree(slot.data, ignore_errors=True)
        else:
            for path in chance.sample(files, min(len(files), 1 + fault.pick % 4)):
                if fault.kind == "index_files":
                    path.unlink()
                else:
                    corrupt(path, chance)
        slot.is_wanted = True
        return bool(files)

    def _truncate(self, _fault: Fault) -> bool:
        """Leave one worker, stop it, and delete the part of the changelog that its index on disk has read."""
        keeper, *others = self.supervisor.wanted
        for slot in others:
            self.supervisor.leave(slot)
        looks = self.observer.looks
        wait_for(lambda: self.observer.lag == 0 and self.observer.looks > looks + 1, _SETTLE_S)
        self.supervisor.leave(keeper)
        ends = {}
        for partition in range(self.run_topics.settings.scope_partitions):
            folder = keeper.data / self.run_topics.settings.group / f"{self.run_topics.topics.normalized}-{partition}"
            if (folder / "CURRENT").exists():
                ends[partition] = changelog_end(folder, window_ms=self.run_topics.settings.window_ms)
        self.run_topics.trim(ends)
        keeper.is_wanted = True
        return any(ends.values())


def changelog_end(folder: Path, *, window_ms: int) -> int:
    """The changelog offset up to which the index in ``folder`` has read."""
    store = RocksStore(folder)
    try:
        return PartitionIndex(store, window_ms=window_ms).changelog_end
    finally:
        store.close()


def corrupt(path: Path, chance: random.Random) -> None:
    """Change some bytes of a file, or truncate it."""
    data = bytearray(path.read_bytes())
    if chance.random() < 0.25:
        del data[chance.randrange(len(data)) :]
    for _ in range(min(len(data), 8)):
        data[chance.randrange(len(data))] ^= chance.randint(1, 255)
    path.write_bytes(data)
