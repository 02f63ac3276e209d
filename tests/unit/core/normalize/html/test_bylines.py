"""The authors beside an article, where the metadata name none."""

from __future__ import annotations

import pytest

from stream.core.normalize.html import read_page

STORY = "<p>The new garden of the town was opened this morning by the mayor, in front of all who came to see it.</p>"


@pytest.mark.parametrize(
    ("byline", "authors"),
    [
        ("<div class=byline>By <a href=/authors/anna-hill>Anna Hill</a> and John Brook</div>", ["Anna Hill"]),
        ("<div class=byline>By Anna Hill and John Brook</div>", ["Anna Hill", "John Brook"]),
        ("<p class=by-line>Von Jürgen Groß | 4. Mai 2026</p>", ["Jürgen Groß"]),
        ("<span class=author-name>ليلى سالم</span>", ["ليلى سالم"]),
        ("<div class=author>بقلم: وليد عمر</div>", ["وليد عمر"]),
        ("<div class=author>記者 佐藤花子</div>", ["佐藤花子"]),
        ("<div class=autor>Por María José Ñuñez</div>", ["María José Ñuñez"]),
        ("<div class=postAuthor><b>Автор: Анна Ковальская</b></div>", ["Анна Ковальская"]),
        ("<a rel=author href=/a>Anna Hill</a>", ["Anna Hill"]),
        (
            "<div class=meta><a href='/profile/anna'>Anna Hill</a>, <a href='/profile/j'>John Brook</a></div>",
            ["Anna Hill", "John Brook"],
        ),
    ],
)
def test_names_in_a_byline(byline: str, authors: list[str]) -> None:
    assert read_page(f"<article><h1>Garden opens in town</h1>{byline}{STORY * 3}</article>").authors == authors


@pytest.mark.parametrize(
    "html",
    [
        "<meta name=author content='The Gazette'><meta property=og:site_name content='The Gazette'>",
        "<div class=byline>Staff writer</div>",
        "<div class=author>4 May 2026</div>",
        "<div class=author>https://news.example/anna</div>",
        "<div class=author>By</div>",
        "<a href='/authors/all'>All authors</a>",
        "<div class='comment author'>Anna Hill</div>",
    ],
)
def test_publishers_roles_dates_and_addresses_are_no_authors(html: str) -> None:
    assert read_page(f"{html}<article>{STORY * 3}</article>").authors == []
