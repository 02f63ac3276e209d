"""Remnants of HTML in plain text are resolved; more cases are in cases/text_fixes.jsonl."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.text.html_remnants import decode_entities, remove_tags


@given(st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=20), st.integers(0, 3))
def test_text_that_was_escaped_several_times_is_restored(text: str, times: int) -> None:
    escaped = html.escape(text)
    if decode_entities(text)[1]:
        return  # the text itself looks like a reference
    for _ in range(times):
        escaped = escaped.replace("&", "&amp;")
    assert decode_entities(escaped)[0] == text


@pytest.mark.parametrize("text", ["&", "&;", "&#;", "&#x;", "&bogus;", "a&b;c", "AT&T", "&amp", "&#99999999;"])
def test_an_ampersand_without_a_known_reference_stays(text: str) -> None:
    assert decode_entities(text) == (text, 0)


@pytest.mark.parametrize(
    ("text", "plain", "count"),
    [
        ("<p>a</p><p>b</p>", "\na\n\nb\n", 4),
        ("a <a href=\"x\" class='y'>link</a>", "a link", 2),
        ("a<br>b<br/>c<br />d", "a\nb\nc\nd", 3),
        ("<b>bold</b> and <b>open", "bold and open", 3),
        ("only <b>open", "only <b>open", 0),
        ("<BP> <I> <Bcorp.N> <p.n>", "<BP> <I> <Bcorp.N> <p.n>", 0),
        ("a < b > c <3 <- ->", "a < b > c <3 <- ->", 0),
        ("<person> <address>", "<person> <address>", 0),
    ],
)
def test_tags_are_removed_and_ticker_symbols_stay(text: str, plain: str, count: int) -> None:
    assert remove_tags(text) == (plain, count)


@given(st.text('<>/pb ia="x', max_size=40))
def test_the_count_is_zero_only_if_nothing_changes(text: str) -> None:
    plain, count = remove_tags(text)
    assert (count > 0) == (plain != text)
