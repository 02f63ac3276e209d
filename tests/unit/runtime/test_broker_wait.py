"""The wait for a broker: how long it lasts, how it ends, and what it logs."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from stream.errors import BrokerError, BrokerNotReady
from stream.runtime.broker_wait import BrokerWait


class Broker:
    """Gives its answers one after the other, and the last one for ever."""

    def __init__(self, *answers: Exception | None) -> None:
        self.asked = 0
        self._answers = answers

    def __call__(self) -> None:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        if answer is not None:
            raise answer


ABSENT = BrokerNotReady("no Kafka at nowhere:9092; start it")
MISSING = BrokerNotReady(
    "the topics are not ready:\n  a is missing; run: stream topics\n  b is missing\n  c is missing"
)


async def test_a_broker_that_comes_up_is_used_at_once() -> None:
    broker = Broker(ABSENT, MISSING, None)
    assert await BrokerWait(broker, limit_s=60).until_ready(asyncio.Event())
    assert broker.asked == 3


async def test_an_error_that_waiting_cannot_fix_is_raised_at_once() -> None:
    broker = Broker(BrokerError("the password is wrong"))
    with pytest.raises(BrokerError, match="the password is wrong"):
        await BrokerWait(broker, limit_s=60).until_ready(asyncio.Event())
    assert broker.asked == 1


async def test_a_limit_of_zero_checks_once() -> None:
    broker = Broker(ABSENT)
    with pytest.raises(BrokerError) as raised:
        await BrokerWait(broker, limit_s=0).until_ready(asyncio.Event())
    assert (str(raised.value), broker.asked) == (str(ABSENT), 1)


async def test_the_limit_ends_the_wait_with_the_last_reason() -> None:
    with pytest.raises(BrokerNotReady) as raised:
        await BrokerWait(Broker(ABSENT), limit_s=0.6).until_ready(asyncio.Event())
    assert str(raised.value) == f"{ABSENT}\ngave up after 0.6 s (STREAM_START_TIMEOUT_S)"


class Silent:
    """A broker that neither answers nor refuses until `go` is set."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __call__(self) -> None:
        self.go.wait()


async def test_the_limit_holds_for_a_broker_that_does_not_answer() -> None:
    silent = Silent()
    with pytest.raises(BrokerNotReady, match=r"no answer from the broker yet\ngave up after 0.2 s"):
        await BrokerWait(silent, limit_s=0.2).until_ready(asyncio.Event())
    silent.go.set()


async def test_a_signal_ends_the_wait_at_once() -> None:
    silent, stop = Silent(), asyncio.Event()
    waiting = asyncio.create_task(BrokerWait(silent, limit_s=600).until_ready(stop))
    await asyncio.sleep(0)
    stop.set()
    assert not await waiting
    silent.go.set()


async def test_a_wait_is_logged_with_its_time_and_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BrokerNotReady):
        await BrokerWait(Broker(MISSING), limit_s=1, log_at_s=(0.05, 0.1)).until_ready(asyncio.Event())
    lines = [record.__dict__ for record in caplog.records if record.levelno == logging.WARNING]
    assert [record["message"] for record in lines] == ["waiting for the broker"] * 2
    reason = "the topics are not ready: a is missing; run: stream topics (and 2 more)"
    assert {(record["limit_seconds"], record["reason"]) for record in lines} == {(1, reason)}
