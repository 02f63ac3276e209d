"""Reading dead letters, filtering them, and building the record that requeues one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts import cloudevents
from stream.core.contracts.cloudevents import ORIGIN_HEADER
from stream.core.contracts.records import Headers, InputRecord, OutputRecord
from stream.core.contracts.topics import Topics
from stream.core.pipeline.dead_letter import (
    ATTEMPTS_HEADER,
    DEAD_LETTER_HEADER,
    HEADER_PREFIX,
    REQUEUE_PREFIX,
    build_dead_letter,
)
from stream.core.pipeline.normalize import Normalizer
from stream.dead_letters.parsed_dead_letter import (
    DeadLetter,
    DeadLetterFilter,
    RecordId,
    is_readable_normalized,
    read_dead_letter,
    requeued_record,
    source_domains,
)
from stream.errors import REJECTION_CODES, Rejected
from tests.support.articles import BRIDGE, article, dumps

TOPICS = Topics()
TIME = 1_777_874_400_000


def to_record(out: OutputRecord, offset: int, *, time: int = TIME) -> InputRecord:
    """The record that a broker makes of ``out``."""
    return InputRecord(out.topic, out.partition or 0, offset, time, out.key, out.value, out.headers)


def dead_letter_of(
    value: bytes | None = b"{",
    *,
    code: str = "invalid_json",
    headers: Headers = (),
    topic: str = TOPICS.raw,
    offset: int = 12,
    time: int = TIME,
    position: int = 7,
    stage: Any = "normalize",
    key: bytes | None = b"key",
) -> DeadLetter:
    """A dead letter as it is read."""
    record = InputRecord(topic, 3, offset, TIME - 5, key, value, headers)
    out = build_dead_letter(TOPICS.rejected, record, stage, [(None, Rejected(code, "why", field="$.text"))])
    return read_dead_letter(to_record(out, position, time=time))


def test_a_dead_letter_has_the_original_its_coordinates_time_and_reason() -> None:
    dead_letter = dead_letter_of(b"\xff", headers=(("trace", b"\xfe"), ("trace", b"2")))
    assert dead_letter == DeadLetter(
        record_id=RecordId(TOPICS.rejected, 0, 7),
        time=TIME,
        code="invalid_json",
        message="why",
        stage="normalize",
        field="$.text",
        items=None,
        origin=RecordId(TOPICS.raw, 3, 12),
        origin_time=TIME - 5,
        attempts=0,
        key=b"key",
        value=b"\xff",
        headers=(("trace", b"\xfe"), ("trace", b"2")),
    )
    assert str(dead_letter.record_id) == "articles.rejected/0/7"
    assert dead_letter.record_id.short == "0/7"


# Header names are text; values may be missing. Some are those that count.
NAMES = st.sampled_from(
    ["ce_id", "ce_source", "content-type", "trace", HEADER_PREFIX + "code", ATTEMPTS_HEADER, DEAD_LETTER_HEADER]
)
HEADERS: Any = st.lists(st.tuples(NAMES | st.text(max_size=5), st.none() | st.binary(max_size=8)), max_size=6)
CONTENT = st.none() | st.binary(max_size=20)


@given(CONTENT, CONTENT, HEADERS, st.integers(1, 5))
def test_requeueing_and_rejecting_again_keeps_the_original_and_counts_attempts(
    key: bytes | None, value: bytes | None, headers: Headers, rounds: int
) -> None:
    record = InputRecord(TOPICS.raw, 3, 12, TIME, key, value, headers)
    first = dead_letter = read_dead_letter(
        to_record(build_dead_letter(TOPICS.rejected, record, "normalize", [(None, Rejected("too_deep", ""))]), 0)
    )
    original = [header for header in headers if not header[0].startswith((HEADER_PREFIX, REQUEUE_PREFIX))]
    for offset in range(1, rounds + 1):
        out = requeued_record(dead_letter)
        assert (out.topic, out.partition, out.key, out.value) == (TOPICS.raw, 3, key, value)
        assert list(out.headers)[: len(original)] == original
        assert not [name for name, _ in out.headers if name.startswith(HEADER_PREFIX)]
        assert [dict(out.headers)[name] for name in (ATTEMPTS_HEADER, DEAD_LETTER_HEADER)] == [
            b"%d" % (dead_letter.attempts + 1),
            str(dead_letter.record_id).encode(),
        ]
        assert len([name for name, _ in out.headers if name.startswith(REQUEUE_PREFIX) and name != ORIGIN_HEADER]) == 2
        again = to_record(out, 1000 + offset)
        dead_letter = read_dead_letter(
            to_record(
                build_dead_letter(TOPICS.rejected, again, "normalize", [(None, Rejected("wrong_type", ""))]), offset
            )
        )
        assert (dead_letter.key, dead_letter.value, dead_letter.attempts) == (key, value, first.attempts + offset)
        assert (dead_letter.code, dead_letter.origin) == ("wrong_type", RecordId(TOPICS.raw, 3, 1000 + offset))
        assert dead_letter.event_key == first.event_key


@given(HEADERS)
def test_a_requeued_event_keeps_its_identity(headers: Headers) -> None:
    record = InputRecord(TOPICS.raw, 3, 12, TIME, None, b"{", headers)
    dead_letter = read_dead_letter(
        to_record(build_dead_letter(TOPICS.rejected, record, "normalize", [(None, Rejected("too_deep", ""))]), 0)
    )
    assert cloudevents.event_identity(to_record(requeued_record(dead_letter), 99)) == cloudevents.event_identity(record)


def test_valid_items_of_a_requeued_array_keep_their_event_ids() -> None:
    record = InputRecord(TOPICS.raw, 0, 5, TIME, None, dumps([article(1, BRIDGE), {"text": "no name"}]))
    flow = Normalizer(TOPICS)
    good, bad = flow(record, now="")
    again, _ = flow(to_record(requeued_record(read_dead_letter(to_record(bad.outputs[0], 0))), 8), now="")
    ids = [orjson.loads(outcome.outputs[0].value or b"")["event_id"] for outcome in (good, again)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("__errors.code", None), ("__errors.topic", None)),
        (("__errors.topic", b"articles.raw"), ("__errors.partition", b"x"), ("__errors.offset", b"1")),
        (("__errors.topic", b"articles.raw"), ("__errors.partition", b"0"), ("__errors.offset", b"-1")),
        (("__errors.topic", b"articles.raw"), ("__errors.partition", b"0"), ("__errors.offset", b"9" * 5000)),
        (("__errors.topic", b""), ("__errors.partition", b"0"), ("__errors.offset", b"1")),
    ],
)
def test_a_foreign_record_is_read_but_cannot_be_requeued(headers: Any) -> None:
    dead_letter = read_dead_letter(InputRecord(TOPICS.rejected, 0, 1, None, None, None, headers))
    assert dead_letter.origin is None
    assert dead_letter.time == 0
    with pytest.raises(ValueError, match=r"articles\.rejected/0/1 does not say where it comes from"):
        requeued_record(dead_letter)


@pytest.mark.parametrize(
    ("value", "attempts"), [(b"2", 2), (b"007", 7), (b"-3", 0), (b"", 0), (b"x", 0), (None, 0), (b"9" * 5000, 0)]
)
def test_an_unreadable_count_of_attempts_is_zero(value: bytes | None, attempts: int) -> None:
    headers: Any = [(ATTEMPTS_HEADER, value)]
    assert dead_letter_of(headers=headers).attempts == attempts


# Filters

NEWS = dead_letter_of(dumps({"url": "https://www.Paper.example/1", "text": 7}), code="wrong_type", time=TIME + 10)
FEED = dead_letter_of(b"<html>", headers=(("ce_source", b"/feeds/7"),), topic="other.raw", position=8)
MADE = dead_letter_of(b"{}", code="invalid_normalized", stage="deduplicate", topic=TOPICS.normalized, position=9)
ALL = {"news": NEWS, "feed": FEED, "made": MADE}


@pytest.mark.parametrize(
    ("criteria", "names"),
    [
        (DeadLetterFilter(), "news feed made"),
        (DeadLetterFilter(codes=frozenset(["wrong_type"])), "news"),
        (DeadLetterFilter(codes=frozenset(["wrong_type", "invalid_json"])), "news feed"),
        (DeadLetterFilter(stages=frozenset(["deduplicate"])), "made"),
        (DeadLetterFilter(record_ids=frozenset([FEED.record_id, MADE.record_id])), "feed made"),
        (DeadLetterFilter(since=TIME + 10), "news"),
        (DeadLetterFilter(since=TIME + 11), ""),
        (DeadLetterFilter(until=TIME + 10), "feed made"),
        (DeadLetterFilter(since=TIME, until=TIME + 11), "news feed made"),
        (DeadLetterFilter(sources=frozenset(["articles.raw"])), "news"),
        (DeadLetterFilter(sources=frozenset(["articles.raw/3"])), "news"),
        (DeadLetterFilter(sources=frozenset(["articles.raw/0"])), ""),
        (DeadLetterFilter(sources=frozenset(["/feeds/7"])), "feed"),
        (DeadLetterFilter(sources=frozenset(["paper.example"])), "news"),
        (DeadLetterFilter(sources=frozenset(["WWW.paper.EXAMPLE"])), "news"),
        (DeadLetterFilter(sources=frozenset(["aper.example"])), ""),
        (DeadLetterFilter(sources=frozenset(["feed.www.paper.example"])), ""),
        (DeadLetterFilter(sources=frozenset([""])), ""),
        (DeadLetterFilter(sources=frozenset(["paper.example", "articles.normalized"])), "news made"),
        (DeadLetterFilter(codes=frozenset(["wrong_type"]), sources=frozenset(["/feeds/7"])), ""),
    ],
)
def test_a_filter_matches_dead_letters_that_meet_all_its_conditions(criteria: DeadLetterFilter, names: str) -> None:
    assert " ".join(name for name, dead_letter in ALL.items() if criteria.matches(dead_letter)) == names


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        (b"", []),
        (b"{", []),
        (b"\xff", []),
        (b"7", []),
        (b"[7, null]", []),
        (b"{}", []),
        (dumps({"url": 7, "source": 7}), []),
        (dumps({"url": "https://[half/1"}), []),
        (dumps({"url": "https://paper.example:8080/1"}), ["paper.example"]),
        (dumps({"url": "https://paper.example/1", "source": "The Paper"}), ["paper.example"]),
        (dumps({"url": "https://paper.example/1", "source": {"domain": " News.example "}}), ["news.example"]),
        (dumps({"url": "https://paper.example/1", "source": {"domain": ""}}), ["paper.example"]),
        (b"\xef\xbb\xbf" + dumps({"url": "https://paper.example/1"}), ["paper.example"]),
        (dumps([{"url": f"https://{name}.example/1"} for name in "bab"]), ["b.example", "a.example"]),
        (dumps({"specversion": "1.0", "data": {"url": "https://paper.example/1"}}), ["paper.example"]),
        (dumps({"data": {"url": "https://paper.example/1"}}), []),
        (b"[" * 100_000, []),
    ],
)
def test_source_domains_are_read_from_a_message(value: bytes | None, expected: list[str]) -> None:
    assert source_domains(value) == expected


def test_records_written_by_normalize_are_recognized() -> None:
    raw = [dumps(article(1, BRIDGE)), dumps({"url": "https://paper.example/1", "status": "canceled"})]
    for value in raw:
        [outcome] = Normalizer(TOPICS)(InputRecord(TOPICS.raw, 0, 0, TIME, None, value), now="")
        output = outcome.outputs[0]
        assert is_readable_normalized(dead_letter_of(output.value, headers=output.headers, topic=TOPICS.normalized))
        assert not is_readable_normalized(dead_letter_of(value, topic=TOPICS.normalized))
    assert not is_readable_normalized(dead_letter_of(None, topic=TOPICS.normalized))


def test_the_event_key_differs_with_the_content() -> None:
    headers = (("ce_source", b"/feeds/7"), ("ce_id", b"1"))
    events = {dead_letter_of(value, headers=headers).event_key for value in (None, b"", b"{", b"}")}
    assert len(events) == 4
    assert dead_letter_of(b"{", headers=headers).event_key == dead_letter_of(b"{", headers=headers, offset=99).event_key
    assert dead_letter_of(b"{").event_key != dead_letter_of(b"{", offset=99).event_key


def test_every_rejection_code_can_be_filtered_for() -> None:
    assert all(DeadLetterFilter(codes=frozenset([code])).matches(dead_letter_of(code=code)) for code in REJECTION_CODES)
