"""Every message becomes raw events, or the rejection that tells its sender what to mend."""

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
    """The articles in a message, unchecked."""
    return split_articles(parse_message(message, limits), limits)


def read(message: bytes | None, limits: Limits = DEFAULT_LIMITS) -> list[RawEvent]:
    """Return the valid events in ``message``."""
    return [validate(item, limits) for item in parse_articles(message, limits)]


def refuse(message: bytes | None, limits: Limits = DEFAULT_LIMITS) -> tuple[str, str | None]:
    """Return code and field of the rejection."""
    with pytest.raises(Rejected) as caught:
        read(message, limits)
    assert caught.value.message
    return caught.value.code, caught.value.field


def article(**fields: Any) -> bytes:
    """Return a valid message but for ``fields``."""
    return orjson.dumps({"id": "a", "text": "t", **fields})


@pytest.mark.parametrize("case", cases("rejections"))
def test_bad_message_is_rejected_with_its_code(case: dict[str, Any]) -> None:
    assert refuse(case["json"].encode()) == (case["code"], case.get("field"))


def test_null_value() -> None:
    assert refuse(None)[0] == "null_value"


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
def test_unreadable_bytes(message: bytes, code: str) -> None:
    assert refuse(message)[0] == code


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
def test_what_is_too_large_is_rejected_not_cut(fields: dict[str, Any], code: str, field: str) -> None:
    assert refuse(article(**fields)) == (code, field)


def test_20_mb_of_text_are_rejected_before_they_are_parsed() -> None:
    assert refuse(article(text="x" * 20_000_000))[0] == "message_too_large"


def test_an_array_is_limited() -> None:
    assert refuse(b"[" + b",".join([OBJECT] * 3) + b"]", Limits(array_items=2))[0] == "too_many_items"


PAGES = b"[" + b",".join([b'{"id":"a","html":"<p>one<\\u0070>"}'] * 3) + b"]"


def test_the_pages_of_a_message_are_limited_together() -> None:
    assert refuse(PAGES, Limits(message_tags=5)) == ("html_too_large", None)
    assert len(read(PAGES, Limits(message_tags=6))) == 3


def test_pages_that_need_not_be_read_do_not_count() -> None:
    message = PAGES.replace(b'"html"', b'"text":"t","html"')
    assert len(read(message, Limits(message_tags=0))) == 3
    assert refuse(message.replace(b'"t"', b'" "'), Limits(message_tags=0))[0] == "html_too_large"


def test_limits_themselves_are_allowed() -> None:
    limits = Limits(text_chars=3, text_lines=1, short_chars=2, list_items=1, id_chars=1, depth=3)
    assert read(article(text="abc", title="ab", tags=["ab"], extra={"x": [1]}), limits)[0].text == "abc"


@pytest.mark.parametrize("content", [{}, {"text": None}, {"text": " ", "html": ""}, {"text": "t"}])
@pytest.mark.parametrize("identity", [{"id": "a"}, {"url": "https://news.example/1"}])
def test_a_takedown_needs_no_content(identity: dict[str, Any], content: dict[str, Any]) -> None:
    (event,) = read(orjson.dumps({**identity, **content, "status": "canceled"}))
    assert event.status == "canceled"


@pytest.mark.parametrize("message", [OBJECT, b"\xef\xbb\xbf" + OBJECT, b"\n " + OBJECT + b"\n", b"[" + OBJECT + b"]"])
def test_one_article_in_each_wrapping(message: bytes) -> None:
    assert read(message) == [RawEvent(id="a", text="t")]


def test_an_array_keeps_its_order() -> None:
    assert [event.id for event in read(b'[{"id":"1","text":"t"},{"id":"2","text":"t"}]')] == ["1", "2"]


def test_a_bad_item_leaves_its_neighbours_alone() -> None:
    good, bad = parse_articles(b'[{"id":"1","text":"t"}, 5]')
    assert validate(good).id == "1"
    with pytest.raises(Rejected):
        validate(bad)


def test_of_repeated_keys_the_last_counts() -> None:
    assert read(b'{"id":"a","text":"t","id":"b"}')[0].id == "b"


def test_unknown_fields_move_to_extra_and_given_extra_wins() -> None:
    event = read(article(views=7, wire={"desk": 1}, extra={"views": 8, "own": True}))[0]
    assert event.extra == {"views": 8, "wire": {"desk": 1}, "own": True}


@pytest.mark.parametrize("digits", ["9223372036854775807", "18446744073709551615", "9" * 25, "-" + "9" * 40])
def test_huge_integers_are_moments_that_later_steps_judge(digits: str) -> None:
    event = read(b'{"id":"a","text":"t","published_at":' + digits.encode() + b"}")[0]
    assert event.published_at == pytest.approx(float(digits))


def test_every_field_of_the_contract_is_taken() -> None:
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
    event = read(orjson.dumps(fields))[0]
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
def test_any_json_is_an_event_or_rejected(value: Any) -> None:
    try:
        events = read(orjson.dumps(value))
    except Rejected:
        return
    assert all(event.id or event.url for event in events)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_rejected(message: bytes) -> None:
    try:
        parse_articles(message)
    except Rejected as error:
        assert error.code  # noqa: PT017 # what counts is that nothing else is raised
