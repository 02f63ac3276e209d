"""Rows of labelled pairs: two raw events, and what the decision has to be."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import REJECTION_CODES
from stream.evaluation.labelled_pairs import ROW_CODES, RowError, raw_event, read_pair

A, B = {"text": "The first of the two texts."}, {"text": "The second of the two texts."}
URL = "https://paper.example/story"

#: The row without its articles, whether they must be linked, and how.
LABELS: list[tuple[dict[str, Any], bool | None, tuple[str, ...]]] = [
    ({"is_duplicate": 1}, True, ()),
    ({"is_duplicate": True}, True, ()),
    ({"is_duplicate": 0}, False, ()),
    ({"is_duplicate": None}, None, ()),
    ({"is_duplicate": 0, "label": "non"}, False, ()),
    ({"is_duplicate": 1, "label": "update", "url": URL}, True, ("revision",)),
    ({"label": 0}, False, ()),
    ({"label": 1}, None, ()),
    ({"label": None}, None, ()),
    ({"label": "update"}, True, ()),
    ({"label": "update", "url": URL}, True, ("revision",)),
    ({"label": 1, "relation": "near_copy"}, True, ("near_copy",)),
    ({"relation": "excerpt"}, True, ("excerpt",)),
    ({"relation": "new"}, False, ("new",)),
    ({"is_duplicate": 1, "relation": "copy"}, True, ("copy",)),
    ({"is_duplicate": 0, "relation": "new"}, False, ("new",)),
    # A published event says so of these two.
    ({"is_duplicate": 0, "relation": "revision"}, True, ("revision",)),
    ({"is_duplicate": 0, "relation": "expansion"}, True, ("expansion",)),
    ({"is_duplicate": None, "relation": "copy"}, None, ()),
]

#: Rows that cannot be used: code, and what the message names.
BAD: list[tuple[Any, str, str]] = [
    (b"{", "not_json", ""),
    (b"[1]", "not_an_object", "a row is a JSON object"),
    ({"a": A, "is_duplicate": 1}, "no_pair", "a and b"),
    ({"a": A, "short": "text", "is_duplicate": 1}, "no_pair", "long and short"),
    ({"a": A, "b": 5, "is_duplicate": 1}, "not_an_object", "7-b"),
    ({"a": A, "b": B}, "no_label", "is_duplicate"),
    ({"a": A, "b": B, "is_duplicate": 2}, "unknown_label", "2"),
    ({"a": A, "b": B, "is_duplicate": "yes"}, "unknown_label", "'yes'"),
    ({"a": A, "b": B, "label": "same"}, "unknown_label", "'same'"),
    ({"a": A, "b": B, "label": [1]}, "unknown_label", "[1]"),
    ({"a": A, "b": B, "relation": "twin"}, "unknown_relation", "near_copy"),
    ({"a": A, "b": B, "relation": ["copy"]}, "unknown_relation", "near_copy"),
    ({"a": A, "b": B, "is_duplicate": 0, "relation": "copy"}, "contradiction", "copy"),
    ({"a": A, "b": B, "is_duplicate": 1, "relation": "new"}, "contradiction", "new"),
    ({"a": A, "b": {"text": " "}, "is_duplicate": 1}, "missing_content", "b: "),
    ({"a": {"text": 5}, "b": B, "is_duplicate": 1}, "wrong_type", "a: "),
    ({"long": "", "short": "text"}, "missing_content", "long: "),
    ({"a": {**A, "url": "ftp://x"}, "b": B, "is_duplicate": 1}, "invalid_url", "a: "),
]


@pytest.mark.parametrize(("label", "is_linked", "relations"), LABELS)
def test_a_label_defines_the_expected_decision(
    label: dict[str, Any], is_linked: bool | None, relations: tuple[str, ...]
) -> None:
    pair = read_pair(orjson.dumps({"a": A, "b": B, **label}), "here:1")
    assert (pair.is_linked, pair.relations) == (is_linked, relations)


def test_an_excerpt_needs_no_label() -> None:
    pair = read_pair(
        orjson.dumps({"id": "x", "long": "Long text.", "short": "Text.", "source": "paper"}), "p:3", number=3
    )
    assert (pair.is_linked, pair.relations) == (True, ("excerpt", "expansion"))
    assert pair.first == {"id": "3-long", "text": "Long text.", "source": "paper"}
    assert pair.second == {"id": "3-short", "text": "Text.", "source": "paper"}
    row = orjson.dumps({"long": "Long text.", "short": "Text.", "is_duplicate": 0})
    assert read_pair(row, "p:4").is_linked is False


def test_the_expected_decision_in_words() -> None:
    def expected_decision(**label: Any) -> str:
        return read_pair(orjson.dumps({"a": A, "b": B, **label}), "p").expected

    assert expected_decision(is_duplicate=1) == "linked"
    assert expected_decision(is_duplicate=0) == "new"
    assert expected_decision(relation="new") == "new"
    assert expected_decision(is_duplicate=None) == "left out"
    assert expected_decision(relation="copy") == "copy"


@pytest.mark.parametrize(("row", "code", "names"), BAD)
def test_the_error_of_a_bad_row_has_location_and_code(row: Any, code: str, names: str) -> None:
    value = row if isinstance(row, bytes) else orjson.dumps(row)
    with pytest.raises(RowError) as caught:
        read_pair(value, "pairs.jsonl:7", number=7)
    assert caught.value.code == code
    assert str(caught.value).startswith(f"pairs.jsonl:7: {code}: ")
    assert names in caught.value.message
    assert code in ROW_CODES or code in REJECTION_CODES


def test_every_code_of_a_row_has_a_case() -> None:
    assert ROW_CODES.keys() <= {code for _, code, _ in BAD}


def test_urls_can_be_ignored() -> None:
    row = orjson.dumps({"a": {**A, "id": "one"}, "b": {**B, "url": URL}, "url": URL, "label": "update"})
    pair = read_pair(row, "p", number=5, with_url=False)
    assert pair.first == {"id": "one", **A}
    assert pair.second == {"id": "5-b", **B}
    assert pair.relations == ()


def test_one_address_may_be_written_in_two_ways() -> None:
    row = {"a": {**A, "url": URL + "?utm_source=x"}, "b": {**B, "url": URL}, "label": "update"}
    assert read_pair(orjson.dumps(row), "p").relations == ("revision",)
    row["b"] = {**B, "url": URL + "/2"}
    assert read_pair(orjson.dumps(row), "p").relations == ()


def test_of_the_times_only_that_of_publishing_is_passed_on() -> None:
    article = {
        "id": "x",
        "text": "t",
        "date": "2026-05-04",
        "fetched_at": "2020-01-01T00:00:00Z",
        "tenant": "t",
        "n": 1,
    }
    assert raw_event(article, "name") == {"id": "x", "text": "t", "published_at": "2026-05-04"}
    article["published_at"] = "2026-05-05"
    assert raw_event(article, "name")["published_at"] == "2026-05-05"


def test_a_published_event_is_an_article_too() -> None:
    published = {"id": "x", "text": "t", "title": None, "language": {"tag": "ar", "confidence": 1}, "duplicate": {}}
    assert raw_event(published, "name") == {"id": "x", "text": "t", "language": "ar"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["a", "b", "long", "short", "label", "is_duplicate", "relation", "text", "id", "url", "date"]
            ),
            inner,
            max_size=6,
        )
    ),
)


@given(JSON.map(lambda value: orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)) | st.binary(max_size=40))
def test_any_row_is_a_pair_or_a_row_error(value: bytes) -> None:
    try:
        pair = read_pair(value, "p:1", number=1)
    except RowError as error:
        assert error.code in ROW_CODES.keys() | REJECTION_CODES.keys()  # noqa: PT017 - either is right
    else:
        assert pair.first
        assert pair.second
