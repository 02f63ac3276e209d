"""Tests of the main text: read directly from a plain article, else selected by trafilatura."""

from __future__ import annotations

import time

import pytest

from stream.core.normalize.html.dom import parse
from stream.core.normalize.html.main_text import extract_main_text, strip_tags

SENTENCE = "The new garden of the town was opened this morning by the mayor, in front of all who had come to see it."
PLAIN = f"<article><p>{SENTENCE}</p><p>{SENTENCE}</p><p>{SENTENCE}</p></article>"
#: Half of the text is outside paragraphs.
MIXED = "<div>" + f"<p>{SENTENCE}</p><div><span>{SENTENCE}</span> and more</div>" * 4 + "</div>"


def read(html: str, stated_text: str | None = None) -> str:
    tree = parse(html)
    assert tree is not None
    return extract_main_text(tree, stated_text)[0]


def fail(*_: object, **__: object) -> None:
    raise RecursionError


def test_a_plain_article_is_read_without_trafilatura(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trafilatura.bare_extraction", fail)
    assert read(PLAIN) == "\n".join([SENTENCE] * 3)


def test_the_visible_text_is_used_if_trafilatura_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trafilatura.bare_extraction", fail)
    assert read(MIXED).count(SENTENCE) == 8


def test_lines_that_trafilatura_selects_end_where_they_end_on_the_page() -> None:
    text = read(MIXED + "<div>Imprint</div>" * 40)
    assert set(text.split("\n")) <= {SENTENCE, f"{SENTENCE} and more"}
    assert text.count(SENTENCE) >= 4


@pytest.mark.parametrize(
    ("stated_text", "is_used"),
    [(SENTENCE * 20, True), (SENTENCE * 4, False), (SENTENCE, False), ("", False), (None, False)],
)
def test_a_stated_text_is_used_if_the_page_shows_less_than_half_of_it(
    stated_text: str | None, *, is_used: bool
) -> None:
    assert (read(PLAIN, stated_text) == stated_text) is is_used


def test_a_short_text_on_a_long_page_is_sought_in_the_whole_page() -> None:
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
def test_tags_and_scripts_are_stripped(html: str, text: str) -> None:
    assert strip_tags(html) == text


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
def test_tags_of_a_million_characters_are_stripped_in_time(html: str) -> None:
    start = time.process_time()
    strip_tags(html)
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
def test_pages_with_many_tags_are_read_in_time(html: str) -> None:
    start = time.process_time()
    read(html)
    assert time.process_time() - start < 10
