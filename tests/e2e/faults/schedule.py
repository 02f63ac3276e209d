"""A schedule: what a run looks like and which faults it meets, made from its seed alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.e2e.faults.crash_points import BATCH_POINTS, POINTS, ZOMBIE_POINTS

#: The group takes a worker for dead after this long without a heartbeat.
SESSION_S: Final = 6.0
#: One more than has to happen: a point may not be reached any more.
FAULTS_MIN: Final = 6
FAULTS_MAX: Final = 8

#: Kinds of faults and what each does:
KINDS: Final[dict[str, str]] = {
    "kill": "SIGKILL to a worker",
    "kill_at": "SIGKILL at a named point of a batch, a restore or a close",
    "sigterm": "SIGTERM to a worker, which starts again",
    "join": "one more worker joins",
    "leave": "a worker leaves by SIGTERM and another stays",
    "rolling": "every worker is stopped and started again, one after the other",
    "zombie_at": "SIGSTOP to a worker at a named point of a batch, for longer than its session, then SIGCONT",
    "worker_pause": "SIGSTOP to a worker for longer than its session, then SIGCONT: a zombie",
    "broker_kill": "SIGKILL to the broker, then a restart",
    "broker_pause": "SIGSTOP to the broker for some seconds",
    "broker_pause_session": "SIGSTOP to the broker for longer than the session timeout",
    "broker_pause_long": "SIGSTOP to the broker for 30 s",
    "broker_slow": "the broker runs a tenth of the time",
    "refuse_size": "an output topic takes no record of more than 100 bytes",
    "refuse_replicas": "an output topic requires more in-sync replicas than there are",
    "disk_full": "a worker cannot write files of more than a few KiB",
    "index_corrupt": "SIGKILL to a worker, and bytes of its index files are changed",
    "index_files": "SIGKILL to a worker, and some of its index files are gone",
    "index_delete": "SIGKILL to a worker, and its whole index is gone",
    "changelog_truncate": "the changelog loses what the one index on disk has read",
    "clock_step": "the workers' clock jumps",
    "forged_ids": "another producer claims the identities that the next messages without CloudEvents headers get",
    "aborted_transaction": "a transaction writes to all topics that workers read, and is aborted after some seconds",
    "changelog_transaction": "a transaction writes to the changelog, a worker restores its index, and it is aborted",
    "changelog_foreign": "another program writes damaged and forged records to the changelog, and a worker restores",
    "raw_recreate": "the raw topic is deleted and created again",
    "normalized_recreate": "the normalized topic is deleted and created again",
    "changelog_recreate": "the changelog is deleted and created again, and one index alone has what it lost",
    "raw_cut": "SIGKILL to the broker, and a partition of the raw topic loses its second half",
    "normalized_cut": "SIGKILL to the broker, and a partition of the normalized topic loses its second half",
    "changelog_cut": "SIGKILL to the broker, and a partition of the changelog loses its second half",
}
#: Kinds after which an operator has to recover: one of them in every second run.
LOG_KINDS: Final = tuple(kind for kind in KINDS if kind.endswith(("_recreate", "_cut")))
#: Kinds after which one index alone has what the changelog lost.
_NEEDS_INDEX: Final = frozenset({"changelog_truncate", "changelog_recreate", "changelog_cut"})
#: Kinds that slow a run down a lot; one of them per run is enough.
_LONG: Final = frozenset({"broker_pause_long"})
_LONG_EVERY: Final = 12
#: After the changelog was truncated, one index alone has what it lost.
_SAFE_FOR_INDEX: Final = ("kill", "sigterm", "broker_kill", "broker_pause", "broker_slow")
_REFUSED: Final = ("normalized", "enriched", "duplicates", "clusters", "fingerprints", "rejected")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. It begins when ``at`` of the messages are sent (0 to 1).

    ``seconds``: how long it lasts, or the size of a clock's step. ``point``, ``passings``: see `crash_points.Order`.
    ``pick``: chooses the worker or the files, modulo how many there are.
    """

    kind: str
    at: float
    seconds: float = 0.0
    point: str = ""
    passings: int = 1
    topic: str = ""
    pick: int = 0

    def __str__(self) -> str:
        """One line, without the fields that do not matter for the kind."""
        fields = {"s": self.seconds, "point": self.point, "topic": self.topic}
        details = " ".join(f"{name}={value}" for name, value in fields.items() if value)
        if self.point:
            details += f" passing={self.passings}"
        return f"{self.at:4.0%} {self.kind} {details} pick={self.pick}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run."""

    seed: int
    workers: int
    raw_partitions: int
    scope_partitions: int
    batch_records: int
    memtable_kib: int
    faults: Sequence[Fault] = field(default_factory=tuple)

    def __str__(self) -> str:
        """Several lines."""
        head = (
            f"seed {self.seed}: {self.workers} workers, {self.raw_partitions} raw and {self.scope_partitions} scope "
            f"partitions, batches of {self.batch_records}, memtables of {self.memtable_kib} KiB"
        )
        return "\n".join([head, *(f"  {fault}" for fault in self.faults)])


def schedule(seed: int, *, only: Sequence[str] = (), faults: int | None = None) -> Schedule:
    """The schedule of ``seed``. ``only``: these kinds, in order, instead of drawn ones."""
    chance = random.Random(f"faults {seed}")  # noqa: S311 - repeatable, not secret
    kinds = list(only) or _draw(chance, seed, faults or chance.randint(FAULTS_MIN, FAULTS_MAX))
    step = 1 / (len(kinds) + 1)
    moments = [step * (number + chance.uniform(0.3, 0.9)) for number in range(len(kinds))]
    return Schedule(
        seed=seed,
        workers=chance.randint(1, 2),
        raw_partitions=chance.choice([1, 1, 2, 3]),
        scope_partitions=chance.choice([2, 3, 4]),
        batch_records=chance.choice([20, 50, 120]),
        memtable_kib=chance.choice([64, 256, 16 * 1024]),
        faults=tuple(
            _fault(chance, kind, at, seed, seed + 5 * turn)
            for turn, (kind, at) in enumerate(zip(kinds, moments, strict=True))
        ),
    )


def _draw(chance: random.Random, seed: int, count: int) -> list[str]:
    """Draw kinds: the first by rotation, so that consecutive seeds cover all of them; the others at random."""
    names = [name for name in KINDS if name not in LOG_KINDS]
    usual = [name for name in names if name not in _LONG | _NEEDS_INDEX]
    firsts = [names[seed % len(names)]]
    if seed % 2:
        firsts.append(LOG_KINDS[seed // 2 % len(LOG_KINDS)])
    last = next((name for name in reversed(firsts) if name in _NEEDS_INDEX), None)
    if last:  # the changelog could not repair damage that was not found yet
        usual = [name for name in usual if not name.startswith(("index_", "changelog_"))]
    kinds = ["kill_at", *(name for name in firsts if not last or name in usual)]
    kinds += chance.choices(usual, k=count - len(kinds))
    chance.shuffle(kinds)
    if seed % _LONG_EVERY == 0 and not _LONG & set(kinds):
        kinds[0] = "broker_pause_long"
    if last:
        kinds[-3:] = [last, *chance.choices(_SAFE_FOR_INDEX, k=2)]
    return kinds


def _fault(chance: random.Random, kind: str, at: float, seed: int, turn: int) -> Fault:
    seconds = {
        "kill": chance.uniform(0, 1.5),
        "worker_pause": SESSION_S + chance.uniform(2, 4),
        "zombie_at": SESSION_S + chance.uniform(4, 8),
        "broker_kill": chance.uniform(0, 3),
        "broker_pause": chance.uniform(1, 4),
        "broker_pause_session": SESSION_S + chance.uniform(1, 3),
        "broker_pause_long": 30.0,
        "broker_slow": chance.uniform(4, 8),
        "refuse_size": chance.uniform(3, 6),
        "refuse_replicas": chance.uniform(3, 6),
        "disk_full": chance.uniform(3, 6),
        "aborted_transaction": chance.uniform(2, 5),
        "changelog_transaction": chance.uniform(4, 8),
        # Brokers refuse records from more than an hour ahead.
        "clock_step": chance.choice([-3 * 86400.0, -2400.0, 2400.0, 7200.0]),
    }.get(kind, 0.0)
    points = {"kill_at": POINTS, "zombie_at": ZOMBIE_POINTS}.get(kind)
    point = points[turn % len(points)] if points else ""
    passings, pick = chance.randint(1, 4), chance.randrange(100)
    if kind in LOG_KINDS:  # it decides whether workers run meanwhile: each kind meets both
        pick = 2 * (pick // 2) + seed // (2 * len(LOG_KINDS)) % 2
    return Fault(
        kind=kind,
        at=round(at, 3),
        seconds=round(seconds, 1),
        point=point,
        passings=passings if point in BATCH_POINTS else 1,
        topic=_REFUSED[turn % len(_REFUSED)] if kind.startswith("refuse") else "",
        pick=pick,
    )
