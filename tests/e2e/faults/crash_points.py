"""The named points of a batch at which a worker can be ended, and how one is told to."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final, NamedTuple

#: Path of a file that tells ``POINT PASSINGS``; whichever worker gets there first takes it and ends itself.
ORDERS: Final = "FAULTS_ORDERS"
#: Path of a file with the seconds by which the worker's clock is wrong.
CLOCK: Final = "FAULTS_CLOCK"
#: Size in KiB of RocksDB's write buffer; small ones bring the index to disk within one run.
MEMTABLE_KIB: Final = "FAULTS_MEMTABLE_KIB"
#: Most bytes of a file that the worker may write: a disk that is full.
FILE_BYTES: Final = "FAULTS_FILE_BYTES"
#: Breaks the delivery on purpose, to see the harness find it: one of `BREAKS`.
BREAK: Final = "FAULTS_BREAK"
BREAKS: Final = ("no-await", "swallow", "early-ack")

#: Points that every batch of a step passes, in order. ``partly``: half of the outputs are stored; the names of topics:
#: only what goes there is stored.
BATCH_POINTS: Final = (
    "normalize.deliver.before",
    "normalize.deliver.partly",
    "normalize.deliver.after",
    "normalize.done.before",
    "normalize.done.after",
    "deduplicate.deliver.before",
    "deduplicate.deliver.partly",
    "deduplicate.deliver.enriched",
    "deduplicate.deliver.duplicates",
    "deduplicate.deliver.clusters",
    "deduplicate.deliver.fingerprints",
    "deduplicate.deliver.after",
    "index.write.before",
    "index.write.after",
    "deduplicate.done.before",
    "deduplicate.done.after",
    "commit.before",
    "commit.after",
)
#: Points that a worker passes while it restores an index, and while it closes one.
RESTORE_POINTS: Final = ("restore.before", "restore.partly", "restore.after")
CLOSE_POINTS: Final = ("close.before", "close.after")
POINTS: Final = (*BATCH_POINTS, *RESTORE_POINTS, *CLOSE_POINTS)
#: Where a worker that sleeps does not know, when it wakes, that its partitions are another's.
ZOMBIE_POINTS: Final = (
    "normalize.deliver.before",
    "deduplicate.deliver.before",
    "deduplicate.deliver.partly",
    "index.write.before",
    "deduplicate.done.before",
    "commit.before",
)


class Order(NamedTuple):
    """End at a point, when it is passed for the so-many-th time, or only sleep there until the harness wakes it."""

    point: str
    passings: int
    is_sleep: bool = False


class Trap:
    """Ends or stops this process at a point, if an order says so."""

    def __init__(self, orders: Path | None) -> None:
        self._orders = orders
        self._passed: dict[Order, int] = {}
        self._is_sleep = False

    def is_set(self, point: str) -> bool:
        """The order is for this passing of ``point``; it is taken from the others, and `spring` is to be called."""
        order = read_order(self._orders) if self._orders else None
        if order is None or order.point != point or self._orders is None:
            return False
        self._passed[order] = self._passed.get(order, 0) + 1
        if self._passed[order] < order.passings:
            return False
        try:
            self._orders.rename(self._orders.with_suffix(f".{os.getpid()}"))
        except FileNotFoundError:
            return False
        self._is_sleep = order.is_sleep
        return True

    def spring(self) -> None:
        """SIGKILL: nothing is flushed, closed or said. Or SIGSTOP; it returns when somebody wakes the process."""
        os.kill(os.getpid(), signal.SIGSTOP if self._is_sleep else signal.SIGKILL)

    def passing(self, point: str) -> None:
        """End or sleep here, if so ordered."""
        if self.is_set(point):
            self.spring()


def give_order(orders: Path, order: Order) -> None:
    """Let the first worker that passes the point end itself."""
    draft = orders.with_suffix(".draft")
    draft.write_text(f"{order.point} {order.passings} {order.is_sleep:d}", encoding="ascii")
    draft.rename(orders)


def read_order(orders: Path) -> Order | None:
    """The order that stands, if any."""
    try:
        point, passings, *sleeps = orders.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return None
    return Order(point, int(passings), sleeps == ["1"])


def taker(orders: Path) -> int | None:
    """The process that took the last order, if one did."""
    taken = [path for path in orders.parent.glob(f"{orders.name}.*") if path.suffix[1:].isdigit()]
    return int(max(taken, key=lambda path: path.stat().st_mtime_ns).suffix[1:]) if taken else None
