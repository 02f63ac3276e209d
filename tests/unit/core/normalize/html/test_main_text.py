"""The main text: straight from a plain article, else what the extractor chooses of it."""

from __future__ import annotations

import time

import pytest

from stream.core.normalize.html.dom import parse
from stream.core.normalize.html.main_text import main_text, text_without_tree

SENTENCE = "The new garden of the town was opened this morning by the mayor, in front of all who had come to see it."
PLAIN = f"<article><p>{SENTENCE}</p><p>{SENTENCE}</p><p>{SENTENCE}</p></article>"
#: Half of the text stands outside paragraphs.
MIXED = "<div>" + f"<p>{SENTENCE}</p><div><span>{SENTENCE}</span> and more</div>" * 4 + "</div>"


def read(html: str, stated: str | None = None) -> str:
    tree = parse(html)
    assert tree is not None
    return main_text(tree, stated)


def fail(*_: object, **__: object) -> None:
    raise RecursionError


def test_a_plain_article_needs_no_extractor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trafilatura.bare_extraction", fail)
    assert read(PLAIN) == "\n".join([SENTENCE] * 3)


def test_an_extractor_that_fails_leaves_the_visible_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trafilatura.bare_extraction", fail)
    assert read(MIXED).count(SENTENCE) == 8


def test_lines_of_other_articles_are_as_the_page_parts_them() -> None:
    text = read(MIXED + "<div>Imprint</div>" * 40)
    assert set(text.split("\n")) <= {SENTENCE, f"{SENTENCE} and more"}
    assert text.count(SENTENCE) >= 4


@pytest.mark.parametrize(
    ("stated", "is_taken"),
    [(SENTENCE * 20, True), (SENTENCE * 4, False), (SENTENCE, False), ("", False), (None, False)],
)
def test_a_stated_text_is_taken_where_the_page_shows_less_than_half(stated: str | None, *, is_taken: bool) -> None:
    assert (read(PLAIN, stated) == stated) is is_taken


def test_a_short_text_on_a_long_page_is_looked_for_everywhere() -> None:
    links = "".join(
        f"<li><a href='/{number}'>Other news of the town, number {number}</a></li>" for number in range(300)
    )
    assert SENTENCE in read(f"<ul>{links}</ul><div><p>{SENTENCE}</p></div>")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two", "one\ntwo"),
        ("<script>a < b</script>one", "one"),
        ("<script>never closed", ""),
        ("one < two", "one < two"),
        ("", ""),
    ],
)
def test_text_between_tags(html: str, text: str) -> None:
    assert text_without_tree(html) == text


@pytest.mark.parametrize(
    "html",
    [
        "<" * 1_000_000,
        "<script" * 140_000,
        "<p>" * 300_000,
        "\n" * 1_000_000,
        " \n" * 500_000,
        " " * 1_000_000,
        "<p>x" + " " * 1_000_000 + "y",
    ],
)
def test_a_million_characters_are_no_matter(html: str) -> None:
    start = time.process_time()
    text_without_tree(html)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "html",
    [
        "<span class='a'>" + f"{SENTENCE[:40]}</span><span class='a'>" * 9_000,
        f"<div><i>{SENTENCE[:40]}</i>x</div>" * 8_000,
        f"<p><a href='x'>{SENTENCE[:40]}</a></p>" * 12_000,
        f"<div class='b'><p>{SENTENCE[:40]}</p>x</div>" * 10_000,
        ("<div>" + SENTENCE[:40]) * 10_000,
        ("<div class='share'>" + SENTENCE[:40]) * 17_000 + "</div>" * 17_000,
        ("<ul><li><a href='x'>more</a>" + SENTENCE[:40]) * 7_000,
    ],
)
def test_pages_of_many_tags_are_read_in_time(html: str) -> None:
    start = time.process_time()
    read(html)
    assert time.process_time() - start < 10
