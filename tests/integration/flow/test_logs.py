"""What the flow logs and what it never logs; trace context from end to end."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import re
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import pytest

from stream.core.contracts.records import Headers, OutputRecord
from stream.core.pipeline.deduplicate import Deduplicator
from stream.dead_letters.parsed_dead_letter import read_dead_letter, requeued_record
from stream.observability.log_setup import configure_logging
from stream.runtime.app import EXIT_FAULT, abort_on_fault
from tests.support.articles import BRIDGE, HARVEST, article, dumps
from tests.support.flow import Site, until
from tests.support.logging import restored_logging

#: Is in every part of every message below, in the forms that errors may give it.
MARK: Final = "Zyxwquark"
MARKED: Final = re.compile(MARK, re.IGNORECASE)
GOOD: Final = {
    **article(1, f"{MARK} {BRIDGE} {MARK}"),
    "title": f"{MARK} bridge",
    "url": f"https://{MARK}.example/{MARK}?{MARK}=1",
    "summary": MARK,
    "authors": [MARK],
    "section": MARK,
    "tags": [MARK],
}
PAGE: Final = f"<html><head><title>{MARK}</title></head><body><p>{MARK} {HARVEST}</p><a href='{MARK}:x'>{MARK}</a>"
TRACE: Final[Headers] = (
    ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("tracestate", b"congo=t61rcWkgMzE"),
)


def messages() -> list[Any]:
    """Good messages, and bad ones of every kind."""
    wrong: dict[str, Any] = {
        "text": 7,
        "url": f"javascript:{MARK}",
        "id": f"{MARK}\n{MARK}",
        "tenant": f"{MARK}/{MARK}",
        "status": MARK,
        "tags": MARK,
        "language": {MARK: MARK},
        "published_at": MARK,
        "authors": [{MARK: 1}],
    }
    return [
        GOOD,
        {**GOOD, "url": f"https://copy.example/{MARK}"},
        {**{name: GOOD[name] for name in ("url", "title")}, "html": PAGE},
        {"url": f"https://{MARK}.example/page", "html": PAGE * 50 + "<svg><p><![CDATA[" + MARK},
        [GOOD, {MARK: MARK}],
        *({**GOOD, name: value} for name, value in wrong.items()),
        dumps(GOOD)[:-7],
        f"{MARK}{{".encode(),
        f'{{"text": "{MARK}\\ud83d"}}'.encode(),
        dumps(GOOD).replace(b"Engineers", b"\xff\xfe"),
        dumps(GOOD).decode().encode("utf-16"),
        f'"{MARK}"'.encode(),
        {"url": GOOD["url"], "status": "canceled"},
    ]


class Log:
    """What was written."""

    def __init__(self) -> None:
        self._out = io.StringIO()
        self._handler = configure_logging("DEBUG", "json", stream=self._out)
        # What libraries could log at any level counts, not only what is written.
        for name in ("faust", "mode"):
            logging.getLogger(name).setLevel(logging.DEBUG)

    def lines(self) -> list[dict[str, Any]]:
        """The lines so far, with the repeats that were left out."""
        self._handler.flush()
        return [json.loads(line) for line in self._out.getvalue().splitlines()]

    def close(self) -> list[dict[str, Any]]:
        """The lines at the end, with all repeats that were left out."""
        self._handler.close()
        return self.lines()

    def fields(self, event: str, *names: str) -> list[tuple[Any, ...]]:
        """Fields of the lines of an event."""
        return [tuple(line.get(name) for name in names) for line in self.lines() if line["event"] == event]


@pytest.fixture
def log() -> Iterator[Log]:
    """Yield the log from here on."""
    with restored_logging():
        yield Log()


#: The lines do not depend on the broker.
memory = pytest.mark.parametrize("backend", ["memory"], indirect=True)


@memory
async def test_each_change_of_state_is_logged_and_no_batch_is(site: Site, log: Log) -> None:
    running = await site.start()
    for number in range(20):
        await site.send(article(number, BRIDGE))
        await site.settle(running)
    running.flow.measure()
    await site.stop(running)
    events = [line["event"] for line in log.close() if line["logger"].startswith("stream")]
    restores = ["restoring index"] * 2 + ["index restored"] * 2
    assert sorted(events) == sorted(
        ["partitions assigned", *restores, "ready", *["partitions revoked"] * events.count("partitions revoked")]
    )
    topics = site.topics
    assert log.fields("partitions assigned", "partitions") == [(f"{topics.normalized}/0-1 {topics.raw}/0",)]


@memory
async def test_log_lines_hold_nothing_of_an_article(site: Site, log: Log) -> None:
    headers = (("ce_id", MARK.encode()), ("ce_source", MARK.encode()), (MARK, MARK.encode()), *TRACE)
    sent = messages()
    await site.send(*sent, OutputRecord(site.topics.raw, MARK.encode(), dumps(GOOD), headers))
    await site.send(OutputRecord(site.topics.raw, MARK.encode(), dumps({**GOOD, "title": f"{MARK} again"}), headers))
    await site.send(
        OutputRecord(site.topics.normalized, MARK.encode(), dumps({"event_id": MARK, "language": MARK}), (), 0)
    )
    running = await site.start()
    await site.settle(running)
    await site.stop(running)
    lines = log.close()
    assert [line for line in lines if MARKED.search(json.dumps(line))] == []
    codes = {line["code"] for line in lines if line["event"] == "dead letters"}
    assert codes >= {
        "wrong_type",
        "invalid_url",
        "invalid_json",
        "invalid_utf8",
        "invalid_normalized",
        "event_id_reused",
    }
    assert await site.tombstones(site.topics.enriched)


@memory
@pytest.mark.parametrize("step", ["normalize", "deduplicate"])
async def test_log_lines_about_a_fault_hold_nothing_of_an_article(site: Site, log: Log, step: str) -> None:
    def poison(*_: object, **__: object) -> Any:
        try:
            int(MARK)
        except ValueError as error:
            raise ValueError(f"cannot read {GOOD!r}") from error

    exits: list[int] = []
    parts: dict[str, Any] = {"on_fault": partial(abort_on_fault, exit_process=exits.append)}
    if step == "normalize":
        parts["normalizer"] = poison
    else:
        parts["deduplicator"] = Deduplicator(site.topics, wrap=lambda _name, _function: poison)
    await site.send(GOOD)
    running = await site.start(**parts)
    fault = "fault; nothing of the batch is committed"
    await until(lambda: log.fields(fault), "it is logged")
    assert exits == [EXIT_FAULT]
    await site.stop(running)
    gc.collect()  # tasks whose exceptions were not retrieved are logged now
    await asyncio.sleep(0)
    lines = log.close()
    assert [line for line in lines if MARKED.search(json.dumps(line))] == []
    (line,) = [line for line in lines if line["event"] == fault]
    topic = site.topics.raw if step == "normalize" else site.topics.normalized
    assert (line["level"], line["step"], line["topic"], line["offset"], line["end_offset"]) == (
        "critical",
        step,
        topic,
        0,
        1,
    )
    assert line["exception_type"] == "builtins.ValueError"
    assert "in poison\n" in line["stack"]
    assert any(other["logger"].startswith(("mode", "faust")) for other in lines)


@memory
async def test_dead_letters_are_logged_once_per_code_with_the_first_record(site: Site, log: Log) -> None:
    await site.send(article(1, BRIDGE), OutputRecord(site.topics.raw, None, b"{", TRACE), b"{", b"", GOOD)
    running = await site.start()
    await site.settle(running)
    trace = TRACE[0][1][3:35].decode()
    assert sorted(
        log.fields("dead letters", "step", "code", "records", "topic", "partition", "offset", "trace_id")
    ) == [
        ("normalize", "empty_value", 1, site.topics.raw, 0, 3, None),
        ("normalize", "invalid_json", 2, site.topics.raw, 0, 1, trace),
    ]
    # Repeats are left out, and counted in the end.
    for _ in range(3):
        await site.send(b"{", b"{")
        await site.settle(running)
    assert len(log.fields("dead letters")) == 2
    await site.stop(running)
    log.close()
    *_, last = log.fields("dead letters", "code", "records", "offset", "repeated", "repeated_records")
    assert last == ("invalid_json", 2, 9, 2, 4)


@memory
async def test_faust_has_no_handlers_of_its_own(site: Site, log: Log) -> None:
    running = await site.start()
    await site.stop(running)
    log.close()
    names = [
        name for name in logging.root.manager.loggerDict if name.partition(".")[0] in ("faust", "mode", "aiokafka")
    ]
    assert len(names) > 5
    handlers = [handler for name in names for handler in logging.getLogger(name).handlers]
    assert [handler for handler in handlers if not isinstance(handler, logging.NullHandler)] == []
    assert all(logging.getLogger(name).propagate for name in names)


async def test_trace_context_goes_from_raw_to_what_consumers_read(site: Site) -> None:
    topics = site.topics
    copied = {**article(2, BRIDGE), "url": "https://copy.example/2"}
    await site.process(
        OutputRecord(topics.raw, None, dumps(article(1, BRIDGE)), TRACE),
        OutputRecord(topics.raw, None, dumps(copied), (("Traceparent", TRACE[0][1]),)),
        OutputRecord(topics.raw, None, dumps(article(3, HARVEST)), (("traceparent", b"none"),)),
        OutputRecord(topics.raw, None, b"{", TRACE),
    )

    async def trace_headers(topic: str) -> set[Headers]:
        names = {name for name, _ in TRACE}
        return {
            tuple(header for header in record.headers if header[0] in names) for record in await site.records(topic)
        }

    assert await trace_headers(topics.normalized) == {TRACE, TRACE[:1], ()}
    assert await trace_headers(topics.enriched) == {TRACE, ()}
    assert await trace_headers(topics.duplicates) == {TRACE[:1]}
    assert await trace_headers(topics.clusters) == {TRACE[:1]}
    assert await trace_headers(topics.fingerprints) == {()}
    (letter,) = await site.records(topics.rejected)
    assert tuple(letter.headers)[:2] == TRACE
    assert set(TRACE) <= set(requeued_record(read_dead_letter(letter)).headers)
