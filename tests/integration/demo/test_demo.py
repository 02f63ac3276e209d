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
from stream.demo.feed import WITHDRAWN, samples
from stream.demo.runner import Arrival, Demo
from stream.errors import REJECTION_CODES
from stream.observability.metrics import Metrics
from tests.support.processes import DEADLINE, STREAM, clean_environment


def test_the_demo_ends_with_everything_as_expected() -> None:
    told = subprocess.run(
        [STREAM, "demo", "--pause", "0"],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )
    assert told.returncode == 0, told.stdout
    assert told.stderr == ""
    count = sum(len(sample.expected) for sample in samples())
    assert f"{count} of {count} as expected" in told.stdout
    assert "(expected " not in told.stdout
    assert "in memory, keeps nothing" in told.stdout


def test_the_feed_shows_every_relation_and_more() -> None:
    expected = {result for sample in samples() for result in sample.expected}
    assert {*RELATIONS, WITHDRAWN} <= expected
    assert expected <= {*RELATIONS, WITHDRAWN, *REJECTION_CODES}
    assert all(sample.note for sample in samples())


def test_an_arrival_that_is_not_as_expected_is_told() -> None:
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


async def test_a_takedown_is_answered_by_its_tombstone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = import_module("stream.cli.demo")
    sent = [sample for sample in samples() if b"skerrow" in (sample.value or b"")]
    monkeypatch.setattr(command, "samples", lambda: sent)
    assert await command._run(Demo(), 0, keep=False) == 0  # noqa: SLF001 - without a process of its own
    shown = capsys.readouterr().out
    # The takedown is of the first; what comes behind it is a copy of the second.
    assert re.search(r"^ +3 +withdrawn +tombstone +of 1 *$", shown, re.MULTILINE)
    assert re.search(r"^ +4 +copy .* of 2, same-text", shown, re.MULTILINE)
    assert "1 events for consumers, 2 duplicates linked, 0 dead letters, 1 withdrawn, in 1 languages; 4 of 4" in shown


async def test_a_revision_is_told_with_what_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = import_module("stream.cli.demo")
    sent = [sample for sample in samples() if b"/kashti-nilamabad" in (sample.value or b"")]
    monkeypatch.setattr(command, "samples", lambda: sent)
    assert await command._run(Demo(), 0, keep=False) == 0  # noqa: SLF001 - as above
    assert re.search(r"of 1, same-address, \d+% of the words changed, numbers too", capsys.readouterr().out)


async def test_the_exit_code_tells_whether_all_was_as_expected(
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
    """The demo with --keep, once it says that it stays, and the address of its pages."""
    command = [str(STREAM), "demo", "--keep", "--pause", "0", *options]
    environment = clean_environment(PYTHONUNBUFFERED="1")
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            staying = next(line for line in process.stdout if line.startswith("staying"))
            found = re.search(r"http://\S+(?=/metrics)", staying)
            assert found
            yield process, found[0]
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


def test_a_web_port_in_use_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = subprocess.run(
            [STREAM, "demo", "--web-port", port],
            env=clean_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
    assert told.returncode == 78
    assert told.stderr.startswith(f"stream: the pages cannot be served at 127.0.0.1:{port} ")
    assert told.stderr.count("\n") == 1
