"""Which of several articles on a page counts, and where the next one begins."""

from __future__ import annotations

import pytest

from stream.core.normalize.html import read_page

STORY = [
    "The harbour council voted on Monday evening to rebuild the eastern pier, which storms had damaged twice.",
    "Work is to begin in April and should take fourteen months, according to the engineers of the town.",
    "Fishing crews said they would have to land their catch elsewhere, and asked the council for help.",
]
STORY_HTML = "<h1>Pier to be rebuilt</h1>" + "".join(f"<p>{line}</p>" for line in STORY)
CHOIR = "<p>A choir of forty miners sang in the station hall on Sunday, and travellers stayed to listen to them.</p>"
NEXT_HTML = f"<h1>Choir sings in station hall</h1>{CHOIR * 3}"
ABOUT = "<p>Our newspaper has been printed in this town since 1888, and 40,000 people read it over their coffee.</p>"


@pytest.mark.parametrize(
    "page",
    [
        f"<main><article>{STORY_HTML}</article></main><div id=about>{ABOUT * 2}</div>",
        f"<section>{ABOUT}</section><article>{STORY_HTML}</article>",
        f"<article>{STORY_HTML}</article><article>{NEXT_HTML}</article>",
        f"<title>Pier to be rebuilt | Paper</title><article>{NEXT_HTML}</article><article>{STORY_HTML}</article>",
        f"<div><div class=story>{STORY_HTML}</div><div class=story>{NEXT_HTML}</div></div>",
        f"<article>{STORY_HTML}<section class=next>{NEXT_HTML}</section></article>",
        f"<article>{STORY_HTML}<article class=comment>{CHOIR}</article><div id='comments'>{CHOIR}</div></article>",
        f"<div><div class=post>{STORY_HTML}</div><div class=side>{ABOUT}</div><div class=more>{CHOIR}</div></div>",
        f"<div hidden id='S:0'><article>{STORY_HTML}</article></div>",
    ],
)
def test_the_article_that_the_page_is_about_is_read(page: str) -> None:
    assert read_page(page).text.split("\n") == STORY


def test_parts_of_one_article_stay_together() -> None:
    part, *rest = STORY
    page = f"<article><h1>Pier</h1><div class=part><p>{part}</p></div><div class=part>" + "".join(
        f"<p>{line}</p>" for line in rest
    )
    assert read_page(f"{page}</div></article>").text.split("\n") == STORY


def test_a_standfirst_above_the_article_is_its_first_line() -> None:
    summary = "The council decides about the eastern pier after two storms, and against the advice of its engineers"
    page = f"<meta name=description content='{summary}'><div><h2>{summary}</h2></div><article>{STORY_HTML}</article>"
    assert read_page(page).text.split("\n") == [summary, *STORY]
