"""Pages as trees, narrowed to their article."""

from __future__ import annotations

import time

import pytest

from stream.core.normalize.html.dom import Tree, article_part, parse

SENTENCE = "The new garden of the town was opened this morning by the mayor. "


def tree(html: str) -> Tree:
    parsed = parse(html)
    assert parsed is not None
    return parsed


def test_metadata_are_kept_and_never_text_goes() -> None:
    page = tree(
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
    ("html", "part"),
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
def test_the_article_is_the_deepest_part_with_nearly_all_text(html: str, part: str) -> None:
    assert article_part(tree(html.replace("{s}", SENTENCE)).body).attributes.get("id") == part


@pytest.mark.parametrize("html", ["", "<a>link</a>", "<p>short</p>", "<div>a<div>b</div></div>"])
def test_without_running_text_the_article_is_the_body(html: str) -> None:
    assert article_part(tree(html).body).tag == "body"


def test_elements_that_are_never_closed_lose_no_more_than_a_fifth() -> None:
    body = tree(("<div>" + SENTENCE) * 100).body
    assert article_part(body).text().count(SENTENCE) >= 80


def test_a_picture_for_readers_without_scripts_ends_no_head() -> None:
    assert tree("<head><noscript><img src=a></noscript><title>A</title></head>").title == "A"


@pytest.mark.parametrize("tag", ["svg", "nav", "figure"])
def test_elements_inside_each_other_are_removed(tag: str) -> None:
    """Removing one frees what is inside it; what is freed is not touched again."""
    page = tree(f"<p>{SENTENCE}</p>" + f"<{tag}><meta name=a content=b><{tag}>x" * 200)
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
def test_deep_and_wide_pages_are_narrowed_in_time(html: str) -> None:
    start = time.process_time()
    article_part(tree(html).body)
    assert time.process_time() - start < 8
