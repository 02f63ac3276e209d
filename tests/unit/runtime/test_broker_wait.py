"""What comes before the flow: a folder is held, a broker is waited for, and operators are told."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from stream.demo.runner import free_port
from stream.errors import BrokerError, BrokerNotReady, SettingsError
from stream.runtime.startup import LOCK, Wait, held, pages

HOLD = (
    "import sys\nfrom pathlib import Path\nfrom stream.runtime.startup import held\n"
    "with held(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"
)


def holder(folder: Path) -> subprocess.Popen[bytes]:
    """Another process, which holds ``folder``."""
    other = subprocess.Popen([sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    return other


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_folder_is_held_by_one_process_until_that_ends(tmp_path: Path, ending: signal.Signals) -> None:
    folder = tmp_path / "data" / "group"
    with holder(folder) as other:
        with pytest.raises(SettingsError, match=f"in use by another worker .process {other.pid} on .*STREAM_DATA_DIR"):
            held(folder).__enter__()
        other.send_signal(ending)
        other.wait()
        with held(folder):
            assert f"process {os.getpid()} " in (folder / LOCK).read_text(encoding="utf-8")


def test_a_folder_can_be_held_again(tmp_path: Path) -> None:
    for _ in range(2):
        with held(tmp_path):
            assert list(tmp_path.iterdir()) == [tmp_path / LOCK]


def test_a_folder_that_cannot_be_made_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SettingsError, match=r"cannot hold the index \(Not a directory\); set STREAM_DATA_DIR"):
        held(tmp_path / "file" / "group").__enter__()


class Broker:
    """Answers as it was told to, the last answer for ever."""

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
    assert await Wait(broker, limit_s=60).done(asyncio.Event())
    assert broker.asked == 3


async def test_what_waiting_does_not_mend_is_raised_at_once() -> None:
    broker = Broker(BrokerError("the password is wrong"))
    with pytest.raises(BrokerError, match="the password is wrong"):
        await Wait(broker, limit_s=60).done(asyncio.Event())
    assert broker.asked == 1


async def test_without_a_limit_it_asks_once() -> None:
    broker = Broker(ABSENT)
    with pytest.raises(BrokerError) as raised:
        await Wait(broker, limit_s=0).done(asyncio.Event())
    assert (str(raised.value), broker.asked) == (str(ABSENT), 1)


async def test_the_limit_ends_it_with_the_last_reason() -> None:
    with pytest.raises(BrokerNotReady) as raised:
        await Wait(Broker(ABSENT), limit_s=0.6).done(asyncio.Event())
    assert str(raised.value) == f"{ABSENT}\ngave up after 0.6 s (STREAM_START_TIMEOUT_S)"


class Silent:
    """A broker that neither answers nor refuses, until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __call__(self) -> None:
        self.go.wait()


async def test_the_limit_holds_for_a_broker_that_does_not_answer() -> None:
    silent = Silent()
    with pytest.raises(BrokerNotReady, match=r"no answer from the broker yet\ngave up after 0.2 s"):
        await Wait(silent, limit_s=0.2).done(asyncio.Event())
    silent.go.set()


async def test_a_signal_ends_the_wait_at_once() -> None:
    silent, stop = Silent(), asyncio.Event()
    waiting = asyncio.create_task(Wait(silent, limit_s=600).done(stop))
    await asyncio.sleep(0)
    stop.set()
    assert not await waiting
    silent.go.set()


async def test_waiting_is_told_with_the_time_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("stream.runtime.startup._TOLD_AT_S", (0.05, 0.1))
    with pytest.raises(BrokerNotReady):
        await Wait(Broker(MISSING), limit_s=1).done(asyncio.Event())
    told = [record.__dict__ for record in caplog.records if record.levelno == logging.WARNING]
    assert [record["message"] for record in told] == ["waiting for the broker"] * 2
    reason = "the topics are not ready: a is missing; run: stream topics (and 2 more)"
    assert {(record["limit_seconds"], record["reason"]) for record in told} == {(1, reason)}


def ask(url: str) -> tuple[int, str]:
    """Status and body of a page."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own page
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


async def test_a_worker_that_waits_is_alive_and_not_ready() -> None:
    silent, stop, port = Silent(), asyncio.Event(), free_port()
    wait = Wait(silent, limit_s=600)
    waiting = asyncio.create_task(wait.done(stop))
    await asyncio.sleep(0)
    async with pages("127.0.0.1", port, CollectorRegistry(), wait):
        answers = [await asyncio.to_thread(ask, f"http://127.0.0.1:{port}/{page}") for page in ("healthz", "readyz")]
        assert (await asyncio.to_thread(ask, f"http://127.0.0.1:{port}/metrics"))[0] == 200
    assert [status for status, _ in answers] == [200, 503]
    for (_, body), is_good in zip(answers, (True, False), strict=True):
        told = json.loads(body)
        assert (told["ok"], told["waiting_for"]) == (is_good, "no answer from the broker yet")
        assert told["waited_seconds"] >= 0
    stop.set()
    await waiting
    silent.go.set()
