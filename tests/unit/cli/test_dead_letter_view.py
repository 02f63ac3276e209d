"""How dead letters are shown, and how ids and times are parsed."""

from __future__ import annotations

from collections import Counter
from io import StringIO
from typing import Any

import click
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stream.cli.bidi import LRI, PDI, RLI, escape_invisible
from stream.cli.dead_letter_view import (
    VALUE_BYTES_MAX,
    VALUE_CHARS_MAX,
    as_json,
    code_table,
    dead_letter_table,
    format_time,
    parse_record_id,
    parse_time,
    print_dead_letter,
    readable_value,
)
from stream.core.contracts.records import InputRecord
from stream.core.pipeline.dead_letter import ATTEMPTS_HEADER
from stream.dead_letters.parsed_dead_letter import RecordId, read_dead_letter, requeued_record
from tests.support.articles import dumps
from tests.unit.dead_letters.test_parsed_dead_letter import TIME, dead_letter_of, to_record

NOW = 1_777_874_400_000


def render(*values: Any) -> str:
    """The output on a pipe."""
    out = Console(file=StringIO(), width=160, highlight=False)
    for value in values:
        if isinstance(value, str) or not hasattr(value, "record_id"):
            out.print(value)
        else:
            print_dead_letter(out, value)
    assert isinstance(out.file, StringIO)
    return out.file.getvalue()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-04T06:00:00Z", NOW),
        ("2026-05-04T09:00:00+03:00", NOW),
        (" 2026-05-04T06:00:00.250Z ", NOW + 250),
        ("30s", NOW - 30_000),
        ("5m", NOW - 300_000),
        ("2h", NOW - 7_200_000),
        ("3d", NOW - 3 * 86_400_000),
        ("1w", NOW - 7 * 86_400_000),
    ],
)
def test_times_and_ages_are_parsed(text: str, expected: int) -> None:
    assert parse_time(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-05-04", "2026-05-04T06:00:00", "-2h", "2 years", "2026-13-01T00:00:00Z"]
)
def test_an_invalid_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(click.UsageError, match="2026-05-04T06:00:00Z, or as an age: 30m, 2h, 3d, 1w"):
        parse_time(text, NOW)


@pytest.mark.parametrize("text", ["3/1042", "articles.rejected/3/1042"])
def test_ids_are_parsed_with_and_without_topic(text: str) -> None:
    assert parse_record_id(text, "articles.rejected") == RecordId("articles.rejected", 3, 1042)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not an id"),
        ("3", "is not an id"),
        ("3/", "is not an id"),
        ("/", "is not an id"),
        ("a/b", "is not an id"),
        ("3/-1", "is not an id"),
        ("٣/٤", "is not an id"),
        ("articles.rejected/3", "is not an id"),
        ("a/3/1042", "dead letters are in articles.rejected; check STREAM_TOPIC_PREFIX"),
        ("a/articles.rejected/3/1042", "dead letters are in articles.rejected"),
    ],
)
def test_an_invalid_id_is_refused(text: str, message: str) -> None:
    with pytest.raises(click.UsageError, match=message):
        parse_record_id(text, "articles.rejected")


def test_a_dead_letter_as_json() -> None:
    headers: Any = (("trace", b"\xfe"), ("name", b"feed"), ("empty", None))
    dead_letter = dead_letter_of(dumps({"url": "https://paper.example/1"}), headers=headers, key=b"\xff")
    fields = orjson.loads(orjson.dumps(as_json(dead_letter)))
    assert fields == {
        "id": "articles.rejected/0/7",
        "time": "2026-05-04T06:00:00.000Z",
        "code": "invalid_json",
        "message": "why",
        "field": "$.text",
        "items": None,
        "stage": "normalize",
        "origin": {"topic": "articles.raw", "partition": 3, "offset": 12, "time": "2026-05-04T05:59:59.995Z"},
        "domains": ["paper.example"],
        "attempts": 0,
        "bytes": 33,
    }
    assert orjson.loads(orjson.dumps(as_json(dead_letter, with_content=True))) == {
        **fields,
        "key_base64": "/w==",
        "headers": [
            {"name": "trace", "value_base64": "/g=="},
            {"name": "name", "value": "feed"},
            {"name": "empty", "value": None},
        ],
        "value": '{"url":"https://paper.example/1"}',
    }


@given(st.none() | st.binary(max_size=30), st.none() | st.binary(max_size=30))
def test_any_dead_letter_can_be_shown(key: bytes | None, value: bytes | None) -> None:
    headers: Any = (("", value), ("__errors.code", key))
    for dead_letter in (
        dead_letter_of(value, key=key),
        read_dead_letter(InputRecord("t", 0, 1, 10**17, key, value, headers)),
    ):
        assert orjson.dumps(as_json(dead_letter, with_content=True))
        assert dead_letter.record_id.short in render(dead_letter_table([dead_letter], 160))
        assert str(dead_letter.record_id) in render(dead_letter)


def test_control_characters_reach_the_terminal_as_escapes() -> None:
    evil = "a\x1b[31m\u202eb\u2028c\u009bd\u0000\ufeff"
    dead_letter = dead_letter_of(evil.encode(), headers=((evil, evil.encode()),), key=evil.encode())
    dead_letter = read_dead_letter(
        InputRecord(
            "t",
            0,
            1,
            TIME,
            dead_letter.key,
            dead_letter.value,
            (*dead_letter.headers, ("__errors.code", evil.encode())),
        )
    )
    for output in (
        render(dead_letter),
        render(dead_letter_table([dead_letter], 160)),
        render(code_table(Counter([evil]))),
    ):
        assert not set(output) & set("\x1b\u202e\u2028\u009b\u0000\ufeff")
        assert "\\u001b[31m\\u202eb" in output


def test_characters_that_scripts_need_are_shown_unchanged() -> None:
    for text in ("می‌روم", "क्‍ष", "line\nline\ttab", "e\u0301", "新聞"):
        assert escape_invisible(text) == text
    assert escape_invisible("\u200f") == "\\u200f"


def test_bidirectional_text_is_isolated() -> None:
    output = render(dead_letter_of(dumps({"title": "خبر عاجل"})))
    line = next(line for line in output.splitlines() if "title" in line)
    assert line.startswith(LRI)
    assert line.rstrip().endswith(PDI)
    assert RLI in render(dead_letter_of(key="خبر".encode()))


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "none", ""),
        (b"", "0 bytes of text", ""),
        (b'{"a":[1]}', "9 bytes of JSON", '{\n  "a": [\n    1\n  ]\n}'),
        (b"{", "1 byte of text", "{"),
        (b"\xff\x00Az", "4 bytes, not UTF-8", f"00000000  {'ff 00 41 7a':<48} ..Az"),
    ],
)
def test_values_are_shown_as_json_text_or_hex_dump(value: bytes | None, kind: str, text: str) -> None:
    assert readable_value(value) == (kind, text, "")


def test_long_values_are_cut_with_a_hint_how_to_see_the_rest() -> None:
    for value, chars_max, rest in (
        (b"x" * (VALUE_CHARS_MAX + 7), VALUE_CHARS_MAX, "7 more characters"),
        (b"\xff" * (VALUE_BYTES_MAX + 3), 78 * VALUE_BYTES_MAX // 16, "3 more bytes"),
    ):
        _, text, left_out = readable_value(value)
        assert len(text.replace("\n", "")) <= chars_max
        assert left_out == rest
        assert f"… {rest}; for the whole value: stream deadletters show 0/7 --raw" in render(dead_letter_of(value))
    assert "--raw" not in render(dead_letter_of(b"x" * VALUE_CHARS_MAX))
    assert len(render(dead_letter_of(key=b"k" * 100_000, headers=(("h", b"v" * 100_000),)))) < 4_000


def test_show_has_attempts_and_the_raw_record_of_a_normalized_event() -> None:
    dead_letter = read_dead_letter(to_record(requeued_record(dead_letter_of()), 9))
    assert "requeued 1 time before" in render(dead_letter)
    normalized = dead_letter_of(
        dumps({"origin": {"topic": "articles.raw", "partition": 0, "offset": 41}}),
        topic="articles.normalized",
        stage="deduplicate",
    )
    assert "made from  articles.raw/0/41" in render(normalized)
    assert "made from" not in render(dead_letter_of(b'{"origin": 7}', stage="deduplicate"))


def test_a_time_outside_the_calendar_is_none() -> None:
    assert format_time(None) is None
    assert format_time(10**18) is None
    assert format_time(NOW) == "2026-05-04T06:00:00.000Z"


def test_counts_by_code_come_with_the_meaning_of_the_code() -> None:
    first, second = render(code_table(Counter(too_deep=1, invalid_json=2))).splitlines()[1:]
    assert first.split() == "invalid_json 2 the message is not valid JSON".split()
    assert second.startswith("too_deep")


def test_several_domains_are_abbreviated() -> None:
    value = dumps([{"url": f"https://{name}.example/1"} for name in "abc"])
    assert "a.example and 2 more" in render(dead_letter_table([dead_letter_of(value)], 160))
    assert "articles.raw/3" in render(dead_letter_table([dead_letter_of(b"{")], 160))
    assert "?" in render(dead_letter_table([read_dead_letter(InputRecord("t", 0, 1, TIME, None, None))], 160))


def test_on_a_narrow_terminal_messages_are_below_their_rows() -> None:
    dead_letters = [
        dead_letter_of(position=1),
        dead_letter_of(code="too_deep", position=2, headers=((ATTEMPTS_HEADER, b"2"),)),
    ]
    out = Console(file=StringIO(), width=80, highlight=False)
    out.print(dead_letter_table(dead_letters, out.width))
    assert isinstance(out.file, StringIO)
    assert [line.split() for line in out.file.getvalue().splitlines()[1:]] == [
        ["0/1", "2026-05-04", "06:00:00", "invalid_json", "articles.raw/3"],
        ["why"],
        ["0/2", "2026-05-04", "06:00:00", "too_deep", "articles.raw/3,", "requeued", "2x"],
        ["why"],
    ]
    assert "articles.raw/3, requeued 2x" in render(dead_letter_table(dead_letters, 160))
