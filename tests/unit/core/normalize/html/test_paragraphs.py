"""Tests of the text of an element, one paragraph per line, without boilerplate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborNode

from stream.core.normalize.html.dom import parse
from stream.core.normalize.html.paragraphs import extract_lines, remove_boilerplate_elements

SENTENCE = "The new garden of the town was opened this morning by the mayor, in front of all who had come to see it."


def body(html: str) -> LexborNode:
    tree = parse(html)
    assert tree is not None
    return tree.body


@pytest.mark.parametrize(
    "element",
    [
        "<div class='share-bar'>Share</div>",
        "<p class=caption>A photo.</p>",
        "<div id='related'><p>Other news of the town</p></div>",
        "<figcaption>A photo.</figcaption>",
        "<table><tr><td>1</td></tr></table>",
        "<h1>Title</h1>",
        "<time>4 May</time>",
        "<p><a href=x>Other news of the town</a></p>",
        "<p><b><a href=x>Other news</a> <a href=y>of the town</a></b></p>",
        "<ul><li><a href=x>Other news</a></li></ul>",
        "<p class='sr-only'>For screens.</p>",
        "<p hidden>Hidden.</p>",
    ],
)
def test_boilerplate_is_removed(element: str) -> None:
    article = body(f"<p>{SENTENCE}</p>{element}<p>{SENTENCE}</p>")
    remove_boilerplate_elements(article)
    assert extract_lines(article).text == f"{SENTENCE}\n{SENTENCE}"


@pytest.mark.parametrize(
    "element",
    [
        f"<div class='share-bar'><p>{SENTENCE}</p><p>{SENTENCE}</p></div>",
        f"<p class='shareholders'>{SENTENCE}</p>",
        f"<p class='article-text'>{SENTENCE} <a href=x>More</a></p>",
        f"<p id='sharing-economy'>{SENTENCE}</p>",
    ],
)
def test_what_only_looks_like_boilerplate_stays(element: str) -> None:
    article = body(element)
    text = extract_lines(article).text
    remove_boilerplate_elements(article)
    assert extract_lines(article).text == text


def test_nested_boilerplate_is_measured_as_a_whole() -> None:
    box = f"<p>{SENTENCE}</p><div class=related><p>{SENTENCE}</p></div>"
    article = body(f"<p>{SENTENCE}</p><div class=share>{box}</div><p>{SENTENCE}</p>")
    remove_boilerplate_elements(article)
    assert extract_lines(article).text == "\n".join([SENTENCE] * 3), "the outer box has half of the text and stays"


def test_nested_blocks_of_links_are_removed() -> None:
    links = "<a href=x>Other news of the town</a>"
    article = body(f"<p>{SENTENCE}</p><div><p>{links}</p>{links}</div><p>{SENTENCE}</p>")
    remove_boilerplate_elements(article)
    assert extract_lines(article).text == f"{SENTENCE}\n{SENTENCE}"


def test_empty_lines_of_preformatted_text_are_dropped() -> None:
    assert extract_lines(body("<pre>one\n\n  \ntwo\n\n</pre>")).text == "one\ntwo"


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
