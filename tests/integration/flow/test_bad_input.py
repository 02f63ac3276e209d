"""Bad input becomes a dead letter with its code and the unchanged message, and the next event is processed."""

from __future__ import annotations

from typing import Any

import pytest

from stream.core.contracts.records import OutputRecord
from stream.core.pipeline.dead_letter import HEADER_PREFIX
from tests.support.articles import BRIDGE, HARVEST, article, dumps, generate_articles
from tests.support.flow import Site, by_offset, headers
from tests.support.flow_brokers import FlowMemory

GOOD = article(1, BRIDGE)
DEEP = b'{"url":"https://paper.example/deep","text":"deep","extra":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001

#: The rejection code and the field of each bad message.
BAD: list[tuple[str, str | None, bytes | None]] = [
    ("null_value", None, None),
    ("empty_value", None, b""),
    ("empty_value", None, b" \n"),
    ("empty_value", None, b"[]"),
    ("invalid_json", None, b"<html>\xd8\xae\xd8\xa8\xd8\xb1</html>"),
    ("invalid_json", None, dumps(GOOD)[:-7]),
    ("invalid_json", None, b'{"url": "https://paper.example/nan", "text": NaN}'),
    ("invalid_utf8", None, '{"url": "https://paper.example/1256", "text": "خبر"}'.encode("cp1256")),
    ("invalid_utf8", None, dumps(GOOD).decode().encode("utf-16")),
    ("invalid_utf8", None, b'{"url": "https://paper.example/half", "text": "\xed\xa0\xbd"}'),
    ("lone_surrogate", "$.text", rb'{"url": "https://paper.example/half", "text": "\ud83d half"}'),
    ("lone_surrogate", "$.text", rb'{"url": "https://paper.example/half", "text": "half \ude00"}'),
    ("not_an_object", None, b'"text"'),
    ("not_an_object", None, b"42"),
    ("not_an_object", None, b"[1]"),
    ("wrong_type", "$.text", dumps({**GOOD, "text": 7})),
    ("wrong_type", "$.tags", dumps({**GOOD, "tags": "one"})),
    ("missing_content", "$.text", dumps({"url": "https://paper.example/none"})),
    ("missing_content", "$.text", dumps({**GOOD, "text": "\u200b\u0000 \n"})),
    ("missing_identity", "$.url", dumps({"text": BRIDGE})),
    ("unknown_status", "$.status", dumps({**GOOD, "status": "withdrawn"})),
    ("missing_identity", "$.url", dumps({"status": "canceled"})),
    ("text_too_large", "$.text", dumps({**GOOD, "text": "word " * 210_000})),
    ("too_many_items", "$.tags", dumps({**GOOD, "tags": ["tag"] * 100_000})),
    ("too_deep", None, DEEP),
    ("too_deep", None, b"[" * 10_000 + b"]" * 10_000),
    ("invalid_id", "$.id", dumps({**GOOD, "id": "a\u0000b"})),
    ("invalid_id", "$.id", dumps({**GOOD, "id": "line\nbreak"})),
    ("invalid_url", "$.url", dumps({**GOOD, "url": "javascript:alert(1)"})),
    ("invalid_tenant", "$.tenant", dumps({**GOOD, "tenant": "a/b"})),
    ("message_too_large", None, b'{"text": "' + b"a" * (9 * 1024 * 1024) + b'"}'),
]
#: Not UTF-8, a repeated name, an empty value: a dead letter must keep all of it.
HEADERS = (("trace", b"\xff\x00"), ("trace", b"2"), ("empty", b""))


async def test_a_bad_message_is_a_dead_letter_and_the_next_one_is_processed(site: Site) -> None:
    sent: list[OutputRecord] = []
    good = generate_articles(len(BAD), seed=5)
    for number, ((_, _, value), following) in enumerate(zip(BAD, good, strict=True)):
        key = (b"", None, b"\xff\x00key")[number % 3]
        sent += [
            OutputRecord(site.topics.raw, key, value, HEADERS),
            OutputRecord(site.topics.raw, None, dumps(following)),
        ]
    await site.process(*sent)

    assert sorted(by_offset(await site.events())) == list(range(1, len(sent), 2))
    assert site.raw_log
    log = f"{site.raw_log.topic_id}/{site.raw_log.leader_epoch}"
    letters = {}
    for letter in await site.records(site.topics.rejected):
        reasons = {name: value.decode() for name, value in letter.headers if name.startswith(HEADER_PREFIX)}
        letters[int(reasons["__errors.offset"])] = letter
        bad = sent[int(reasons["__errors.offset"])]
        assert (letter.key, letter.value) == (bad.key, bad.value)
        assert tuple(letter.headers)[: len(HEADERS)] == HEADERS
        assert reasons.pop("__errors.message")
        assert int(reasons.pop("__errors.timestamp")) > 0
        code, field, _ = BAD[int(reasons["__errors.offset"]) // 2]
        expected = {"code": code, "stage": "normalize", "topic": site.topics.raw, "partition": "0", "log": log}
        expected |= {"field": field} if field else {}
        reasons.pop("__errors.items", None)
        reasons.pop("__errors.offset")
        assert reasons == {HEADER_PREFIX + name: value for name, value in expected.items()}
    assert sorted(letters) == list(range(0, len(sent), 2))


async def test_values_that_can_be_fixed_are_fixed_and_listed(site: Site) -> None:
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"published_at": "0000-01-01T00:00:00Z"}, "published_at", "published_at_dropped"),
        ({"modified_at": "9999-12-31T23:59:59-14:00"}, "modified_at", "modified_at_dropped"),
        ({"fetched_at": "9999-12-31T23:59:59Z"}, "fetched_at", "fetched_at_dropped"),
        ({"published_at": 10**18}, "published_at", "published_at_dropped"),
        ({"text": BRIDGE.replace(" ", "\u0000 ", 3)}, "teaser", "control_characters"),
    ]
    await site.process(*({**article(number, BRIDGE), **fields} for number, (fields, _, _) in enumerate(cases)))
    events = by_offset(await site.events())
    for number, (_, emptied, step) in enumerate(cases):
        assert events[number][emptied] is None
        assert step in {fix["step"] for fix in events[number]["fixes"]}
        assert events[number]["text"] == BRIDGE
    assert await site.records(site.topics.rejected) == []


async def test_a_foreign_record_in_the_normalized_topic_is_a_dead_letter(site: Site) -> None:
    foreign = OutputRecord(site.topics.normalized, b"default/en", b'{"event_id": 7}', (("by", b"hand"),), 1)
    await site.send(foreign, article(1, BRIDGE))
    running = await site.start()
    await site.settle(running)
    await site.stop(running)
    (letter,) = await site.records(site.topics.rejected)
    assert (letter.key, letter.value, headers(letter)["by"]) == (foreign.key, foreign.value, "hand")
    assert headers(letter)["__errors.code"] == "invalid_normalized"
    assert headers(letter)["__errors.stage"] == "deduplicate"
    assert headers(letter)["__errors.partition"] == "1"
    assert await site.relations() == {0: "new"}


@pytest.mark.parametrize("name", ["ce_id", "content-type", "trace"])
async def test_a_header_without_a_value_does_no_harm(site: Site, name: str) -> None:
    empty: Any = ((name, None),)
    await site.process(
        OutputRecord(site.topics.raw, None, dumps(GOOD), empty), OutputRecord(site.topics.raw, None, b"{", empty)
    )
    assert await site.relations() == {0: "new"}
    (letter,) = await site.records(site.topics.rejected)
    assert list(letter.headers)[:1] == list(empty)


@pytest.mark.parametrize("backend", ["memory"], indirect=True)  # Apache Kafka 4 refuses such times, older ones do not
async def test_a_time_of_the_broker_outside_the_calendar_does_no_harm(site: Site) -> None:
    assert isinstance(site.backend, FlowMemory)
    microseconds = 1_780_000_000_000_000
    site.backend.broker.produce(OutputRecord(site.topics.raw, None, dumps(GOOD)), microseconds)
    site.backend.broker.produce(OutputRecord(site.topics.raw, None, dumps({**GOOD, "fetched_at": None})), microseconds)
    await site.process(article(2, HARVEST))
    assert sorted(await site.relations()) == [0, 1, 2]
