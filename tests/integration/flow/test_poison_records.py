"""A poison event never stalls its partition: whatever stands there, what comes behind it is published."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.core.contracts.events import RawEvent
from stream.core.contracts.records import OutputRecord
from stream.core.pipeline.dead_letter import ATTEMPTS_HEADER
from stream.dead_letters.parsed_dead_letter import read_dead_letter, requeued_record
from tests.support.articles import BRIDGE, article, dumps
from tests.support.flow import Site, by_offset
from tests.support.flow_brokers import FlowMemory

SCALARS: Any = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES: Any = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
#: An article in which some fields are anything at all.
WRONG: Any = st.dictionaries(st.sampled_from(RawEvent.__struct_fields__), VALUES, min_size=1, max_size=4).map(
    lambda wrong: (
        dumps({**article(1, BRIDGE), **wrong})
        if all(_fits(value) for value in wrong.values())
        else repr(wrong).encode()
    )
)
CUT: Any = st.integers(0, 400).map(lambda length: dumps(article(1, BRIDGE))[:length])
MESSAGES: Any = st.none() | st.binary(max_size=200) | CUT | WRONG | st.lists(WRONG, max_size=3).map(b",".join)
HEADERS: Any = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_source", "content-type", "__errors.code", "__requeue.attempts", "trace"]),
        st.none() | st.binary(max_size=12) | st.just(b"application/cloudevents+json"),
    ),
    max_size=4,
    unique_by=lambda header: header[0],
).map(tuple)
POISON: Any = st.tuples(st.none() | st.binary(max_size=12), MESSAGES, HEADERS)


def _fits(value: Any) -> bool:
    """JSON as orjson writes it can hold the value."""
    try:
        dumps(value)
    except (TypeError, ValueError):
        return False
    return True


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(POISON, min_size=1, max_size=20))
def test_behind_any_message_the_next_one_is_processed(poisons: list[tuple[bytes | None, bytes | None, Any]]) -> None:
    asyncio.run(_check(poisons))


async def _check(poisons: list[tuple[bytes | None, bytes | None, Any]]) -> None:
    backend = FlowMemory(f"poison-{uuid.uuid4().hex[:10]}")
    with tempfile.TemporaryDirectory() as folder:
        site = Site(backend, Path(folder))
        await site.create_topics()
        sent = [OutputRecord(site.topics.raw, *poison) for poison in poisons]
        good = [
            OutputRecord(site.topics.raw, None, dumps(article(100 + number, BRIDGE))) for number in range(len(sent))
        ]
        try:
            # Each one, and a good one behind it; then what was rejected is put back, and a good one behind all.
            await site.process(*(message for pair in zip(sent, good, strict=True) for message in pair))
            letters = [read_dead_letter(letter) for letter in await site.records(site.topics.rejected)]
            again = [requeued_record(letter) for letter in letters]
            await site.process(*again, article(99, BRIDGE))
        finally:
            await site.stop_all()
        events = await _published(site)
        last = 2 * len(sent) + len(again)
        assert {*range(1, 2 * len(sent), 2), last} <= events
        for letter in letters:
            assert letter.origin is not None
            assert letter.origin.offset % 2 == 0
            poison = sent[letter.origin.offset // 2]
            assert (letter.key, letter.value) == (poison.key, poison.value)
        for letter in map(read_dead_letter, await site.records(site.topics.rejected)):
            if letter.origin and letter.origin.offset >= 2 * len(sent):
                message = again[letter.origin.offset - 2 * len(sent)]
                assert (letter.key, letter.value) == (message.key, message.value)
                assert letter.attempts == int(dict(message.headers)[ATTEMPTS_HEADER])
        await backend.close()


async def _published(site: Site) -> set[int]:
    return set(by_offset(await site.events()))
