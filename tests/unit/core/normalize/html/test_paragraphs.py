"""Tests of the text of an element, one paragraph per line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborNode

from stream.core.normalize.html.dom import parse
from stream.core.normalize.html.paragraphs import extract_lines

SENTENCE = "The new garden of the town was opened this morning by the mayor, in front of all who had come to see it."


def body(html: str) -> LexborNode:
    tree = parse(html)
    assert tree is not None
    return tree.body


@pytest.mark.parametrize(
    ("html", "share"),
    [
        ("<p>one</p><p>two</p>", 1.0),
        ("<ul><li>one</li></ul><h2>two</h2>", 1.0),
        ("<div>one</div><p>two</p>", 0.5),
        ("<div>one</div>", 0.0),
        (f"<div>{SENTENCE}<br>{SENTENCE}</div>", 1.0),
        (f"<p>{SENTENCE}</p><div>{SENTENCE}</div>", 0.5),
        ("", 0.0),
    ],
)
def test_the_paragraph_share_is_measured_by_length(html: str, share: float) -> None:
    assert extract_lines(body(html)).paragraph_share == share


@pytest.mark.parametrize(
    ("html", "article"),
    [
        ("<div>By</div><p>one</p><div>Share</div>", "one"),
        ("<p>one</p><div>within</div><p>two</p>", "one\nwithin\ntwo"),
        ("<div>A short sentence.</div><p>one</p>", "A short sentence.\none"),
        ("<div>By</div>", ""),
        ("<p>one</p>", "one"),
    ],
)
def test_labels_before_and_after_the_paragraphs_are_left_out(html: str, article: str) -> None:
    assert extract_lines(body(html)).article_text == article


@given(st.lists(st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=9), min_size=1), st.data())
def test_no_word_is_lost_or_joined_to_another_one(words: list[str], data: st.DataObject) -> None:
    wraps = [
        "<p>{}</p>",
        "<div>{}</div>",
        "<b>{}</b> ",
        "{}<br>",
        "<li>{}</li>",
        "{} <i></i>",
        "{}<img>",
    ]
    html = "".join(data.draw(st.sampled_from(wraps)).format(word) for word in words)
    assert extract_lines(body(html)).text.split() == words
