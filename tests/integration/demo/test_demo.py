"""``stream demo``: what everyone tries first."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson
import pytest

from stream.core.contracts.events import RELATIONS
from stream.demo.feed import WITHDRAWN_RESULT, samples
from stream.demo.runner import Arrival, Demo
from stream.errors import REJECTION_CODES
from stream.observability.metrics import Metrics
from tests.support.processes import DEADLINE, STREAM, clean_environment


def test_the_demo_ends_with_everything_as_expected() -> None:
    result = subprocess.run(
        [STREAM, "demo", "--pause", "0"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )
    assert result.returncode == 0, result.stdout
    assert result.stderr == ""
    count = sum(len(sample.expected) for sample in samples())
    assert f"{count} of {count} as expected" in result.stdout
    assert "(expected " not in result.stdout
    assert "in memory; nothing is kept" in result.stdout
    assert "Try next" in result.stdout


def test_the_feed_shows_every_relation_and_more() -> None:
    expected = {result for sample in samples() for result in sample.expected}
    assert {*RELATIONS, WITHDRAWN_RESULT} <= expected
    assert expected <= {*RELATIONS, WITHDRAWN_RESULT, *REJECTION_CODES}
    assert all(sample.note for sample in samples())


def test_an_arrival_knows_whether_it_is_expected() -> None:
    assert Arrival(1, "copy", "copy", "").is_expected
    assert not Arrival(1, "new", "copy", "").is_expected


async def test_a_wrong_expectation_does_not_hold_up_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STREAM_CONFIG", raising=False)
    demo = Demo()
    sample = samples()[0]
    wrong = type(sample)(sample.value, ["excerpt"], sample.note)
    async with demo.flow.running():
        arrivals = [arrival async for arrival in demo.feed([wrong, sample], pause_s=0)]
    assert [(arrival.result, arrival.is_expected) for arrival in arrivals] == [("new", False), ("recrawl", False)]


async def show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], part: bytes) -> str:
    """What the demo prints for the messages that contain ``part``."""
    command = import_module("stream.cli.demo")
    feed = [sample for sample in samples() if part in (sample.value or b"")]
    monkeypatch.setattr(command, "samples", lambda: feed)
    assert await command._run(Demo(), 0, keep=False) == 0  # noqa: SLF001 - without a process of its own
    return capsys.readouterr().out


async def test_a_takedown_is_shown_with_what_it_withdraws(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = await show(monkeypatch, capsys, b"skerrow")
    # The takedown is of the first; the article after it is a copy of the second.
    assert re.search(r"^ +#3 withdrawn +the publisher withdraws #1: consumers get a tombstone", shown, re.MULTILINE)
    assert re.search(r"^ +#4 copy .*\n +same text as #2 on another site$", shown, re.MULTILINE)
    assert "4 articles in 1 language:" in shown
    assert re.search(r"^ +2 duplicates", shown, re.MULTILINE)
    assert re.search(r"^ +1 withdrawn$", shown, re.MULTILINE)
    assert "4 of 4 as expected" in shown


async def test_a_revision_is_shown_with_what_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = await show(monkeypatch, capsys, b"/kashti-nilamabad")
    assert re.search(r"new version of #1: \d+% of the words differ, and numbers$", shown, re.MULTILINE)


async def test_the_exit_code_says_whether_everything_was_as_expected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = import_module("stream.cli.demo")
    sample = samples()[0]
    for expected, code in (("new", 0), ("excerpt", 1)):
        feed = [type(sample)(sample.value, [expected], sample.note)]
        monkeypatch.setattr(command, "samples", lambda feed=feed: feed)
        assert await command._run(Demo(), 0, keep=False) == code  # noqa: SLF001 - without a process of its own
        assert ("(expected excerpt)" in capsys.readouterr().out) == bool(code)


@contextmanager
def kept(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The demo with --keep, once it says that it keeps running, and the URL of its pages."""
    command = [str(STREAM), "demo", "--keep", "--pause", "0", *options]
    environment = clean_environment(PYTHONUNBUFFERED="1")
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if line.startswith("The worker keeps running"))
            match = re.search(r"http://\S+(?=/ )", line)
            assert match
            yield process, match[0]
        finally:
            process.kill()


def page(url: str) -> tuple[int, str, str]:
    """Status, type and content of a page."""
    try:
        with urlopen(url, timeout=DEADLINE) as answer:  # noqa: S310 - our own page
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_the_pages_answer_until_it_is_interrupted() -> None:
    with kept() as (process, url):
        status, kind, text = page(f"{url}/metrics")
        assert status == 200
        assert kind.startswith("text/plain; version=")
        decided = sum(1 for sample in samples() for result in sample.expected if result in RELATIONS)
        values = re.findall(r"^stream_events_decided_total\{.*\} (\S+)$", text, re.MULTILINE)
        assert sum(map(float, values)) == decided
        # Every metric that the worker has, of all that were touched and those that were not.
        assert {metric.name for metric in Metrics().registry.collect()} <= set(
            re.findall(r"^# TYPE (\w+?)(?:_total)? ", text, re.MULTILINE)
        )
        for path in ("/healthz", "/readyz"):
            status, kind, text = page(url + path)
            assert (status, orjson.loads(text)["ok"]) == (200, True)
            assert kind.startswith("application/json")
        assert page(f"{url}/nothing")[0] == 404
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_web_port_in_use_is_reported_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            [STREAM, "demo", "--web-port", port],
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
    assert result.returncode == 78
    assert result.stderr.startswith(f"stream: the pages cannot be served at 127.0.0.1:{port} ")
    assert result.stderr.count("\n") == 1
