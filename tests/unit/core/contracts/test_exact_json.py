"""Unit tests of `stream.core.contracts.exact_json`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.exact_json import (
    ExactNumber,
    escape,
    escape_if_necessary,
    escape_text,
    may_be_inexact,
    parse_exactly,
    restore,
    restore_text,
)
from stream.core.validation import parse_message, validate
from stream.errors import Rejected
from tests.support import postgres

#: Everything that is escaped, and what looks like it, more often than chance would have it.
TEXTS = st.lists(
    st.sampled_from(["\0", "\\", "u", "0000", "\ud83d", "\ude00", "d83d", "$", "$number", "é", "ميناء"])
    | st.text(st.characters(), max_size=3),
    max_size=8,
).map("".join)
NUMBERS = st.sampled_from(["18446744073709551616", "-9223372036854775809", "1e400", "0.1234567890123456789", "1e-400"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS | NUMBERS.map(ExactNumber),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXTS, children, max_size=3),
    max_leaves=12,
)
#: JSON text of a field of `extra` -> what consumers read.
CASES: list[tuple[str, Any]] = [
    (r'"a\u0000b"', r"a\u0000b"),
    (r'"C:\\u0000"', r"C:\\u0000"),
    (r'"C:\\users"', r"C:\users"),
    (r'"\ud83d"', r"\ud83d"),
    (r'"\ud83d\ude00"', "\U0001f600"),
    ("18446744073709551615", 18446744073709551615),
    ("18446744073709551616", {"$number": "18446744073709551616"}),
    ("-9223372036854775809", {"$number": "-9223372036854775809"}),
    ("1e400", {"$number": "1e400"}),
    ("1e-400", {"$number": "1e-400"}),
    ("0.12345678901234567890", {"$number": "0.12345678901234567890"}),
    ("0.5", 0.5),
    ("1E5", 100000.0),
    ('{"$number": "7"}', {"$$number": "7"}),
    ('{"$number": 1, "unit": 2}', {"$number": 1, "unit": 2}),
    (r'{"a\u0000": 1, "a": 2, "a\\u0000": 3}', {r"a\u0000": 1, "a": 2, r"a\\u0000": 3}),
    (r'[{"\udc00": [18446744073709551616]}]', [{r"\udc00": [{"$number": "18446744073709551616"}]}]),
]


def extra_of(text: str) -> Any:
    """Return ``extra`` of an article that has the JSON ``text`` in an unknown field."""
    message = b'{"id": "a", "text": "t", "more": %s}' % text.encode()
    return validate(parse_message(message)).extra


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_an_unknown_field_reaches_consumers_escaped(text: str, expected: Any) -> None:
    assert extra_of(text) == {"more": expected}


@pytest.mark.parametrize("text", [text for text, _ in CASES])
def test_what_was_sent_can_be_restored(text: str) -> None:
    extra = orjson.loads(orjson.dumps(extra_of(text)))
    assert restore(extra) == parse_exactly(b'{"more": %s}' % text.encode())


@given(VALUES)
def test_escaping_any_value_is_reversible_and_leaves_json(value: Any) -> None:
    escaped = escape(value)
    assert restore(orjson.loads(orjson.dumps(escaped))) == value
    assert b"\\u0000" not in orjson.dumps(escaped).replace(b"\\\\", b"")


@given(TEXTS)
def test_escaping_a_text_is_reversible(text: str) -> None:
    assert restore_text(escape_text(text)) == text


@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_not_escaped_needs_no_escape(value: dict[str, Any]) -> None:
    assert escape_if_necessary(value) == escape(value)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_that_orjson_changes_is_noticed(number: Any) -> None:
    text = str(number).encode()
    exact = parse_exactly(text)
    assert may_be_inexact(text, orjson.loads(text)) or not isinstance(exact, ExactNumber)


@pytest.mark.parametrize("name", ["title", "section", "id"])
def test_a_lone_surrogate_elsewhere_than_in_extra_is_rejected_with_its_field(name: str) -> None:
    message = rb'{"url": "https://paper.example/1", "text": "t", "%s": "half \ud83d"}' % name.encode()
    with pytest.raises(Rejected, match=f"{name} contains half") as caught:
        validate(parse_message(message))
    assert (caught.value.code, caught.value.field) == ("lone_surrogate", f"$.{name}")


def test_a_long_number_in_a_field_of_the_contract_is_a_double() -> None:
    message = b'{"id": "a", "text": "t", "published_at": 18446744073709551616}'
    assert validate(parse_message(message)).published_at == 18446744073709551616.0


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the socket folder of a PostgreSQL server of the test's own."""
    with postgres.server(tmp_path_factory.mktemp("postgres")) as folder:
        yield folder


def test_postgresql_takes_every_extra_and_gives_it_back(database: Path) -> None:
    for text, _ in CASES:
        extra = extra_of(text)
        literal = orjson.dumps(extra).decode().replace("'", "''")
        assert orjson.loads(postgres.query(database, f"SELECT '{literal}'::jsonb")) == extra


def test_postgresql_refuses_what_is_escaped(database: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        postgres.query(database, r"""SELECT '{"more": "a\u0000b"}'::jsonb""")
