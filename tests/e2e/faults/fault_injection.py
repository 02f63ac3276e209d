"""Does the faults of a schedule to the workers, the broker and the folders of one run."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stream.core.index.partition_index import PartitionIndex
from stream.state.rocksdb_store import RocksStore
from tests.e2e.faults.crash_points import BATCH_POINTS, CLOSE_POINTS, Order, give_order, taker
from tests.e2e.faults.producer import Feed
from tests.e2e.faults.schedule import Fault
from tests.e2e.faults.supervisor import Crew, Post, wait_for
from tests.e2e.faults.topic_observer import Observer, Site
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
class Scene:
    """All that a fault can be done to."""

    site: Site
    crew: Crew
    node: KafkaNode
    feed: Feed
    observer: Observer

    def perform(self, fault: Fault) -> bool:
        """Do ``fault`` and undo what does not undo itself; False if there was nothing to do it to."""
        acts: dict[str, Callable[[Fault], bool]] = {
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
            "index_corrupt": self._spoil_index,
            "index_files": self._spoil_index,
            "index_delete": self._spoil_index,
            "changelog_truncate": self._truncate,
            "clock_step": self._step_clock,
        }
        return acts[fault.kind](fault)

    # Workers

    def _kill(self, fault: Fault) -> bool:
        time.sleep(fault.seconds)
        return self._end(self.crew.pick(fault.pick), signal.SIGKILL)

    def _end(self, post: Post, number: int) -> bool:
        wait_for(lambda: post.is_running, _STEP_S)
        before = len(post.exits)
        post.signal(number)
        return wait_for(lambda: len(post.exits) > before, _SETTLE_S)

    def _kill_at(self, fault: Fault) -> bool:
        orders, post = self.crew.orders, self.crew.pick(fault.pick)
        give_order(orders, Order(fault.point, fault.passings))
        if fault.point in CLOSE_POINTS:
            post.signal(signal.SIGTERM)
        elif fault.point not in BATCH_POINTS:
            post.signal(signal.SIGKILL)
        is_reached = wait_for(lambda: not orders.exists(), _REACH_S)
        orders.unlink(missing_ok=True)
        return is_reached

    def _sigterm(self, fault: Fault) -> bool:
        return self._end(self.crew.pick(fault.pick), signal.SIGTERM)

    def _join(self, _fault: Fault) -> bool:
        if len(self.crew.wanted) >= _WORKERS_MAX:
            return False
        self.crew.join()
        self.wait_ready()
        return True

    def _leave(self, fault: Fault) -> bool:
        self._need_two()
        return self.crew.leave(self.crew.pick(fault.pick))

    def _need_two(self) -> None:
        if len(self.crew.wanted) == 1:
            self.crew.join()
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until every worker can decide, or for as long as that ever takes."""
        wait_for(lambda: all(post.is_ready for post in self.crew.wanted), _READY_S)

    def _rolling(self, _fault: Fault) -> bool:
        for post in list(self.crew.wanted):
            self._end(post, signal.SIGTERM)
            wait_for(lambda post=post: post.is_ready, _READY_S)  # type: ignore[misc] # bound now
        return True

    def _pause_worker(self, fault: Fault) -> bool:
        self._need_two()
        post = self.crew.pick(fault.pick)
        post.signal(signal.SIGSTOP)
        time.sleep(fault.seconds)
        post.signal(signal.SIGCONT)
        return post.is_running

    def _pause_at(self, fault: Fault) -> bool:
        self._need_two()
        orders = self.crew.orders
        give_order(orders, Order(fault.point, fault.passings, is_sleep=True))
        is_reached = wait_for(lambda: not orders.exists(), _REACH_S)
        orders.unlink(missing_ok=True)
        if is_reached and (pid := taker(orders)):
            time.sleep(fault.seconds)
            os.kill(pid, signal.SIGCONT)
        return is_reached

    def _step_clock(self, fault: Fault) -> bool:
        self.crew.clock.write_text(str(fault.seconds), encoding="ascii")
        time.sleep(_STEP_S)
        self.crew.clock.unlink()
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
        topic: str = getattr(self.site.topics, fault.topic)
        if fault.kind == "refuse_size":
            self.site.configure(topic, max_message_bytes="100")
        else:
            self.site.configure(topic, min_insync_replicas="2")
        try:
            time.sleep(fault.seconds)
        finally:
            self.site.configure(topic)
        return True

    # Disk

    def _fill_disk(self, fault: Fault) -> bool:
        post = self.crew.pick(fault.pick)
        wait_for(lambda: post.is_ready, _READY_S)
        post.limit_files(_FILE_BYTES)
        time.sleep(fault.seconds / 2)
        is_ended = self._end(post, signal.SIGTERM)  # what is in memory has to go to disk then
        time.sleep(fault.seconds / 2)
        post.limit_files(None)
        # One that runs has been limited since it began, and may not have noticed yet.
        return is_ended

    def _spoil_index(self, fault: Fault) -> bool:
        post, chance = self.crew.pick(fault.pick), random.Random(f"{fault}")  # noqa: S311 - repeatable, not secret
        post.is_wanted = False
        post.signal(signal.SIGKILL)
        wait_for(lambda: post.process is None, _SETTLE_S)
        files = sorted(path for path in post.data.rglob("*") if path.is_file() and path.stat().st_size)
        if fault.kind == "index_delete":
            shutil.rmtree(post.data, ignore_errors=True)
        else:
            for path in chance.sample(files, min(len(files), 1 + fault.pick % 4)):
                if fault.kind == "index_files":
                    path.unlink()
                else:
                    spoil(path, chance)
        post.is_wanted = True
        return bool(files)

    def _truncate(self, _fault: Fault) -> bool:
        """Leave one worker, stop it in order, and delete what its index on disk has read of the changelog."""
        keeper, *others = self.crew.wanted
        for post in others:
            self.crew.leave(post)
        looks = self.observer.looks
        wait_for(lambda: self.observer.lag == 0 and self.observer.looks > looks + 1, _SETTLE_S)
        self.crew.leave(keeper)
        ends = {}
        for partition in range(self.site.settings.scope_partitions):
            folder = keeper.data / self.site.settings.group / f"{self.site.topics.normalized}-{partition}"
            if (folder / "CURRENT").exists():
                ends[partition] = changelog_end(folder, window_ms=self.site.settings.window_ms)
        self.site.trim(ends)
        keeper.is_wanted = True
        return any(ends.values())


def changelog_end(folder: Path, *, window_ms: int) -> int:
    """How far the index in ``folder`` has read the changelog."""
    store = RocksStore(folder)
    try:
        return PartitionIndex(store, window_ms=window_ms).changelog_end
    finally:
        store.close()


def spoil(path: Path, chance: random.Random) -> None:
    """Change some bytes of a file, or cut it."""
    data = bytearray(path.read_bytes())
    if chance.random() < 0.25:
        del data[chance.randrange(len(data)) :]
    for _ in range(min(len(data), 8)):
        data[chance.randrange(len(data))] ^= chance.randint(1, 255)
    path.write_bytes(data)
