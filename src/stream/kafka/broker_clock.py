"""How far the clock of this machine is from that of the cluster: records get the times of the machine that writes them.

A record that is older than the retention of its topic is deleted at once. `stream topics` makes the topics refuse such
records; this check also protects topics without that configuration, and finds the cause before anything is written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from stream import system_clock
from stream.core.contracts.topics import TIMESTAMP_AHEAD_MS
from stream.errors import BrokerNotReady

log = logging.getLogger(__name__)

#: Differences that only distort latencies are not worth a line.
WARN_MS: Final = 10_000
_HOUR_S: Final = 3600


class ClockSkew(NamedTuple):
    """This machine is ``ahead_ms`` ahead of the cluster (negative: behind), give or take ``error_ms``."""

    ahead_ms: float
    error_ms: float

    @property
    def certain_ms(self) -> float:
        """By how much the clocks differ at least."""
        return max(0.0, abs(self.ahead_ms) - self.error_ms)


def measure_skew(client: KafkaAdminClient, *, now_ms: Callable[[], int] = system_clock.now_ms) -> ClockSkew | None:
    """Compare clocks by the time that the KRaft controller reports for itself.

    Returns:
        None if the cluster does not report it: it has no KRaft controller, or this user may not describe the cluster.

    Raises:
        KafkaError: The cluster does not answer.
    """
    sent_ms, start = now_ms(), time.monotonic()
    quorum = client.describe_metadata_quorum()
    round_trip_ms = (time.monotonic() - start) * 1000
    partition = quorum["topics"][0]["partitions"][0]
    for voter in partition["current_voters"]:
        controller_ms = voter.get("last_caught_up_timestamp") or -1
        if voter["replica_id"] == partition["leader_id"] and controller_ms > 0:
            return ClockSkew(sent_ms + round_trip_ms / 2 - controller_ms, round_trip_ms / 2)
    return None


def require_clock(
    client: KafkaAdminClient, *, retention_ms: int, now_ms: Callable[[], int] = system_clock.now_ms
) -> None:
    """Warn if the clock of this machine is wrong, and refuse to go on if its records would not be kept.

    Raises:
        BrokerNotReady: The broker would refuse the records, or delete them at once.
    """
    try:
        skew = measure_skew(client, now_ms=now_ms)
    except KafkaError:  # not reported to this user, or by this version
        return
    if skew is None or skew.certain_ms <= WARN_MS:
        return
    is_ahead = skew.ahead_ms > 0
    if skew.certain_ms > (TIMESTAMP_AHEAD_MS if is_ahead else retention_ms):
        effect = "the brokers would refuse its records" if is_ahead else "its records would be deleted at once"
        raise BrokerNotReady(
            f"the clock of this machine is {_format_hours(skew.certain_ms)} {'ahead of' if is_ahead else 'behind'} "
            f"that of the cluster, so {effect}; synchronize both clocks with NTP (timedatectl status)"
        )
    log.warning("the clock differs from that of the cluster", extra={"seconds": round(skew.ahead_ms / 1000)})


def _format_hours(milliseconds: float) -> str:
    """In hours, rounded down."""
    return f"{int(milliseconds / 1000 // _HOUR_S):,} h"


class JumpGuard:
    """Notices that the clock was set to another time since the guard was made.

    Args:
        now_ms: The present time.
        elapsed_s: Seconds of a clock that nobody sets and that goes on while the machine is suspended.
        limit_ms: How far the clock may be set.
    """

    def __init__(
        self,
        *,
        now_ms: Callable[[], int] = system_clock.now_ms,
        elapsed_s: Callable[[], float] = system_clock.elapsed_s,
        limit_ms: int = TIMESTAMP_AHEAD_MS,
    ) -> None:
        self._now_ms = now_ms
        self._elapsed_s = elapsed_s
        self._limit_ms = limit_ms
        self._began_ms = self._read_began_ms()

    def jump_ms(self) -> float:
        """How far the clock was set, forward (positive) or back; 0 within the limit."""
        jump_ms = self._read_began_ms() - self._began_ms
        return jump_ms if abs(jump_ms) > self._limit_ms else 0

    def _read_began_ms(self) -> float:
        """The time at which ``elapsed_s`` was 0, by the present clock."""
        return self._now_ms() - self._elapsed_s() * 1000
