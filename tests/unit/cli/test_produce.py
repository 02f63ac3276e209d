"""``stream produce``: keys and pace; what reaches a broker is tested with the worker."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
import pytest

from stream.cli.input_files import RawMessage
from tests.support.articles import BRIDGE, FLOOD, article, dumps
from tests.support.cli import stream
from tests.support.processes import Station

# By its name: the package has the command under the same one.
module = import_module("stream.cli.produce")


@pytest.mark.parametrize(
    ("event", "key"),
    [
        ({"id": "a-1", "url": "https://paper.example/1"}, b"a-1"),
        ({"url": "https://paper.example/1"}, b"https://paper.example/1"),
        ({"id": "", "url": "https://paper.example/1"}, b"https://paper.example/1"),
        ({"id": "خبر"}, "خبر".encode()),
        ({"id": 7}, None),
        ({"text": "none"}, None),
        ([{"id": "a-1"}], None),
        ("a-1", None),
    ],
)
def test_a_message_is_keyed_by_its_id_or_its_url(event: Any, key: bytes | None) -> None:
    assert module.message_key(dumps(event)) == key


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", rb'{"id": "\ud83d"}'])
def test_a_message_that_cannot_be_read_has_no_key(value: bytes) -> None:
    assert module.message_key(value) is None


class Clock:
    """A clock that only moves when someone sleeps or works."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """The time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        self.now += seconds


def messages(count: int) -> Iterator[RawMessage]:
    """Empty messages on numbered lines."""
    return (RawMessage(b"{}", "-", number, 0) for number in range(count))


def test_the_rate_is_kept_and_delays_are_caught_up() -> None:
    clock = Clock()
    values = []
    for message in module.pace(messages(6), 4.0, clock=clock.monotonic, sleep=clock.sleep):
        values.append((message.line, clock.now - 1000))
        if message.line == 2:
            clock.now += 0.625  # sending took longer than the pause
    assert values == [(0, 0.0), (1, 0.25), (2, 0.5), (3, 1.125), (4, 1.125), (5, 1.25)]


def test_nothing_waits_without_a_rate() -> None:
    clock = Clock()
    assert len(list(module.pace(messages(3), None, clock=clock.monotonic, sleep=clock.sleep))) == 3
    assert clock.now == 1000


def test_a_rate_of_nothing_is_refused() -> None:
    assert stream("produce", "--rate", "0").exit_code == 2


@pytest.mark.kafka
def test_what_is_sent_to_a_broker(kafka_broker: str, tmp_path: Path) -> None:
    station = Station(kafka_broker, tmp_path)
    assert station.run("topics").returncode == 0
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(dumps(article(1, BRIDGE)) + b"\n\n{broken\n")
    (folder / "b.txt").write_text(FLOOD, encoding="utf-8")
    result = station.run("produce", str(folder), "--rate", "500")
    assert result.returncode == 0
    assert result.stdout == ""
    assert result.stderr.startswith(f"3 messages stored in {station.topics.raw} in ")
    first, second, text = station.records(station.topics.raw)
    assert (first.key, first.value) == (b"https://paper.example/story/1", dumps(article(1, BRIDGE)))
    assert (second.key, second.value) == (None, b"{broken")
    path = "b.txt"
    assert (text.key.decode(), orjson.loads(text.value)) == (path, {"id": path, "text": FLOOD})
    ids = [dict(record.headers)["ce_id"] for record in (first, second, text)]
    assert len(set(ids)) == 3
    assert {dict(record.headers)["ce_source"] for record in (first, second, text)} == {b"/stream/produce"}
    # Sending the same file again makes other events.
    assert station.run("produce", str(folder), "--quiet").stderr == ""
    again = [dict(record.headers)["ce_id"] for record in station.records(station.topics.raw)]
    assert len(set(again)) == 6
    station.close()
