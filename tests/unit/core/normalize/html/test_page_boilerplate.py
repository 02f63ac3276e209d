"""What is removed from an article as it is no text of it, and that sentences stay whole."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborNode

from stream.core.normalize.html.dom import parse
from stream.core.normalize.html.page_boilerplate import remove_boilerplate_elements
from stream.core.normalize.html.paragraphs import extract_lines

SENTENCE = "The new garden of the town was opened this morning by the mayor, in front of all who had come to see it."
CLASSES = ("tag-link", "author", "related", "video-term", "ad", "embed", "share", "caption", "teaser", "gallery item")


def body(html: str) -> LexborNode:
    tree = parse(html)
    assert tree is not None
    return tree.body


def text_without_boilerplate(html: str) -> str:
    article = body(html)
    remove_boilerplate_elements(article)
    return extract_lines(article).text


@pytest.mark.parametrize(
    "element",
    [
        "<div class='share-bar'>Share</div>",
        "<p class=caption>A photo.</p>",
        "<div id='related'><p>Other news of the town</p></div>",
        "<figcaption>A photo.</figcaption>",
        "<table><tr><td>1</td></tr></table>",
        "<div class='CommentBox'><p>I never liked it.</p></div>",
        "<p><span class=author>By Anna Hill</span> <time>4 May</time></p>",
        "<p><span class='sr-only'>For screens.</span></p>",
        "<div class='donation'><p>Give us money.</p></div>",
        "<div id='newsletter-signup'>Write to us.</div>",
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


@pytest.mark.parametrize("tag", ["a", "span", "b", "em", "strong", "i", "mark", "cite", "abbr", "time", "label", "u"])
@pytest.mark.parametrize("words", ["Anna Kowalska", "安娜", "آنا كوالسكا", "Анна Ковальская", "अन्ना", "8 p.m."])
def test_no_word_is_removed_from_a_sentence(tag: str, words: str) -> None:
    for name in CLASSES:
        html = f"<p>{SENTENCE}</p><p>Minister <{tag} class='{name}' id={tag}>{words}</{tag}> said so.</p>"
        assert text_without_boilerplate(html) == f"{SENTENCE}\nMinister {words} said so."


@given(st.lists(st.tuples(st.sampled_from(["a", "span", "time", "em"]), st.sampled_from(CLASSES)), max_size=5))
def test_a_sentence_stays_whole_whatever_the_classes_of_its_words(parts: list[tuple[str, str]]) -> None:
    words = "".join(f" <{tag} class='{name}'>word{i}</{tag}>" for i, (tag, name) in enumerate(parts))
    expected = "".join(f" word{i}" for i in range(len(parts)))
    text = text_without_boilerplate(f"<p>{SENTENCE}</p><p>It is reported that the garden{words} has opened.</p>")
    assert text == f"{SENTENCE}\nIt is reported that the garden{expected} has opened."


@pytest.mark.parametrize(
    "element",
    [
        "<p><a href=/1><b>On Friday three bidders told the council that they would not take part again.</b></a></p>",
        "<p><a href=/1>「三社は金曜日、入札に二度と参加しないと市議会に伝えた」と議長は述べた。</a></p>",
        "<p><a href=/1>وأبلغت ثلاث شركات المجلس يوم الجمعة أنها لن تشارك مرة أخرى في هذه المناقصة.</a></p>",
        "<p class=lead><a href=/1>Three of the bidders give up</a></p>",
        "<p>Three firms bid for it:</p><ul><li><a href=/a>Northern Works</a></li><li><a href=/b>Haven</a></li></ul>",
        "<p>Three firms bid for the work：</p><ol><li><a href=/a>Northern Works</a></li></ol>",
    ],
)
def test_links_that_are_part_of_the_story_stay(element: str) -> None:
    html = f"<p>{SENTENCE}</p>{element}<p>{SENTENCE}</p>"
    assert text_without_boilerplate(html) == extract_lines(body(html)).text


@pytest.mark.parametrize(
    "element",
    [
        "<p><a href=/1>Three of the bidders for the pier of the town give up their plans for it</a></p>",
        "<p>More:</p><ul><li><a href=/a>Choir sings in station hall</a></li></ul>",
        "<p>Other news of today:</p><ul><li><a href=/a>Choir of forty miners sings in hall</a></li></ul>",
    ],
)
def test_links_to_other_articles_are_removed(element: str) -> None:
    assert "href" not in (body(f"<p>{SENTENCE}</p>").html or "")
    text = text_without_boilerplate(f"<p>{SENTENCE}</p>{element}<p>{SENTENCE}</p>")
    assert not {"Three", "Choir"} & set(text.split())


def test_comments_are_removed_even_if_they_are_longer_than_the_article() -> None:
    comments = "<ol class=commentlist>" + f"<li><p>{SENTENCE.upper()}</p></li>" * 9 + "</ol>"
    assert text_without_boilerplate(f"<p>{SENTENCE}</p><p>{SENTENCE}</p>{comments}") == f"{SENTENCE}\n{SENTENCE}"


def test_each_removed_block_is_counted_by_its_kind() -> None:
    article = body(
        f"<p>{SENTENCE}</p><p>{SENTENCE}</p><h1>Title</h1><p class=caption>A photo.</p><figcaption>A</figcaption>"
        "<div class=related>Other news</div><form>Search</form><p hidden>Hidden</p><table><tr><td>1</td></tr></table>"
        "<div id=comments>I liked it.</div><p><a href=x>Other news</a></p><div class=share></div>"
    )
    assert remove_boilerplate_elements(article) == Counter(
        page_captions=2, page_boxes=1, page_forms=1, page_hidden=1, page_tables=1, page_comments=1, page_links=1
    )
