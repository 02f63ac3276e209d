"""Tests of the metadata of a page, and of which source wins."""

from __future__ import annotations

import pytest

from stream.core.normalize.html.dom import parse
from stream.core.normalize.html.metadata import Metadata, read_metadata


def read(head: str, body: str = "", attributes: str = "") -> Metadata:
    tree = parse(f"<html {attributes}><head>{head}</head><body>{body}</body></html>")
    assert tree is not None
    return read_metadata(tree)


def ld(properties: str) -> str:
    return f'<script type="application/ld+json">{{"@type": "NewsArticle", {properties}}}</script>'


def meta(name: str, content: str, attribute: str = "property") -> str:
    return f'<meta {attribute}="{name}" content="{content}">'


def test_a_page_without_metadata_has_none() -> None:
    assert read("") == Metadata()


@pytest.mark.parametrize(
    ("head", "body", "title"),
    [
        (meta("og:title", "A") + ld('"headline": "B"'), "<h1>C</h1>", "A"),
        (ld('"headline": "B"') + "<title>D</title>", "<h1>C</h1>", "B"),
        ("<title>Garden opens - Town</title>", "<h1>Garden opens</h1>", "Garden opens"),
        ("<title></title>", "<h1> Garden\n opens </h1>", "Garden opens"),
        (meta("og:title", "Garden - Gazette") + meta("og:site_name", "Gazette"), "", "Garden"),
        (meta("og:title", "Garden - Gazette") + ld('"publisher": {"name": "Gazette"}'), "", "Garden"),
        ("", "<svg><title>icon</title></svg>", None),
    ],
)
def test_the_title_comes_from_the_best_source_without_the_site(head: str, body: str, title: str | None) -> None:
    assert read(head, body).title == title


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ('<link rel="canonical" href=" https://news.example/1 ">', "https://news.example/1"),
        ('<link rel="alternate canonical" href="HTTPS://news.example/1">', "HTTPS://news.example/1"),
        ('<link rel="alternate" href="https://news.example/1">', None),
        ('<link rel="canonical" href="//news.example/1">', None),
        (
            '<link rel="canonical" href="//news.example/1">' + meta("og:url", "http://a.example/2"),
            "http://news.example/1",
        ),
        (meta("og:url", "http://a.example/2"), "http://a.example/2"),
        ('<link rel="canonical" href="http://a.example/?p=7">', "http://a.example/?p=7"),
        ('<link rel="canonical" href="http://a.example">', None),
        ('<link rel="canonical" href="http://[a">', None),
        ('<link rel="canonical" href="ftp://a.example/1">', None),
        (f'<link rel="canonical" href="http://a.example/{"1" * 5_000}">', None),
    ],
)
def test_the_url_is_the_canonical_link_unless_that_is_the_front_page(head: str, url: str | None) -> None:
    assert read(head).url == url


@pytest.mark.parametrize(
    ("head", "body", "date"),
    [
        (meta("article:published_time", "2026-05-04") + ld('"datePublished": "2026-05-05"'), "", "2026-05-04"),
        (meta("pubdate", "2026-05-04", "name"), "", "2026-05-04"),
        (meta("DC.Date.Issued", "2026-05-04", "name"), "", "2026-05-04"),
        (meta("datePublished", "2026-05-04", "itemprop"), "", "2026-05-04"),
        (meta("date", "today", "name"), "", None),
        (meta("date", "1" * 200, "name"), "", None),
        ("", "<div><time datetime='2026-05-04'>x</time></div>", None),
        ("", "<div><time pubdate datetime='2026-05-04'>x</time></div>", "2026-05-04"),
        ("", "<article><p>4 May 2026</p></article>", None),
        (meta("article:published_time", "2150-05-04T09:00:00Z"), "", "2150-05-04T09:00:00Z"),
    ],
)
def test_dates_are_returned_as_stated_and_never_guessed(head: str, body: str, date: str | None) -> None:
    assert read(head, body).published_at == date


@pytest.mark.parametrize(
    ("head", "attributes", "language"),
    [
        (meta("og:locale", "ar_AR"), 'lang="fa"', "fa"),
        (meta("og:locale", "ar_AR"), 'lang=""', "ar_AR"),
        (meta("og:locale", "ar_AR"), 'xml:lang="ur"', "ur"),
        (meta("Content-Language", "ru", "http-equiv") + ld('"inLanguage": "uk"'), "", "ru"),
        (ld('"inLanguage": ["uk", "ru"]'), "", "uk"),
    ],
)
def test_languages_are_returned_as_declared(head: str, attributes: str, language: str) -> None:
    assert read(head, attributes=attributes).language == language


@pytest.mark.parametrize(
    ("head", "body", "authors"),
    [
        (ld('"author": "Mary Hill"') + meta("author", "The Gazette", "name"), "", ["Mary Hill"]),
        (ld('"author": "mary@news.example"') + meta("author", "Mary Hill", "name"), "", ["Mary Hill"]),
        (meta("article:author", "https://social.example/mary") + meta("dc.creator", "Mary", "name"), "", ["Mary"]),
        (meta("author", "Mary Hill", "name") + meta("author", "John Brook", "name"), "", ["Mary Hill", "John Brook"]),
        ("", '<a rel="author" href="/mary">By Mary Hill</a>', ["Mary Hill"]),
        ("", '<div itemprop="author"><b itemprop="name">Mary Hill</b><i>our reporter</i></div>', ["Mary Hill"]),
        ("", f'<div itemprop="author">{"no name " * 200}</div>', []),
    ],
)
def test_authors_come_from_the_first_source_with_names(head: str, body: str, authors: list[str]) -> None:
    assert read(head, body).authors == authors


def test_section_tags_summary_and_site_come_from_meta_elements() -> None:
    metadata = read(
        meta("article:section", "Town")
        + meta("article:tag", "gardens")
        + meta("article:tag", "mills")
        + meta("og:description", " A garden.\nOpened. ")
        + meta("og:site_name", "Gazette")
    )
    assert (metadata.section, metadata.tags, metadata.summary, metadata.site) == (
        "Town",
        ["gardens", "mills"],
        "A garden.\nOpened.",
        "Gazette",
    )


def test_tags_are_stripped_from_a_stated_body() -> None:
    assert read(ld('"articleBody": "<p>One &amp; two.</p><p>Three.</p>"')).body == "\nOne &amp; two.\n\nThree.\n"
    assert read(ld('"articleBody": "&lt;p&gt;One.&lt;/p&gt;"')).body == "\nOne.\n"


def test_the_number_of_tags_and_the_length_of_lines_are_limited() -> None:
    metadata = read(meta("keywords", ",".join(map(str, range(5_000))), "name") + meta("og:title", "x" * 5_000))
    assert len(metadata.tags) == 100
    assert metadata.title == "x" * 1_000
