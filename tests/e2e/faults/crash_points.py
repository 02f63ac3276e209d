"""The named points of a batch at which a worker can be killed or stopped, and the file that orders it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final, NamedTuple

#: Path of a file with ``POINT PASSINGS``; the first worker that reaches the point claims the order and kills itself.
ORDERS: Final = "FAULTS_ORDERS"
#: Path of a file with the seconds by which the workers' clocks are wrong.
CLOCK: Final = "FAULTS_CLOCK"
#: Size in KiB of RocksDB's write buffer; small ones bring the index to disk within one run.
MEMTABLE_KIB: Final = "FAULTS_MEMTABLE_KIB"
#: The largest file in bytes that the worker may write: as with a full disk.
FILE_BYTES: Final = "FAULTS_FILE_BYTES"
#: Breaks the worker on purpose, to see that the checker finds it: one of `BREAKS`.
BREAK: Final = "FAULTS_BREAK"
BREAKS: Final = ("no-await", "swallow", "early-ack", "blind")

#: Points that every batch of a step reaches, in order. ``partly``: half of the outputs are stored; the names of topics:
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
#: Points that a worker reaches while it restores an index, and while it closes one.
RESTORE_POINTS: Final = ("restore.before", "restore.partly", "restore.after")
CLOSE_POINTS: Final = ("close.before", "close.after")
POINTS: Final = (*BATCH_POINTS, *RESTORE_POINTS, *CLOSE_POINTS)
#: Points after which a worker that was stopped does not know, when it continues, that it has lost its partitions.
ZOMBIE_POINTS: Final = (
    "normalize.deliver.before",
    "deduplicate.deliver.before",
    "deduplicate.deliver.partly",
    "index.write.before",
    "deduplicate.done.before",
    "commit.before",
)


class Order(NamedTuple):
    """Die at a point when it is reached for the ``passings``-th time; with ``is_sleep``, stop there until SIGCONT."""

    point: str
    passings: int
    is_sleep: bool = False


class Trap:
    """Kills or stops this process at a point, if an order says so."""

    def __init__(self, orders: Path | None) -> None:
        self._orders = orders
        self._passed: dict[Order, int] = {}
        self._is_sleep = False

    def claims(self, point: str) -> bool:
        """Claim the order if it is for this passing of ``point``; the caller must `fire` then."""
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

    def fire(self) -> None:
        """Send SIGKILL, or SIGSTOP, which returns when the process is continued."""
        os.kill(os.getpid(), signal.SIGSTOP if self._is_sleep else signal.SIGKILL)

    def reach(self, point: str) -> None:
        """Die or stop here, if that is the order."""
        if self.claims(point):
            self.fire()


def give_order(orders: Path, order: Order) -> None:
    """Let the first worker that reaches the point kill or stop itself."""
    draft = orders.with_suffix(".draft")
    draft.write_text(f"{order.point} {order.passings} {order.is_sleep:d}", encoding="ascii")
    draft.rename(orders)


def read_order(orders: Path) -> Order | None:
    """The current order, if any."""
    try:
        point, passings, *sleeps = orders.read_text(encoding="ascii").split()
    except FileNotFoundError:
        return None
    return Order(point, int(passings), sleeps == ["1"])


def find_claimant(orders: Path) -> int | None:
    """The process that claimed the last order, if one did."""
    claimed = [path for path in orders.parent.glob(f"{orders.name}.*") if path.suffix[1:].isdigit()]
    return int(max(claimed, key=lambda path: path.stat().st_mtime_ns).suffix[1:]) if claimed else None
