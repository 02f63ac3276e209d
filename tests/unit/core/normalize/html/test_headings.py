"""The title: the heading of the article, weighed against what the metadata state."""

from __future__ import annotations

import pytest

from stream.core.normalize.html import read_page

STORY = "<p>The new garden of the town was opened this morning by the mayor, in front of all who came to see it.</p>"


@pytest.mark.parametrize(
    ("html", "title"),
    [
        (
            "<meta property=og:title content='Garden!'><article><h1>A new garden opens in town</h1>",
            "A new garden opens in town",
        ),
        (
            "<title>New garden | Gazette</title><h1 class=headline>Town gets a place to rest</h1>",
            "Town gets a place to rest",
        ),
        (
            "<title>A new garden opens | Gazette</title><h1>The town Gazette</h1><h1>A new garden opens</h1>",
            "A new garden opens",
        ),
        (
            "<title>城市花园今天正式开放_社会_日报</title><h1>日报</h1><h2>城市花园今天正式开放</h2>",
            "城市花园今天正式开放",
        ),
        (
            "<title>Gazette: A new garden opens</title><meta property=og:title content=Gazette><h1>Gazette</h1>",
            "A new garden opens",
        ),
        ("<meta property=og:title content='A new garden opens'><h1>News</h1>", "A new garden opens"),
        (
            "<meta property=og:title content='حديقة جديدة في الواحة'><article><h1>افتتاح حديقة جديدة في الواحة</h1>",
            "افتتاح حديقة جديدة في الواحة",
        ),
        ("<title>Garden opens | The Gazette</title>", "Garden opens"),
    ],
)
def test_the_title_of_an_article(html: str, title: str) -> None:
    assert read_page(f"{html}{STORY * 3}").title == title
