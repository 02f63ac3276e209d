"""Tests of the parsed page and of the search for its article."""

from __future__ import annotations

import time

import pytest

from stream.core.normalize.html.dom import Tree, article_element, parse

SENTENCE = "The new garden of the town was opened this morning by the mayor. "


def parse_tree(html: str) -> Tree:
    tree = parse(html)
    assert tree is not None
    return tree


def test_metadata_are_kept_and_elements_that_are_never_text_are_removed() -> None:
    page = parse_tree(
        "<html><head><title> A </title><base href='/x/'><meta name=a content=b><link rel=c href=d>"
        "<script type='application/ld+json; charset=utf-8'>{}</script><script>x</script></head>"
        "<body><nav>n</nav><svg><title>t</title></svg><p>text</p><aside>a</aside></body></html>"
    )
    assert page.title == " A "
    assert page.base == "/x/"
    assert page.metadata == [{"name": "a", "content": "b"}, {"rel": "c", "href": "d"}]
    assert page.json_ld == ["{}"]
    assert page.body.text() == "text"


@pytest.mark.parametrize(
    ("html", "article_id"),
    [
        ("<div id=a><p>{s}</p><p>{s}</p></div><div id=b><p>short</p></div>", "a"),
        ("<div id=a><div id=b><p>{s}</p></div><div id=c><p>{s}</p></div></div>", "a"),
        ("<div id=a><article id=b><p>{s}</p></article><ul><li><a>{s}{s}{s}</a></li></ul></div>", "b"),
        ("<div id=a><div id=b>{s}<br>{s}</div><div class='post-comments'><p>{s}{s}{s}</p></div></div>", "b"),
        ("<div id=a><div id=b><p>{s}</p></div><div hidden><p>{s}{s}{s}</p></div></div>", "b"),
        ("<div id=a><div id=b><p>{s}</p></div><div role=dialog><p>{s}{s}{s}</p></div></div>", "b"),
        ("<div id=a><div id=b><p>{s}</p></div><div style='Display : none'><p>{s}{s}</p></div></div>", "b"),
        ("<article id=a class='has comments'><p>{s}</p></article>", "a"),
        ("<section id=a><p><span id=b>{s}</span></p></section>", "a"),
        ("<section id=a><p id=b>{s}</p></section>", "a"),
    ],
)
def test_the_article_is_the_deepest_element_with_nearly_all_text(html: str, article_id: str) -> None:
    assert article_element(parse_tree(html.replace("{s}", SENTENCE)).body).attributes.get("id") == article_id


@pytest.mark.parametrize("html", ["", "<a>link</a>", "<p>short</p>", "<div>a<div>b</div></div>"])
def test_without_running_text_the_article_is_the_body(html: str) -> None:
    assert article_element(parse_tree(html).body).tag == "body"


def test_unclosed_elements_lose_at_most_a_fifth_of_the_text() -> None:
    body = parse_tree(("<div>" + SENTENCE) * 100).body
    assert article_element(body).text().count(SENTENCE) >= 80


def test_an_image_in_noscript_does_not_end_the_head() -> None:
    assert parse_tree("<head><noscript><img src=a></noscript><title>A</title></head>").title == "A"


@pytest.mark.parametrize("tag", ["svg", "nav", "figure"])
def test_nested_elements_are_removed(tag: str) -> None:
    """Removing an element frees its descendants, which must not be touched afterwards."""
    page = parse_tree(f"<p>{SENTENCE}</p>" + f"<{tag}><meta name=a content=b><{tag}>x" * 200)
    assert page.body.text() == SENTENCE
    assert page.metadata[0] == {"name": "a", "content": "b"}


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 10_000 + SENTENCE,
        ("<div>" + SENTENCE) * 10_000,
        ("<b>" + SENTENCE) * 10_000,
        ("<ul><li>" + SENTENCE) * 8_000,
        "<div class='share'>" * 10_000 + SENTENCE + "</div>" * 10_000,
        ("<p>" + SENTENCE + "</p>") * 20_000,
        ("<table><tr><td>" + SENTENCE) * 5_000,
    ],
)
def test_the_article_of_a_deep_or_wide_page_is_found_in_time(html: str) -> None:
    start = time.process_time()
    article_element(parse_tree(html).body)
    assert time.process_time() - start < 8
