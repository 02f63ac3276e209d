"""The time of publication, wherever a page gives it."""

from __future__ import annotations

import pytest

from stream.core.contracts.events import Origin, RawEvent
from stream.core.normalize import EventContext, normalize
from stream.core.normalize.html.page_dates import add_zone

ARRIVAL = EventContext("0" * 32, Origin(topic="articles.raw", partition=0, offset=0), None, 0)
STORY = "<p>The new garden of the town was opened this morning by the mayor, in front of all who came to see it.</p>"


def published_at(head: str, body: str = "", url: str = "https://news.example/garden") -> str | None:
    html = f"<head>{head}</head><body><article>{body}{STORY * 3}</article></body>"
    return normalize(RawEvent(url=url, html=html), ARRIVAL).published_at


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        ("<meta value='2026-05-04T09:30:00+02:00' name=article:published_time>", "", "2026-05-04T07:30:00.000Z"),
        ('<script>var page = {"datePublished": "2026-05-04T09:30:00Z"}</script>', "", "2026-05-04T09:30:00.000Z"),
        ("<script>window.x={'publish_date':'2026-05-04'}</script>", "", "2026-05-04T00:00:00.000Z"),
        ("", "<span itemprop=datePublished content='2026-05-04T09:30:00Z'>today</span>", "2026-05-04T09:30:00.000Z"),
        ("", "<span class=post-date>May 4, 2026</span>", "2026-05-04T00:00:00.000Z"),
        ("", "<div class=x7>Published: 4 May 2026</div>", "2026-05-04T00:00:00.000Z"),
        ("", "<p class=datum>4. Mai 2026</p>", "2026-05-04T00:00:00.000Z"),
        ("", "<div class=date>2026年5月4日</div>", "2026-05-04T00:00:00.000Z"),
        ("", "<div class=date>٤ مايو ٢٠٢٦</div>", "2026-05-04T00:00:00.000Z"),
        ("", "<div class=date>4 мая 2026</div>", "2026-05-04T00:00:00.000Z"),
        ("", "", None),
    ],
)
def test_where_the_date_is(head: str, body: str, expected: str | None) -> None:
    assert published_at(head, body) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/2026/05/04/garden", "2026-05-04T00:00:00.000Z"),
        ("/news/20260504/garden.html", "2026-05-04T00:00:00.000Z"),
        ("/news/2026-05-04/garden", "2026-05-04T00:00:00.000Z"),
        ("/2026/garden", None),
        ("/99260504/garden", None),
        ("/2026/13/04/garden", None),
    ],
)
def test_a_date_in_the_url(path: str, expected: str | None) -> None:
    url = f"https://news.example{path}"
    assert published_at(f"<link rel=canonical href='{url}'>", url=url) == expected


def test_a_time_without_a_zone_gets_that_of_another_statement() -> None:
    json_ld = (
        '<script type="application/ld+json">{"@type":"Article","datePublished":"2026-05-04T09:30:00+08:00"}</script>'
    )
    meta = "<meta property=article:published_time content='2026-05-04T09:30:00'>"
    assert published_at(meta + json_ld) == "2026-05-04T01:30:00.000Z"


@pytest.mark.parametrize(
    ("date", "others", "expected"),
    [
        ("2026-05-04T09:30", ["2026-05-04T09:30:00-0500"], "2026-05-04T09:30-0500"),
        ("2026-05-04 09:30:00", ["x", "2026-05-04T01:30:00Z"], "2026-05-04 09:30:00"),
        ("2026-05-04T09:30:00Z", ["2026-05-04T09:30:00+08:00"], "2026-05-04T09:30:00Z"),
        ("2026-05-04", ["2026-05-04T09:30:00+08:00"], "2026-05-04"),
        ("4 May 2026", ["2026-05-04T09:30:00+08:00"], "4 May 2026"),
    ],
)
def test_zones(date: str, others: list[str], expected: str) -> None:
    assert add_zone(date, others) == expected
