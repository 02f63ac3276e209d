"""Every message becomes raw events, or a rejection with a code and the path of the wrong field."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.events import RawEvent, Source
from stream.core.validation import DEFAULT_LIMITS, Limits, parse_message, split_articles, validate
from stream.errors import Rejected
from tests.support.cases import cases

OBJECT = b'{"id": "a", "text": "t"}'


def parse_articles(message: bytes | None, limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    """Return the articles in ``message`` without validating them."""
    return split_articles(parse_message(message, limits), limits)


def read_events(message: bytes | None, limits: Limits = DEFAULT_LIMITS) -> list[RawEvent]:
    """Return the valid events in ``message``."""
    return [validate(item, limits) for item in parse_articles(message, limits)]


def rejection_of(message: bytes | None, limits: Limits = DEFAULT_LIMITS) -> tuple[str, str | None]:
    """Return the code and the field of the rejection of ``message``."""
    with pytest.raises(Rejected) as caught:
        read_events(message, limits)
    assert caught.value.message
    return caught.value.code, caught.value.field


def article_json(**fields: Any) -> bytes:
    """Return a message that is valid apart from ``fields``."""
    return orjson.dumps({"id": "a", "text": "t", **fields})


@pytest.mark.parametrize("case", cases("rejections"))
def test_bad_message_is_rejected_with_its_code(case: dict[str, Any]) -> None:
    assert rejection_of(case["json"].encode()) == (case["code"], case.get("field"))


def test_a_message_without_value_is_rejected() -> None:
    assert rejection_of(None)[0] == "null_value"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", "empty_value"),
        ("{}".encode("utf-16"), "invalid_utf8"),
        ("{}".encode("utf-16-le"), "invalid_json"),
        ('{"id": "café"}'.encode("latin-1"), "invalid_utf8"),
        ('{"id": "خبر"}'.encode("windows-1256"), "invalid_utf8"),
        (b'{"id": "\xed\xa0\xbd"}', "invalid_utf8"),
        (b"\x1f\x8b\x08\x00", "invalid_utf8"),
        (b"[" * 10_000 + b"]" * 10_000, "too_deep"),
        (b'{"id":"a","text":"t","extra":' + b'{"x":' * 10_000 + b"1" + b"}" * 10_001, "too_deep"),
        (b'{"id":"a","text":"t","extra":{"x":' + b"[" * 40 + b"]" * 40 + b"}}", "too_deep"),
        (b'{"id":"a","text":"t","more":' + b"[" * 40 + b"]" * 40 + b"}", "too_deep"),
    ],
)
def test_unreadable_bytes_are_rejected(message: bytes, code: str) -> None:
    assert rejection_of(message)[0] == code


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"text": "x" * 1_000_001}, "text_too_large", "$.text"),
        ({"text": "x\n" * 50_000}, "text_too_large", "$.text"),
        ({"text": "x\u2028\r" * 25_000}, "text_too_large", "$.text"),
        ({"html": "x" * 4_000_001}, "html_too_large", "$.html"),
        ({"html": "<p>x" * 50_001}, "html_too_large", "$.html"),
        ({"title": "x" * 10_001}, "text_too_large", "$.title"),
        ({"source": "x" * 10_001}, "text_too_large", "$.source"),
        ({"source": {"name": "x" * 10_001}}, "text_too_large", "$.source.name"),
        ({"published_at": "9" * 10_001}, "text_too_large", "$.published_at"),
        ({"tags": ["x"] * 100_000}, "too_many_items", "$.tags"),
        ({"authors": ["x"] * 1_001}, "too_many_items", "$.authors"),
        ({"tags": ["x", "x" * 10_001]}, "text_too_large", "$.tags[1]"),
        ({"id": "x" * 513}, "invalid_id", "$.id"),
        ({"url": "https://news.example/" + "x" * 4_096}, "invalid_url", "$.url"),
        ({"tenant": "x" * 65}, "invalid_tenant", "$.tenant"),
    ],
)
def test_what_is_too_large_is_rejected_and_not_truncated(fields: dict[str, Any], code: str, field: str) -> None:
    assert rejection_of(article_json(**fields)) == (code, field)


def test_20_mb_of_text_are_rejected_before_they_are_parsed() -> None:
    assert rejection_of(article_json(text="x" * 20_000_000))[0] == "message_too_large"


def test_the_articles_of_an_array_are_limited() -> None:
    assert rejection_of(b"[" + b",".join([OBJECT] * 3) + b"]", Limits(array_items=2))[0] == "too_many_items"


PAGES = b"[" + b",".join([b'{"id":"a","html":"<p>one<\\u0070>"}'] * 3) + b"]"


def test_the_tags_of_all_pages_in_a_message_are_limited() -> None:
    assert rejection_of(PAGES, Limits(message_tags=5)) == ("html_too_large", None)
    assert len(read_events(PAGES, Limits(message_tags=6))) == 3


def test_pages_of_articles_with_text_do_not_count() -> None:
    message = PAGES.replace(b'"html"', b'"text":"t","html"')
    assert len(read_events(message, Limits(message_tags=0))) == 3
    assert rejection_of(message.replace(b'"t"', b'" "'), Limits(message_tags=0))[0] == "html_too_large"


def test_values_exactly_at_the_limits_are_accepted() -> None:
    limits = Limits(text_chars=3, text_lines=1, short_chars=2, list_items=1, id_chars=1, depth=3)
    assert read_events(article_json(text="abc", title="ab", tags=["ab"], extra={"x": [1]}), limits)[0].text == "abc"


@pytest.mark.parametrize("content", [{}, {"text": None}, {"text": " ", "html": ""}, {"text": "t"}])
@pytest.mark.parametrize("identity", [{"id": "a"}, {"url": "https://news.example/1"}])
def test_a_takedown_needs_no_content(identity: dict[str, Any], content: dict[str, Any]) -> None:
    (event,) = read_events(orjson.dumps({**identity, **content, "status": "canceled"}))
    assert event.status == "canceled"


@pytest.mark.parametrize("message", [OBJECT, b"\xef\xbb\xbf" + OBJECT, b"\n " + OBJECT + b"\n", b"[" + OBJECT + b"]"])
def test_one_article_is_read_with_bom_spaces_or_array_around_it(message: bytes) -> None:
    assert read_events(message) == [RawEvent(id="a", text="t")]


def test_articles_keep_the_order_of_the_array() -> None:
    assert [event.id for event in read_events(b'[{"id":"1","text":"t"},{"id":"2","text":"t"}]')] == ["1", "2"]


def test_an_invalid_article_does_not_affect_its_neighbours() -> None:
    good, bad = parse_articles(b'[{"id":"1","text":"t"}, 5]')
    assert validate(good).id == "1"
    with pytest.raises(Rejected):
        validate(bad)


def test_the_last_of_repeated_keys_wins() -> None:
    assert read_events(b'{"id":"a","text":"t","id":"b"}')[0].id == "b"


def test_unknown_fields_move_to_extra_where_the_events_own_extra_wins() -> None:
    event = read_events(article_json(views=7, wire={"desk": 1}, extra={"views": 8, "own": True}))[0]
    assert event.extra == {"views": 8, "wire": {"desk": 1}, "own": True}


@pytest.mark.parametrize("digits", ["9223372036854775807", "18446744073709551615", "9" * 25, "-" + "9" * 40])
def test_huge_integers_are_accepted_as_dates_for_now(digits: str) -> None:
    event = read_events(b'{"id":"a","text":"t","published_at":' + digits.encode() + b"}")[0]
    assert event.published_at == pytest.approx(float(digits))


def test_every_field_of_the_contract_is_read() -> None:
    fields = {
        "url": " https://news.example/1 ",
        "id": "a",
        "text": "t",
        "html": "h",
        "title": "ti",
        "summary": "s",
        "language": "ar",
        "published_at": "2026-05-04",
        "modified_at": 1,
        "fetched_at": 1.5,
        "authors": ["A"],
        "source": {"name": "n", "domain": "d"},
        "section": "se",
        "tags": ["x"],
        "tenant": "T-1.x_y",
        "status": "usable",
        "extra": {"k": None},
    }
    event = read_events(orjson.dumps(fields))[0]
    assert {name: getattr(event, name) for name in fields if name != "source"} == {
        name: value for name, value in fields.items() if name != "source"
    }
    assert event.source == Source(name="n", domain="d")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*RawEvent.__struct_fields__, "x"]), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_or_rejected(value: Any) -> None:
    try:
        events = read_events(orjson.dumps(value))
    except Rejected:
        return
    assert all(event.id or event.url for event in events)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_rejected(message: bytes) -> None:
    try:
        parse_articles(message)
    except Rejected as error:
        assert error.code  # noqa: PT017 # what counts is that nothing else is raised
